"""What one person, one address, and one socket may ask for, and how they hear that it is enough."""

import asyncio
from uuid import uuid4

from django.test import SimpleTestCase, override_settings

from chat.queues import queued
from tests.replies.case import ServerCase, asks
from tests.tabs import SECONDS, Person, Tab
from tests.upstream import numbered
from tests.visitor import Visitor

TOO_MANY, FLOODING = 4013, 4029


def bye(tab: Tab) -> dict:
    """The last word of a socket that the server has closed."""
    assert tab.frames[-1]["type"] == "bye", tab.frames[-1]
    assert tab.frames[-1]["code"] == tab.closed
    return tab.frames[-1]


class SocketTests(ServerCase):
    settings = {"LIMIT_SOCKETS": 3, "LIMIT_ADDRESS_SOCKETS": 5, "LIMIT_FRAMES": 60}

    async def comes_in(self, person: Person) -> None:
        """As soon as the server has heard that another is gone."""
        async with asyncio.timeout(SECONDS):
            while (await person.tab()).closed:
                await asyncio.sleep(0.05)

    async def test_one_socket_too_many_is_told_when_to_come_again(self):
        async with Person(self.server.url) as alice:
            tabs = [await alice.tab() for _ in range(3)]
            refused = await alice.tab()
            self.assertEqual(refused.closed, TOO_MANY)
            self.assertGreater(bye(refused)["retry_after"], 0)
            await tabs[0].close()
            await self.comes_in(alice)

    async def test_the_sockets_of_an_address_have_a_limit_of_their_own(self):
        async with Person(self.server.url) as alice, Person(self.server.url) as bob:
            tabs = [await alice.tab() for _ in range(3)] + [await bob.tab() for _ in range(2)]
            self.assertEqual([tab.closed for tab in tabs], [None] * 5)
            self.assertEqual((await bob.tab()).closed, TOO_MANY)

    async def test_slots_of_a_client_that_was_cut_off_return(self):
        async with Person(self.server.url) as alice:
            for _ in range(3):
                tab = await alice.tab()
                tab.socket._response.connection.transport.abort()
            await self.comes_in(alice)

    async def test_a_flood_is_closed_and_its_neighbour_served(self):
        async with Person(self.server.url) as alice, Person(self.server.url) as bob:
            flood, calm = await alice.tab(), await bob.tab()
            for n in range(60):
                await flood.say(type="ping", n=n)
            self.assertIsNone(flood.closed)
            await flood.say(type="ping", n=60)
            await flood.until(lambda: flood.closed, "an end")
            self.assertEqual(flood.closed, FLOODING)
            self.assertGreater(bye(flood)["retry_after"], 0)
            self.assertEqual(flood.count("pong"), 60)
            self.assertEqual((await calm.ask(asks(tokens=3)))["text"], numbered(3))


