"""Cases 23, 26, 27: what is left when a worker dies or stands still: all that anyone was shown."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import psycopg

from tests.replies.case import asks
from tests.server import ROOT, Server
from tests.tabs import Person, Tab
from tests.upstream import numbered

from . import figures
from .aftermath import agreed
from .case import FaultCase, WorkersFaultCase, frozen
from .chance import chance
from .soak import whole

KILLS = whole(10, 50)
TOKENS = 5000


class DeathCase(FaultCase):
    async def lives_on(self, alice: Person, tab: Tab, ack: dict) -> dict:
        """The server is there again: the reply that it wrote is interrupted, and nothing of it
        that was shown is lost, neither for the tab that was open nor for a new one."""
        shown = tab.message(ack["reply"])
        self.assertEqual(shown["status"], "running", "it ended before the server died")
        await tab.insist(
            lambda: tab.message(ack["reply"])["status"] != "running", "the end of the reply"
        )
        kept = tab.message(ack["reply"])
        self.assertEqual(kept["status"], "interrupted")
        self.assertEqual(kept["error"]["code"], "lost_worker")
        self.assertTrue(kept["text"].startswith(shown["text"]))
        self.assertTrue(numbered(TOKENS).startswith(kept["text"]))
        await agreed(alice, ack["conversation"], tab)
        lists = await alice.get("/conversations/")
        self.assertFalse(any(entry["active"] for entry in lists["conversations"]))
        return kept

    async def goes_on(self, tab: Tab, kept: dict, start: int) -> None:
        """Another reply goes on where this one broke off."""
        again = await tab.again("continue", kept["id"])
        reply = await tab.ended(again["reply"])
        self.assertEqual(reply["text"], kept["text"] + numbered(5, start=start))
        self.assertEqual((reply["status"], reply["kept"]), ("done", kept["length"]))


class KillTests(DeathCase):
    # The next process ends what the dead one left because of its lock, long before its lease.
    settings: ClassVar[dict] = {"LEASE_SECONDS": 600}

    async def test_23_killed_at_random_points_nothing_that_was_shown_is_lost(self):
        with chance() as dice:
            async with self.person() as alice:
                tab = await alice.tab()
                for turn in range(KILLS):
                    going_on = {"tokens": 5, "start": 9000}
                    question = asks(f"turn {turn}", tokens=TOKENS, rate=300, next=going_on)
                    ack = await tab.send(question)
                    await tab.text_of(ack["reply"], dice.randint(1, 700))
                    self.server.kill()
                    figures.count("kills")
                    await tab.until(lambda: tab.closed, "the end of the socket")
                    self.server.start()
                    kept = await self.lives_on(alice, tab, ack)
                await self.goes_on(tab, kept, start=9000)

    async def test_23_killed_before_the_first_token_the_reply_is_interrupted_too(self):
        async with self.person() as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(silent=True))
            await tab.until(lambda: tab.message(ack["reply"]), "the reply's message")
            await asyncio.to_thread(self.upstream.wait_requests, 1)
            self.server.kill()
            await tab.until(lambda: tab.closed, "the end of the socket")
            self.server.start()
            kept = await self.lives_on(alice, tab, ack)
            self.assertEqual(kept["text"], "")

    async def test_23_the_settle_command_ends_what_a_dead_worker_left(self):
        async with self.person() as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=TOKENS, rate=100))
            await tab.text_of(ack["reply"], 7)
        self.assertIn("No replies settled", self.server.manage("settle").stdout)
        self.server.kill()
        done = self.server.manage("settle")
        self.assertIn(f"interrupted: reply {ack['reply']}", done.stdout)
        self.assertIn("1 reply settled", done.stdout)
        self.assertIn("No replies settled", self.server.manage("settle").stdout)


class DaphneKillTests(KillTests):
    kind = "daphne"


# Within the transaction that writes on in a reply's row, wait for whoever holds the lock 26.
GATE = """
    CREATE FUNCTION gate() RETURNS trigger AS $$
        BEGIN PERFORM pg_advisory_xact_lock(26); RETURN NULL; END
    $$ LANGUAGE plpgsql;
    CREATE TRIGGER gate AFTER UPDATE ON chat_message FOR EACH ROW
        WHEN (NEW.id = '{reply}' AND NEW.status = 'running') EXECUTE FUNCTION gate()
