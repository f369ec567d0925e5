"""Plan, then answer: the example of a flow with more than one step.

The first node asks the model for a short plan, which the reader sees as a step; the reply that
streams after it follows the plan.
"""

from contextlib import aclosing

from pocketflow import AsyncFlow, AsyncNode

from chat.llm.base import LLM, Text, Usage

from .contract import Emit, Shared
from .reply import Reply
from .trim import Trim, trimmed

PLAN_PROMPT = (
    "Do not answer yet. Write a plan for the answer to the last message: at most four short "
    "bullet points, and nothing else."
)


class Plan(AsyncNode):
    """Has the model plan its answer, and puts the plan into the system prompt."""

    def __init__(self, *, llm: LLM, emit: Emit) -> None:
        super().__init__(max_retries=1)
        self.llm = llm
        self.emit = emit

    async def prep_async(self, shared: Shared) -> list[dict]:
        options = shared["options"]
        # What follows the question (where a reply is continued) is no part of what to plan.
        question = len(shared["messages"]) - options["keep_last"]
        return trimmed(
            shared["messages"][: question + 1],
            f"{options['system']}\n\n{PLAN_PROMPT}".strip(),
            options["context_tokens"],
        )

    async def exec_async(self, prompt: list[dict]) -> tuple[str, Usage | None]:
        plan, usage = "", None
        async with (
            self.emit.step("plan", "Planning the answer") as step,
            aclosing(self.llm.stream(prompt, max_tokens=300)) as pieces,
        ):
            async for piece in pieces:
                if isinstance(piece, Text):
                    plan += piece.text
                elif isinstance(piece, Usage):
                    usage = piece
            step.detail = plan.strip()
        return plan.strip(), usage

    async def post_async(self, shared: Shared, prompt: list[dict], answer: tuple) -> None:
        plan, usage = answer
        system = f"{shared['options']['system']}\n\nFollow this plan:\n{plan}".strip()
        shared["options"] = {**shared["options"], "system": system}
        if usage is not None:
            shared["usage"] = usage


def build(*, llm: LLM, emit: Emit) -> AsyncFlow:
    """Plans first, then answers: slower, for what takes some thought."""
    plan, trim = Plan(llm=llm, emit=emit), Trim()
    plan >> trim >> Reply(llm=llm, emit=emit)
    return AsyncFlow(start=plan)
