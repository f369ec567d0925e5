"""A server that is told to stop: replies end, or are interrupted, and the exit is clean."""

import asyncio

from tests.replies.case import ServerCase, asks
from tests.tabs import Person
from tests.upstream import numbered

DRAIN = 3


class DrainTests(ServerCase):
    settings = {"DRAIN_SECONDS": DRAIN}

    def tearDown(self) -> None:
        if self.server.process.poll() is not None:
            self.server.start()

    async def stops_cleanly(self) -> None:
        code = await asyncio.to_thread(self.server.process.wait, DRAIN + 5)
        self.assertEqual(code, 0, self.server.log.read_text()[-2000:])
        self.assertNotIn("Traceback", self.server.log.read_text())

    async def test_short_replies_end_and_long_ones_are_interrupted(self):
        async with Person(self.server.url) as alice:
            short, long = await alice.tab(), await alice.tab()
            ends = await short.send(asks(tokens=100, rate=100))
            broken = await long.send(asks(tokens=5000, rate=100))
            await short.text_of(ends["reply"], 7)
            await long.text_of(broken["reply"], 7)
            self.server.process.terminate()
            await self.stops_cleanly()
            for tab in (short, long):
                await tab.until(lambda tab=tab: tab.closed, "the end of the socket")
            shown = long.message(broken["reply"])["text"]
            self.server.start()
            back = await alice.tab()
            await back.open(ends["conversation"])
            self.assertEqual(back.message(ends["reply"])["status"], "done")
            self.assertEqual(back.message(ends["reply"])["text"], numbered(100))
            await back.open(broken["conversation"])
            reply = back.message(broken["reply"])
            self.assertEqual((reply["status"], reply["error"]["code"]), ("interrupted", "restart"))
            self.assertTrue(reply["text"].startswith(shown))
            self.assertTrue(numbered(5000).startswith(reply["text"]))

    async def test_open_tabs_see_the_reply_to_its_end_and_are_told_bye(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=300, rate=100))
            # Daphne treats a socket that is older than a second in another way.
            await tab.text_of(ack["reply"], len(numbered(150)))
            self.server.process.terminate()
            reply = await tab.ended(ack["reply"])
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(300)))
            await tab.until(lambda: tab.closed, "the end of the socket")
            self.assertEqual((tab.closed, tab.frames[-1]["code"]), (4012, 4012))
            await self.stops_cleanly()

    async def test_with_a_socket_younger_than_a_second(self):
        async with Person(self.server.url) as alice:
            await alice.tab()
            self.server.process.terminate()
            await self.stops_cleanly()

    async def test_with_nobody_there(self):
        self.server.process.terminate()
        await self.stops_cleanly()


class DaphneDrainTests(DrainTests):
    kind = "daphne"


class RunserverDrainTests(DrainTests):
    kind = "runserver"
    settings = {"DRAIN_SECONDS": DRAIN, "DEBUG": 1}
