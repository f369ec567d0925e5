"""A request that may be committed or not: the database took it, and only the answer was lost.

Nobody writes its reply then, until somebody knows of it: the same request, when it comes again, or
this process, which looks by itself, for it may come again at another one, or never.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from django.conf import settings
from django.db import Error as DatabaseError

from chat.protocol import Refused

from .database import AWAY

T = TypeVar("T")


class Doubts:
    """Which requests are in doubt in this process. Those that are the same come one by one:
    whichever is second knows what became of the first."""

    def __init__(self, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task]) -> None:
        self._spawn = spawn
        self._unsure: set[Hashable] = set()
        self._turns: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    async def attempt(self, request: Hashable, accept: Callable[..., Awaitable[T]]) -> T:
        """What `accept` returns in its turn, an attempt at `request`, as it is named; it is told
        with `resume` whether an earlier one is in doubt. If this one fails for the database, it is,
        too, and looked into: by `accept` that is told not to begin anything `anew`."""
        turn = self._turns.setdefault(request, asyncio.Lock())
        async with turn:
            was_unsure = request in self._unsure
            try:
                accepted = await accept(resume=was_unsure)
            except AWAY:
                self._unsure.add(request)
                if not was_unsure:
                    self._spawn(self._look_into(request, partial(accept, anew=False)))
                raise
            except Refused:
                self._unsure.discard(request)
                raise
            self._unsure.discard(request)
            return accepted

    async def _look_into(self, request: Hashable, accept: Callable[..., Awaitable]) -> None:
        """Find out as soon as the database can say."""
        while request in self._unsure:
            with suppress(DatabaseError, Refused):
                await self.attempt(request, accept)
                return
            await asyncio.sleep(settings.CHAT_TIMES["poll"])
