import asyncio
import contextvars
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from time import monotonic
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import Error as DatabaseError

from chat import events, llm, logs, protocol
from chat.models import Message
from chat.protocol import Continue, Frame, Refused, Regenerate, Send

from . import accept, bus, settle, trace, tree
from .accept import Accepted, Task
from .database import AWAY, in_database, write_turn
from .doubt import Doubts
from .follow import Follower
from .guard import Guard
from .hub import Hub
from .line import Line, Party
from .live import LiveReply
from .retry import retry
from .run import run
from .snapshot import Operator
from .stop import stop
from .title import entitle
from .writer import Writer

T = TypeVar("T")
logger = logging.getLogger("chat.replies")

# How long the writing of interrupted replies may take at the end (seconds).
INTERRUPTING = 3
# How long tasks may take to be cancelled then: a client's own may forget that it was (seconds).
CANCELLING = 1
# When a request that a server at its end did not take may be sent again (seconds).
RETRY_AFTER = 2

_processes: dict[asyncio.AbstractEventLoop, "Process"] = {}
_drains: list[asyncio.Future] = []  # a loop keeps no strong reference to its tasks


async def current() -> "Process":
    """The process of the running event loop, started when it is first asked for."""
    loop = asyncio.get_running_loop()
    process = _processes.get(loop)
    if process is None:
        process = _processes[loop] = Process()
        # Its own tasks are not of whoever asks first.
        process.starting = contextvars.Context().run(process.spawn, process.start())
    await asyncio.shield(process.starting)
    return process


async def drain() -> None:
    """End what the running event loop's process does, if it has one."""
    process = _processes.get(asyncio.get_running_loop())
    if process is not None:
        await process.drain()


def begin_drain(*, and_all_tasks: bool = False) -> asyncio.Future:
    """Drain, for a caller that cannot wait; then, if asked, end every other task of the loop."""

    async def work() -> None:
        await drain()
        if and_all_tasks:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            ended, _ = await asyncio.wait(others, timeout=CANCELLING)
            await asyncio.gather(*ended, return_exceptions=True)
            await asyncio.get_running_loop().shutdown_asyncgens()

    process = _processes.get(asyncio.get_running_loop())
    if process is not None:
        process.draining = True  # at once: the next that daphne does is to cancel its consumers
    _drains.append(asyncio.ensure_future(work()))
    return _drains[-1]


