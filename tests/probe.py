"""The project's application, and one more page: what its process holds.

A server of the tests that is started with `probe=True` runs this one, so that a test can see from
outside that nothing is left behind.
"""

import asyncio
import json
import os
import threading
from collections import Counter
from collections.abc import Callable

from chatproject import asgi

PATH = "/_probe/"


async def application(scope: dict, receive: Callable, send: Callable) -> None:
    if scope["type"] == "http" and scope["path"] == PATH:
        body = json.dumps(held()).encode()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})
    else:
        await asgi.application(scope, receive, send)


def held() -> dict:
    """The tasks of the running loop by the names of their coroutines, the names of the threads,
    and how many sockets are open."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    return {
        "tasks": Counter(_name(task.get_coro()) for task in tasks),
        "threads": sorted(thread.name for thread in threading.enumerate()),
        "sockets": sum(_is_socket(number) for number in os.listdir("/proc/self/fd")),
    }


def _name(work: object) -> str:
    # The end of an abandoned generator is a task, too, and has no name of its own.
    return getattr(work, "__qualname__", type(work).__name__)


def _is_socket(number: str) -> bool:
    try:
        return os.readlink(f"/proc/self/fd/{number}").startswith("socket:")
    except FileNotFoundError:  # that of the listing itself
        return False
