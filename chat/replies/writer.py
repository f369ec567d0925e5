"""Write before show: the one writer of a process commits what all its replies have produced.

Each tick it takes what has gathered, writes it in one transaction, and only then lets the replies'
logs grow, which is what their readers are told from. A reply whose row does not match any more was
stopped, settled, or taken over: its task is cancelled and nothing more is written. The same
statement renews the leases, so a reply that is silent hears of a stop within a second too.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from time import monotonic
from uuid import UUID

from django.conf import settings

from chat import events
from chat.logs import fields
from chat.models import Ending, Message

from . import bus, snapshot
from .commit import Outcome, commit
from .database import AWAY, DatabaseThreads
from .hub import Hub
from .live import LiveReply, Write

logger = logging.getLogger("chat.replies")

# The writer is busy for a quarter of the time at most: a tick stretches with the last commit.
REST = 4
# A row is written anew with each append, so a long reply's are fewer: a millisecond more for each
# thousand code points, up to a quarter of a second.
SECONDS_PER_CHARACTER = 1e-6
LONGEST_TICK = 0.25


class Writer:
    def __init__(self, hub: Hub, worker: str, turn: AbstractAsyncContextManager) -> None:
        self._hub = hub
        self._turn = turn
        self._worker = worker
        self._replies: dict[UUID, LiveReply] = {}
        self._thread = DatabaseThreads(1, "writer")
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._sleeps_until = 0.0
        self._at_work_since = 0.0  # at the last commit
        self._at_work = 0.0  # for how long
        self._free_at = 0.0  # a commit for a first token or an end may begin
        self._tick_at = 0.0  # a commit for more of a reply may begin

    def add(self, reply: LiveReply) -> None:
        """Write this reply from now on, until it is final."""
        self._replies[reply.id] = reply
        events.reply_begun()
        self._idle.clear()
        self._woken.set()

    def live(self) -> dict[UUID, LiveReply]:
        """The replies that this process writes."""
        return dict(self._replies)

    def look(self, id: UUID) -> None:
        """The row of a reply was ended by somebody: if it is written here, find out now."""
        reply = self._replies.get(id)
        if reply is not None:
            reply.cancel("restart")  # the row says how it ended: this only ends the model

    @property
    def is_behind(self) -> bool:
        """Whether a reply has waited for longer than its lease to be committed."""
        longest = monotonic() - settings.CHAT_TIMES["lease"]
        return any(reply.committed_at < longest for reply in self._replies.values())

    async def idle(self) -> None:
        """Wait until every reply is final."""
        await self._idle.wait()

    def wake(self, reply: LiveReply) -> None:
        """There is something to commit of `reply`."""
        if self._due(reply) < self._sleeps_until:
            self._woken.set()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._sleep()
            now = monotonic()
            due = [
                reply
                for reply in self._replies.values()
                # Leases are renewed a little early, many in one commit.
                if self._due(reply) <= now + (0 if reply.dirty else settings.CHAT_TIMES["tick"])
            ]
            if due:
                await self._commit(due)

    def _due(self, reply: LiveReply) -> float:
        """When `reply` is to be written next."""
        if not reply.dirty:
            times = settings.CHAT_TIMES
            return reply.committed_at + min(times["poll"], times["lease"] / 3)
        if self._is_urgent(reply):
            return self._free_at
        longest = LONGEST_TICK - settings.CHAT_TIMES["tick"]
        longer = min(reply.length * SECONDS_PER_CHARACTER, longest)
        return max(self._tick_at, reply.committed_at + longer)

    def _is_urgent(self, reply: LiveReply) -> bool:
        """Whether it waits for no tick: its first token, and its end."""
        return reply.fresh or reply.ending is not None

    async def _sleep(self) -> None:
        self._woken.clear()
        self._sleeps_until = min(map(self._due, self._replies.values()), default=float("inf"))
        seconds = self._sleeps_until - monotonic()
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds if self._replies else None):
                    await self._woken.wait()
        self._sleeps_until = 0.0

    async def _commit(self, due: list[LiveReply]) -> None:
        began = monotonic()
        is_tick = any(reply.dirty and not self._is_urgent(reply) for reply in due)
        writes = [reply.take() for reply in due]
        outcomes = await self._write(writes)
        took = monotonic() - began
        # What it waited for its turn, or for a lock, is no reason to rest, nor is one commit that
        # took longer than the last: leases are renewed each second.
        at_work = monotonic() - self._at_work_since
        rest = (REST - 1) * min(at_work, self._at_work)
        self._at_work = at_work
        busy = took + min(rest, settings.CHAT_TIMES["poll"])
        self._free_at = began + busy
        if is_tick:
            self._tick_at = began + max(settings.CHAT_TIMES["tick"], busy)
        events.committed(took, _waits(outcomes, began + took))
        for reply, outcome in zip(due, outcomes, strict=True):
            self._apply(reply, outcome, began)

    async def _write(self, writes: list[Write]) -> list[Outcome]:
        """Commit, however long the database takes. A write that it refuses ends its reply, and no
        other's."""
        pause = 0.05
        while True:
            try:
                async with self._turn:
                    self._at_work_since = monotonic()
                    return await self._thread(commit, writes, self._worker)
            except AWAY as error:
                known = fields(replies=len(writes), error=type(error).__name__)
                logger.warning("replies wait for the database", **known)
                self._wait_for_database()
                if all(self._is_over(write) for write in writes):
                    # Perhaps there is room for the ends alone, as on a disk that is full.
                    if len(writes) > 1:
                        return [(await self._write([write]))[0] for write in writes]
                    writes = [self._without_data(writes[0])]
            except Exception as error:
                logger.error("a write was refused", **fields(error=type(error).__name__))
                if len(writes) > 1:
                    return [(await self._write([write]))[0] for write in writes]
                if writes[0].refused:
                    return [Outcome(writes[0], written=False)]  # its lease will end it
                traced = writes[0].trace is not None
                bare = replace(writes[0], trace=None)
                writes = [bare if traced else self._without_data(bare)]
            await asyncio.sleep(pause)
            pause = min(2 * pause, 1)

    def _is_over(self, write: Write) -> bool:
        """Whether the lease has ended of which this write would have been the renewal."""
        held = monotonic() - self._replies[write.append.id].committed_at
        return held > settings.CHAT_TIMES["lease"] and not write.refused

    def _without_data(self, write: Write) -> Write:
        """The end of a reply whose last piece the database would not take."""
        self._replies[write.append.id].cancel("storage")
        append = replace(write.append, text="", reasoning="")
        status = Message.Status.INTERRUPTED if append.length else Message.Status.ERROR
        return Write(append, ending=Ending(status, error="storage"), refused=True)

    def _wait_for_database(self) -> None:
        """Readers learn that nothing is lost; a model whose reply has no lease left is stopped."""
        now = monotonic()
        for reply in self._replies.values():
            reply.log.tell_phase("saving")
            if now - reply.committed_at > settings.CHAT_TIMES["lease"] and not reply.ending:
                reply.cancel("storage")

    def _apply(self, reply: LiveReply, outcome: Outcome, began: float) -> None:
        log, write = reply.log, outcome.write
        if outcome.written:
            reply.committed_at = began
            if log.phase == ("saving", None):
                log.tell_phase("waiting")
            if reply.fresh and (write.append.text or write.append.reasoning):
                reply.fresh, reply.first_token = False, monotonic() - reply.began
                events.first_token(reply.first_token)
            log.grow(
                write.append.text,
                write.append.reasoning,
                tuple(map(snapshot.step_object, write.steps)),
            )
            if self._hub.is_followed_elsewhere(log):
                bus.ring(bus.GROWN, log.id)
            if outcome.final is None:
                return
            if write.trace is not None:
                reply.trace = None  # it is kept
        del self._replies[reply.id]
        self._report(reply, outcome)
        if not self._replies:
            self._idle.set()
        reply.cancel("lost_worker")
        if outcome.final is not None:
            log.finish(outcome.final)
            self._hub.close(log)
        elif outcome.gone:
            log.vanish()
            self._hub.close(log)
        else:
            logger.warning("a reply is this worker's no more", **fields(**reply.ids))
            log.local = False
            if not log.readers:
                self._hub.close(log)
        reply.closed.set()
        bus.ring(bus.ENDED, log.conversation)

    def _report(self, reply: LiveReply, outcome: Outcome) -> None:
        """Tell the operator how it ended, or that it is not this worker's to end."""
        final = outcome.final
        if final is None:
            events.reply_left()
            return
        events.reply_ended(
            reply.ids,
            model=reply.model,
            status=final["status"],
            code=final.get("error", {}).get("code", ""),
            seconds=monotonic() - reply.began,
            first_token=reply.first_token,
            length=final["length"],
            usage=final.get("usage") or outcome.usage,
        )


def _waits(outcomes: list[Outcome], now: float) -> Iterator[tuple[int, float]]:
    """Of each piece that was written: its characters, and how long it had waited."""
    for outcome in outcomes:
        append = outcome.write.append
        if outcome.written and (characters := len(append.text) + len(append.reasoning)):
            yield characters, now - outcome.write.since
