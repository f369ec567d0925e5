"""Pages of one address are made a few at a time: each takes a thread and a connection to the
database, and who asks for hundreds at once keeps waiting for theirs, not others for all of them."""

import asyncio
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network
from weakref import WeakValueDictionary

from django.conf import settings

from chat.models import network_of

Queues = WeakValueDictionary[IPv4Network | IPv6Network, asyncio.Semaphore]


def queued(pages: Callable) -> Callable:
    """The ASGI application `pages`, asked for LIMIT_ADDRESS_PAGES of an address at a time."""
    queues: Queues = WeakValueDictionary()

    async def application(scope: dict, receive: Callable, send: Callable) -> None:
        most = settings.CHAT_LIMITS["address_pages"]
        network = network_of((scope.get("client") or [None])[0])
        if not most or network is None:
            await pages(scope, receive, send)
            return
        queue = queues.setdefault(network, asyncio.Semaphore(most))
        is_held, is_over = False, False

        async def received() -> dict:
            """What is slow to come takes no turn: it begins once all of the request is there."""
            nonlocal is_held
            message = await receive()
            is_whole = message["type"] == "http.request" and not message.get("more_body")
            if is_whole and not is_held and not is_over:
                await queue.acquire()
                is_held = True
            return message

        async def sent(message: dict) -> None:
            """Nor does what is slow to go: it is over once the answer begins. What is made while it
            goes, so that nobody knows how long it is, takes its turn to the end."""
            if any(name.lower() == b"content-length" for name, _ in message.get("headers", ())):
                finish()
            try:
                async with asyncio.timeout(settings.CHAT_TIMES["slow"] if is_held else None):
                    await send(message)
            except TimeoutError:
                # Who takes nothing for so long holds up nobody: as if they had gone.
                raise asyncio.CancelledError from None

        def finish() -> None:
            nonlocal is_held, is_over
            is_over = True
            if is_held:
                queue.release()
                is_held = False

        try:
            await pages(scope, received, sent)
        finally:
            finish()

    return application
