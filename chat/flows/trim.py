from pocketflow import AsyncNode

from chat.text import estimate_tokens

from .contract import Shared


class Trim(AsyncNode):
    """Makes the prompt: the system prompt, and as much of the newest history as fits the budget."""

    async def prep_async(self, shared: Shared) -> tuple:
        options = shared["options"]
        return (
            shared["messages"],
            options["system"],
            options["context_tokens"],
            options["keep_last"],
        )

    async def exec_async(self, prepared: tuple) -> list[dict]:
        return trimmed(*prepared)

    async def post_async(self, shared: Shared, prepared: tuple, prompt: list[dict]) -> None:
        shared["prompt"] = prompt


def trimmed(messages: list[dict], system: str, budget: int, keep_last: int = 1) -> list[dict]:
    """The system prompt and the longest end of `messages` that fits into `budget` tokens (about),
    at least the last `keep_last`."""
    left = budget - estimate_tokens(system)
    kept: list[dict] = []
    for message in reversed(messages):
        left -= estimate_tokens(message["content"])
        if left < 0 and len(kept) >= keep_last:
            break
        kept.append(message)
    kept.reverse()
    # Many chat templates refuse a history that begins with an answer, or does not alternate (a
    # question whose reply failed is followed by the next one).
    while len(kept) > keep_last and kept[0]["role"] == "assistant":
        del kept[0]
    prompt = [{"role": "system", "content": system}] if system else []
    for message in kept:
        if prompt and prompt[-1]["role"] == message["role"]:
            joined = f"{prompt[-1]['content']}\n\n{message['content']}"
            prompt[-1] = {"role": message["role"], "content": joined}
        else:
            prompt.append(message)
    return prompt
