"""Cases 28, 29: the database is locked, away, or full. Nobody is shown what is not stored, nothing
that was stored is lost, and it goes on by itself when the database can."""

import asyncio
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import unittest
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import ClassVar
from uuid import uuid4

from tests.replies.case import asks
from tests.server import Server
from tests.tabs import Person, Tab
from tests.upstream import numbered
from tests.wire import Wire

from .aftermath import agreed
from .case import FaultCase, WorkersFaultCase, frozen
from .soak import whole

LONG = 50_000  # tokens: more than any of these takes
CUTS = whole(6, 50)
KIBIBYTE = 1024
# Who asks for something waits while this is open, and how many do.
HOLD = "SELECT id FROM auth_user FOR NO KEY UPDATE"
HELD = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
RUNNING = "SELECT id FROM chat_message WHERE status = 'running'"
LONG_OVER = f"{RUNNING} AND lease_until < now() - interval '2 seconds'"
TIME_OUT = """
import os, socket
from django.db import connection
connection.ensure_connection()
with socket.socket(fileno=os.dup(connection.connection.fileno())) as database:
    print(database.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
"""
COMMITTED = b"COMMIT\0"  # as PostgreSQL says it
# In the database named, all connections but this one are cut, as when its server restarts.
CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class StorageCase:
    """What these tests see of a tab."""

    async def streaming(self, tab: Tab, **directive: object) -> dict:
        ack = await tab.send(asks(**({"tokens": LONG, "rate": 100} | directive)))
        await tab.text_of(ack["reply"], 60)
        return ack

    async def is_saving(self, tab: Tab) -> None:
        """The tab is told that the reply cannot be saved now."""

        def saving() -> bool:
            return any(frame["phase"] == "saving" for frame in tab.all("status")[-1:])

        await tab.until(saving, "the word that it is being saved", seconds=30)

    async def model_goes_on(self, tokens: int) -> None:
        """Until the model has said so much more to each reply that is being written."""

        def sent() -> int:
            open = [one for one in self.upstream.requests() if not one["finished"]]
            return min(request["tokens_sent"] for request in open)

        before = await asyncio.to_thread(sent)
        async with asyncio.timeout(60):
            while await asyncio.to_thread(sent) < before + tokens:
                await asyncio.sleep(0.05)

    async def model_is_stopped(self) -> None:
        request = self.upstream.requests()[-1]["id"]
        closed = await asyncio.to_thread(self.upstream.wait_closed, request, 60)
        self.assertEqual(closed["finished"], "client_closed")

    async def is_given_up(self, tab: Tab, ack: dict, shown: str) -> None:
        """The reply is interrupted, with all that was shown of it."""

        def final() -> bool:
            return tab.message(ack["reply"])["status"] != "running"

        await tab.until(final, "the end of the reply", seconds=30)
        reply = tab.message(ack["reply"])
        self.assertEqual((reply["status"], reply["error"]["code"]), ("interrupted", "storage"))
        self.assertTrue(reply["text"].startswith(shown))
        self.assertTrue(numbered(LONG).startswith(reply["text"]))

    async def accepts(self, tab: Tab) -> None:
        """What is sent is taken, at once or after a while of `unavailable`, and answered."""
        ack = await tab.send(asks(tokens=3))
        while ack["type"] == "error":
            self.assertEqual(ack["code"], "unavailable")
            await asyncio.sleep(0.1)
            ack = await tab.send(asks(tokens=3))
        reply = await tab.ended(ack["reply"])
        self.assertEqual((reply["status"], reply["text"]), ("done", numbered(3)))

    async def reads(self, person: Person, conversation: str) -> None:
        """Somebody reads what is there: the list, and a conversation in a new tab."""
        entries = (await person.get("/conversations/"))["conversations"]
        self.assertIn(conversation, [entry["id"] for entry in entries])
        tab = await person.tab()
        await tab.open(conversation)
        self.assertEqual(tab.shown()[-1]["text"], numbered(20))
        await tab.close()


