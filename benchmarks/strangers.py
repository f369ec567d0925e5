"""A crowd that means ill, in a process of its own.

python -m benchmarks.strangers PORT SOCKETS < seed

Its input is a JSON object: how a question is answered (`directive`), and what `benchmarks.seed`
says of each stranger (`people`). Each socket does one bad thing over and over, until the process is
told to stop; then it prints what they got, as a JSON object.
"""

import asyncio
import json
import os
import secrets
import signal
import sys
import uuid
from collections import Counter
from contextlib import suppress
from itertools import islice

import uvloop

from .websocket import Socket

PLACES = 50  # addresses that they come from
PAUSE = 0.03  # seconds between a stranger's frames: a little slower is not yet a flood
PATIENCE = 30  # seconds that a stranger waits to be let in
OVERSIZE = 600_000
UNSENT = 65_536  # bytes; who is not read waits, or it would be our own memory that is full


class Stranger:
    """One socket, again and again, that does one bad thing."""

    def __init__(self, port: int, directive: str, person: dict, number: int, got: Counter) -> None:
        self.port = port
        self.directive = directive
        self.cookie = person["cookie"]
        self.conversation = person["conversations"][0]
        self.source = f"127.1.0.{1 + number % PLACES}"
        self.got = got
        deeds = self.ping, self.ask, self.open, self.read_nothing, self.big, self.come, self.forge
        self.does = deeds[number // PLACES % len(deeds)]

    async def run(self) -> None:
        while True:
            with suppress(OSError, TimeoutError):
                await self.visit(Socket(self.heard))
            await asyncio.sleep(PAUSE)

    async def visit(self, socket: Socket) -> None:
        cookie = self.cookie
        if self.does == self.forge:
            cookie = f"{cookie.split('=')[0]}={secrets.token_hex(16)}"
        headers = {"Origin": f"http://127.0.0.1:{self.port}", "Cookie": cookie}
        try:
            async with asyncio.timeout(PATIENCE):
                await socket.connect(self.port, "/ws/chat/", headers, self.source)
            self.got["sockets"] += 1
            while not socket.closed.done():
                if socket.unsent < UNSENT:
                    self.does(socket)
                await asyncio.sleep(PAUSE)
        finally:
            socket.close()

    def heard(self, data: bytes) -> None:
        self.got["frames"] += 1
        self.got["bytes"] += len(data)

    def say(self, socket: Socket, **frame: object) -> None:
        self.got["said"] += 1
        socket.send(json.dumps(frame))

    def ping(self, socket: Socket) -> None:
        self.say(socket, type="ping", n=1)

    def ask(self, socket: Socket) -> None:
        ids = {"cid": str(uuid.uuid4()), "conversation": str(uuid.uuid4())}
        self.say(socket, type="send", text=f"Hello {self.directive}", parent=None, **ids)

    def open(self, socket: Socket) -> None:
        self.say(socket, type="open", conversation=str(uuid.uuid4()))

    def read_nothing(self, socket: Socket) -> None:
        socket.read_nothing()
        self.say(socket, type="open", conversation=self.conversation)

    def big(self, socket: Socket) -> None:
        self.say(socket, type="ping", n=1, padding="x" * OVERSIZE)

    def come(self, socket: Socket) -> None:
        socket.close()

    def forge(self, socket: Socket) -> None:
        self.say(socket, type="open", conversation=self.conversation)


async def attack(port: int, sockets: int, directive: str, people: list[dict]) -> Counter:
    """Until SIGTERM; what they got."""
    got = Counter()
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    strangers = [
        Stranger(port, directive, people[number % len(people)], number, got)
        for number in range(sockets)
    ]
    tasks = [asyncio.create_task(stranger.run()) for stranger in strangers]
    await told.wait()
    for task in tasks:
        task.cancel()
    return got


def main() -> None:
    port, sockets = map(int, islice(sys.argv, 1, 3))
    os.nice(10)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(runner.run(attack(port, sockets, **json.load(sys.stdin)))))


if __name__ == "__main__":
    main()
