"""What a backend is: something that turns messages into a stream of typed pieces."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Text:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """More of what the model thinks aloud; never part of the answer."""

    text: str


TOKENS = 2**31 - 1  # what a database holds; a larger number is no count of tokens


@dataclass(frozen=True, slots=True)
class Usage:
    """What the reply cost, in tokens. At most once, before `Finish`."""

    prompt_tokens: int
    completion_tokens: int

    @property
    def is_possible(self) -> bool:
        """Whether these are counts, of which a database holds the sum: they come from outside."""
        counts = self.prompt_tokens, self.completion_tokens
        return all(type(count) is int and count >= 0 for count in counts) and sum(counts) <= TOKENS


@dataclass(frozen=True, slots=True)
class Finish:
    """The last piece of a whole reply.

    `reason` is one of `FINISH_REASONS`. A stream that ends without it was not whole, and raises.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Retrying:
    """Attempt number `attempt` (from 1) failed; the next one starts after a short wait."""

    attempt: int


Piece = Text | Reasoning | Usage | Finish | Retrying

# What a server may say; anything else is told as "other", for it is text from outside.
FINISH_REASONS = {"stop", "length", "content_filter", "tool_calls", "function_call", "other"}

ERROR_CODES = {
    "upstream_unreachable",
    "upstream_timeout",
    "upstream_rate",
    "upstream_auth",
    "upstream_cut",
    "upstream_malformed",
    "upstream_empty",
    "upstream_error",
    "context_too_long",
}


class LLMError(Exception):
    """The model's server did not give a whole reply.

    `code` is one of `ERROR_CODES`; `retry_after` the seconds that the server asked to wait, where
    it did. `str()` gives the code alone: what a server says may carry secrets and is never kept.
    """

    def __init__(self, code: str, retry_after: float | None = None) -> None:
        if code not in ERROR_CODES:
            raise ValueError(f"{code!r} is not a code of LLMError")
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after


class LLM(ABC):
    """One model that answers. Light: made for each reply.

    `model` is the name that people are shown. A backend names the configuration that it takes as
    keyword arguments of its `__init__`. `max_tokens` is the longest answer where the caller asks
    for no other number.
    """

    max_tokens: int | None = None

    def __init__(self, *, model: str = "", **config: Any) -> None:
        self.model = model
        self.config = config

    async def name(self) -> str:
        """The model's name, which may have to be asked for; "" if it is not to be had."""
        return self.model

    async def models(self) -> list[str]:
        """The names of the models that can be chosen here, the default first."""
        return [self.model]

    @abstractmethod
    def stream(
        self,
        messages: list[dict],
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """Answer `messages` (OpenAI's `{"role", "content"}`), piece by piece.

        An async generator. Close it (`aclose()`, or cancel the task that reads it) to stop the
        model. Raises `LLMError`, also after pieces; never retries once a character was given.
        """
