"""Who is served next, and how much of the time all of them take. The line is used as it is; what
is asked for only says that it was served."""

import asyncio
from time import monotonic

from django.test import SimpleTestCase

from chat.replies.line import AT_FIRST, AT_ONCE, SHARE, Line, Party

SECONDS = 30  # that anything here may take on a busy machine


class LineTests(SimpleTestCase):
    def setUp(self) -> None:
        self.line = Line()
        self.served: list[Party] = []

    async def pays(self, party: Party, seconds: float = 0.0) -> None:
        await self.line.pay(party, seconds)
        self.served.append(party)

    async def holds_all(self, until: asyncio.Event) -> list[asyncio.Task]:
        """Somebody takes every place at the counter until then."""
        began = [asyncio.Event() for _ in range(AT_ONCE)]

        async def hold(has_begun: asyncio.Event) -> None:
            async with self.line.turn(Party("the first")):
                has_begun.set()
                await until.wait()

        tasks = [asyncio.create_task(hold(event)) for event in began]
        for event in began:
            await event.wait()
        return tasks

    async def queue(self, parties: list[Party]) -> list[asyncio.Task]:
        tasks = [asyncio.create_task(self.pays(party)) for party in parties]
        while sum(map(self.line.waiting_at, {party.place for party in parties})) < len(tasks):
            await asyncio.sleep(0)
        return tasks

    async def test_who_is_alone_waits_for_nobody(self):
        for _ in range(100):
            waiting = self.line.pay(Party("alice"), AT_FIRST / 200)
            with self.assertRaises(StopIteration):  # it never gives way
                waiting.send(None)

    async def test_who_has_used_least_is_next(self):
        until = asyncio.Event()
        crowd, alice = Party("the crowd", 1), Party("alice", 2)
        await self.line.pay(crowd, 0.01)
        async with asyncio.timeout(SECONDS):
            holding = await self.holds_all(until)
            waiting = await self.queue([crowd] * 50 + [alice])
            until.set()
            await asyncio.gather(*holding, *waiting)
        self.assertEqual(self.served, [alice] + [crowd] * 50)

    async def test_places_take_turns_and_there_the_people(self):
        """Ten guests of one address get no more than the one of another; and one of them no more
        than another of them, however many sockets they have."""
        until = asyncio.Event()
        many = [Party("there", n) for n in range(10)]
        greedy, alone = [many[0]] * 90, [Party("here", 99)] * 20
        async with asyncio.timeout(SECONDS):
            holding = await self.holds_all(until)
            tasks = []
            for party in greedy + many[1:] + alone:
                tasks.append(asyncio.create_task(self.pays(party, 0.001)))
            while self.line.waiting_at("there") + self.line.waiting_at("here") < len(tasks):
                await asyncio.sleep(0)
            until.set()
            await asyncio.gather(*holding, *tasks)
        # Those who are served at the same time have not paid yet.
        first = self.served[: 2 * (len(many) + AT_ONCE)]
        self.assertAlmostEqual(first.count(alone[0]), len(first) / 2, delta=AT_ONCE)
        self.assertEqual({party for party in first if party.place == "there"}, set(many))

    async def test_all_together_take_their_share_of_the_time(self):
        async with asyncio.timeout(SECONDS):
            began = monotonic()
            for _ in range(15):
                await self.line.pay(Party("somebody"), AT_FIRST / 10)
            took = monotonic() - began
        # The first ten, and one to go beyond them, are not waited for.
        self.assertGreater(took, 3 * AT_FIRST / 10 / SHARE)

    async def test_who_goes_away_is_passed_over(self):
        until = asyncio.Event()
        gone, alice = Party("gone", 1), Party("alice", 2)
        async with asyncio.timeout(SECONDS):
            holding = await self.holds_all(until)
            leaving = await self.queue([gone] * AT_ONCE * 2)
            waiting = await self.queue([alice])
            for task in leaving:
                task.cancel()
            until.set()
            await asyncio.gather(*holding, *waiting)
        self.assertEqual(self.served, [alice])

    async def test_who_goes_away_when_called_gives_the_turn_back(self):
        for _ in range(AT_ONCE):
            until = asyncio.Event()
            holding = await self.holds_all(until)
            waiting = self.line.pay(Party("gone"), 0.0)
            called = waiting.send(None)
            until.set()
            await asyncio.gather(*holding)
            self.assertTrue(called.done())
            with self.assertRaises(asyncio.CancelledError):
                waiting.throw(asyncio.CancelledError())
        async with asyncio.timeout(SECONDS):
            await self.pays(Party("alice"))

    async def test_what_fails_leaves_the_line(self):
        for _ in range(AT_ONCE + 1):
            with self.assertRaises(ZeroDivisionError):
                async with self.line.turn(Party("alice")):
                    raise ZeroDivisionError
