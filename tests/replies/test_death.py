"""What is left when a worker dies: everything that anyone was shown."""

import asyncio
import random
import sqlite3
from contextlib import contextmanager

from tests.replies.case import ServerCase, asks
from tests.server import Server
from tests.tabs import Person, Tab
from tests.upstream import numbered

KILLS = 10
NOTHING = {"title": ""}


class KillTests(ServerCase):
    async def test_killed_ten_times_nothing_that_was_shown_is_lost(self):
        going_on = {"tokens": 400, "rate": 400, "start": 9000}
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            for turn in range(KILLS):
                question = asks(f"turn {turn}", tokens=1000, rate=300, next=going_on)
                ack = await tab.send(question)
                await tab.text_of(ack["reply"], random.randint(1, 700))
                self.server.kill()
                await tab.until(lambda: tab.closed, "the end of the socket")
                shown = tab.message(ack["reply"])
                self.assertEqual(shown["status"], "running", "it ended before it was killed")
                self.server.start()

                # A page that knows nothing, and the one that was open, see the same at once.
                fresh = await alice.tab()
                await fresh.open(ack["conversation"])
                await tab.reconnect()
                await tab.ended(ack["reply"])
                self.assertEqual(tab.shown(), fresh.shown())
                kept = tab.message(ack["reply"])
                self.assertEqual(kept["status"], "interrupted")
                self.assertEqual(kept["error"]["code"], "lost_worker")
                self.assertTrue(kept["text"].startswith(shown["text"]))
                self.assertTrue(numbered(1000).startswith(kept["text"]))

                again = await tab.again("continue", ack["reply"])
                whole = await tab.ended(again["reply"])
                self.assertEqual(whole["text"], kept["text"] + numbered(400, start=9000))
                self.assertEqual((whole["status"], whole["kept"]), ("done", kept["length"]))
                await fresh.close()


class DaphneKillTests(KillTests):
    kind = "daphne"


class LeaseTests(ServerCase):
    """Two processes that share a database but no machine's locks, and no bus."""

    settings = {"LEASE_SECONDS": 2, "SETTLE_SECONDS": 0.5}

    def other_machine(self) -> Server:
        database = f"sqlite:///{self.server.data / 'chat.sqlite3'}"
        settings = {"OPENAI_BASE_URL": self.upstream.url, "OPENAI_MODEL": "numbered"}
        return Server("uvicorn", **settings, **self.settings, DATABASE_URL=database)

    async def test_a_reply_is_followed_and_stopped_from_another_worker(self):
        with self.other_machine() as other:
            async with Person(self.server.url) as alice:
                here = await alice.tab()
                alice.url = other.url
                there = await alice.tab()
                ack = await here.send(asks(tokens=2000, rate=100))
                await there.open(ack["conversation"])
                await there.text_of(ack["reply"], 100)
                await there.say(type="stop", message=ack["reply"])
                ended = await there.ended(ack["reply"])
                self.assertEqual(ended["status"], "stopped")
                await here.ended(ack["reply"])
                self.assertEqual(here.shown(), there.shown())
                closed = self.upstream.wait_closed(self.upstream.requests()[0]["id"])
                self.assertEqual(closed["finished"], "client_closed")
                # What is said next is seen by the other, too.
                ack = await there.send(asks(tokens=3))
                await there.ended(ack["reply"])
                await here.ended(ack["reply"])
                self.assertEqual(here.shown(), there.shown())

    async def test_a_dead_workers_reply_ends_with_its_lease(self):
        other = self.other_machine().start()
        self.addCleanup(other.stop)
        async with Person(self.server.url) as alice:
            here = await alice.tab()
            alice.url = other.url
            there = await alice.tab()
            ack = await there.send(asks(tokens=2000, rate=100))
            await here.open(ack["conversation"])
            await there.text_of(ack["reply"], 100)
            shown = there.message(ack["reply"])["text"]
            other.kill()
            ended = await here.ended(ack["reply"])
            self.assertEqual(ended["status"], "interrupted")
            self.assertTrue(ended["text"].startswith(shown))
            regenerated = await here.again("regenerate", ack["reply"])
            self.assertEqual(regenerated["type"], "ack")
            await here.say(type="stop", message=regenerated["reply"])
            await here.ended(regenerated["reply"])

    async def test_what_changes_in_the_list_is_told_by_the_other_worker_too(self):
        with self.other_machine() as other:
            async with Person(self.server.url) as alice:
                here = await alice.tab()
                await here.ask(asks(tokens=2))
                conversation = here.client.conversation
                alice.url = other.url
                there = await alice.tab()
                await there.open(conversation)
                for action, holds in (
                    ("rename", lambda entry: entry["title"] == "Another"),
                    ("delete", lambda entry: entry.get("deleted")),
                ):
                    alice.url = self.server.url
                    await alice.post(f"/c/{conversation}/{action}/", title="Another")
                    await there.until(
                        lambda holds=holds: holds(
                            there.client.entries.get(conversation, {"title": ""})
                        ),
                        action,
                    )


class LockTests(ServerCase):
    """Another program holds SQLite's lock: nothing is lost, and nobody waits longer than it."""

    settings = {"LEASE_SECONDS": 8}  # SQLite itself waits for 5

    @contextmanager
    def locked(self):
        database = sqlite3.connect(self.server.data / "chat.sqlite3", isolation_level=None)
        database.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            database.execute("ROLLBACK")
            database.close()

    async def test_a_short_lock_only_delays(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=500, rate=100))
            await tab.text_of(ack["reply"], 60)
            with self.locked():
                await tab.until(lambda: "saving" in phases(tab), "the word that it is being saved")
                released = tab.message(ack["reply"])["length"]
            await tab.text_of(ack["reply"], released + 60)
            reply = await tab.ended(ack["reply"])
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(500)))

    async def test_a_lock_beyond_the_lease_ends_the_reply_and_keeps_its_text(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=5000, rate=100))
            await tab.text_of(ack["reply"], 60)
            request = self.upstream.requests()[0]["id"]
            with self.locked():
                shown = tab.message(ack["reply"])["text"]
                closed = await asyncio.to_thread(self.upstream.wait_closed, request, 20)
                self.assertEqual(closed["finished"], "client_closed")
            reply = await tab.ended(ack["reply"])
            self.assertEqual((reply["status"], reply["error"]["code"]), ("interrupted", "storage"))
            self.assertTrue(reply["text"].startswith(shown))
            self.assertEqual((await tab.ask(asks(tokens=3)))["status"], "done")

    async def test_a_lock_at_the_first_socket_is_waited_for(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=5000, rate=100))
            await tab.text_of(ack["reply"], 60)
            self.server.kill()
            self.server.start()
            with self.locked():
                early = await alice.tab()  # welcomed or told bye, but not left without a word
                self.assertTrue(early.frames)
            late = await alice.tab()
            await late.open(ack["conversation"])
            reply = await late.ended(ack["reply"])
            self.assertEqual(reply["status"], "interrupted")


def phases(tab: Tab) -> set[str]:
    return {frame["phase"] for frame in tab.all("status")}


class CommandTests(ServerCase):
    async def test_the_settle_command_ends_what_a_dead_worker_left(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=1000, rate=100))
            await tab.text_of(ack["reply"], 7)
        self.assertIn("No replies settled", self.server.manage("settle").stdout)
        self.server.kill()
        done = self.server.manage("settle")
        self.assertIn(f"interrupted: reply {ack['reply']}", done.stdout)
        self.assertIn("1 reply settled", done.stdout)
        self.assertIn("No replies settled", self.server.manage("settle").stdout)
        self.server.start()
