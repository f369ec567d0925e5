"""How late, how evenly, and how many streams of 50 tokens a second are told at once."""

import asyncio
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from statistics import fmean, median
from time import perf_counter

from benchmarks.clients import Failed, Reply
from benchmarks.model import RATE, Model
from benchmarks.servers import Server

from .effort import Effort

COUNTS = (1, 50, 200)
HELD_LATENCY = 0.1  # seconds, p99: what more streams must not exceed
STARTS = 20  # a second
SETTLED = 2.0  # seconds after the last start
MODEL_LATE = 0.01  # of its writes; beyond, a bad number says nothing of the server


@dataclass(frozen=True)
class Watched:
    """What was seen of streams (seconds); infinite if a reply failed or fell behind for good."""

    p50: float
    p99: float
    jitter: float
    in_time: bool  # the model itself


async def latency(server: Server, model: Model, effort: Effort) -> dict[str, float]:
    """Added latency at 1, 50, and 200 streams, and its jitter."""
    rows = {}
    for count in COUNTS:
        seen = await watch(server, model, effort, count)
        if not seen.in_time:
            print(f"    {server.name}: {count} streams: the model was late itself", flush=True)
            seen = await watch(server, model, effort, count)
        for name in "p50", "p99", "jitter":
            rows[f"{name} {count}"] = getattr(seen, name) * 1000
    return rows


async def held(server: Server, model: Model, effort: Effort) -> dict[str, float]:
    """The most streams whose tokens come in time: doubled until too many, then halved between."""
    good, bad = 0, effort.most + 1
    count = 50
    while bad - good > max(effort.precision * good, 5):
        if await holds(server, model, effort, count):
            good = count
        else:
            bad = count
        count = min(good * 2, effort.most) if bad > effort.most else (good + bad) // 2
        if count == good:
            break
    return {"held": good}


async def holds(server: Server, model: Model, effort: Effort, count: int) -> bool:
    """Whether `count` streams are in time. Whatever else the machine does can only make them look
    worse, so one good attempt is enough."""
    for _ in range(effort.attempts):
        if (await watch(server, model, effort, count)).p99 < HELD_LATENCY:
            return True
    return False


async def watch(server: Server, model: Model, effort: Effort, count: int) -> Watched:
    """`count` streams, begun one after the other, while all of them run."""
    ramp = max(1.0, count / STARTS)
    tokens = int((ramp + SETTLED + effort.window) * RATE)
    loop = asyncio.get_running_loop()
    replies: list[Reply] = []
    failed = ""
    async with server.clients(count) as clients:
        began = loop.time()
        for number, client in enumerate(clients):
            await asyncio.sleep(began + number * ramp / count - loop.time())
            replies.append(client.ask(model.stream(tokens, RATE)))
        await asyncio.sleep(SETTLED - 0.5)
        model.sent = model.late = 0
        start = perf_counter()
        await asyncio.sleep(effort.window)
        end = perf_counter()
        in_time = model.late < MODEL_LATE * model.sent
        ended = asyncio.gather(*(reply.done for reply in replies))
        try:
            await asyncio.wait_for(ended, 5 + ramp)
        except TimeoutError:
            failed = "fell behind for good"
        except Failed as error:
            failed = str(error)
        for reply in replies:
            reply.done.cancel()
    if failed:
        print(f"    {server.name}: {count} streams: {failed}", flush=True)
        await server.restart()
        return Watched(inf, inf, inf, in_time)
    within = [latencies_within(reply, start, end) for reply in replies]
    every = sorted(latency for one in within for latency in one)
    differences = [abs(later - earlier) for one in within for earlier, later in pairwise(one)]
    return Watched(median(every), every[int(len(every) * 0.99)], fmean(differences), in_time)


def latencies_within(reply: Reply, start: float, end: float) -> list[float]:
    """Of the tokens that the model wrote between these moments."""
    pairs = zip(reply.stream.sent, reply.latencies, strict=True)
    return [latency for sent, latency in pairs if start <= sent < end]
