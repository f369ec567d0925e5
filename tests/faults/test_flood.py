"""Case 22: a model's server that sends too much, too fast. It harms neither the process nor anybody
else's reply."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.replies.case import asks
from tests.tabs import Person, Tab
from tests.upstream import numbered

from . import figures
from .aftermath import agreed
from .arrivals import Arrivals
from .case import FaultCase
from .soak import whole

RATE = 2000  # tokens a second
SECONDS = whole(10, 60)
LIMIT = whole(400_000, 1_000_000)
MEBIBYTE = 1 << 20
# How much the process may grow for a while, and how much longer others may wait (seconds): as a
# rule, and at the longest; and so many times as long as without a flood.
GROWTH = 64 * MEBIBYTE
USUAL, LONGEST, TIMES = 0.2, whole(3, 0.5), 5


class FloodTests(FaultCase):
    settings = {"LIMIT_REPLY_CHARACTERS": LIMIT}

    async def test_22_two_thousand_tokens_a_second_arrive_whole(self):
        async with self.person() as alice, self.person() as bob:
            tab = await alice.tab()
            async with self.quiet_neighbour(bob):
                ack = await tab.send(asks(tokens=RATE * SECONDS, rate=RATE))
                reply = await self.end_of(tab, ack)
            self.assertEqual((reply["status"], reply["finish_reason"]), ("done", "stop"))
            self.assertEqual(reply["text"], numbered(RATE * SECONDS))
            await agreed(alice, ack["conversation"], tab)

    async def test_22_five_megabytes_end_at_the_limit(self):
        async with self.person() as alice, self.person() as bob:
            tab = await alice.tab()
            async with self.quiet_neighbour(bob):
                ack = await tab.send(asks(tokens=800_000))
                reply = await self.end_of(tab, ack)
            self.assertEqual((reply["status"], reply["finish_reason"]), ("done", "length"))
            self.assertEqual(reply["text"], numbered(LIMIT // 6)[:LIMIT])
            await self.is_closed()
            await agreed(alice, ack["conversation"], tab)

    async def test_22_a_line_of_a_hundred_megabytes_is_no_answer(self):
        async with self.person() as alice, self.person() as bob:
            tab = await alice.tab()
            async with self.quiet_neighbour(bob):
                ack = await tab.send(asks(tokens=10, line_bytes=100 * MEBIBYTE))
                reply = await self.end_of(tab, ack)
            self.assertEqual(reply["status"], "interrupted")
            self.assertEqual(reply["error"]["code"], "upstream_malformed")
            self.assertEqual(reply["text"], numbered(10))
            await self.is_closed()
            await agreed(alice, ack["conversation"], tab)

    @asynccontextmanager
    async def quiet_neighbour(self, bob: Person) -> AsyncIterator[None]:
        """Somebody else's reply goes on meanwhile, without a long gap; the process stays small."""
        tab = await bob.tab()
        ack = await tab.send(asks(tokens=100_000, rate=50))
        await tab.text_of(ack["reply"], 60)
        async with Arrivals(tab) as calm:
            await tab.text_of(ack["reply"], tab.message(ack["reply"])["length"] + 300)
        before = self.memory("VmRSS", forget_peak=True)
        async with Arrivals(tab) as arrivals:
            yield
            await tab.text_of(ack["reply"], tab.message(ack["reply"])["length"] + 60)
        grown = self.memory("VmHWM") - before
        for gap in arrivals.gaps():
            figures.took("gap beside a flood", gap)
        figures.took("what a flood costs", grown / MEBIBYTE, "MiB")
        self.assertLess(arrivals.usual(), USUAL + TIMES * calm.usual())
        self.assertLess(arrivals.longest(), LONGEST + TIMES * calm.longest())
        self.assertLess(grown, GROWTH)
        await tab.say(type="stop", message=ack["reply"])
        await tab.ended(ack["reply"])
        shown = tab.message(ack["reply"])["text"]
        self.assertEqual(shown, numbered(100_000)[: len(shown)])
        await agreed(bob, ack["conversation"], tab)
        self.upstream.hang_up()

    def memory(self, what: str, *, forget_peak: bool = False) -> int:
        """What the process holds (VmRSS), or has held at its peak (VmHWM), in bytes."""
        process = Path(f"/proc/{self.server.process.pid}")
        if forget_peak:
            (process / "clear_refs").write_text("5")
        (line,) = (line for line in (process / "status").read_text().splitlines() if what in line)
        return int(line.split()[1]) * 1024

    async def end_of(self, tab: Tab, ack: dict) -> dict:
        await tab.until(lambda: tab.count("end"), "the end of a long reply", seconds=SECONDS + 60)
        return tab.message(ack["reply"])

    async def is_closed(self) -> None:
        """The model's server was told to stop."""
        request = self.upstream.requests()[1]["id"]  # the first is the neighbour's
        closed = await asyncio.to_thread(self.upstream.wait_closed, request)
        self.assertEqual(closed["finished"], "client_closed")
