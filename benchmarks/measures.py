"""What is measured of a server. Each measure returns its rows: a name, and a number in its unit."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from statistics import median
from time import perf_counter

from .clients import Client, Failed, Reply
from .model import Model, text
from .servers import Server

RATE = 50  # tokens a second, of each paced stream
HELD_LATENCY = 0.1  # seconds, p99: what more streams must not exceed
MOST_STREAMS = 800
VOID_ATTEMPTS = 4
STARTS = 20  # a second, of the streams that are to be held
SETTLED = 2.0  # seconds after the last start


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    rounds: int
    replies: int  # of each of the 20 streams
    firsts: int  # questions of the one user
    window: float  # seconds for which a number of streams must be held
    attempts: int  # to hold it
    precision: float  # of the number of streams held: 0.1 = to a tenth
    sockets: int


FULL = Effort(5, 3, 20, 5.0, 2, 0.06, 400)
QUICK = Effort(1, 2, 8, 3.0, 2, 0.15, 200)

Rows = dict[str, float]
Measure = Callable[[Server, Model, Effort], Awaitable[Rows]]


def percentile(values: list[float], share: float) -> float:
    """The value that `share` of `values` do not exceed."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


async def warm(server: Server, model: Model) -> None:
    """The first answer, which imports and connects."""
    [client] = await server.connect(1)
    await client.chat(model.stream(20, 0))
    client.close()


async def paced(server: Server, model: Model, effort: Effort) -> Rows:
    """20 people at once, each with replies of 200 tokens one after the other."""
    count, tokens = 20, 200
    clients = await server.connect(count)
    replies: list[Reply] = []

    async def talk(number: int, client: Client) -> None:
        await asyncio.sleep(number / count)
        for _ in range(effort.replies):
            replies.append(await client.chat(model.stream(tokens, RATE)))

    before = server.cpu_seconds()
    await asyncio.gather(*map(talk, range(count), clients))
    used = server.cpu_seconds() - before
    close(clients)
    latencies = [latency * 1000 for reply in replies for latency in reply.latencies]
    return {
        "cpu": used / (count * effort.replies * tokens) * 1e6,
        "p50": median(latencies),
        "p99": percentile(latencies, 0.99),
    }


async def first(server: Server, model: Model, effort: Effort) -> Rows:
    """One person, a new conversation for each question."""
    added = []
    for _ in range(effort.firsts):
        [client] = await server.connect(1)
        await asyncio.sleep(0.1)
        reply = await client.chat(model.stream(10, RATE, first_delay=0.05))
        client.close()
        added.append(reply.added_to_first * 1000)
    return {"first": median(added)}


async def flat(server: Server, model: Model, effort: Effort) -> Rows:
    """50 replies of 400 tokens at once, as fast as they go."""
    count, tokens = 50, 400
    clients = await server.connect(count)
    began = perf_counter()
    await asyncio.gather(*(client.chat(model.stream(tokens, 0)) for client in clients))
    took = perf_counter() - began
    close(clients)
    return {"flat": count * tokens / took}


async def history(server: Server, model: Model, effort: Effort) -> Rows:
    """One conversation of 200 short messages: how much later the last ones are answered."""
    [client] = await server.connect(1)
    added = []
    for _ in range(200):
        reply = await client.chat(model.stream(20, 0, first_delay=0.02))
        added.append(reply.added_to_first * 1000)
        await asyncio.sleep(0.02)
    client.close()
    early, late = median(added[:10]), median(added[-10:])
    return {"early": early, "late": late, "history": late - early}


async def memory(server: Server, model: Model, effort: Effort) -> Rows:
    """Idle sockets of a server that has only answered once, the first 50 not counted."""
    await server.restart()
    await warm(server, model)
    clients = await server.connect(50)
    await asyncio.sleep(1)
    before = server.memory_kib()
    clients += await server.connect(effort.sockets)
    await asyncio.sleep(1)
    used = server.memory_kib() - before
    close(clients)
    await asyncio.sleep(0.5)
    return {"memory": used / effort.sockets}