class Process:
    """What runs in this process whoever is connected: the replies, their writer, the hub that knows
    who looks, the guard that knows whose sockets these are, the line in which people wait for their
    turn, and the settler. Sockets come and go; these stay."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task] = set()
        self._accepting: set[asyncio.Task] = set()
        self.worker = settle.Worker()
        self.hub = Hub()
        self.guard = Guard(self.spawn)
        self.line = Line()
        self._turn = write_turn()
        self._asking = write_turn()
        self.writer = Writer(self.hub, self.worker.id, self._turn)
        self.bus = bus.Bus(
            self.worker.id,
            {
                bus.CHANGED: self.hub.hear_change,
                bus.ENDED: self.hub.hear_end,
                bus.GROWN: self.hub.hear_growth,
                bus.FOLLOWED: self.hub.hear_interest,
                bus.STOPPED: self.writer.look,
                bus.DOUBTED: self.guard.hear_doubt,
                bus.MOVED: self.guard.hear_move,
            },
        )
        self.starting: asyncio.Task | None = None
        self.draining = self.drained = False
        self.failed: dict[str, float] = {}  # tasks of the process: when they last had to start anew
        self._doubts = Doubts(self.spawn)

    async def start(self) -> None:
        try:
            self._ring(await in_database(settle.settle_dead_workers))
        except (DatabaseError, OSError) as error:
            known = logs.fields(error=type(error).__name__)
            logger.warning("dead workers are settled later", **known)
        self.spawn(self._forever(self.writer.run))
        self.spawn(self._forever(self.hub.tell_entries))
        self.spawn(self._forever(self.hub.look))
        self.spawn(self._forever(self.guard.look))
        self.spawn(self._forever(self._settle))
        if self.bus.reaches_others:
            self.spawn(self._forever(self.bus.send))
            self.spawn(self._forever(self.bus.listen))
        # What was imported stays: looking through it for garbage holds up everybody for 0.1 s.
        gc.freeze()
        events.started(self.worker.id)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task:
        """A task of the process, which no socket or request can cancel or leak its context into,
        but for the ids that the log says."""
        context = contextvars.Context()
        context.run(logs.bind, **logs.bound())
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # What the doors ask

    async def request(
        self, party: Party, user: AbstractBaseUser, frame: Send | Regenerate | Continue
    ) -> Accepted:
        """Accept the request and start its reply, even if the asker goes away meanwhile. Raises
        Refused."""
        return await self._whole(self._request(party, user, frame))

    async def retry(
        self, user: AbstractBaseUser, reply: UUID, *, assistant: str, model: str
    ) -> Accepted:
        """Have another reply written beside this, in a copy of the user's own. Raises Refused."""
        return await self._whole(self._retry(user, reply, assistant=assistant, model=model))

    async def select(self, party: Party, user: AbstractBaseUser, message: UUID) -> None:
        """Show another branch. Raises Refused."""
        await self._ask(party, tree.select, user, message)

    async def stop(self, party: Party, user: AbstractBaseUser, reply: UUID) -> None:
        """Stop a reply, wherever it is written. Raises Refused."""
        await self._ask(party, stop, user, reply)
        bus.ring(bus.STOPPED, reply)

    @asynccontextmanager
    async def turn(self, party: Party) -> AsyncIterator[None]:
        """A turn to write, for as long as the body takes."""
        # The writer never waits for its turn behind more than one of these.
        async with self.line.turn(party), self._asking, self._turn:
            yield

    def follower(
        self,
        party: Party,
        user: AbstractBaseUser | Operator,
        send: Callable[[Frame], Awaitable[None]],
        close: Callable[[int], Awaitable[None]],
    ) -> Follower:
        """Who tells one socket of the user's, or the operator's, what there is to tell."""
        return Follower(self.hub, partial(self.line.ask, party), user, send, close)

    async def drain(self) -> None:
        """Accept nothing more, let the replies end for a while, interrupt the rest, and say bye.

        A courtesy: whoever is killed without it leaves the same rows, a lease later.
        """
        if self.drained:
            return  # uvicorn asks again, at its own end
        self.draining, began = True, monotonic()
        events.drain_began(len(self.writer.live()))
        with suppress(TimeoutError):
            async with asyncio.timeout(settings.CHAT_TIMES["drain"]):
                if self._accepting:  # a reply comes of each
                    await asyncio.wait(self._accepting)
                await self.writer.idle()
        left = self.writer.live().values()
        for live in left:
            live.cancel("restart")
        with suppress(TimeoutError):
            await asyncio.wait_for(self.writer.idle(), INTERRUPTING)
        await self.hub.say_bye(protocol.CLOSE_RESTART)
        self.drained = True
        events.drained(monotonic() - began, unfinished=len(left))

    # Inside

    async def _whole(self, accepting: Coroutine[Any, Any, Accepted]) -> Accepted:
        """Accept and start, whoever goes away meanwhile."""
        task = self.spawn(accepting)
        self._accepting.add(task)
        task.add_done_callback(self._accepting.discard)
        return await asyncio.shield(task)

    async def _retry(self, user: AbstractBaseUser, reply: UUID, **chosen: str) -> Accepted:
        if self.draining:
            raise Refused("unavailable", retry_after=RETRY_AFTER)
        who = {"worker": self.worker.id, "default": await llm.get().name()}
        party = Party(user.pk, user.pk)
        accepted = await self._ask(party, retry, user, reply, **chosen, **who)
        self._start(accepted.task)
        bus.ring(bus.CHANGED, accepted.conversation)
        return accepted

    async def _write(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        async with self._turn:
            return await in_database(function, *args, **kwargs)

    async def _ask(self, party: Party, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        async with self.turn(party):
            return await in_database(function, *args, **kwargs)

    async def _request(
        self, party: Party, user: AbstractBaseUser, frame: Send | Regenerate | Continue
    ) -> Accepted:
        if self.draining:
            raise Refused("unavailable", retry_after=RETRY_AFTER)
        who = {"worker": self.worker.id, "model": await llm.get().name()}

        async def attempt(**how: bool) -> Accepted:
            accepted = await self._ask(party, accept.accept, user, frame, **who, **how)
            if accepted.reply in self.writer.live():
                return replace(accepted, task=None)  # it was begun: only a repeat was in doubt
            if accepted.task is not None:
                self._start(accepted.task)
                if accepted.news is None:
                    bus.ring(bus.CHANGED, accepted.conversation)
                else:
                    self.hub.tell(accepted.conversation, accepted.news, owner=user.pk)
                    self.bus.pass_on(bus.CHANGED, accepted.conversation)
            return accepted

        return await self._doubts.attempt((user.pk, frame.cid), attempt)

    def _start(self, task: Task) -> None:
        log, model = self.hub.write(task.reply), task.reply.model
        live = LiveReply(log, model=model, wake_writer=self.writer.wake)
        self.writer.add(live)
        live.task = self.spawn(run(live, task))
        self.spawn(self._keep_trace(live))
        if task.title and settings.TITLES:
            self.spawn(self._entitle(live, task))

    async def _keep_trace(self, live: LiveReply) -> None:
        """The trace of a reply that was ended from outside; else it is written with the end."""
        await live.closed.wait()
        await asyncio.wait([live.task])
        if live.trace is not None:
            try:
                await self._write(trace.save, live.trace, live.log.conversation, self.worker.id)
            except Exception as error:  # it is for operators: nothing waits for it
                known = logs.fields(**live.ids, error=type(error).__name__)
                logger.warning("a reply's trace is lost", **known)

    async def _entitle(self, live: LiveReply, task: Task) -> None:
        await live.closed.wait()
        if not self.draining:
            await entitle(live, task, self._write)

    async def _settle(self) -> None:
        """End what other workers left, and remove what people deleted, over and over."""
        while True:
            self._ring(await in_database(settle.settle_dead_workers))
            await asyncio.sleep(settings.CHAT_TIMES["settle"])
            self._ring(await in_database(settle.settle_stale, but=self.writer.live()))
            await in_database(settle.remove_deleted)
            await in_database(settle.remove_uncounted)

    def _ring(self, settled: list[Message]) -> None:
        for reply in settled:
            events.settled(reply.id, reply.conversation_id)
            bus.ring(bus.ENDED, reply.conversation_id)

    async def _forever(self, work: Callable[[], Awaitable[None]]) -> None:
        """Start `work` again whenever it fails, a second later, until it is cancelled."""
        task = work.__qualname__
        while not asyncio.current_task().cancelling():
            try:
                await work()  # one that comes back could not begin, and has said why
            except AWAY as error:
                self.failed[task] = monotonic()
                known = logs.fields(task=task, error=type(error).__name__)
                logger.warning("a task waits for the database", **known)
            except Exception:
                self.failed[task] = monotonic()
                logger.exception("a task failed and is started again", **logs.fields(task=task))
            await asyncio.sleep(1)
