"""What a reply makes the disk write."""

import asyncio

from benchmarks.clients import Client
from benchmarks.model import RATE, Model
from benchmarks.servers import Server

from .effort import Effort

# Tokens of a reply, people at once, replies of each.
LOADS = ((200, 50, 2), (1000, 20, 1))


async def storage(server: Server, model: Model, effort: Effort) -> dict[str, float]:
    """What is written for replies at 50 tokens/s, by the reply."""
    if not server.is_chat:
        return {}
    rows = {}
    for tokens, people, replies in LOADS:

        async def talk(client: Client, tokens: int = tokens, replies: int = replies) -> None:
            for _ in range(replies):
                await client.chat(model.stream(tokens, RATE))

        async with server.clients(people) as clients:
            before = server.written_bytes()
            await asyncio.gather(*map(talk, clients))
            await asyncio.sleep(1)
            written = server.written_bytes() - before
        if not written:
            print(f"    {server.name}: its folder is on no disk; set TMPDIR", flush=True)
            return {}
        rows[f"written {tokens}"] = written / (people * replies) / 1024
    return rows
