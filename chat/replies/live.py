import asyncio
import copy
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.conf import settings
from django.utils import timezone

from chat import logs
from chat.flows import trace
from chat.flows.contract import ReplyFull
from chat.models import Append, Ending, Step, Trace
from chat.text import Cleaner, clean, estimate_tokens

from .log import Log

# A flow that is faster than the database waits while so many code points are not yet committed.
UNCOMMITTED = 65_536
# A flow whose model never lets it wait gives way to the others after so many.
TURN = 2_048


@dataclass(frozen=True, slots=True)
class Write:
    """What one commit adds to one reply: plain data for the database thread."""

    append: Append
    steps: tuple[Step, ...] = ()
    ending: Ending | None = None
    trace: Trace | None = None  # with the ending
    refused: bool = False  # it only says that the database refused the one before
    since: float = 0.0  # monotonic: when the flow said the first of it


class LiveReply:
    """A reply that this process writes: what its flow has produced and is not yet committed.

    It is the `emit` of the flow (`chat.flows.contract.Emit`). The writer takes what has gathered,
    commits it, and lets the log grow by it.
    """

    def __init__(self, log: Log, *, model: str, wake_writer: Callable[["LiveReply"], None]) -> None:
        self.id: UUID = log.id
        self.log = log
        self.model = model
        # What an operator is told of it.
        self.ids = {**logs.bound(), "conversation": log.conversation, "reply": log.id}
        self.began = time.monotonic()
        self.first_token: float | None = None  # seconds, until it was committed
        self.ending: Ending | None = None
        self.trace: Trace | None = None  # what the flow did, once it is over
        self.cancelled_for = "restart"  # why, if the task is cancelled: a code of REPLY_ERRORS
        self.committed_at = self.began  # when the lease was last renewed
        self.fresh = True  # nothing of it is committed yet: the first token waits for no tick
        self.closed = asyncio.Event()  # it is written no more
        self.task: asyncio.Task | None = None
        self._wake_writer = wake_writer
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._steps: dict[UUID, Step] = {}
        self._steps_made = 0
        self._steps_changed = 0
        self._pending = 0  # code points that no commit has taken yet
        self._pending_since = 0.0
        self._produced = log.length
        self._thought = 0  # code points of reasoning
        self._room = asyncio.Event()
        self._text_cleaner = Cleaner()
        self._reasoning_cleaner = Cleaner()

    @property
    def dirty(self) -> bool:
        """Whether there is something to commit."""
        return bool(self._pending or self._steps or self.ending)

    @property
    def length(self) -> int:
        """How many code points the text has, committed or not."""
        return self._produced

    def first_seen(self) -> float | None:
        """The seconds until the first of it was committed, or by now if it is about to be."""
        return time.monotonic() - self.began if self._pending and self.fresh else self.first_token

    def estimated_tokens(self) -> int:
        """About how many tokens the model has given so far."""
        said = estimate_tokens(self.log.text + "".join(self._text))
        return said + estimate_tokens(self.log.reasoning + "".join(self._reasoning))

    # What the flow says

    async def text(self, text: str) -> None:
        text = self._text_cleaner.push(text)
        room = settings.CHAT_LIMITS["reply_characters"] - self._produced
        self._produced += min(len(text), max(room, 0))
        await self._say(self._text, text[: max(room, 0)])
        if len(text) > room:
            raise ReplyFull

    async def reasoning(self, text: str) -> None:
        if not self._produced and self.log.phase != ("thinking", None):
            self.log.tell_phase("thinking")
        text = self._reasoning_cleaner.push(text)
        room = settings.CHAT_LIMITS["reply_characters"] - self._thought
        self._thought += min(len(text), max(room, 0))
        await self._say(self._reasoning, text[: max(room, 0)])
        if len(text) > room:
            raise ReplyFull

    async def retrying(self, attempt: int) -> None:
        self.log.tell_phase("retrying", attempt)

    @asynccontextmanager
    async def step(self, name: str, label: str) -> AsyncIterator[Step]:
        self._steps_made += 1
        step = Step(
            id=uuid4(),
            message_id=self.id,
            position=self._steps_made,
            name=clean(name)[:64],
            label=clean(label)[:200],
            started=timezone.now(),
            node=trace.at_work(),
        )
        began = time.monotonic()
        self._step_changed(step)
        step.status = Step.Status.ERROR  # unless it comes to its end
        try:
            yield step
            step.status = Step.Status.DONE
        finally:
            step.ms = round((time.monotonic() - began) * 1000)
            step.detail = clean(step.detail)
            self._step_changed(step)

    async def _say(self, pieces: list[str], text: str) -> None:
        if not text:
            return
        pieces.append(text)
        before = self._pending
        self._pending += len(text)
        if not before:
            self._pending_since = time.monotonic()
            self._wake_writer(self)
        if self._pending > UNCOMMITTED:
            self._room.clear()
            await self._room.wait()
        elif self._pending // TURN > before // TURN:
            await asyncio.sleep(0)

    def _step_changed(self, step: Step) -> None:
        self._steps[step.id] = copy.copy(step)
        self._steps_changed += 1
        self._wake_writer(self)

    # What ends it

    def end(self, ending: Ending) -> None:
        """The flow is over: with the next commit the reply is final."""
        for pieces, cleaner in (
            (self._text, self._text_cleaner),
            (self._reasoning, self._reasoning_cleaner),
        ):
            if rest := cleaner.rest():
                pieces.append(rest)
        self.ending = ending
        self._wake_writer(self)

    def cancel(self, why: str) -> None:
        """Stop the flow. `why` is the code with which the reply ends, if nobody ended it before."""
        self.cancelled_for = why
        if self.task is not None:
            self.task.cancel()

    # What the writer takes

    def take(self) -> Write:
        """What has gathered since the last commit; the buffers are empty after it."""
        append = Append(
            self.id,
            self.log.length,
            "".join(self._text),
            self.log.reasoning_length,
            "".join(self._reasoning),
            self._steps_changed,
        )
        steps = tuple(self._steps.values())
        write = Write(append, steps, self.ending, self.trace, since=self._pending_since)
        self._text.clear()
        self._reasoning.clear()
        self._steps.clear()
        self._pending = 0
        self._room.set()
        return write
