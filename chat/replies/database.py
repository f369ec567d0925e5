"""Where async code meets the ORM."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import ParamSpec, TypeVar

from django.db import (
    InterfaceError,
    InternalError,
    OperationalError,
    close_old_connections,
    connection,
    connections,
)

P = ParamSpec("P")
T = TypeVar("T")

KEPT_SECONDS = 60
# What a database raises that cannot, now. By an InternalError one says so that only reads, as in
# the midst of a failover.
AWAY = (OperationalError, InterfaceError, InternalError)


class DatabaseThreads:
    """A few threads, each with its own connection, that run ORM code for the event loop.

    Not Channels' `database_sync_to_async`: that has one thread for the whole process, where a slow
    query of one socket holds up every other.
    """

    def __init__(self, count: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(count, name, initializer=_settle_in)

    async def __call__(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `function` returns or raises. It runs to its end even if the caller is cancelled."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, _call, function, args, kwargs)


def _call(function: Callable, args: tuple, kwargs: dict):
    close_old_connections()  # a connection that broke is replaced here
    try:
        return function(*args, **kwargs)
    finally:
        close_old_connections()


def _settle_in() -> None:
    """These threads live as long as the process, so they keep their connections, as no thread of a
    page may (CONN_MAX_AGE). With DEBUG=1 Django keeps the last 9,000 statements of a connection,
    with what people wrote in them, until the next HTTP request: these threads serve none."""
    for one in connections.all():
        one.settings_dict = {**one.settings_dict, "CONN_MAX_AGE": KEPT_SECONDS}
        one.queries_log = deque(maxlen=0)


def write_turn() -> AbstractAsyncContextManager:
    """Whose turn it is to write, in the order of asking: SQLite takes one writer at a time, and
    who finds it taken would sleep and try again, unfairly."""
    return asyncio.Lock() if connection.vendor == "sqlite" else nullcontext()


in_database = DatabaseThreads(4, "database")
