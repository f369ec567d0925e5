"""Two workers on PostgreSQL and Redis: what is written by the one is followed from the other."""

import asyncio

from tests.replies.case import ServerCase, WorkersCase, asks
from tests.server import Server
from tests.tabs import Person
from tests.upstream import numbered


class WorkersTests(WorkersCase):
    async def test_two_tabs_on_two_workers_see_the_same(self):
        async with Person(self.workers[0].url) as alice:
            here, there = await self.tabs_of(alice)
            ack = await here.send(asks(tokens=200, rate=100, reasoning=5), assistant="plan")
            await there.open(ack["conversation"])
            await there.ended(ack["reply"])
            await here.ended(ack["reply"])
            self.assertEqual(here.shown(), there.shown())
            self.assertEqual(there.message(ack["reply"])["text"], numbered(200))
            self.assertGreater(there.count("delta"), 10, "it came by the look each second alone")
            # And the other way, with what is new there.
            ack = await there.send(asks(tokens=5))
            await here.ended(ack["reply"])
            self.assertEqual(here.shown(), there.shown())

    async def test_stop_from_the_other_worker_is_heard_at_once(self):
        async with Person(self.workers[0].url) as alice:
            here, there = await self.tabs_of(alice)
            ack = await here.send(asks(tokens=5000, rate=100))
            await there.open(ack["conversation"])
            await there.text_of(ack["reply"], 60)
            request = self.upstream.requests()[0]["id"]
            await there.say(type="stop", message=ack["reply"])
            closed = await asyncio.to_thread(self.upstream.wait_closed, request)
            self.assertEqual(closed["finished"], "client_closed")
            for tab in (here, there):
                await tab.ended(ack["reply"])
            self.assertEqual(here.shown(), there.shown())


class DaphneWorkersTests(WorkersTests):
    kind = "daphne"


class LoneWorkersTests(ServerCase):
    """Two processes that share a database but no machine's locks, and no bus."""

    def other_machine(self) -> Server:
        database = f"sqlite:///{self.server.data / 'chat.sqlite3'}"
        settings = {"OPENAI_BASE_URL": self.upstream.url, "OPENAI_MODEL": "numbered"}
        return Server("uvicorn", **settings, DATABASE_URL=database)

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

    async def test_what_changes_in_the_list_is_told_by_the_other_worker_too(self):
        with self.other_machine() as other:
            async with Person(self.server.url) as alice:
                here = await alice.tab()
                await here.ask(asks(tokens=2))
                conversation = here.client.conversation
                alice.url = other.url
                there = await alice.tab()
                await there.open(conversation)
                for change, fields, holds in (
                    (alice.change, {"title": "Another"}, lambda e: e["title"] == "Another"),
                    (alice.change, {"pinned": True}, lambda e: e["pinned"]),
                    (alice.delete, {}, lambda e: e.get("deleted")),
                ):
                    alice.url = self.server.url
                    await change(conversation, **fields)
                    await there.until(
                        lambda holds=holds: holds(
                            there.client.entries.get(conversation, {"title": "", "pinned": False})
                        ),
                        f"{change.__name__} {fields}",
                    )
