"""From a synchronous view to the process, on the event loop that serves it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import AbstractBaseUser

from chat.models import Profile

from .line import party_of
from .process import Process, current

T = TypeVar("T")


def ask(work: Callable[[Process], Awaitable[T]]) -> T:
    """What `work` makes of the process: a reply that is started so goes on after the answer."""

    async def on_the_loop() -> T:
        return await work(await current())

    return async_to_sync(on_the_loop)()


def in_turn(user: AbstractBaseUser, change: Callable[[], T]) -> T:
    """What `change` returns, which writes for the user: in the line of all that sockets ask for, in
    this thread. However many pages change something at once, replies are written meanwhile."""
    person = Profile.objects.of(user)
    party = party_of(user.pk, person.guest, person.address)

    async def work(here: Process) -> T:
        async with here.turn(party):
            return await sync_to_async(change)()

    return ask(lambda here: _to_its_end(work(here)))


async def _to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns. Django cancels the view of a browser that is gone: what it asked for is
    done all the same."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
    return task.result()
