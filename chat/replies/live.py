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
from chat.text import Cleaner, clean, tokens_of

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


class Gathered:
    """One of a reply's two texts: the pieces that came since the last commit took them."""

    def __init__(self, length: int) -> None:
        self.length = length  # code points, committed or not
        self.bytes = 0  # that the flow gave, also while a commit is under way
        self._pieces: list[str] = []
        self._cleaner = Cleaner()

    def push(self, text: str) -> tuple[str, bool]:
        """What of `text` finds room, cleaned, and whether all of it did."""
        text = self._cleaner.push(text)
        room = max(settings.CHAT_LIMITS["reply_characters"] - self.length, 0)
        self._keep(text[:room])
        return text[:room], len(text) <= room

    def end(self) -> None:
        """No more comes: half of a surrogate pair waits no longer."""
        self._keep(self._cleaner.rest())

    def take(self) -> str:
        text = "".join(self._pieces)
        self._pieces.clear()
        return text

    def _keep(self, text: str) -> None:
        if text:
            self._pieces.append(text)
            self.length += len(text)
            self.bytes += len(text.encode())


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
        self._text = Gathered(log.length)
        self._reasoning = Gathered(0)  # each answer may think as much
        self._steps: dict[UUID, Step] = {}
        self._open_steps: dict[UUID, Step] = {}
        self._steps_made = 0
        self._steps_changed = 0
        self._pending = 0  # code points that no commit has taken yet
        self._pending_since = 0.0
        self._room = asyncio.Event()

    @property
    def dirty(self) -> bool:
        """Whether there is something to commit."""
        return bool(self._pending or self._steps or self.ending)

    @property
    def length(self) -> int:
        """How many code points the text has, committed or not."""
        return self._text.length

    def first_seen(self) -> float | None:
        """The seconds until the first of it was committed, or by now if it is about to be."""
        return time.monotonic() - self.began if self._pending and self.fresh else self.first_token

    def estimated_tokens(self) -> int:
        """About how many tokens the model has given so far."""
        return tokens_of(self._text.bytes) + tokens_of(self._reasoning.bytes)

    # What the flow says

    async def text(self, text: str) -> None:
        await self._say(self._text, text)

    async def reasoning(self, text: str) -> None:
        if not self._text.length and self.log.phase != ("thinking", None):
            self.log.tell_phase("thinking")
        await self._say(self._reasoning, text)

    async def retrying(self, attempt: int) -> None:
        self.log.tell_phase("retrying", attempt)

    @asynccontextmanager
    async def step(self, name: str, label: str) -> AsyncIterator[Step]:
        self._check_goes_on()
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
        self._open_steps[step.id] = step
        step.status = Step.Status.ERROR  # unless it comes to its end
        try:
            yield step
            step.status = Step.Status.DONE
        finally:
            del self._open_steps[step.id]
            step.ms = round((time.monotonic() - began) * 1000)
            step.detail = clean(str(step.detail))
            self._step_changed(step)

    def _check_goes_on(self) -> None:
        """The flow may be over while a part of it is not: of what runs beside each other in it, one
        has failed. That part ends here, too, with the model that it asks."""
        if self.ending is not None:
            raise asyncio.CancelledError

    async def _say(self, gathered: Gathered, text: str) -> None:
        self._check_goes_on()
        text, whole = gathered.push(text)
        if text:
            await self._pend(len(text))
        if not whole:
            raise ReplyFull

    async def _pend(self, length: int) -> None:
        before = self._pending
        self._pending += length
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
        self._text.end()
        self._reasoning.end()
        for step in self._open_steps.values():
            step.detail = ""
            self._step_changed(step)  # as one that failed
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
            self._text.take(),
            self.log.reasoning_length,
            self._reasoning.take(),
            self._steps_changed,
        )
        steps = tuple(self._steps.values())
        write = Write(append, steps, self.ending, self.trace, since=self._pending_since)
        self._steps.clear()
        self._pending = 0
        self._room.set()
        return write
