"""Cases 24, 25: a server that is told to stop. Replies end, or are interrupted, and so does it."""

import asyncio

from aiohttp import WSCloseCode

from tests.replies.case import ServerCase, asks
from tests.tabs import Person
from tests.upstream import numbered

from .aftermath import agreed
from .case import FaultCase

DRAIN = 3


class DrainTests(FaultCase):
    settings = {"DRAIN_SECONDS": DRAIN}
    probe = False  # the process that it was is no more

    async def stops_cleanly(self) -> None:
        code = await asyncio.to_thread(self.server.process.wait, DRAIN + 5)
        self.assertEqual(code, 0, self.server.log.read_text()[-2000:])

    async def test_24_of_five_replies_the_short_ones_end_and_the_long_are_interrupted(self):
        short, long = asks(tokens=100, rate=100), asks(tokens=5000, rate=100)
        async with self.person() as alice:
            tabs = [await alice.tab() for _ in range(5)]
            acks = [
                await tab.send(question)
                for tab, question in zip(tabs, [short, short, long, long, long], strict=True)
            ]
            for tab, ack in zip(tabs, acks, strict=True):
                await tab.text_of(ack["reply"], 7)
            self.server.process.terminate()
            await self.stops_cleanly()
            for tab in tabs:
                await tab.until(lambda tab=tab: tab.closed, "the end of the socket")
                self.assertEqual(tab.frames[-1]["code"], 4012)
                # Who says something just then is reset by the system: only the end is not told.
                self.assertIn(tab.closed, (4012, WSCloseCode.ABNORMAL_CLOSURE))
            self.server.start()
            for tab, ack in zip(tabs[:2], acks[:2], strict=True):
                self.assertEqual(await self.kept(alice, ack), tab.message(ack["reply"]))
                self.assertEqual(tab.message(ack["reply"])["status"], "done")
                self.assertEqual(tab.message(ack["reply"])["text"], numbered(100))
            for tab, ack in zip(tabs[2:], acks[2:], strict=True):
                kept = await self.kept(alice, ack)
                self.assertEqual(
                    (kept["status"], kept["error"]["code"]), ("interrupted", "restart")
                )
                self.assertTrue(kept["text"].startswith(tab.message(ack["reply"])["text"]))
                self.assertTrue(numbered(5000).startswith(kept["text"]))
            ends = [
                (await asyncio.to_thread(self.upstream.wait_closed, request["id"]))["finished"]
                for request in self.upstream.requests()
            ]
            self.assertEqual(sorted(ends), ["client_closed"] * 3 + ["done"] * 2)

    async def kept(self, alice: Person, ack: dict) -> dict:
        """The reply as one sees it who comes later."""
        return (await agreed(alice, ack["conversation"]))[-1]

    async def test_24_open_tabs_see_the_reply_to_its_end_and_are_told_bye(self):
        async with self.person() as alice:
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

    async def test_24_with_nobody_there(self):
        self.server.process.terminate()
        await self.stops_cleanly()

    async def test_25_with_a_socket_younger_than_a_second(self):
        async with self.person() as alice:
            tab = await alice.tab()
            self.server.process.terminate()
            await self.stops_cleanly()
            await tab.until(lambda: tab.closed, "the end of the socket")


class DaphneDrainTests(DrainTests):
    kind = "daphne"


class RunserverDrainTests(DrainTests):
    kind = "runserver"
    settings = {"DRAIN_SECONDS": DRAIN, "DEBUG": 1}


class StubbornTests(ServerCase):
    """A flow holds up the event loop when it is told to stop, and with it the draining."""

    settings = {"DRAIN_SECONDS": 1, "DJANGO_SETTINGS_MODULE": "tests.faults.stubborn"}

    async def test_24_what_holds_up_the_draining_is_not_waited_for(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send("Stay.")
            await tab.text_of(ack["reply"], 1)
            self.server.process.terminate()
            code = await asyncio.to_thread(self.server.process.wait, 60)
        self.assertEqual(code, 0, self.server.log.read_text()[-2000:])


class DaphneStubbornTests(StubbornTests):
    kind = "daphne"
