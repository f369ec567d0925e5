"""The bell between those who change something and those who look at it.

A bell carries ids and nothing else: who hears it reads the rows. It may be lost, doubled, or late,
because every process also looks for itself each second. Within a process it is a call; between
processes it goes over the channel layer (Redis), if there is one.
"""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from uuid import UUID

from channels.layers import get_channel_layer

from chat import events
from chat.logs import fields

logger = logging.getLogger("chat.replies")

# What a bell says of an id.
CHANGED = "changed"  # a conversation: its tree, its shown branch, its title
ENDED = "ended"  # a conversation: the reply in it has ended
GROWN = "grown"  # a reply, which somebody follows elsewhere
FOLLOWED = "followed"  # a reply is followed here: whoever writes it, ring as it grows
STOPPED = "stopped"  # a reply: whoever writes it, look at its row
DOUBTED = "doubted"  # a person: whoever has sockets of theirs, look who is signed in
MOVED = "moved"  # a session, by its token: it goes on under another key
ECHO = "echo"  # nothing: whoever rang it hears it come back

GROUP = "bells"
# Bells are gathered for so long (seconds): half a tick of the writer.
GATHER = 0.025
# A bell of this process that has not come back after so long (seconds) is lost.
RETURN = 1
# A Redis that does not take them within this time (seconds) is left alone: all find out by looking.
PATIENCE = 2

Ears = dict[str, Callable[[UUID], None]]

_buses: dict[asyncio.AbstractEventLoop, "Bus"] = {}


def ring(kind: str, id: UUID) -> None:
    """Say `kind` of `id` to this process and to the others. For any thread: a synchronous view
    rings through the loop that serves it; a command has none, and is heard within a second."""
    for loop, bus in list(_buses.items()):
        if not loop.is_closed():
            loop.call_soon_threadsafe(bus.ring, kind, id)


class Bus:
    """The bell of one process: `ears` says who hears what."""

    def __init__(self, process: str, ears: Ears) -> None:
        self._process = process
        self._ears = ears
        self._layer = get_channel_layer()
        self._rung: dict[str, set[UUID]] = defaultdict(set)
        self._waiting = asyncio.Event()
        self._returned = asyncio.Event()  # a bell of this process came back
        self._lost = False
        _buses[asyncio.get_running_loop()] = self

    @property
    def reaches_others(self) -> bool:
        return self._layer is not None

    def ring(self, kind: str, id: UUID) -> None:
        """As the function `ring`, on the bus's own loop."""
        self._hear(kind, id)
        self.pass_on(kind, id)

    def pass_on(self, kind: str, id: UUID) -> None:
        """Say it to the other processes alone."""
        if self._layer is not None:
            self._rung[kind].add(id)
            self._waiting.set()

    async def reaches_itself(self) -> bool:
        """Whether a bell that is rung now comes back, as it comes to the others."""
        self._returned.clear()
        self.pass_on(ECHO, UUID(int=0))
        try:
            await asyncio.wait_for(self._returned.wait(), RETURN)
        except TimeoutError:
            return False
        return True

    async def send(self) -> None:
        """Pass on to the other processes what was rung here."""
        # Redis's client may forget a cancellation: Python 3.11's `wait_for` does.
        while not asyncio.current_task().cancelling():
            await self._waiting.wait()
            await asyncio.sleep(GATHER)
            self._waiting.clear()
            rung, self._rung = self._rung, defaultdict(set)
            ids = {kind: [str(id) for id in rung[kind]] for kind in rung}
            try:
                async with asyncio.timeout(PATIENCE):
                    bell = {"type": "bell", "from": self._process, "ids": ids}
                    await self._layer.group_send(GROUP, {**bell, "at": time.monotonic()})
            except Exception as error:
                self._lost = True
                events.bus_lost(type(error).__name__)

    async def listen(self) -> None:
        """Hear what the other processes ring."""
        try:
            channel = await self._layer.new_channel()
            await self._layer.group_add(GROUP, channel)
        except Exception as error:
            logger.warning("no bell is heard", **fields(error=type(error).__name__))
            # The layer keeps what was begun, and each bell for it; nobody else has a channel there.
            self._layer.channels.clear()
            self._layer.groups.clear()
            return  # and is called again
        try:
            while not asyncio.current_task().cancelling():
                bell = await self._layer.receive(channel)
                if bell["from"] == self._process:
                    self._hear_own(bell["at"])
                else:
                    for kind, ids in bell["ids"].items():
                        for id in ids:
                            self._hear(kind, UUID(id))
        except Exception:
            # Nobody takes from this channel any more: it would keep every bell from now on.
            await self._layer.group_discard(GROUP, channel)
            raise

    def _hear_own(self, rung: float) -> None:
        """A bell of this process came back: this is how long it takes, by one clock."""
        self._returned.set()
        events.bell_returned(time.monotonic() - rung)
        if self._lost:
            self._lost = False
            events.bus_back()

    def _hear(self, kind: str, id: UUID) -> None:
        if kind in self._ears:
            self._ears[kind](id)
