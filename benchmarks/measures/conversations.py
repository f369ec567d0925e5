"""What long conversations and long lists cost."""

import asyncio
from statistics import median
from time import perf_counter

from benchmarks.clients import get
from benchmarks.model import Model
from benchmarks.servers import Server

from .effort import Effort


async def history(server: Server, model: Model, effort: Effort) -> dict[str, float]:
    """One conversation of 200 short messages: how much later the last ones are answered."""
    added = []
    async with server.clients(1) as [client]:
        for _ in range(200):
            reply = await client.chat(model.stream(20, 0, first_delay=0.02))
            added.append(reply.added_to_first * 1000)
            await asyncio.sleep(0.02)
    early, late = median(added[:10]), median(added[-10:])
    return {"early": early, "late": late, "history": late - early}


async def opening(server: Server, model: Model, effort: Effort) -> dict[str, float]:
    """One conversation of 50 messages and one of 5,000, each opened again and again."""
    if not server.is_chat:
        return {}
    rows = {}
    for messages in 50, 5000:
        [guest] = server.seed(1, 1, messages)
        [conversation] = guest["conversations"]
        async with server.clients(1, [guest["cookie"]]) as [client]:
            await client.open(conversation)
            took, before = [], server.cpu_seconds()
            for _ in range(effort.repeats):
                began = perf_counter()
                await client.open(conversation)
                took.append(perf_counter() - began)
            used = server.cpu_seconds() - before
        rows[f"open {messages}"] = median(took) * 1000
        rows[f"open cpu {messages}"] = used / effort.repeats * 1000
    return rows


async def listing(server: Server, model: Model, effort: Effort) -> dict[str, float]:
    """The page and the list of a person with 10 conversations and of one with 10,000."""
    if not server.is_chat:
        return {}
    rows = {}
    for count in 10, 10_000:
        [guest] = server.seed(1, count, 2)
        for name, path in ("page", "/"), ("list", "/conversations/"):
            took = [
                await get(server.port, path, guest["cookie"]) for _ in range(effort.repeats // 4)
            ]
            rows[f"{name} {count}"] = median(took) * 1000
    return rows