class LockTests(StorageCase, FaultCase):
    """Another program holds SQLite's lock."""

    settings: ClassVar[dict] = {"LEASE_SECONDS": 8}  # SQLite itself waits for 5

    async def test_28_a_short_lock_only_delays_and_people_read_meanwhile(self):
        async with self.person() as alice, self.person() as bob:
            tab, other = await alice.tab(), await bob.tab()
            await other.ask(asks())
            ack = await self.streaming(tab, tokens=500)
            with self.server.locked():
                stored = tab.message(ack["reply"])["length"]
                await self.model_goes_on(200)
                await self.reads(bob, other.client.conversation)
                shown = tab.message(ack["reply"])["length"]
                self.assertLess(shown, stored + 300, "what was not stored was shown")
            reply = await tab.ended(ack["reply"])
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(500)))
            await agreed(alice, ack["conversation"], tab)
            self.upstream.hang_up()

    async def test_28_a_lock_longer_than_sqlite_waits_is_told_and_loses_nothing(self):
        async with self.person() as alice:
            tab = await alice.tab()
            ack = await self.streaming(tab, tokens=800)
            with self.server.locked():
                await self.is_saving(tab)
                stored = tab.message(ack["reply"])["length"]
            await tab.text_of(ack["reply"], stored + 60)
            self.assertEqual(tab.all("status")[-1]["phase"], "waiting")
            reply = await tab.ended(ack["reply"])
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(800)))
            await agreed(alice, ack["conversation"], tab)

    async def test_28_a_lock_beyond_the_lease_ends_the_reply_and_keeps_its_text(self):
        async with self.person() as alice:
            tab = await alice.tab()
            ack = await self.streaming(tab)
            with self.server.locked():
                shown = tab.message(ack["reply"])["text"]
                await self.model_is_stopped()
            await self.is_given_up(tab, ack, shown)
            await self.accepts(tab)
            await agreed(alice, ack["conversation"], tab)

    async def test_28_a_repeat_that_fails_begins_no_reply_again(self):
        async with self.person() as alice:
            tab, again = await alice.tab(), await alice.tab()
            frame = {"type": "send", "cid": str(uuid4()), "conversation": str(uuid4())}
            frame |= {"text": asks(tokens=60, gate="repeat", gate_after=20), "parent": None}
            await tab.say(**frame)
            await tab.until(lambda: tab.count("ack"), "an answer")
            reply = tab.all("ack")[0]["reply"]
            await tab.text_of(reply, len(numbered(20)))
            with self.server.locked():  # and the answer was lost, say
                await again.say(**frame)
                self.assertEqual((await again.error())["code"], "unavailable")
            await again.say(**frame)
            await again.until(lambda: again.count("ack"), "an answer")
            self.upstream.release("repeat")
            reply = await tab.ended(reply)
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(60)))
            self.assertEqual(len(self.upstream.requests()), 1)
            await agreed(alice, frame["conversation"], tab, again)

    async def test_28_a_lock_beyond_the_lease_leaves_no_step_at_work(self):
        async with self.person() as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=LONG, rate=100), assistant="plan")
            await tab.until(lambda: tab.count("step"), "a step")
            with self.server.locked():
                await self.model_is_stopped()
            reply = await tab.ended(ack["reply"])
            self.assertEqual((reply["status"], reply["error"]["code"]), ("error", "storage"))
            self.assertEqual([step["status"] for step in reply["steps"]], ["error"])
            await agreed(alice, ack["conversation"], tab)

    async def test_28_a_lock_at_the_first_socket_is_waited_for(self):
        async with self.person() as alice:
            tab = await alice.tab()
            ack = await self.streaming(tab)
            self.server.kill()
            self.server.start()
            with self.server.locked():
                early = await alice.tab()  # welcomed or told bye, but not left without a word
                self.assertTrue(early.frames)
            late = await alice.tab()
            await late.open(ack["conversation"])
            reply = await late.ended(ack["reply"])
            self.assertEqual(reply["status"], "interrupted")
            await agreed(alice, ack["conversation"], late)


