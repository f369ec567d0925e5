"""A fair order for what people ask of a process, and a bound for all of it together.

Whoever asks for more than there is time for only waits, behind those who asked for less; and the
replies that are being written keep their part of the time, however many ask.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import NamedTuple, ParamSpec, TypeVar
from uuid import UUID

from .database import in_database

P = ParamSpec("P")
T = TypeVar("T")

# So many ask the database at once: its other threads are for what nobody asked for.
AT_ONCE = 2
# What is asked for takes so much of the time in the long run, and all of it for so long (seconds).
SHARE = 0.5
AT_FIRST = 1.0
# One turn counts for so much at most (seconds): a database that stands still is nobody's fault.
LONGEST = 0.05
# What was used so long ago (seconds) counts half.
HALF_LIFE = 10.0
# Those who used nothing to speak of (seconds) are forgotten, when so many are known.
NOTHING, KNOWN = 0.001, 10_000


class Party(NamedTuple):
    """Who waits: a person, at the address that the guests there share, or at none but their own.
    Whoever has just come is nobody yet."""

    place: UUID | int | None
    person: int | None = None


def party_of(user: int, guest: bool, address: UUID | None) -> Party:
    """As whom somebody waits."""
    return Party(address if guest and address else user, user)


@dataclass(slots=True)
class _Used:
    """How much of the time somebody has used (seconds), the older the less."""

    seconds: float = 0.0
    at: float = 0.0

    def by(self, now: float) -> float:
        return self.seconds * 0.5 ** ((now - self.at) / HALF_LIFE)

    def add(self, seconds: float, now: float) -> None:
        self.seconds, self.at = self.by(now) + seconds, now


class Line:
    """Where people wait for their turn. The next is the one who has used least lately, of the
    place that has used least; who comes alone waits for nobody."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, dict[Party, deque[asyncio.Future]]] = {}
        self._places: defaultdict[Hashable, _Used] = defaultdict(_Used)
        self._parties: defaultdict[Party, _Used] = defaultdict(_Used)
        self._served = 0  # at this moment
        self._rested_at = 0.0  # when all that was used is made up for
        self._timer: asyncio.TimerHandle | None = None

    async def ask(
        self, party: Party, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `function`, which runs in a database thread in its turn, returns or raises."""
        async with self.turn(party):
            return await in_database(function, *args, **kwargs)

    async def pay(self, party: Party, seconds: float) -> None:
        """Wait for a turn that takes so long of the event loop's own time."""
        await self._wait(party)
        self._leave(party, seconds)

    @asynccontextmanager
    async def turn(
        self, party: Party, extra: float = 0.0, patience: float | None = None
    ) -> AsyncIterator[None]:
        """A turn for as long as the body takes; `extra` is what it costs beside. Raises
        TimeoutError if it has not come after `patience` (seconds)."""
        async with asyncio.timeout(patience):
            await self._wait(party)
        began = monotonic()
        try:
            yield
        finally:
            self._leave(party, min(monotonic() - began, LONGEST) + extra)

    def waiting_at(self, place: Hashable) -> int:
        """How many wait there."""
        return sum(map(len, self._waiting.get(place, {}).values()))

    async def _wait(self, party: Party) -> None:
        if not self._waiting and self._served < AT_ONCE and self._rest() <= 0:
            self._served += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(party.place, {}).setdefault(party, deque()).append(turn)
        self._go_on()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():  # its turn never came, and it is passed over
                raise
            self._leave(party, 0.0)
            raise

    def _leave(self, party: Party, seconds: float) -> None:
        now = monotonic()
        self._served -= 1
        self._rested_at = max(self._rested_at, now) + seconds / SHARE
        self._places[party.place].add(seconds, now)
        self._parties[party].add(seconds, now)
        for known in self._places, self._parties:
            if len(known) > KNOWN:
                for key in [key for key, used in known.items() if used.by(now) < NOTHING]:
                    del known[key]
        self._go_on()

    def _rest(self) -> float:
        """The seconds until somebody may be served again."""
        return self._rested_at - monotonic() - AT_FIRST / SHARE

    def _go_on(self) -> None:
        """Serve whoever may be served now."""
        while self._waiting and self._served < AT_ONCE:
            rest = self._rest()
            if rest > 0:
                if self._timer is None:
                    loop = asyncio.get_running_loop()
                    self._timer = loop.call_later(rest, self._rested)
                return
            turn = self._next()
            if not turn.done():
                self._served += 1
                turn.set_result(None)

    def _rested(self) -> None:
        self._timer = None
        self._go_on()

    def _next(self) -> asyncio.Future:
        """Who has used least; it waits no more."""
        now = monotonic()
        place = min(self._waiting, key=lambda key: self._places[key].by(now))
        parties = self._waiting[place]
        party = min(parties, key=lambda key: self._parties[key].by(now))
        turn = parties[party].popleft()
        if not parties[party]:
            del parties[party]
        if not parties:
            del self._waiting[place]
        return turn
