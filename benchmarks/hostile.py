"""How much a crowd that means ill costs somebody who only chats.

python -m benchmarks.hostile [--sockets 500] [--seconds 20]

Starts this project under uvicorn and under daphne with the limits that it comes with, has one
person read a reply, and has them read another while so many sockets of a hundred strangers do the
worst that they may: frames without end, requests that are refused, conversations opened and never
read, frames that are too large, and new connections as soon as one is closed. Prints the reader's
added latency without them and with them, in one run on one core for the server; everything else
has the other.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import uuid
from contextlib import suppress
from statistics import median

import uvloop

from .clients import Failed
from .measures.streams import SETTLED, latencies_within
from .model import RATE, Model
from .servers import Server, all_servers
from .websocket import Socket

# What the benchmarks take away is given back: these are the settings' own.
LIMITS = {
    "LIMIT_PER_MINUTE": "20",
    "LIMIT_ACTIVE": "4",
    "LIMIT_SOCKETS": "32",
    "LIMIT_FRAMES": "500",
    "LIMIT_TOKENS": "5000000",
    "LIMIT_ADDRESS_SOCKETS": "0",  # here everybody comes from one
}
STRANGERS = 100
PAUSE = 0.03  # seconds between a stranger's frames: a little slower is not yet a flood
OVERSIZE = 600_000


async def read(server: Server, model: Model, seconds: float) -> list[float]:
    """The added latencies (seconds) of one reply, while it has settled."""
    async with server.clients(1) as [client]:
        reply = client.ask(model.stream(int((SETTLED + seconds) * RATE), RATE))
        await reply.done
    sent = reply.stream.sent
    return sorted(latencies_within(reply, sent[0] + SETTLED, sent[-1]))


class Stranger:
    """One socket, again and again, that does one bad thing."""

    def __init__(self, port: int, cookie: str, directive: str, number: int) -> None:
        self.port = port
        self.directive = directive  # how a question is answered
        self.headers = {"Origin": f"http://127.0.0.1:{port}", "Cookie": cookie}
        self.does = (self.ping, self.ask, self.open, self.oversize, self.come)[number % 5]

    async def run(self) -> None:
        while True:
            socket = Socket(lambda data: None)
            with suppress(OSError):
                await socket.connect(self.port, "/ws/chat/", self.headers)
                while not socket.closed.done():
                    self.does(socket)
                    await asyncio.sleep(PAUSE)
            await asyncio.sleep(PAUSE)

    def say(self, socket: Socket, **frame: object) -> None:
        socket.send(json.dumps(frame))

    def ping(self, socket: Socket) -> None:
        self.say(socket, type="ping", n=1)

    def ask(self, socket: Socket) -> None:
        ids = {"cid": str(uuid.uuid4()), "conversation": str(uuid.uuid4())}
        self.say(socket, type="send", text=f"Hello {self.directive}", parent=None, **ids)

    def open(self, socket: Socket) -> None:
        self.say(socket, type="open", conversation=str(uuid.uuid4()))

    def oversize(self, socket: Socket) -> None:
        self.say(socket, type="ping", n=1, padding="x" * OVERSIZE)

    def come(self, socket: Socket) -> None:
        socket.close()


async def attack(port: int) -> None:
    """What the other process does: on its input how questions are answered, then a cookie a line,
    one stranger for each."""
    directive, *cookies = sys.stdin.read().splitlines()
    strangers = [Stranger(port, cookie, directive, n) for n, cookie in enumerate(cookies)]
    await asyncio.gather(*(stranger.run() for stranger in strangers))


async def compare(server: Server, model: Model, sockets: int, seconds: float) -> str:
    """A line of the table."""
    calm = await read(server, model, seconds)
    cookies = [one["cookie"] for one in server.seed(STRANGERS)]
    strangers = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.hostile", "--attack", str(server.port)],
        stdin=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.nice(10),
    )
    try:
        lines = [cookies[number % STRANGERS] for number in range(sockets)]
        strangers.stdin.write("\n".join([model.stream(20, 0).directive(), *lines]))
        strangers.stdin.close()
        await asyncio.sleep(SETTLED)
        try:
            harassed = await read(server, model, seconds)
        except Failed as error:
            return f"| {server.name} | {error} |"
    finally:
        strangers.kill()
        strangers.wait()
    cells = [
        f"{number * 1000:.0f} ms"
        for latencies in (calm, harassed)
        for number in (median(latencies), latencies[int(len(latencies) * 0.99)])
    ]
    return f"| {server.name} | {' | '.join(cells)} |"


async def measure(sockets: int, seconds: float, core: int) -> None:
    print("| | calm, p50 | calm, p99 | harassed, p50 | harassed, p99 |\n|---|---|---|---|---|")
    async with Model() as model:
        for server in all_servers():
            if not server.is_chat or server.services:
                continue
            server.settings = LIMITS
            try:
                await server.start(model, core)
                print(await compare(server, model, sockets, seconds), flush=True)
            finally:
                server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sockets", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--attack", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if options.attack:
            runner.run(attack(options.attack))
        else:
            runner.run(measure(options.sockets, options.seconds, cores[0]))


if __name__ == "__main__":
    main()
