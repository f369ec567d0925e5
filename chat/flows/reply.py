from contextlib import aclosing

from pocketflow import AsyncNode

from chat.llm.base import LLM, Finish, Reasoning, Retrying, Text, Usage

from .contract import Emit, Shared


class Reply(AsyncNode):
    """Streams the model's answer to `shared["prompt"]`."""

    def __init__(self, *, llm: LLM, emit: Emit) -> None:
        super().__init__(max_retries=1)
        self.llm = llm
        self.emit = emit

    async def prep_async(self, shared: Shared) -> list[dict]:
        return shared["prompt"]

    async def exec_async(self, prompt: list[dict]) -> tuple[str, Usage | None]:
        finish_reason, usage = "", None
        # Closing at once, not at garbage collection, is what ends the model's work on a stop.
        async with aclosing(self.llm.stream(prompt)) as pieces:
            async for piece in pieces:
                match piece:
                    case Text(text):
                        await self.emit.text(text)
                    case Reasoning(text):
                        await self.emit.reasoning(text)
                    case Retrying(attempt):
                        await self.emit.retrying(attempt)
                    case Finish(reason):
                        finish_reason = reason
                    case Usage():
                        usage = piece
        return finish_reason, usage

    async def post_async(self, shared: Shared, prompt: list[dict], answer: tuple) -> None:
        shared["finish_reason"], usage = answer
        if usage is not None:
            earlier = shared.get("usage", Usage(0, 0))
            shared["usage"] = Usage(
                earlier.prompt_tokens + usage.prompt_tokens,
                earlier.completion_tokens + usage.completion_tokens,
            )
