"""The door of the server itself: it starts, and it is told to stop.

Told to stop (SIGTERM), a server drains first, while its sockets live, so that whoever is reading
reads to the end.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

from daphne.access import AccessLogGenerator
from django.conf import settings
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from chat.replies import process

# How long the sockets may take to close at the end (seconds).
CLOSING = 2
# How long all may take that is still to be done once it has drained, and at the latest once it
# should have (seconds): a little less than the 5 that are promised.
ENDING = 4.5


async def lifespan(scope: dict, receive: Callable[[], Awaitable[dict]], send: Callable) -> None:
    """The ASGI lifespan, which uvicorn speaks."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await process.current()
            with suppress(ValueError):  # a loop that is not the main thread's gets no signals
                asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, _drain_and_interrupt)
            await send({"type": "lifespan.startup.complete"})
        else:
            await process.drain()
            await send({"type": "lifespan.shutdown.complete"})
            return


def _drain_and_interrupt() -> None:
    """Drain, and only then stop uvicorn, by the signal after which it exits with 0: on SIGTERM it
    would close the sockets first, and in the end kill itself by that signal once more."""
    _begin_drain().add_done_callback(_interrupt)


def _interrupt(_: asyncio.Future) -> None:
    """A second one makes uvicorn leave the sockets that do not close: their browsers read nothing,
    and what was written for them waits for ever."""
    signal.raise_signal(signal.SIGINT)
    asyncio.get_running_loop().call_later(CLOSING, signal.raise_signal, signal.SIGINT)


def drain_before_daphne_stops() -> None:
    """Daphne has no lifespan; its reactor waits for whoever asks before it stops. It leaves its
    tasks as they are, and Python crashes over some of them at its exit: they are ended, too."""

    def drain() -> Deferred:
        return Deferred.fromFuture(_begin_drain(and_all_tasks=True))

    reactor.addSystemEventTrigger("before", "shutdown", drain)


def _begin_drain(*, and_all_tasks: bool = False) -> asyncio.Future:
    """Drain, and be gone soon after, however long the draining itself takes."""
    _end_after(settings.CHAT_TIMES["drain"] + ENDING)
    draining = process.begin_drain(and_all_tasks=and_all_tasks)
    draining.add_done_callback(lambda _: _end_after(ENDING))
    return draining


def _end_after(seconds: float) -> None:
    """End the process then, if it has not ended. Python waits at its exit for every thread, and one
    may hang for ever in a database, or in a resolver, that does not answer; a flow may hold up the
    event loop. What they could still do is nobody's any more."""
    ending = threading.Timer(seconds, os._exit, [0])
    ending.daemon = True
    ending.start()


def write_no_access_log() -> None:
    """Daphne writes a line for each request to its standard output, past the log, and all that was
    asked for into it: the words of a search, the link to a new password."""
    AccessLogGenerator.__call__ = lambda self, protocol, action, details: None
