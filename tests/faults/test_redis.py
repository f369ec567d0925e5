"""Case 30: Redis dies, freezes, or forgets while two workers stream. No socket is lost: everything
goes on by looking each second, and fast again as soon as the bells are back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.doors.test_probes import until_ready
from tests.replies.case import asks
from tests.tabs import Tab
from tests.upstream import numbered

from . import figures
from .aftermath import agreed
from .arrivals import Arrivals
from .case import WorkersFaultCase
from .soak import whole

LONG = 50_000  # tokens: more than any of these takes


class RedisTests(WorkersFaultCase):
    failures = ("Unexpected exception in receive task",)  # so Channels tells the operator

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[tuple[Tab, str, Arrivals]]:
        """A reply that one worker writes, in a tab of the other's. Afterwards it comes fast again,
        and no socket was lost."""
        async with self.person() as alice:
            here, there = await self.tabs_of(alice)
            ack = await here.send(asks(tokens=LONG, rate=100))
            await there.open(ack["conversation"])
            async with Arrivals(there) as arrivals:
                await arrivals.fast()
                yield there, ack["reply"], arrivals
                await arrivals.fast()
            for gap in arrivals.gaps():
                figures.took("gap while Redis is in trouble", gap)
            await there.say(type="stop", message=ack["reply"])
            for tab in (here, there):
                reply = await tab.ended(ack["reply"])
                self.assertEqual(reply["status"], "stopped")
                self.assertEqual(reply["text"], numbered(LONG)[: reply["length"]])
                self.assertIsNone(tab.closed)
                self.assertEqual((tab.count("welcome"), tab.count("bye")), (1, 0))
            for worker in self.workers:
                alice.url = worker.url
                await agreed(alice, ack["conversation"], here, there)

    async def goes_on(self, tab: Tab, reply: str) -> None:
        """More comes, if later."""
        await tab.text_of(reply, tab.message(reply)["length"] + 300)

    async def loses_bells(self, count: int) -> None:
        """Until the worker that follows, and says so each second, has given up so many more."""

        def lost() -> int:
            return self.workers[1].log.read_text().count("a bell was lost")

        before = lost()
        async with asyncio.timeout(30):
            while lost() < before + count:
                await asyncio.sleep(0.05)

    async def test_30_killed_and_started_again_without_its_data(self):
        async with self.followed() as (tab, reply, arrivals):
            for _ in range(whole(2, 20)):
                self.redis.kill()
                try:
                    await self.goes_on(tab, reply)
                finally:
                    self.redis.start()
                await arrivals.fast()

    async def test_30_frozen(self):
        async with self.followed() as (tab, reply, arrivals):
            for _ in range(whole(1, 20)):
                self.redis.freeze()
                try:
                    # It takes what is sent, and answers nothing: as long as nobody gives up.
                    await self.loses_bells(3)
                    await self.goes_on(tab, reply)
                finally:
                    self.redis.thaw()
                await arrivals.fast()

    async def test_30_frozen_until_it_is_killed(self):
        async with self.followed() as (tab, reply, _):
            self.redis.freeze()
            try:
                await self.goes_on(tab, reply)
                self.redis.kill()
                await self.goes_on(tab, reply)
            finally:
                self.redis.start()

    async def test_30_flushed_and_its_connections_cut(self):
        async with self.followed() as (tab, reply, arrivals):
            self.redis.command("FLUSHALL")
            await self.goes_on(tab, reply)
            for kind in ("pubsub", "normal"):
                self.redis.command("CLIENT", "KILL", "TYPE", kind)
                await self.goes_on(tab, reply)
                await arrivals.fast()

    async def test_30_what_ends_meanwhile_is_told_in_the_list_too(self):
        async with self.person() as alice:
            here, there = await self.tabs_of(alice)
            ack = await here.send(asks(tokens=100, rate=100))

            def is_active() -> bool:
                return there.client.entries.get(ack["conversation"], {}).get("active")

            await there.until(is_active, "the word that something is being written")
            self.redis.kill()
            try:
                await here.ended(ack["reply"])
                await there.until(lambda: not is_active(), "the word that it has ended")
            finally:
                self.redis.start()

    async def test_30_away_when_a_worker_starts(self):
        self.redis.kill()
        try:
            self.workers[1].kill()
            self.workers[1].start()
            await until_ready(self.workers[1].port, 200, status="degraded", bus="lost")
            async with self.person() as alice:
                here, there = await self.tabs_of(alice)
                ack = await here.send(asks(tokens=LONG, rate=100))
                await there.open(ack["conversation"])
                await self.goes_on(there, ack["reply"])
                await there.say(type="stop", message=ack["reply"])
                for tab in (here, there):
                    await tab.ended(ack["reply"])
                await agreed(alice, ack["conversation"], here, there)
        finally:
            self.redis.start()
        async with self.followed():
            pass


class DaphneRedisTests(RedisTests):
    kind = "daphne"