"""
NO_GATE = "DROP TRIGGER gate ON chat_message; DROP FUNCTION gate()"


class LeaseCase(WorkersFaultCase):
    """A worker on another machine: what became of the first it knows by the lease alone."""

    async def interrupted(self, there: Tab, ack: dict) -> dict:
        """The other worker has ended the reply."""

        def final() -> bool:
            return there.message(ack["reply"])["status"] != "running"

        await there.until(final, "the end of the lease", seconds=40)
        reply = there.message(ack["reply"])
        self.assertEqual((reply["status"], reply["error"]["code"]), ("interrupted", "lost_worker"))
        return reply

    async def streaming(self, alice: Person, **directive: object) -> tuple[Tab, Tab, dict]:
        """A reply that the first worker writes, followed there and from the other."""
        here, there = await self.tabs_of(alice)
        ack = await here.send(asks(tokens=TOKENS, rate=100, **directive))
        await there.open(ack["conversation"])
        await there.text_of(ack["reply"], 60)
        return here, there, ack

    async def freeze_and_thaw(self) -> None:
        """A reply whose worker stands still for longer than its lease is interrupted by the other
        worker, and not a character is added when the first wakes."""
        async with self.person() as alice:
            here, there, ack = await self.streaming(alice)
            request = self.upstream.requests()[0]["id"]
            with frozen(self.workers[0]):
                kept = await self.interrupted(there, ack)
            closed = await asyncio.to_thread(self.upstream.wait_closed, request)
            self.assertEqual(closed["finished"], "client_closed")
            self.assertEqual(await here.ended(ack["reply"]), kept)
            for worker in self.workers:
                alice.url = worker.url
                await agreed(alice, ack["conversation"], here, there)
            self.assertEqual(there.message(ack["reply"]), kept)
            self.assertEqual((await here.ask(asks(tokens=3)))["status"], "done")
            await agreed(alice, ack["conversation"], here, there)


class LeaseTests(LeaseCase):
    settings = {"LEASE_SECONDS": 2, "SETTLE_SECONDS": 0.5}

    async def test_23_a_killed_workers_reply_is_interrupted_by_the_other(self):
        async with self.person() as alice:
            here, there, ack = await self.streaming(alice)
            shown = here.message(ack["reply"])["text"]
            self.workers[0].kill()
            kept = await self.interrupted(there, ack)
            self.assertTrue(kept["text"].startswith(shown))
            regenerated = await there.again("regenerate", ack["reply"])
            self.assertEqual(regenerated["type"], "ack")
            await there.say(type="stop", message=regenerated["reply"])
            await there.ended(regenerated["reply"])
            await agreed(alice, ack["conversation"], there)

    async def test_26_a_worker_frozen_beyond_its_lease_adds_nothing_when_it_wakes(self):
        await self.freeze_and_thaw()

    async def test_26_a_worker_frozen_within_a_transaction_holds_up_nobody(self):
        """What is stopped holds its locks: the reply's row is the frozen worker's until the
        database ends its transaction."""
        async with self.person() as alice, self.person() as bob:
            bob.url = self.workers[1].url
            stranger = await bob.tab()
            here, there, ack = await self.streaming(alice)
            others = [await alice.tab() for _ in range(5)]
            row = f"chat_message WHERE id = '{ack['reply']}' AND status = 'running'"
            with psycopg.connect(self.postgres.address(self.database), autocommit=True) as database:
                database.execute("SELECT pg_advisory_lock(26)")
                database.execute(GATE.format(reply=ack["reply"]))
                self.addCleanup(self.postgres.execute, NO_GATE, self.database)
                await self.until_there("pg_locks WHERE locktype = 'advisory' AND NOT granted")
                with frozen(self.workers[0]):
                    database.execute("SELECT pg_advisory_unlock(26)")
                    await self.until_there(f"{row} AND lease_until < now()")
                    for tab in others:  # each looks at the row first
                        await tab.say(type="open", conversation=ack["conversation"])
                    self.assertEqual((await stranger.ask(asks(tokens=3)))["status"], "done")
                    kept = await self.interrupted(there, ack)
            self.assertEqual(await here.ended(ack["reply"]), kept)
            await agreed(alice, ack["conversation"], here, there, *others)

    async def until_there(self, rows: str) -> None:
        """Until the database has one of these."""
        async with asyncio.timeout(15):
            while not self.postgres.execute(f"SELECT 1 FROM {rows}", self.database):
                await asyncio.sleep(0.02)


class RealLeaseTests(LeaseCase):
    """The one test of a lease as it is: 15 seconds, and up to 5 more until somebody looks."""

    async def test_26_a_worker_frozen_for_twenty_seconds_adds_nothing_when_it_wakes(self):
        await self.freeze_and_thaw()


class Reloading(Server):
    """`manage.py runserver` as a developer has it, of a copy of the project that may be changed."""

    def __init__(self, **settings: object) -> None:
        super().__init__("runserver", **settings)
        self.copy = Path(tempfile.mkdtemp(prefix="chat-copy-"))
        for name in ("chat", "chatproject", "templates", "static"):
            shutil.copytree(ROOT / name, self.copy / name)
        shutil.copy(ROOT / "manage.py", self.copy)

    def kill(self) -> None:
        """The process that watches the files, and the one that serves."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        serving = [int(pid) for pid in children.read_text().split()]
        super().kill()
        for pid in serving:
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        super().stop()
        shutil.rmtree(self.copy)

    def _command(self) -> list[str]:
        return [sys.executable, str(self.copy / "manage.py"), "runserver"]


class ReloadTests(DeathCase):
    settings = {"DEBUG": 1}
    probe = False

    @classmethod
    def start_server(cls) -> Server:
        settings = {"OPENAI_BASE_URL": cls.upstream.url, "OPENAI_MODEL": "numbered"}
        server = Reloading(**settings, **cls.settings)
        cls.addClassCleanup(server.stop)
        return server.start()

    async def test_27_code_that_changes_under_runserver_loses_nothing_that_was_shown(self):
        async with self.person() as alice:
            tab = await alice.tab()
            going_on = {"tokens": 5, "start": 9000}
            for turn in range(whole(2, 10)):
                question = asks(f"turn {turn}", tokens=TOKENS, rate=100, next=going_on)
                ack = await tab.send(question)
                await tab.text_of(ack["reply"], 60)
                await self.reload(tab)
                kept = await self.lives_on(alice, tab, ack)
            await self.goes_on(tab, kept, start=9000)

    async def reload(self, tab: Tab) -> None:
        """Touch a file until the server has seen it: it only looks each second."""
        while not tab.closed:
            (self.server.copy / "chat" / "text.py").touch()
            with suppress(AssertionError):
                await tab.until(lambda: tab.closed, "the end of the socket", seconds=4)
