"""A model that says what a test wrote down for it, and waits where the test wants it to wait.

    model = Scripted().say("Hel").hold().say("lo").usage(3, 2)
    …start what asks it…
    await model.held()      # it has said "Hel" and waits
    model.release()

`then()` begins the answer to the next question, `fail()` ends one with an error. As the plug-in
that it is, it answers a whole site: `with override_settings(LLMS=model.as_setting()): …`.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Self

from chat.llm.base import LLM, Finish, LLMError, Piece, Reasoning, Retrying, Text, Usage

# A test that waits longer than this for what it expects fails.
SECONDS = 30


class Gate:
    """A place where the model waits."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()


@dataclass
class Asked:
    """One question that the model was asked, and what became of the answer."""

    messages: list[dict]
    options: dict = field(default_factory=dict)
    finished: bool = False  # it came to its own end
    closed: bool = False  # who asked wants no more


class Scripted(LLM):
    def __init__(self, *, model: str = "scripted") -> None:
        super().__init__(model=model)
        self.asked: list[Asked] = []
        self._answers: list[list[Piece | Gate | LLMError]] = [[]]
        self._gates: list[Gate] = []

    def as_setting(self) -> dict:
        """`settings.LLMS` of a site where this very model answers."""
        return {"default": {"BACKEND": "tests.scripted.the_same", "SCRIPTED": self}}

    # What it will say

    def say(self, text: str) -> Self:
        return self._will(Text(text))

    def think(self, text: str) -> Self:
        return self._will(Reasoning(text))

    def retry(self, attempt: int) -> Self:
        return self._will(Retrying(attempt))

    def usage(self, prompt_tokens: int, completion_tokens: int) -> Self:
        return self._will(Usage(prompt_tokens, completion_tokens))

    def finish(self, reason: str) -> Self:
        """The answer is whole; it is anyway, with "stop", if nothing else is said."""
        return self._will(Finish(reason))

    def fail(self, code: str) -> Self:
        return self._will(LLMError(code))

    def then(self) -> Self:
        """From here on, the answer to the next question."""
        self._answers.append([])
        return self

    def hold(self) -> Self:
        """Wait here for `release`."""
        gate = Gate()
        self._gates.append(gate)
        return self._will(gate)

    # While it says it

    async def held(self) -> None:
        """Wait until the model stands at the next gate."""
        await asyncio.wait_for(self._gates[0].reached.wait(), SECONDS)

    def release(self) -> None:
        """Open the next gate."""
        self._gates.pop(0).opened.set()

    async def stream(
        self,
        messages: list[dict],
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
    ) -> AsyncGenerator[Piece, None]:
        if len(self.asked) == len(self._answers):
            raise AssertionError("the model was asked more often than the test has answers")
        answer = self._answers[len(self.asked)]
        options = {"max_tokens": max_tokens, "temperature": temperature}
        asked = Asked([dict(message) for message in messages], options)
        self.asked.append(asked)
        try:
            for piece in answer:
                if isinstance(piece, Gate):
                    piece.reached.set()
                    await piece.opened.wait()
                elif isinstance(piece, LLMError):
                    raise piece
                else:
                    yield piece
            if not any(isinstance(piece, Finish) for piece in answer):
                yield Finish("stop")
            asked.finished = True
        except (asyncio.CancelledError, GeneratorExit):
            asked.closed = True
            raise

    def _will(self, piece: Piece | Gate | LLMError) -> Self:
        self._answers[-1].append(piece)
        return self


def the_same(*, scripted: Scripted, model: str = "") -> Scripted:
    """The backend of `Scripted.as_setting`: not a new model, but the one of the test."""
    return scripted


class Told:
    """The `emit` of a flow that remembers what it was told, in one order."""

    def __init__(self) -> None:
        self.events: list[tuple] = []

    @property
    def said(self) -> str:
        """The reply."""
        return "".join(event[1] for event in self.events if event[0] == "text")

    async def text(self, text: str) -> None:
        self.events.append(("text", text))

    async def reasoning(self, text: str) -> None:
        self.events.append(("reasoning", text))

    async def retrying(self, attempt: int) -> None:
        self.events.append(("retrying", attempt))

    @asynccontextmanager
    async def step(self, name: str, label: str) -> AsyncIterator[SimpleNamespace]:
        step = SimpleNamespace(detail="")
        self.events.append(("step", name, "running", label))
        try:
            yield step
        except BaseException:
            self.events.append(("step", name, "error", step.detail))
            raise
        self.events.append(("step", name, "done", step.detail))
