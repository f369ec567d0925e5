"""Where the CPU of this project goes while people chat, as a table of its parts.

python -m benchmarks.profile [--people 20] [--tokens 200] [--rate 50] [--seconds 60]

The kernel says what each thread has used, and py-spy, which wants to be root, what it was at.
"""

import argparse
import asyncio
import os
import re
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

import uvloop

from . import processes
from .model import RATE, Model
from .servers import Server, all_servers
from .table import HELD_TO

SETTLED = 4.0  # seconds until the replies have come out of step
SAMPLES = 100  # a second
LEAST = 0.01  # the share of a part that is told by its name

# Of a sample the innermost frame that is one of these names its part.
PARTS = {
    "reading the model's stream: the SDK, aiohttp": r"/(openai|aiohttp|httpx2?)/",
    "the flow and what it emits": r"chat/(llm|flows)/|/pocketflow/|chat/replies/(live|run)\.py",
    "frames as JSON": r"chat/protocol\.py|/pydantic/",
    "the socket: channels, the server": r"/(channels|uvicorn|websockets|daphne|autobahn|twisted)/",
    "following and telling": r"chat/(replies/(follow|hub|log|bus)|consumers)\.py",
    "handing work to threads": r"chat/replies/(database|writer|process)\.py",
}
# In a database thread it is the outermost function of ours: what was asked of it.
ASKED = re.compile(
    r";_call \(\S*database\.py:\d+\);(?:[\w.<>]*inner \(\S*contextlib\.py:\d+\);)?"
    r"(?:[\w.<>]+\.)?([\w<>]+) \(\S*/(\w+)\.py"
)


async def sample(server: Server, load: argparse.Namespace) -> tuple[Counter, int, int]:
    """The CPU seconds of each part, and how many replies and tokens there were meanwhile."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[1]})
    spread = load.tokens / load.rate if load.rate else 0
    async with Model() as model:
        try:
            await server.start(model, cores[0])
            async with server.clients(load.people) as clients:

                async def talk(number: int) -> None:
                    await asyncio.sleep(number / load.people * spread)
                    while True:
                        await clients[number].chat(model.stream(load.tokens, load.rate))

                talks = asyncio.gather(*map(talk, range(load.people)))
                await asyncio.sleep(spread + SETTLED)
                before, model.sent = processes.thread_seconds(server.process.pid), 0
                replies = len(model.streams)
                stacks = await spy(server.process.pid, load.seconds)
                after = processes.thread_seconds(server.process.pid)
                replies, sent = len(model.streams) - replies, model.sent
                talks.cancel()
                with suppress(asyncio.CancelledError):
                    await talks
        finally:
            server.stop()
    used = {thread: after[thread] - before.get(thread, 0.0) for thread in after}
    return parts(used, stacks), replies, sent


async def spy(pid: int, seconds: int) -> list[tuple[int, str, int]]:
    """Of each stack that held the interpreter: its thread, itself, and how often it was met."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "stacks"
        options = ["--gil", "--nonblocking", "--threads", "--full-filenames", "--format", "raw"]
        options += ["--rate", str(SAMPLES), "--duration", str(seconds), "--output", str(path)]
        program = Path(sys.executable).with_name("py-spy")
        spying = await asyncio.create_subprocess_exec(
            program, "record", "--pid", str(pid), *options, stdout=asyncio.subprocess.DEVNULL
        )
        if await spying.wait():
            raise SystemExit("py-spy failed")
        lines = path.read_text().splitlines()
    found = (re.fullmatch(r"thread \((\w+)\)[^;]*(;.*) (\d+)", line) for line in lines)
    return [(int(one[1], 0), one[2], int(one[3])) for one in found if one]


def parts(used: dict[int, float], stacks: list[tuple[int, str, int]]) -> Counter:
    """What each thread used, shared out among the parts that it was met at."""
    met: dict[int, Counter] = {thread: Counter() for thread in used}
    for thread, stack, count in stacks:
        if thread in met:
            met[thread][part_of(stack)] += count
    seconds: Counter = Counter()
    for thread, found in met.items():
        for part, count in found.items():
            seconds[part] += used[thread] * count / found.total()
        if not found:
            seconds["other threads"] += used[thread]
    return seconds


def part_of(stack: str) -> str:
    if asked := ASKED.search(stack):
        return f"the ORM: {asked[2]}.{asked[1]}"
    for frame in reversed(stack.split(";")):
        for part, pattern in PARTS.items():
            if re.search(pattern, frame) and "/uvicorn/server.py" not in frame:
                return part
    return "the event loop"


def main() -> None:
    parser = argparse.ArgumentParser(description="Where the CPU goes while people chat.")
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=200, help="of each reply")
    parser.add_argument("--rate", type=int, default=RATE, help="tokens a second; 0: flat out")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--server", choices=HELD_TO, default=HELD_TO[0])
    options = parser.parse_args()
    [server] = [server for server in all_servers() if server.name == options.server]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seconds, replies, tokens = runner.run(sample(server, options))
    small = [part for part, used in seconds.items() if used < LEAST * seconds.total()]
    seconds["the rest"] += sum(seconds.pop(part) for part in small)
    print(f"| {replies} replies, {tokens:,} tokens | share | ms a reply | µs a token |")
    print("| --- | ---: | ---: | ---: |")
    for part, used in [*seconds.most_common(), ("all", seconds.total())]:
        share, reply, token = used / seconds.total(), used / replies * 1e3, used / tokens * 1e6
        print(f"| {part} | {share:.0%} | {reply:.1f} | {token:.0f} |")


if __name__ == "__main__":
    main()
