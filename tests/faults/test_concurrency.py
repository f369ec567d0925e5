"""At the same time: cases 37 to 39, between tabs on two workers."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import ClassVar
from uuid import uuid4

from tests.replies.case import asks
from tests.tabs import Person, Tab
from tests.upstream import numbered
from tests.wire import Wire

from .aftermath import agreed
from .case import WorkersFaultCase
from .soak import whole

SEED = 39
PRESSES = 10


class ConcurrencyTests(WorkersFaultCase):
    settings: ClassVar[dict] = {"LEASE_SECONDS": 3, "SETTLE_SECONDS": 0.5}
    rounds = whole(20, 200)

    def setUp(self) -> None:
        super().setUp()
        self.dice = random.Random(SEED)

    async def four(self, person: Person) -> list[Tab]:
        """Two tabs of the person's on each worker."""
        return [*await self.tabs_of(person), *await self.tabs_of(person)]

    async def pong(self, *tabs: Tab) -> None:
        """Wait until all that these tabs said is answered."""
        for tab in tabs:
            pongs = tab.count("pong")
            await tab.say(type="ping", n=pongs)
            await tab.until(lambda tab=tab, pongs=pongs: tab.count("pong") > pongs, "a pong")

    async def closed(self, mark: str) -> dict:
        """The one request to the model whose question has this mark, once it is over."""
        ours = [r for r in self.upstream.requests() if mark in r["body"]["messages"][-1]["content"]]
        self.assertLessEqual(len(ours), 1, "the model was asked twice")
        return await asyncio.to_thread(self.upstream.wait_closed, ours[0]["id"]) if ours else {}

    # The same request again

    async def test_37_one_cid_sent_twenty_times_on_two_workers_is_one_message(self):
        async with self.person() as alice:
            tabs = await self.four(alice)
            for _ in range(self.rounds // 4):
                await self.same_cid(alice, tabs)

    async def same_cid(self, person: Person, tabs: list[Tab]) -> None:
        mark = uuid4().hex
        frame = {"cid": str(uuid4()), "conversation": str(uuid4()), "parent": None}
        frame |= {"type": "send", "text": asks(mark, tokens=3)}
        for tab in tabs:
            tab.frames.clear()
        said = [tab for tab in tabs for _ in range(5)]
        self.dice.shuffle(said)
        await asyncio.gather(*(tab.say(**frame) for tab in said))
        for tab in tabs:
            await tab.until(lambda tab=tab: tab.count("ack") == 5, "five acks")
        acks = [ack for tab in tabs for ack in tab.all("ack")]
        self.assertEqual(Counter(ack.pop("duplicate") for ack in acks), {True: 19, False: 1})
        self.assertEqual(sum("left" in ack for ack in acks), 1)  # what is left, the first one tells
        for ack in acks:
            ack.pop("left", None)
        self.assertEqual(acks, [acks[0]] * 20)
        self.assertEqual(sum(tab.count("error") for tab in tabs), 0)
        messages = await agreed(person, frame["conversation"], *tabs)
        self.assertEqual([m["text"] for m in messages], [frame["text"], numbered(3)])
        self.assertEqual([len(m["siblings"]) for m in messages], [1, 1])
        self.assertEqual((await self.closed(mark))["finished"], "done")

    async def test_37_a_request_whose_ack_was_lost_is_not_made_twice(self):
        with Wire(self.workers[0].port) as wire:
            async with self.person() as alice:
                for kind in ("send", "regenerate", "continue"):
                    for _ in range(self.rounds // 8):
                        await self.lost_ack(alice, wire, kind)

    async def lost_ack(self, person: Person, wire: Wire, kind: str) -> None:
        person.url = self.workers[1].url
        there = await person.tab()
        person.url = wire.url
        tab, mark = await person.tab(), uuid4().hex
        frame = {"type": kind, "cid": str(uuid4())}
        question = asks(mark, tokens=4, next={"tokens": 2, "start": 5})
        if kind == "send":
            frame |= {"conversation": str(uuid4()), "parent": None, "text": question}
        else:
            first = await tab.ask(question)
            frame["message"] = first["id"]
            await there.open(tab.client.conversation)
        wire.down.cut_before = b'{"type":"ack"'
        cuts = wire.cuts
        await tab.say(**frame)
        await tab.until(lambda: tab.closed, "the end of the socket")
        self.assertEqual((wire.cuts, tab.count("ack")), (cuts + 1, 0 if kind == "send" else 1))
        tab.frames.clear()
        # The page comes back, perhaps to another worker, and asks again.
        person.url = self.dice.choice([wire.url, self.workers[1].url])
        tab.origin = person.url
        await tab.insist(lambda: tab.count("ack"), "an ack", **frame)
        (ack,) = tab.all("ack")
        self.assertTrue(ack["duplicate"])
        await tab.ended(ack["reply"])
        again = await there.request(**frame)
        self.assertEqual(again, ack)
        messages = await agreed(person, ack["conversation"], tab, there)
        tails = {"send": numbered(4), "regenerate": numbered(4), "continue": numbered(6)}
        self.assertEqual([m["text"] for m in messages], [question, tails[kind]])
        self.assertEqual(len(messages[0]["siblings"]), 1)
        self.assertEqual(len(messages[1]["siblings"]), 1 if kind == "send" else 2)
        await tab.close()
        await there.close()

    # Two requests

    async def test_38_of_two_messages_at_once_one_is_accepted_and_both_see_it(self):
        async with self.person() as alice:
            here, there = await self.tabs_of(alice)
            await here.ask(asks("before", tokens=1))
            await there.open(here.client.conversation)
            for _ in range(self.rounds):
                await self.two_at_once(alice, [here, there])

    async def two_at_once(self, person: Person, tabs: list[Tab]) -> None:
        gate, before = uuid4().hex, tabs[0].shown()
        self.assertEqual(tabs[1].shown(), before)
        questions = [asks(str(tab), tokens=3, gate=gate) for tab in "ab"]
        answers = await asyncio.gather(
            *(tab.send(question) for tab, question in zip(tabs, questions, strict=True))
        )
        self.upstream.release(gate)
        kinds = [answer["type"] for answer in answers]
        self.assertEqual(sorted(kinds), ["ack", "error"], answers)
        refused = kinds.index("error")
        self.assertEqual((answers[refused]["code"], answers[refused]["re"]), ("busy", "send"))
        accepted = answers[1 - refused]
        for tab in tabs:
            await tab.ended(accepted["reply"])
        texts = [questions[1 - refused], numbered(3)]
        for tab in tabs:
            self.assertEqual([m["text"] for m in tab.shown()[len(before) :]], texts)
        self.assertEqual(tabs[0].shown(), tabs[1].shown())
        # The same request, which is free again, is taken now.
        cid = answers[refused]["cid"]
        again = await tabs[refused].send(questions[refused], cid=cid)
        self.assertEqual((again["type"], again.get("duplicate")), ("ack", False))
        for tab in tabs:
            await tab.ended(again["reply"])
        messages = await agreed(person, again["conversation"], *tabs)
        self.assertEqual(messages[-2]["text"], questions[refused])

    # A stop, pressed on both workers while something else happens to the reply

    async def press(self, tabs: list[Tab], reply: str) -> None:
        """Everybody presses, again and again."""
        for number in range(PRESSES):
            await tabs[number % len(tabs)].say(type="stop", message=reply)

    async def race(
        self, person: Person, directive: dict, prepare: Callable[[list[Tab], dict], Awaitable]
    ) -> str:
        """Stop a reply while its gate opens; how it ended, which is the same for everyone."""
        tabs, mark = await self.four(person), uuid4().hex
        ack = await tabs[0].send(
            asks(mark, gate=mark, **directive), conversation=str(uuid4()), parent=None
        )
        reply = ack["reply"]
        for tab in tabs[1:]:
            await tab.open(ack["conversation"])
        await prepare(tabs, ack)
        pause = self.dice.random() * 0.06  # which of them is first differs from round to round

        async def opens() -> None:
            await asyncio.sleep(max(0.03 - pause, 0))
            await asyncio.to_thread(self.upstream.release, mark)

        async def stops() -> None:
            await asyncio.sleep(max(pause - 0.03, 0))
            await self.press(tabs, reply)

        await asyncio.gather(opens(), stops())
        for tab in tabs:
            await tab.ended(reply)
        await self.pong(*tabs)
        messages = await agreed(person, ack["conversation"], *tabs)
        for tab in tabs:
            self.assertEqual([m for m in tab.shown()[-1:] if m["id"] == reply], messages[-1:])
            self.ended_once(tab, reply)
        text = messages[-1]["text"]
        self.assertTrue(numbered(directive["tokens"]).startswith(text))
        self.assertIn((await self.closed(mark)).get("finished"), ("done", "client_closed", None))
        for tab in tabs:
            await tab.close()
        return messages[-1]["status"]

    def ended_once(self, tab: Tab, reply: str) -> None:
        """One end, and of that reply nothing after it."""
        about = [f["type"] for f in tab.frames if f.get("message") == reply]
        self.assertEqual(about.count("end"), 1, about)
        self.assertEqual(about[-1], "end")
        self.assertEqual(tab.count("error"), 0)

    async def test_39_stop_and_the_end(self):
        async def nearly_done(tabs: list[Tab], ack: dict) -> None:
            for tab in tabs:
                await tab.text_of(ack["reply"], len(numbered(19)))

        seen = Counter()
        async with self.person() as alice:
            for _ in range(self.rounds):
                directive = {"tokens": 20, "gate_after": 19}
                seen[await self.race(alice, directive, nearly_done)] += 1
        self.assertLessEqual(set(seen), {"done", "stopped"})

    async def test_39_stop_and_the_first_token(self):
        async def asked(tabs: list[Tab], ack: dict) -> None:
            await asyncio.to_thread(self.upstream.wait_requests, 1)

        seen = Counter()
        async with self.person() as alice:
            for _ in range(self.rounds):
                self.upstream.clear()
                directive = {"tokens": 2000, "gate_after": self.dice.choice([-1, 0]), "rate": 200}
                seen[await self.race(alice, directive, asked)] += 1
        self.assertEqual(set(seen), {"stopped"})

    async def test_39_stop_and_the_accept(self):
        """Pressed as soon as the ack is there, before the model is asked."""

        async def at_once(tabs: list[Tab], ack: dict) -> None:
            await self.press(tabs[:1], ack["reply"])

        seen = Counter()
        async with self.person() as alice:
            for _ in range(self.rounds):
                seen[await self.race(alice, {"tokens": 9}, at_once)] += 1
        self.assertLessEqual(set(seen), {"done", "stopped"})

    async def test_39_stop_and_kill(self):
        async with self.person() as alice:
            for _ in range(max(self.rounds // 10, 1)):
                await self.stopped_and_killed(alice, self.dice.random() * 0.02)

    async def stopped_and_killed(self, person: Person, pause: float) -> None:
        here, there = await self.tabs_of(person)
        where = {"conversation": str(uuid4()), "parent": None}
        ack = await here.send(asks(uuid4().hex, tokens=5000, rate=300), **where)
        await there.open(ack["conversation"])
        shown = await there.text_of(ack["reply"], 100)
        for _ in range(PRESSES):
            await here.say(type="stop", message=ack["reply"])
        await asyncio.sleep(pause)
        self.workers[0].kill()
        request = self.upstream.requests()[-1]["id"]
        closed = await asyncio.to_thread(self.upstream.wait_closed, request)
        self.assertEqual(closed["finished"], "client_closed")
        reply = await there.ended(ack["reply"])
        self.assertIn(reply["status"], ("stopped", "interrupted"))
        self.assertTrue(reply["text"].startswith(shown))
        self.workers[0].start()
        person.url = self.workers[0].url
        await here.reconnect()
        await here.ended(ack["reply"])
        for _ in range(PRESSES):
            await here.say(type="stop", message=ack["reply"])
        await self.pong(here, there)
        self.assertEqual(there.count("end"), 1)
        messages = await agreed(person, ack["conversation"], here, there)
        self.assertEqual(messages[-1]["status"], reply["status"])
        await here.close()
        await there.close()


class DaphneConcurrencyTests(ConcurrencyTests):
    kind = "daphne"
    rounds = whole(8, 200)