async def long(server: Server, model: Model, effort: Effort) -> Rows:
    """20 people at once, each with one reply of 1,000 tokens: what tokens cost without messages."""
    count, tokens = 20, 1000
    clients = await server.connect(count)
    await asyncio.sleep(0.5)
    bytes_before = sum(client.socket.received_bytes for client in clients)
    cpu_before = server.cpu_seconds()
    await asyncio.gather(*(client.chat(model.stream(tokens, RATE)) for client in clients))
    used = server.cpu_seconds() - cpu_before
    received = sum(client.socket.received_bytes for client in clients) - bytes_before
    close(clients)
    return {"cpu long": used / (count * tokens) * 1e6, "wire": received / count / len(text(tokens))}


async def wire(server: Server, model: Model, effort: Effort) -> Rows:
    """All bytes that come for one reply of 5,000 characters at faster paces."""
    rows = {}
    for name, rate in ("wire fast", 20 * RATE), ("wire flat", 0):
        [client] = await server.connect(1)
        await asyncio.sleep(0.2)
        before = client.socket.received_bytes
        await client.chat(model.stream(1000, rate))
        await asyncio.sleep(0.2)
        rows[name] = (client.socket.received_bytes - before) / len(text(1000))
        client.close()
    return rows


async def held(server: Server, model: Model, effort: Effort) -> Rows:
    """The most streams whose tokens come in time: doubled until too many, then halved between."""
    good, bad = 0, MOST_STREAMS + 1
    count = 50
    while bad - good > max(effort.precision * good, 5):
        in_time = await holds(server, model, effort, count)
        if in_time is None:
            print(f"    {server.name}: {count} streams: the model was late itself", flush=True)
            return {}  # there is no number to tell
        if in_time:
            good = count
        else:
            bad = count
        count = min(good * 2, MOST_STREAMS) if bad > MOST_STREAMS else (good + bad) // 2
        if count == good:
            break
    return {"held": good}


async def holds(server: Server, model: Model, effort: Effort, count: int) -> bool | None:
    """Whether `count` streams are in time. Other programs on the machine can only make it look
    worse, so one good attempt is enough; one in which the model itself was late says nothing
    (None, if that was so each time)."""
    failed = void = 0
    while failed < effort.attempts and void < VOID_ATTEMPTS:
        late = await attempt(server, model, effort, count)
        if late is None:
            void += 1
            await asyncio.sleep(2)
        elif late < HELD_LATENCY:
            return True
        else:
            failed += 1
    return False if failed else None


async def attempt(server: Server, model: Model, effort: Effort, count: int) -> float | None:
    """The p99 latency (seconds) of `count` streams, begun one after the other, while all of them
    run; None if the model was not in time itself. Infinite if a reply failed or never ended."""
    ramp = max(1.0, count / STARTS)
    tokens = int((ramp + SETTLED + effort.window) * RATE)
    clients = await server.connect(count)
    loop = asyncio.get_running_loop()
    replies: list[Reply] = []
    began = loop.time()
    for number, client in enumerate(clients):
        await asyncio.sleep(began + number * ramp / count - loop.time())
        replies.append(client.ask(model.stream(tokens, RATE)))
    await asyncio.sleep(SETTLED - 0.5)
    model.sent = model.late = 0
    start = perf_counter()
    await asyncio.sleep(effort.window)
    end = perf_counter()
    in_time = model.late < 0.01 * model.sent
    ended = asyncio.gather(*(reply.done for reply in replies))
    try:
        await asyncio.wait_for(ended, 5 + ramp)
    except (TimeoutError, Failed) as error:
        for reply in replies:
            reply.done.cancel()
        close(clients)
        if isinstance(error, Failed):
            print(f"    {server.name}: {count} streams: {error}", flush=True)
        await server.restart()
        await warm(server, model)
        return inf if in_time else None
    close(clients)
    latencies = [
        latency
        for reply in replies
        for sent, latency in zip(reply.stream.sent, reply.latencies, strict=True)
        if start <= sent < end
    ]
    return percentile(latencies, 0.99) if in_time else None


def close(clients: list[Client]) -> None:
    for client in clients:
        client.close()


# In this order; those of the second kind do not differ from round to round.
EACH_ROUND: dict[str, Measure] = {"paced": paced, "first": first, "flat": flat}
ONCE: dict[str, Measure] = {
    "long": long,
    "wire": wire,
    "history": history,
    "memory": memory,
    "held": held,
}
