"""What tabs cost that only are there, and what they cost when all of them come back at once."""

import asyncio
from math import inf
from time import perf_counter

from benchmarks.clients import ChatClient
from benchmarks.model import Model
from benchmarks.servers import Server

from .effort import Effort

IDLE = 1000
BACK = 500
BACK_SECONDS = 120  # after which nobody waits any more
RETRY_SECONDS = 0.5


async def memory(server: Server, model: Model, effort: Effort) -> dict[str, float]:
    """A server that has only answered once, then with idle sockets, the first 50 not counted."""
    await server.restart()
    start = server.memory_kib()
    async with server.clients(50):
        await asyncio.sleep(1)
        before = server.memory_kib()
        async with server.clients(IDLE):
            await asyncio.sleep(1)
            used = server.memory_kib() - before
    return {"start": start / 1024, "socket": used / IDLE}


async def reconnect(server: Server, model: Model, effort: Effort) -> dict[str, float]:
    """500 tabs, each with a conversation of its own, whose server is killed and started again.
    A page waits for a moment of its own within 15 seconds; here all come at once."""
    if not server.is_chat:
        return {}
    guests = server.seed(BACK, 1, 20)
    shown = [guest["conversations"][0] for guest in guests]
    async with server.clients(BACK, [guest["cookie"] for guest in guests]) as clients:
        held = [await client.open(id) for client, id in zip(clients, shown, strict=True)]
        server.kill()
        await server.run()
        before, began = server.cpu_seconds(), perf_counter()
        try:
            async with asyncio.timeout(BACK_SECONDS):
                await asyncio.gather(*map(come_back, clients, shown, held))
        except TimeoutError:
            return {"back": inf}
        took, used = perf_counter() - began, server.cpu_seconds() - before
    return {"back": took, "back cpu": used / BACK * 1000}


async def come_back(client: ChatClient, conversation: str, have: dict[str, int]) -> None:
    """Until the conversation is shown again."""
    while True:
        try:
            await client.connect()
            await client.open(conversation, have)
            return
        except OSError:  # refused, or cut
            await asyncio.sleep(RETRY_SECONDS)
