"""The bell between those who change a conversation and those who look at it.

A bell carries an id and nothing else: who hears it reads the rows. It may be lost, doubled, or
late, because every process also looks for itself each second. Here it is a local call; listeners of
other processes hear nothing and find out by looking.
"""

import asyncio
from collections.abc import Callable
from uuid import UUID

_listeners: dict[asyncio.AbstractEventLoop, Callable[[UUID], None]] = {}


def listen(hear: Callable[[UUID], None]) -> None:
    """From now on, call `hear` in the running event loop with each conversation that changed."""
    _listeners[asyncio.get_running_loop()] = hear


def hang_up() -> None:
    """The running event loop listens no more."""
    _listeners.pop(asyncio.get_running_loop(), None)


def ring(conversation: UUID) -> None:
    """Say that a conversation has changed: its tree, its entry in the list, or a reply's end.

    For any thread: a synchronous view rings through the loop that serves it.
    """
    for loop, hear in list(_listeners.items()):
        loop.call_soon_threadsafe(hear, conversation)
