"""Two workers on PostgreSQL and Redis: what is written by the one is followed from the other."""

import asyncio
import time
from uuid import uuid4

from django.test import SimpleTestCase

from tests.replies.case import asks
from tests.server import Server, manage
from tests.services import Postgres, Redis
from tests.tabs import Person, Tab
from tests.upstream import Upstream, numbered


class WorkersCase(SimpleTestCase):
    kind = "uvicorn"
    settings = {}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.upstream = cls.enterClassContext(Upstream())
        cls.redis = cls.enterClassContext(Redis())
        cls.postgres = cls.enterClassContext(Postgres())
        settings = {
            "OPENAI_BASE_URL": cls.upstream.url,
            "OPENAI_MODEL": "numbered",
            "DATABASE_URL": cls.postgres.url(uuid4().hex),
            "REDIS_URL": cls.redis.url,
            **cls.settings,
        }
        cls.workers = [Server(cls.kind, **settings) for _ in range(2)]
        made = manage(cls.workers[0].data, "migrate", "--verbosity=0", **settings)
        assert made.returncode == 0, made.stderr
        for worker in cls.workers:
            cls.addClassCleanup(worker.stop)
            worker.start()

    def setUp(self) -> None:
        self.upstream.clear()

    async def tabs(self, person: Person) -> tuple[Tab, Tab]:
        """A tab of the person's on each worker."""
        tabs = []
        for worker in self.workers:
            person.url = worker.url
            tabs.append(await person.tab())
        return tabs[0], tabs[1]


class WorkersTests(WorkersCase):
    async def test_two_tabs_on_two_workers_see_the_same(self):
        async with Person(self.workers[0].url) as alice:
            here, there = await self.tabs(alice)
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
            here, there = await self.tabs(alice)
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

    async def test_redis_may_die_freeze_be_flushed_and_come_back(self):
        async with Person(self.workers[0].url) as alice:
            here, there = await self.tabs(alice)
            ack = await here.send(asks(tokens=2000, rate=100))
            await there.open(ack["conversation"])
            await there.text_of(ack["reply"], 60)
            for trouble, cure in (
                (self.redis.kill, self.redis.start),
                (self.redis.freeze, self.redis.thaw),
                (lambda: self.redis.command("FLUSHALL"), lambda: None),
            ):
                trouble()
                seen = there.message(ack["reply"])["length"]
                # Everything goes on by looking, if a little later.
                await there.text_of(ack["reply"], seen + 300)
                cure()
            await self.until_fast(there)
            await there.say(type="stop", message=ack["reply"])
            for tab in (here, there):
                await tab.ended(ack["reply"])
                self.assertIsNone(tab.closed)
            self.assertEqual(here.shown(), there.shown())

    async def until_fast(self, tab: Tab) -> None:
        """Wait until text comes more often than by the look each second."""
        times: list[float] = []

        def fast() -> bool:
            if not times or tab.count("delta") > fast.deltas:
                fast.deltas = tab.count("delta")
                times.append(time.monotonic())
            return len(times) > 5 and times[-1] - times[-6] < 2

        fast.deltas = 0
        await tab.until(fast, "bells again", seconds=20)

    async def test_postgres_may_restart(self):
        async with Person(self.workers[0].url) as alice:
            here, there = await self.tabs(alice)
            ack = await here.send(asks(tokens=600, rate=100))
            await there.open(ack["conversation"])
            await there.text_of(ack["reply"], 60)
            self.postgres.stop()
            self.postgres.start()
            for tab in (here, there):
                reply = await tab.ended(ack["reply"])
                self.assertEqual((reply["status"], reply["text"]), ("done", numbered(600)))
                self.assertIsNone(tab.closed)
            again = await there.send(asks(tokens=3))
            while again["type"] == "error":
                self.assertEqual(again["code"], "unavailable")
                again = await there.send(asks(tokens=3))
            await here.ended(again["reply"])
            self.assertEqual(here.shown(), there.shown())

    async def test_a_killed_workers_reply_is_interrupted_by_the_other(self):
        async with Person(self.workers[0].url) as alice:
            here, there = await self.tabs(alice)
            ack = await here.send(asks(tokens=5000, rate=100))
            await there.open(ack["conversation"])
            await there.text_of(ack["reply"], 60)
            shown = here.message(ack["reply"])["text"]
            self.workers[0].kill()
            self.addCleanup(self.workers[0].start)
            await there.until(
                lambda: there.message(ack["reply"])["status"] != "running",
                "the end of the lease",
                seconds=30,
            )
            reply = there.message(ack["reply"])
            self.assertEqual(
                (reply["status"], reply["error"]["code"]), ("interrupted", "lost_worker")
            )
            self.assertTrue(reply["text"].startswith(shown))


class DaphneWorkersTests(WorkersTests):
    kind = "daphne"
