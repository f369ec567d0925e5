"""What must hold after every fault, whatever it was: nothing leaked, stuck, lost, or told twice."""

import asyncio
import json
from collections import Counter
from collections.abc import Collection

import aiohttp

from tests.probe import PATH
from tests.server import Server
from tests.tabs import Person, Tab

# Idle connections to the model's server are kept for a while (seconds).
SECONDS = 25
# What no frame says and no log holds, but for a flow's own failure.
NEVER_TOLD = ("Traceback", "sk-canary", "psycopg", "sqlite3", "OperationalError")
# The tasks of a socket, as uvicorn, daphne, and we call them.
OF_A_SOCKET = {"WebSocketsSansIOProtocol.run_asgi", "application", "Follower.run"}


class Peace:
    """What a server's process holds while nobody is there.

    peace = await Peace.of(server)
    … faults; then every tab is closed …
    await peace.returned()
    """

    def __init__(self, server: Server, held: dict) -> None:
        self.server = server
        self.held = held

    @classmethod
    async def of(cls, server: Server) -> "Peace":
        """Of a server that has served somebody, so that what starts lazily has started."""
        async with Person(server.url) as first:
            tab = await first.tab()
            await tab.ask("Hello")
        held = await probe(server)
        while OF_A_SOCKET & held["tasks"].keys() or held != await probe(server):
            await asyncio.sleep(0.02)
            held = await probe(server)
        return cls(server, held)

    async def returned(self, seconds: float = SECONDS) -> None:
        """Wait until it holds no more than then, and fails with what it still holds."""
        more = {}
        try:
            async with asyncio.timeout(seconds):
                while more := self._more(await probe(self.server)):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"after {seconds} s the process still holds {more}") from None

    def _more(self, now: dict) -> dict:
        tasks = Counter(now["tasks"]) - Counter(self.held["tasks"])
        # A pool grows to its size and stays, and each of its threads may keep a connection.
        pools = _pools(now) - _pools(self.held)
        grown = max(len(now["threads"]) - len(self.held["threads"]), 0)
        sockets = max(now["sockets"] - self.held["sockets"] - grown, 0)
        more = {"tasks": tasks, "pools": pools, "sockets": sockets}
        return {name: what for name, what in more.items() if what}


async def agreed(person: Person, conversation: str, *tabs: Tab) -> list[dict]:
    """What everybody is shown of a conversation once nothing is being written in it: these tabs,
    and one that knew nothing of it. Returns the messages."""
    fresh = await person.tab()
    await fresh.open(conversation)
    for tab in (fresh, *tabs):
        await tab.until(lambda tab=tab: _is_final(tab), "an end of every reply", seconds=SECONDS)
    for tab in tabs:
        await tab.until(lambda tab=tab: _tail(tab, fresh) == _tail(fresh, tab), "the same messages")
    await fresh.close()
    return fresh.shown()


def untold(server: Server, *tabs: Tab, since: int = 0, failures: Collection[str] = ()) -> None:
    """No frame says what is only for the operator, and no failure was left to the log, from its
    character `since` on, but in a record whose message or task is one of `failures`."""
    told = "".join(str(frame) for tab in tabs for frame in tab.frames)
    for secret in NEVER_TOLD:
        assert secret not in told, f"a client was told {secret}"
    log = server.log.read_text()[since:]
    assert "sk-canary" not in log, log[-3000:]
    if server.kind == "runserver":  # for a person's eyes
        assert "Traceback" not in log, log[-3000:]
        return
    for line in log.splitlines():
        assert line.startswith("{"), f"a line that is no record: {line}"
        record = json.loads(line)
        said = f"{record['message']} {record.get('task', '')}"
        expected = any(failure in said for failure in failures)
        assert expected or "traceback" not in record, record


async def probe(server: Server) -> dict:
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}{PATH}") as response:
        return await response.json()


def _pools(held: dict) -> set[str]:
    return {name.rpartition("_")[0] or name for name in held["threads"]}


def _is_final(tab: Tab) -> bool:
    return all(message["status"] != "running" for message in tab.shown())


def _tail(tab: Tab, other: Tab) -> list[dict]:
    """The last messages of a tab, as many as both show: one that came later knows fewer."""
    count = min(len(tab.shown()), len(other.shown()))
    return tab.shown()[-count:] if count else []
