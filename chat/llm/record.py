"""What is asked of the models, for whoever wants to know it of all that runs in a context."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass

from .base import LLM, Finish, LLMError, Piece, Reasoning, Retrying, Text, Usage


@dataclass(slots=True)
class Call:
    """One question to a model, and what became of the answer. Times are `time.monotonic()`."""

    model: str
    messages: list[dict]
    max_tokens: int | None
    temperature: float | None
    began: float
    first: float | None = None  # its first text or reasoning
    ended: float | None = None
    finish: str = ""
    usage: Usage | None = None
    tries: int = 1
    error: str = ""  # a code of `LLMError`, or "cancelled": nobody wanted to hear the rest


# Who is told of each call when it begins; it may be looked at until it has ended.
recorder: ContextVar[Callable[[Call], None] | None] = ContextVar("recorder", default=None)


class Recorded(LLM):
    """A backend as it is, whose calls are told to the `recorder`; `prefix` goes before the model's
    name, as people know it."""

    def __init__(self, backend: LLM, prefix: str = "") -> None:
        self._backend = backend
        self._prefix = prefix
        self.max_tokens = backend.max_tokens  # of its own: `LLM` has one, too

    def __getattr__(self, name: str) -> object:
        return getattr(self._backend, name)

    async def name(self) -> str:
        return await self._backend.name()

    async def models(self) -> list[str]:
        return await self._backend.models()

    async def stream(
        self,
        messages: list[dict],
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """As `LLM.stream`."""
        record = recorder.get()
        # Copies, for a flow may go on with its list after the call.
        asked = [{**message} for message in messages]
        most = max_tokens or self.max_tokens
        call = Call(self._model(), asked, most, temperature, time.monotonic())
        if record is not None:
            record(call)
        options = {"max_tokens": max_tokens, "temperature": temperature}
        try:
            async with aclosing(self._backend.stream(messages, **options)) as pieces:
                async for piece in pieces:
                    if type(piece) is not Text or call.first is None:
                        _note(call, piece)
                    yield piece
        except LLMError as error:
            call.error = error.code
            raise
        except (asyncio.CancelledError, GeneratorExit):
            call.error = "" if call.finish else "cancelled"
            raise
        except Exception:
            call.error = "upstream_error"
            raise
        finally:
            call.model = self._model()  # it may have had to be asked for
            call.ended = time.monotonic()

    def _model(self) -> str:
        return f"{self._prefix}{self._backend.model}"


def _note(call: Call, piece: Piece) -> None:
    match piece:
        case Text() | Reasoning():
            call.first = call.first or time.monotonic()
        case Retrying(attempt):
            call.tries = attempt + 1
        case Usage():
            call.usage = piece
        case Finish(reason):
            call.finish = reason
