"""What a flow is given and what it gives back: all that its author needs to know.

A flow is built for each reply by `build(*, llm, emit) -> AsyncFlow` and run over `shared`, a plain
dictionary. In it: `messages`, the shown branch as `{"role", "content"}`, oldest first, the question
last (of a very long one the end); `options`, see below. Out of it: `finish_reason` and `usage`.
What the reader is to see goes through `emit` while it happens. A node sees neither sockets nor
rows, so a flow runs in a test, in a terminal, and behind the chat alike.

Two traps of PocketFlow: a node that has emitted must not be tried again (`max_retries=1`, or its
text stands there twice), and a stopped reply is cancelled at an `await`, after which `post_async`
does not run (release what you hold in `finally`).
"""

from contextlib import AbstractAsyncContextManager
from typing import NotRequired, Protocol, TypedDict

from chat.llm.base import Usage


class Options(TypedDict):
    """How this reply is to be made."""

    model: str  # what people call the model that `llm` is
    system: str  # the system prompt
    context_tokens: int  # how much history the model gets, about
    keep_last: int  # so many messages at the end are never cut from the history


class Shared(TypedDict):
    """What the nodes of a flow share; a flow may keep keys of its own beside these."""

    messages: list[dict]
    options: Options
    prompt: NotRequired[list[dict]]  # what is sent to the model, made by `Trim`
    finish_reason: NotRequired[str]
    usage: NotRequired[Usage]


class ReplyFull(Exception):
    """The reply has reached the server's own limit of characters: `emit` takes no more."""


class StepHandle(Protocol):
    """A step that is under way; `detail` may be set until it ends."""

    detail: str


class Emit(Protocol):
    """Where a flow says what the reader is to see."""

    async def text(self, text: str) -> None:
        """More of the reply."""

    async def reasoning(self, text: str) -> None:
        """More of what the model thinks; never mixed into the reply."""

    async def retrying(self, attempt: int) -> None:
        """The model's server is asked again; `attempt` counts from 1."""

    def step(self, name: str, label: str) -> AbstractAsyncContextManager[StepHandle]:
        """A part of the work: `async with emit.step("search", "Searching the web") as step: …`."""
