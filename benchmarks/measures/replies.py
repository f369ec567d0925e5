"""What replies cost, and how soon they begin."""

import asyncio
from statistics import median
from time import perf_counter

from benchmarks.clients import Client
from benchmarks.model import RATE, Model, text
from benchmarks.servers import Server

from .effort import Effort

PEOPLE = 20


async def paced(server: Server, model: Model, effort: Effort) -> dict[str, float]:
    """20 people at once, each with replies of 200 tokens one after the other."""
    tokens = 200

    async def talk(number: int, client: Client) -> None:
        await asyncio.sleep(number / PEOPLE)
        for _ in range(effort.replies):
            await client.chat(model.stream(tokens, RATE))

    async with server.clients(PEOPLE) as clients:
        before, database = server.cpu_seconds(), server.database_seconds()
        await asyncio.gather(*map(talk, range(PEOPLE), clients))
        used, database = server.cpu_seconds() - before, server.database_seconds() - database
    millions = PEOPLE * effort.replies * tokens / 1e6
    rows = {"cpu": used / millions}
    return rows | {"cpu database": database / millions} if server.services else rows


async def long(server: Server, model: Model, effort: Effort) -> dict[str, float]:
    """20 people at once, each with one reply of 1,000 tokens: what tokens cost without messages."""
    tokens = 1000
    async with server.clients(PEOPLE) as clients:
        await asyncio.sleep(0.5)
        bytes_before = sum(client.socket.received_bytes for client in clients)
        before = server.cpu_seconds()
        await asyncio.gather(*(client.chat(model.stream(tokens, RATE)) for client in clients))
        used = server.cpu_seconds() - before
        received = sum(client.socket.received_bytes for client in clients) - bytes_before
    return {
        "cpu long": used / (PEOPLE * tokens) * 1e6,
        "wire": received / PEOPLE / len(text(tokens)),
    }


async def first(server: Server, model: Model, effort: Effort) -> dict[str, float]:
    """One person, a new conversation for each question."""
    added = []
    for _ in range(effort.firsts):
        async with server.clients(1) as [client]:
            await asyncio.sleep(0.1)
            reply = await client.chat(model.stream(10, RATE, first_delay=0.05))
        added.append(reply.added_to_first * 1000)
    return {"first": median(added)}


async def flat(server: Server, model: Model, effort: Effort) -> dict[str, float]:
    """50 replies of 400 tokens at once, as fast as they go."""
    count, tokens = 50, 400
    async with server.clients(count) as clients:
        began = perf_counter()
        await asyncio.gather(*(client.chat(model.stream(tokens, 0)) for client in clients))
        took = perf_counter() - began
    return {"flat": count * tokens / took}


async def wire(server: Server, model: Model, effort: Effort) -> dict[str, float]:
    """All bytes that come for one reply of 5,000 characters at faster paces."""
    rows = {}
    for name, rate in ("wire fast", 20 * RATE), ("wire flat", 0):
        async with server.clients(1) as [client]:
            await asyncio.sleep(0.2)
            before = client.socket.received_bytes
            await client.chat(model.stream(1000, rate))
            await asyncio.sleep(0.2)
            rows[name] = (client.socket.received_bytes - before) / len(text(1000))
    return rows
