"""A request that may be committed or not: the database took it, and only the answer was lost.

Nobody writes its reply then, until the same request comes again, and that knows of it.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from django.db import InterfaceError, OperationalError


class Doubts:
    """Which requests are in doubt in this process. Those that are the same come one by one:
    whichever is second knows what became of the first."""

    def __init__(self) -> None:
        self._unsure: set[Hashable] = set()
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, request: Hashable) -> AsyncIterator[bool]:
        """The turn of one attempt at `request`, as it is named; whether an earlier one is in doubt.
        If this one fails for the database, it is, too."""
        turn = self._turns.setdefault(request, asyncio.Lock())
        async with turn:
            was_unsure = request in self._unsure
            self._unsure.discard(request)
            try:
                yield was_unsure
            except (OperationalError, InterfaceError):
                self._unsure.add(request)
                raise