class BudgetTests(ServerCase):
    settings = {"LIMIT_TOKENS": 2_900, "LIMIT_REPLY_TOKENS": 1_000, "LIMIT_ACTIVE": 1}

    async def test_the_budget_is_reserved_told_and_refused(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            self.assertEqual(tab.all("welcome")[0]["limits"]["tokens"], 2_900)
            await tab.ask(asks("one", tokens=900, rate=0), conversation=str(uuid4()), parent=None)
            self.assertEqual(self.upstream.requests()[-1]["body"]["max_tokens"], 1_000)
            self.assertLess(tab.all("ack")[-1]["left"]["tokens"], 1_900)
            await tab.ask(asks("two", tokens=900, rate=0), conversation=str(uuid4()), parent=None)
            # Less than a thousand are left, which a reply may cost.
            await tab.say(type="send", cid=str(uuid4()), conversation=str(uuid4()), text="three")
            await tab.until(lambda: tab.count("error"), "a refusal")
            refused = tab.all("error")[-1]
            self.assertEqual(refused["code"], "budget")
            self.assertGreater(refused["retry_after"], 80_000)
            asked = [request["body"]["messages"][-1] for request in self.upstream.requests()]
            self.assertNotIn({"role": "user", "content": "three"}, asked)

    async def test_ten_tabs_that_come_back_at_once_are_all_let_in(self):
        async with Person(self.server.url) as alice:
            there = str(uuid4())
            tab = await alice.tab()
            await tab.ask(asks(tokens=3, rate=0), conversation=there, parent=None)
            for _ in range(2):
                tabs = await asyncio.gather(*(alice.tab() for _ in range(10)))
                await asyncio.gather(*(tab.open(there) for tab in tabs))
                for tab in tabs:
                    self.assertEqual(tab.shown()[-1]["text"], numbered(3))
                    self.assertEqual(tab.count("error") + tab.count("bye"), 0)
                    await tab.close()

    async def test_many_at_once_ask_the_model_once(self):
        async with Person(self.server.url) as alice:
            tabs = [await alice.tab() for _ in range(5)]
            ask = asks("all at once", tokens=3, gate="hold")
            for tab in tabs:
                for _ in range(4):
                    text = {"conversation": str(uuid4()), "text": ask, "parent": None}
                    await tab.say(type="send", cid=str(uuid4()), **text)
            for tab in tabs:
                await tab.until(
                    lambda tab=tab: tab.count("ack") + tab.count("error") == 4, "four answers"
                )
            codes = [frame["code"] for tab in tabs for frame in tab.all("error")]
            self.assertEqual(set(codes), {"too_many"})
            self.assertEqual(len(codes), 19)
            self.upstream.release("hold")


class PageTests(SimpleTestCase):
    """The queue before the pages, each of which here takes as long as the test likes."""

    def setUp(self) -> None:
        self.begun, self.done = [], asyncio.Event()
        self.headers = [(b"Content-Length", b"9")]  # as Django says it
        self.application = queued(self.pages)

    async def pages(self, scope, receive, send) -> None:
        if (await receive())["type"] == "http.request":
            self.begun.append(scope["client"][0])
            await self.done.wait()
            await send({"type": "http.response.start", "status": 200, "headers": self.headers})
            await receive()  # who takes the rest of an answer slowly

    def ask(self, address: str, *, whole: bool = True, reads: bool = True) -> asyncio.Task:
        said = asyncio.Queue()
        if whole:
            said.put_nowait({"type": "http.request", "body": b"", "more_body": False})

        async def send(message: dict) -> None:
            if not reads:
                await asyncio.Event().wait()

        scope = {"type": "http", "client": (address, 1)}
        return asyncio.create_task(self.application(scope, said.get, send))

    async def settle(self) -> None:
        """Whoever can go on has done so: nothing here waits for a clock."""
        for _ in range(20):
            await asyncio.sleep(0)

    @override_settings(CHAT_LIMITS={"address_pages": 2})
    async def test_an_address_waits_for_its_own_pages_and_nobody_else_does(self):
        slow = [self.ask("192.0.2.1", whole=False) for _ in range(5)]  # they take no turn
        many = [self.ask("192.0.2.1") for _ in range(5)]
        other = self.ask("192.0.2.2")
        await self.settle()
        self.assertEqual(sorted(self.begun), ["192.0.2.1", "192.0.2.1", "192.0.2.2"])
        many[0].cancel()  # who goes leaves the turn to the next
        await self.settle()
        self.assertEqual(self.begun.count("192.0.2.1"), 3)
        self.done.set()
        await self.settle()
        self.assertEqual(self.begun.count("192.0.2.1"), 5)
        for task in (*slow, *many, other):
            task.cancel()

    @override_settings(CHAT_LIMITS={"address_pages": 2})
    async def test_what_is_made_while_it_goes_takes_its_turn_to_the_end(self):
        self.headers = []  # an export
        self.done.set()
        many = [self.ask("192.0.2.1") for _ in range(5)]
        await self.settle()
        self.assertEqual(len(self.begun), 2)
        many[0].cancel()
        await self.settle()
        self.assertEqual(len(self.begun), 3)
        for task in many:
            task.cancel()

    @override_settings(CHAT_LIMITS={"address_pages": 2}, CHAT_TIMES={"slow": 0.01})
    async def test_who_takes_nothing_of_it_loses_the_turn(self):
        self.headers = []
        self.done.set()
        many = [self.ask("192.0.2.1", reads=False) for _ in range(5)]
        done, _ = await asyncio.wait(many, timeout=20)
        self.assertEqual(len(done), 5)

    @override_settings(CHAT_LIMITS={"address_pages": 0})
    async def test_0_is_no_limit(self):
        tasks = [self.ask("192.0.2.1") for _ in range(30)]
        await self.settle()
        self.assertEqual(len(self.begun), 30)
        for task in tasks:
            task.cancel()


class ArrivalTests(ServerCase):
    settings = {"LIMIT_ADDRESS_PEOPLE": 3, "SIGN_UP": 1, "LIMIT_ADDRESS_PER_MINUTE": 2}

    async def test_an_address_brings_so_many_new_people_and_those_may_ask_so_much(self):
        async with Visitor(self.server.url) as first, Visitor(self.server.url) as second:
            tab, other = await first.tab(), await second.tab()
            await tab.ask(asks("one", tokens=1))
            await other.ask(asks("two", tokens=1))
            await tab.say(
                type="send", cid=str(uuid4()), conversation=str(uuid4()), text="3", parent=None
            )
            await tab.until(lambda: tab.count("error"), "a refusal")
            self.assertEqual(tab.all("error")[-1]["code"], "rate")
            # A guest who makes an account is nobody new.
            name = f"person-{uuid4().hex[:8]}"
            self.assertEqual((await second.sign_up(name)).path, "/")
            async with Visitor(self.server.url) as third:
                await third.sign_out()
                crowded = await third.see("/")
                self.assertEqual(crowded.path, "/sign-in/?next=/")
                self.assertIn("Many people are new here from your network", crowded.text)
                refused = await third.sign_up(f"{name}-too")
                self.assertEqual(refused.path, "/sign-up/")
                self.assertIn("Many people are new here from your network", refused.text)
                self.assertEqual((await third.sign_in(name)).path, "/")
