"""How much a crowd that means ill costs somebody who only chats.

python -m benchmarks.hostile [--sockets 500] [--seconds 20] [--times 1] [--servers uvicorn]

Starts this project under uvicorn and under daphne with the limits that it comes with, has one
person read a reply while others come and ask, and then again while so many sockets of a hundred
strangers at fifty addresses do the worst that they may: frames without end, requests that are
refused, conversations opened and never read, frames that are too large, connections that come
again as soon as they are closed, and cookies of nobody. Prints the added latency of each token
without them and with them, the added time until a newcomer's first text (connecting included), and
what the strangers got. The server has one core; everything else has the other.
"""

import argparse
import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import uvloop

from . import processes
from .clients import Client, Failed
from .measures.streams import SETTLED, latencies_within
from .model import RATE, Model
from .servers import Server, all_servers

# What the benchmarks take away is given back: these are the settings' own.
LIMITS = {
    "LIMIT_PER_MINUTE": "20",
    "LIMIT_ACTIVE": "4",
    "LIMIT_SOCKETS": "32",
    "LIMIT_FRAMES": "500",
    "LIMIT_TOKENS": "5000000",
    "LIMIT_ADDRESS_PER_MINUTE": "60",
    "LIMIT_ADDRESS_TOKENS": "2000000",
    "LIMIT_ADDRESS_SOCKETS": "256",
}
STRANGERS = 100
NEWCOMERS = 8  # in the time of one reply
AGAIN = 0.5  # seconds; the page waits between half a second and fifteen
TALK = 50, 4_000  # of each stranger's conversation: messages, characters of a reply
COLUMNS = (
    ("p50", "ms"),
    ("p99", "ms"),
    ("first text", "ms"),
    ("the slowest", "ms"),
    ("server's core", "%"),
)


@dataclass(frozen=True)
class Seen:
    """What honest people saw, and how busy the server was."""

    latencies: list[float]  # seconds, sorted
    firsts: list[float]
    busy: float
    late: float  # how much of the model's writes came late: then the other core was the limit

    def cells(self) -> list[float]:
        p99 = self.latencies[int(len(self.latencies) * 0.99)]
        times = median(self.latencies), p99, median(self.firsts), max(self.firsts)
        return [*(1000 * time for time in times), 100 * self.busy]


async def read(server: Server, model: Model, seconds: float) -> Seen:
    """One reply, while it has settled, and those who come meanwhile."""
    reader, _ = await come(server, model, "127.0.0.1")
    reply = reader.ask(model.stream(int((SETTLED + seconds) * RATE), RATE))
    await asyncio.sleep(SETTLED)
    model.sent = model.late = 0
    began, used = perf_counter(), server.cpu_seconds()
    firsts = []
    for number in range(NEWCOMERS):
        await asyncio.sleep(max(began + seconds * number / NEWCOMERS - perf_counter(), 0))
        client, first = await come(server, model, f"127.2.0.{1 + number}")
        client.close()
        firsts.append(first)
    busy = (server.cpu_seconds() - used) / (perf_counter() - began)
    late = model.late / model.sent
    await reply.done
    reader.close()
    sent = reply.stream.sent
    latencies = latencies_within(reply, sent[0] + SETTLED, sent[-1])
    return Seen(sorted(latencies), firsts, busy, late)


async def come(server: Server, model: Model, source: str) -> tuple[Client, float]:
    """Somebody else opens a tab and asks, until they are let in, as the page does; their tab, and
    the added time until they read."""
    cookie, began = server.cookies.pop(), perf_counter()
    while True:
        client = server.client(server.port)
        client.cookie, client.source = cookie, source
        try:
            await client.connect()
            reply = await client.chat(model.stream(20, 0))
        except (ConnectionError, Failed):
            client.close()
            await asyncio.sleep(AGAIN)
        else:
            return client, (reply.asked - began) + reply.added_to_first


async def harass(server: Server, model: Model, sockets: int, seconds: float) -> tuple[Seen, dict]:
    """As `read`, among strangers; and what those got, each second."""
    people = server.seed(STRANGERS, 1, *TALK)
    strangers = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.strangers", str(server.port), str(sockets)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        json.dump({"directive": model.stream(20, 0).directive(), "people": people}, strangers.stdin)
        strangers.stdin.close()
        began = perf_counter()
        await asyncio.sleep(SETTLED)
        seen = await read(server, model, seconds)
        took = perf_counter() - began
        used = processes.cpu_seconds(strangers.pid)
        strangers.send_signal(signal.SIGTERM)
        got = json.loads(strangers.stdout.read())
    finally:
        strangers.kill()
        strangers.wait()
    return seen, {key: value / took for key, value in (got | {"busy": 100 * used}).items()}


async def compare(server: Server, model: Model, sockets: int, seconds: float) -> list[str]:
    """The lines of the table."""
    server.cookies[:0] = [one["cookie"] for one in server.seed(2 * (NEWCOMERS + 1))]
    quiet = await read(server, model, seconds)
    crowded, got = await harass(server, model, sockets, seconds)
    pairs = zip(quiet.cells(), crowded.cells(), strict=True)
    return [
        row(f"{server.name}, quiet", [f"{cell:,.0f}" for cell in quiet.cells()]),
        row(f"{server.name}, crowd", [f"{b:,.0f} ({b / a:.2f})" for a, b in pairs]),
        f"    The strangers, each second: {got['sockets']:.0f} sockets, {got['said']:,.0f} frames "
        f"said, {got['frames']:,.0f} heard, {got['bytes'] / 1024:,.0f} KiB; they used "
        f"{got['busy']:.0f}% of a core. The model was late with {quiet.late:.0%} and "
        f"{crowded.late:.0%} of its writes.",
    ]


def row(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


async def measure(sockets: int, seconds: float, times: int, named: str, core: int) -> None:
    print(row("", [f"{name}, {unit}" for name, unit in COLUMNS]))
    print(row("---", ["---:"] * len(COLUMNS)), flush=True)
    servers = [one for one in all_servers() if one.is_chat and not one.services]
    async with Model() as model:
        for _ in range(times):
            for server in servers:
                if named not in server.name:
                    continue
                server.settings = LIMITS
                try:
                    await server.start(model, core)
                    print(*await compare(server, model, sockets, seconds), sep="\n", flush=True)
                except Failed as error:
                    print(row(server.name, [str(error)]), flush=True)
                finally:
                    server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sockets", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--servers", default="", help="those whose names have this")
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(
            measure(options.sockets, options.seconds, options.times, options.servers, cores[0])
        )


if __name__ == "__main__":
    main()
