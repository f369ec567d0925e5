"""Case 31: what belongs to no socket fails: a write, the settler, the hub, the bus. The process
starts it again, and nobody else is harmed."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import ClassVar

from tests.replies.case import asks
from tests.server import Server
from tests.upstream import numbered

from .aftermath import agreed
from .arrivals import Arrivals
from .case import FaultCase, WorkersFaultCase

AGAIN = "failed and is started again"


async def until(holds: Callable[[], object], what: str, seconds: float = 15) -> None:
    try:
        async with asyncio.timeout(seconds):
            while not holds():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"no {what} within {seconds} s") from None


class TaskCase(FaultCase):
    """On SQLite, whose triggers and tables a test can change under the server."""

    settings: ClassVar[dict] = {"LEASE_SECONDS": 3, "SETTLE_SECONDS": 0.5}

    def sql(self, *statements: str) -> None:
        path = self.server.data / "chat.sqlite3"
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            for statement in statements:
                database.execute(statement)

    @contextmanager
    def refused(self, when: str) -> Iterator[None]:
        """The database refuses to write messages `when` this is so of NEW and OLD."""
        self.sql(
            f"CREATE TRIGGER refuse BEFORE UPDATE ON chat_message WHEN {when} "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
        try:
            yield
        finally:
            self.sql("DROP TRIGGER refuse")

    @contextmanager
    def away(self, table: str) -> Iterator[None]:
        """There is no such table meanwhile."""
        self.sql("PRAGMA legacy_alter_table = ON", f"ALTER TABLE {table} RENAME TO away")
        try:
            yield
        finally:
            self.sql("PRAGMA legacy_alter_table = ON", f"ALTER TABLE away RENAME TO {table}")

    def log(self) -> str:
        return self.server.log.read_text()[self.logged[self.server] :]

    def failed(self, task: str) -> bool:
        """Whether the log says that this task of the process failed."""
        return any(AGAIN in line and task in line for line in self.log().splitlines())

    def other_machine(self) -> Server:
        """Another worker on the same database, which shares no locks with the first."""
        path = self.server.data / "chat.sqlite3"
        return Server(**self.server.settings, DATABASE_URL=f"sqlite:///{path}")


class PageTests(TaskCase):
    failures = ("Internal Server Error",)

    async def test_31_a_page_that_fails_says_why_in_the_log(self):
        async with self.person() as alice:
            with self.away("chat_conversation"):
                async with alice.http.get(f"{alice.url}/conversations/") as answer:
                    self.assertEqual(answer.status, 500)
            self.assertIn("Internal Server Error: /conversations/", self.log())
            self.assertIn("no such table", self.log())


class TaskTests(TaskCase):
    async def test_31_a_piece_that_the_database_refuses_ends_its_reply_and_no_other(self):
        async with self.person() as alice, self.person() as bob:
            good, bad = await alice.tab(), await bob.tab()
            fine = await good.send(asks(tokens=300, rate=100))
            await good.text_of(fine["reply"], 7)
            with self.refused("NEW.text LIKE '%<7050>%'"):
                ack = await bad.send(asks(tokens=5000, rate=100, start=7001))
                reply = await bad.ended(ack["reply"])
                self.assertEqual(reply["status"], "interrupted")
                self.assertEqual(reply["error"]["code"], "storage")
                self.assertTrue(numbered(49, start=7001).startswith(reply["text"]))
                reply = await good.ended(fine["reply"])
                self.assertEqual((reply["status"], reply["text"]), ("done", numbered(300)))
            closed = await asyncio.to_thread(
                self.upstream.wait_closed, self.upstream.requests()[1]["id"]
            )
            self.assertEqual(closed["finished"], "client_closed")
            for person, tab in ((alice, good), (bob, bad)):
                await agreed(person, tab.client.conversation, tab)
                self.assertEqual((await tab.ask(asks(tokens=3)))["status"], "done")
            self.upstream.hang_up()

    async def test_31_a_row_that_the_database_refuses_wholly_ends_with_its_lease(self):
        async with self.person() as alice, self.person() as bob:
            good, bad = await alice.tab(), await bob.tab()
            fine = await good.send(asks(tokens=300, rate=100))
            await good.text_of(fine["reply"], 7)
            ack = await bad.send(asks(tokens=5000, rate=100, start=7001))
            await bad.text_of(ack["reply"], 60)
            shown = bad.message(ack["reply"])["text"]
            self.failures = (AGAIN,)  # the settler's, which is refused too
            with self.refused(f"NEW.id = '{ack['reply'].replace('-', '')}'"):
                closed = await asyncio.to_thread(
                    self.upstream.wait_closed, self.upstream.requests()[1]["id"]
                )
                self.assertEqual(closed["finished"], "client_closed")
                reply = await good.ended(fine["reply"])
                self.assertEqual((reply["status"], reply["text"]), ("done", numbered(300)))
                await until(lambda: self.failed("_settle"), "failure of the settler")
            reply = await bad.ended(ack["reply"])
            self.assertEqual(reply["status"], "interrupted")
            self.assertEqual(reply["error"]["code"], "lost_worker")
            self.assertTrue(reply["text"].startswith(shown))
            await agreed(bob, ack["conversation"], bad)
            self.upstream.hang_up()

    async def test_31_a_worker_that_died_on_this_machine_is_missed_whatever_the_clock_says(self):
        # As long as its lease seems to be where the clock was set back since.
        lease = self.server.settings | {"LEASE_SECONDS": 3600, "DATA_DIR": self.server.data}
        other = Server(**lease).start()
        self.addCleanup(other.stop)
        async with self.person() as alice:
            here = await alice.tab()
            alice.url = other.url
            there = await alice.tab()
            ack = await there.send(asks(tokens=5000, rate=100))
            await here.open(ack["conversation"])
            await here.text_of(ack["reply"], 60)
            other.kill()
            reply = await here.ended(ack["reply"])
            self.assertEqual(reply["error"]["code"], "lost_worker")
            alice.url = self.server.url
            await agreed(alice, ack["conversation"], here)
            self.upstream.hang_up()

    async def test_31_the_settler_goes_on_when_it_can(self):
        other = self.other_machine().start()
        self.addCleanup(other.stop)
        self.failures = ("Process._settle",)
        async with self.person() as alice:
            here = await alice.tab()
            alice.url = other.url
            there = await alice.tab()
            ack = await there.send(asks(tokens=5000, rate=100))
            await here.open(ack["conversation"])
            await here.text_of(ack["reply"], 60)
            with self.refused("NEW.error = 'lost_worker'"):
                other.kill()
                await until(lambda: self.log().count(AGAIN) > 1, "failures of the settler")
                self.assertEqual(here.message(ack["reply"])["status"], "running")
            alice.url = self.server.url
            reply = await here.ended(ack["reply"])
            self.assertEqual(reply["status"], "interrupted")
            self.assertEqual(reply["error"]["code"], "lost_worker")
            await agreed(alice, ack["conversation"], here)

    async def test_31_the_hub_goes_on_when_it_can_and_tells_what_it_could_not(self):
        self.failures = (AGAIN,)
        async with self.person() as alice:
            tab, list_alone = await alice.tab(), await alice.tab()
            ack = await tab.send(asks(tokens=200, rate=100))
            conversation = ack["conversation"]
            await list_alone.until(lambda: conversation in list_alone.client.entries, "an entry")
            self.assertTrue(list_alone.client.entries[conversation]["active"])
            with self.away("chat_conversation"):
                reply = await tab.ended(ack["reply"])
                self.assertEqual((reply["status"], reply["text"]), ("done", numbered(200)))
                for work in "Hub.look", "Hub.tell_entries":
                    await until(lambda work=work: work in self.log(), f"failure of {work}")
            await list_alone.until(
                lambda: not list_alone.client.entries[conversation]["active"],
                "the word that nothing is being written any more",
            )
            await agreed(alice, conversation, tab)
            self.assertEqual((await tab.ask(asks(tokens=3)))["status"], "done")


class BusTests(WorkersFaultCase):
    async def test_31_a_message_that_is_no_bell_is_survived(self):
        self.failures = ("Bus.listen",)
        async with self.person() as alice:
            here, there = await self.tabs_of(alice)
            ack = await here.send(asks(tokens=50_000, rate=100))
            await there.open(ack["conversation"])
            async with Arrivals(there) as arrivals:
                await arrivals.fast()
                for nonsense in (
                    "\xc1",  # no message at all
                    "\x80",  # an empty one
                    "\x82\xa4from\xa1x\xa3ids\x81\xa5grown\x91\xa1x",  # one that names no id
                ):
                    self.redis.command("PUBLISH", "asgi__group__bells", nonsense)
                    await there.text_of(ack["reply"], there.message(ack["reply"])["length"] + 300)
                    await arrivals.fast()
            await there.say(type="stop", message=ack["reply"])
            for tab in (here, there):
                self.assertEqual((await tab.ended(ack["reply"]))["status"], "stopped")
                self.assertIsNone(tab.closed)
            await agreed(alice, ack["conversation"], here, there)