class PostgresTests(StorageCase, WorkersFaultCase):
    """PostgreSQL cuts its connections, or is away, under two workers."""

    settings: ClassVar[dict] = {"LEASE_SECONDS": 8, "SETTLE_SECONDS": 1, "DRAIN_SECONDS": 1}

    async def test_28_who_is_told_to_stop_ends_though_the_database_stands_still(self):
        other = Server("daphne", **self.workers[0].settings).start()
        self.addCleanup(other.stop)
        async with self.person() as alice:
            here = await alice.tab()
            alice.url = other.url
            there = await alice.tab()
            acks = [await self.streaming(tab) for tab in (here, there)]
            self.postgres.freeze()
            try:
                await self.model_goes_on(50)
                shown = [
                    tab.message(ack["reply"])["text"]
                    for tab, ack in zip((here, there), acks, strict=True)
                ]
                for server in (self.workers[0], other):
                    server.process.terminate()
                for server in (self.workers[0], other):
                    self.assertEqual(await asyncio.to_thread(server.process.wait, 60), 0)
            finally:
                self.postgres.thaw()
            alice.url = self.workers[1].url
            for ack, text in zip(acks, shown, strict=True):
                reply = (await agreed(alice, ack["conversation"]))[-1]
                self.assertEqual(reply["status"], "interrupted")
                self.assertTrue(reply["text"].startswith(text))

    async def test_28_a_repeat_that_waits_while_the_answer_is_lost_has_its_reply_written(self):
        import psycopg

        with Wire(self.postgres.port) as wire:
            known = self.workers[0].settings | {"SETTLE_SECONDS": 3600}
            address = known["DATABASE_URL"].replace(f":{wire.server_port}/", f":{wire.port}/")
            other = Server("uvicorn", **known | {"DATABASE_URL": address}).start()
            self.addCleanup(other.stop)
            async with self.person() as alice:
                alice.url = other.url
                first, repeat, third = [await alice.tab() for _ in range(3)]
                frame = {"type": "send", "cid": str(uuid4()), "conversation": str(uuid4())}
                frame |= {"text": asks(tokens=20), "parent": None}
                with psycopg.connect(self.postgres.address(self.database)) as holder:
                    holder.execute(HOLD)
                    await first.say(**frame)
                    while self.postgres.execute(HELD, self.database) == [(0,)]:
                        await asyncio.sleep(0.05)
                    await repeat.say(**frame)
                    for _ in range(3):  # it is heard by then
                        await self.pongs(third)
                    wire.down.cut_before = COMMITTED
                self.assertEqual((await first.error())["code"], "unavailable")
                self.assertEqual(wire.cuts, 1)
                await repeat.until(lambda: repeat.count("ack"), "the answer to the repeat")
                reply = await repeat.ended(repeat.all("ack")[0]["reply"])
                self.assertEqual((reply["status"], reply["text"]), ("done", numbered(20)))
                self.assertEqual(len(self.upstream.requests()), 1)
                await agreed(alice, frame["conversation"], repeat)

    async def test_28_a_lost_answer_is_looked_for_however_long_the_database_is_away(self):
        import psycopg

        with Wire(self.postgres.port) as wire, ExitStack() as meanwhile:
            known = self.workers[0].settings | {"SETTLE_SECONDS": 3600, "LEASE_SECONDS": 1}
            address = known["DATABASE_URL"].replace(f":{wire.server_port}/", f":{wire.port}/")
            other = Server("uvicorn", **known | {"DATABASE_URL": address}).start()
            self.addCleanup(other.stop)
            async with self.person() as alice:
                alice.url = other.url
                tab = await alice.tab()
                for worker in self.workers:  # nobody else ends it
                    meanwhile.enter_context(frozen(worker))
                with psycopg.connect(self.postgres.address(self.database)) as holder:
                    holder.execute(HOLD)
                    where = {"conversation": str(uuid4()), "parent": None}
                    await tab.say(type="send", cid=str(uuid4()), text=asks(tokens=20), **where)
                    while self.postgres.execute(HELD, self.database) == [(0,)]:
                        await asyncio.sleep(0.05)
                    wire.refuse()
                    wire.down.cut_before = COMMITTED
                self.assertEqual((await tab.error())["code"], "unavailable")
                wire.cut()
                while not self.postgres.execute(LONG_OVER, self.database):
                    await asyncio.sleep(0.05)
                wire.accept()
                async with asyncio.timeout(60):
                    while self.postgres.execute(RUNNING, self.database):
                        await asyncio.sleep(0.05)
                self.assertEqual(len(self.upstream.requests()), 1)

    @unittest.skipUnless(hasattr(socket, "TCP_USER_TIMEOUT"), "This system has no such time-out.")
    async def test_28_a_database_that_is_gone_without_a_word_is_noticed_with_the_lease(self):
        # Nobody here can lose packets without a word; the system counts those without an answer.
        said = await asyncio.to_thread(self.workers[0].shell, TIME_OUT)
        self.assertEqual(said.split()[-1], "8000")

    async def test_28_connections_that_are_cut_only_delay(self):
        async with self.person() as alice:
            here, there = await self.tabs_of(alice)
            tokens = 60 * CUTS
            ack = await self.streaming(here, tokens=tokens)
            await there.open(ack["conversation"])
            for _ in range(CUTS):
                seen = there.message(ack["reply"])["length"]
                self.postgres.execute(CUT, self.database)
                await there.text_of(ack["reply"], min(seen + 300, len(numbered(tokens))))
            for tab in (here, there):
                reply = await tab.ended(ack["reply"])
                self.assertEqual((reply["status"], reply["text"]), ("done", numbered(tokens)))
                self.assertIsNone(tab.closed)
            await self.accepts(there)
            await agreed(alice, ack["conversation"], here, there)

    async def test_28_a_database_that_is_away_within_the_lease_only_delays(self):
        async with self.person() as alice:
            here, there = await self.tabs_of(alice)
            ack = await self.streaming(here, tokens=800)
            await there.open(ack["conversation"])
            self.postgres.stop()
            try:
                await self.is_saving(here)
                await self.model_goes_on(200)
                for tab in (here, there):
                    await self.pongs(tab)
            finally:
                self.postgres.start()
            for tab in (here, there):
                reply = await tab.ended(ack["reply"])
                self.assertEqual((reply["status"], reply["text"]), ("done", numbered(800)))
            await self.accepts(there)
            await agreed(alice, ack["conversation"], here, there)

    async def test_28_a_database_that_only_reads_for_a_while_only_delays(self):
        """As one that has taken over from another, and is not told yet."""

        def only_reads(whether: str) -> None:
            which = f'"{self.database}" SET default_transaction_read_only = {whether}'
            self.postgres.execute(f"ALTER DATABASE {which}")
            self.postgres.execute(CUT, self.database)

        async with self.person() as alice:
            tab = await alice.tab()
            ack = await self.streaming(tab, tokens=600)
            only_reads("on")
            try:
                await self.is_saving(tab)
            finally:
                only_reads("off")
            reply = await tab.ended(ack["reply"])
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(600)))
            await agreed(alice, ack["conversation"], tab)

    async def test_28_a_database_that_is_away_for_longer_ends_the_reply_and_keeps_its_text(self):
        async with self.person() as alice:
            here, there = await self.tabs_of(alice)
            ack = await self.streaming(here)
            await there.open(ack["conversation"])
            self.postgres.stop()
            try:
                shown = here.message(ack["reply"])["text"]
                await self.model_is_stopped()
                for tab in (here, there):
                    await self.pongs(tab)
            finally:
                self.postgres.start()
            ends = []
            for tab in (here, there):
                await tab.ended(ack["reply"])
                reply = tab.message(ack["reply"])
                self.assertEqual(reply["status"], "interrupted")
                self.assertTrue(reply["text"].startswith(shown))
                self.assertIsNone(tab.closed)
                ends.append(reply)
            self.assertEqual(ends[0], ends[1])
            # The other worker may be the first that sees the lease is over.
            self.assertIn(ends[0]["error"]["code"], ("storage", "lost_worker"))
            await self.accepts(there)
            await agreed(alice, ack["conversation"], here, there)

    async def test_28_a_database_that_stands_still_only_delays(self):
        async with self.person() as alice:
            here, there = await self.tabs_of(alice)
            ack = await self.streaming(here, tokens=600)
            await there.open(ack["conversation"])
            self.postgres.freeze()
            try:
                stored = here.message(ack["reply"])["length"]
                await self.model_goes_on(200)
                shown = here.message(ack["reply"])["length"]
                self.assertLess(shown, stored + 300, "what was not stored was shown")
                for tab in (here, there):
                    await self.pongs(tab)
            finally:
                self.postgres.thaw()
            for tab in (here, there):
                reply = await tab.ended(ack["reply"])
                self.assertEqual((reply["status"], reply["text"]), ("done", numbered(600)))
            await self.accepts(there)
            await agreed(alice, ack["conversation"], here, there)

    async def pongs(self, tab: Tab) -> None:
        """The socket lives."""
        n = tab.count("pong") + 1
        await tab.say(type="ping", n=n)
        await tab.until(lambda: tab.count("pong") == n, "a pong")


