"""Two workers on PostgreSQL and Redis, and what may befall them."""

import asyncio
import os
import signal
import threading
from collections.abc import Awaitable, Callable, Coroutine
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from tests.server import Server
from tests.services import Redis
from tests.upstream import Upstream

from . import figures

T = TypeVar("T")

UP, FROZEN, DOWN = "up", "frozen", "down"
# What must happen happens within this time, or never (seconds).
SECONDS = 20

ROWS = """
    SELECT m.id::text, m.conversation_id::text AS conversation, m.parent_id::text AS parent,
           m.seq, m.shown, m.role, m.status, m.text, m.length, m.kept, m.reasoning,
           m.reasoning_length, m.cid::text, m.error, m.worker, m.lease_until < now() AS expired,
           c.deleted IS NOT NULL AS deleted, c.title, m.model
    FROM chat_message m JOIN chat_conversation c ON c.id = m.conversation_id
    WHERE m.conversation_id::text = ANY(%s) ORDER BY m.seq
"""
CONVERSATIONS = """
    SELECT id::text, title, deleted IS NOT NULL AS deleted, last_seq, pinned, model
    FROM chat_conversation WHERE id::text = ANY(%s)
"""
WORDS = """
    SELECT entry.text FROM chat_searchentry entry
    JOIN chat_conversation c ON c.id = entry.conversation_id WHERE c.last_seq = 0
"""
# As when the database's server is restarted, but sooner.
TERMINATE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
# What the workers' connections do, and which wait for which.
ACTIVITY = """
    SELECT pid, state, wait_event_type, pg_blocking_pids(pid) AS waits_for,
           left(query, 200) AS query
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def eventually(holds: Callable[[], Awaitable[T]], what: str, seconds: float = SECONDS) -> T:
    """What `holds()` gives, as soon as that is something; fails if it never is."""
    deadline = monotonic() + seconds
    while not (found := await holds()):
        if monotonic() > deadline:
            raise AssertionError(f"no {what} within {seconds} s")
        await asyncio.sleep(0.02)
    return found


class World:
    """`with World(…) as world: world.run(world.kill(0))`

    Its loop runs in a thread of its own, so that sockets are read while Hypothesis thinks.
    """

    def __init__(self, workers: list[Server], redis: Redis, upstream: Upstream) -> None:
        self.workers = workers
        self.redis = redis
        self.upstream = upstream
        self.state = dict.fromkeys(workers, UP)
        self.redis_state = UP
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="world")

    def __enter__(self) -> "World":
        self._thread.start()
        address = self.workers[0].settings["DATABASE_URL"]
        self._database = psycopg.connect(address, autocommit=True, row_factory=dict_row)
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            if self.state[worker] == FROZEN:
                worker.process.send_signal(signal.SIGCONT)
        self._database.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 240) -> T:
        """The outcome of `work`, which is done on the world's loop."""
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(work, seconds), self.loop).result()

    # The workers

    def healthy(self) -> list[Server]:
        return [worker for worker in self.workers if self.state[worker] == UP]

    async def some_worker(self, number: int = 0) -> Server:
        """One that answers; if there is none, the first is made to."""
        if not self.healthy():
            await self.heal(self.workers[0])
        healthy = self.healthy()
        return healthy[number % len(healthy)]

    async def kill(self, worker: Server) -> None:
        """`kill -9`, which a frozen process hears too."""
        if self.state[worker] != DOWN:
            self.state[worker] = DOWN
            await asyncio.to_thread(worker.kill)
            figures.count("kills")

    async def freeze(self, worker: Server) -> None:
        if self.state[worker] == UP:
            self.state[worker] = FROZEN
            worker.process.send_signal(signal.SIGSTOP)
            figures.count("freezes")

    async def drain(self, worker: Server) -> None:
        """SIGTERM: it ends by itself, and cleanly."""
        if self.state[worker] != UP:
            return
        self.state[worker] = DOWN
        worker.process.terminate()
        code = await asyncio.to_thread(worker.process.wait, SECONDS)
        assert code == 0, f"a drained worker ended with {code}:\n{worker.log.read_text()[-3000:]}"
        figures.count("drains")

    async def heal(self, worker: Server) -> None:
        """Start it, or let it go on."""
        if self.state[worker] == DOWN:
            await asyncio.to_thread(worker.start)
        elif self.state[worker] == FROZEN:
            worker.process.send_signal(signal.SIGCONT)
        self.state[worker] = UP

    def ids(self, worker: Server) -> set[str]:
        """By which names this machine's processes wrote replies, but for those long forgotten."""
        return set(os.listdir(worker.data / "workers"))

    # The services

    async def trouble_redis(self, how: str) -> None:
        if how == "flush":
            if self.redis_state == UP:
                self.redis.command("FLUSHALL")
        elif self.redis_state == UP:
            self.redis_state = how
            (self.redis.freeze if how == FROZEN else self.redis.kill)()
            figures.count("troubles of Redis")

    async def cure_redis(self) -> None:
        if self.redis_state == FROZEN:
            self.redis.thaw()
        elif self.redis_state == DOWN:
            await asyncio.to_thread(self.redis.start)
        self.redis_state = UP

    async def cut_database(self) -> None:
        """End every connection to PostgreSQL but this one."""
        await self._sql(TERMINATE)
        figures.count("cuts of PostgreSQL")

    async def rows(self, conversations: set[str]) -> tuple[list[dict], list[dict]]:
        """All that is committed of these: the messages, and the conversations."""
        messages = await self._sql(ROWS, list(conversations))
        return messages, await self._sql(CONVERSATIONS, list(conversations))

    async def words_left(self) -> list[dict]:
        """What the index has of conversations that are removed."""
        return await self._sql(WORDS)

    async def situation(self) -> dict:
        """For whoever wants to know why it went wrong."""
        return {
            "workers": list(self.state.values()),
            "ended with": [worker.process.poll() for worker in self.workers],
            "redis": self.redis_state,
            "database": await self._sql(ACTIVITY),
        }

    async def _sql(self, sql: str, *arguments: object) -> list[dict]:
        return await asyncio.to_thread(lambda: self._database.execute(sql, arguments).fetchall())