class FullCase(StorageCase):
    """The disk is full: a reply is interrupted, people read on, and it heals with the disk."""

    settings: ClassVar[dict] = {"LEASE_SECONDS": 2}

    async def test_29_a_full_disk_ends_the_reply_and_keeps_its_text(self):
        async with self.person() as alice, self.person() as bob:
            tab, other = await alice.tab(), await bob.tab()
            await other.ask(asks())
            ack = await self.streaming(tab)
            with self.full():
                await self.is_saving(tab)
                shown = tab.message(ack["reply"])["text"]
                await self.model_is_stopped()
                await self.reads(bob, other.client.conversation)
                refused = await other.send(asks(tokens=3))
                self.assertEqual((refused["type"], refused["code"]), ("error", "unavailable"))
            await self.is_given_up(tab, ack, shown)
            for one in (tab, other):
                await self.accepts(one)
            await agreed(alice, ack["conversation"], tab)
            await agreed(bob, other.client.conversation, other)
            self.upstream.hang_up()


class FullDiskTests(FullCase, FaultCase):
    """A file system of its own, which somebody fills."""

    @classmethod
    def start_server(cls) -> Server:
        if os.geteuid():
            raise unittest.SkipTest("Only root may mount a small file system.")
        cls.disk = Path(tempfile.mkdtemp(prefix="chat-disk-"))
        cls.addClassCleanup(cls.disk.rmdir)
        mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(cls.disk)]
        if (done := subprocess.run(mount, capture_output=True, text=True)).returncode:
            raise unittest.SkipTest(f"No small file system can be mounted: {done.stderr}")
        cls.addClassCleanup(subprocess.run, ["umount", "--lazy", str(cls.disk)], check=True)
        cls.settings = {**cls.settings, "DATABASE_URL": f"sqlite:///{cls.disk / 'chat.sqlite3'}"}
        empty = Server()
        cls.addClassCleanup(empty.stop)
        shutil.copy(empty.data / "chat.sqlite3", cls.disk)
        return super().start_server()

    @contextmanager
    def full(self) -> Iterator[None]:
        filler = self.disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(KIBIBYTE))
            except OSError:
                pass
        try:
            yield
        finally:
            filler.unlink()


class FullQuotaTests(FullCase, FaultCase):
    """No file of the server's may grow beyond a size."""

    @contextmanager
    def full(self) -> Iterator[None]:
        server, before = self.server.process.pid, resource.RLIM_INFINITY
        # The log of the process is smaller, and goes on.
        resource.prlimit(server, resource.RLIMIT_FSIZE, (64 * KIBIBYTE, before))
        try:
            yield
        finally:
            resource.prlimit(server, resource.RLIMIT_FSIZE, (before, before))
