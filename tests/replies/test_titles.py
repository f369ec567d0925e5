"""The title that the model writes: asked for once, after the first reply, and in nobody's way."""

import asyncio
import re
from uuid import uuid4

from django.test import SimpleTestCase

from chat.replies.title import TOKENS, ask, cleaned
from tests.replies.case import ServerCase, WorkersCase, asks
from tests.scripted import Scripted
from tests.server import Server
from tests.tabs import Person, Tab
from tests.upstream import numbered

TITLE = "The way to the harbour"


def titles(requests: list[dict]) -> list[dict]:
    """Those of the requests that ask for a title."""
    return [one for one in requests if says(one).startswith("Write a title for this conversation")]


def says(request: dict) -> str:
    """The end of what the model was told."""
    return request["body"]["messages"][-1]["content"]


async def titled(tab: Tab, conversation: str, title: str) -> None:
    """Wait until the tab is told this title of the list's entry."""
    await tab.until(
        lambda: tab.client.entries.get(conversation, {}).get("title") == title, f"title {title!r}"
    )


class CleanedTests(SimpleTestCase):
    def test_a_title_is_one_clean_line(self):
        for said, title in (
            (TITLE, TITLE),
            (f"  {TITLE}.\n", TITLE),
            (f'"{TITLE}"', TITLE),
            (f"**{TITLE}**", TITLE),
            (f"# Title: “{TITLE}”", TITLE),
            (f"Title: *{TITLE}*", TITLE),
            (f"<think>It is about boats.\n\nSo…</think>\n\n{TITLE}", TITLE),
            (f"{TITLE}\n\nI chose this because it is short.", TITLE),
            ("The\0 way\x07 to \u202ethe\u200b  harbour\ud83d", TITLE),
            ("Learning C#", "Learning C#"),
            ("Node.js vs. Deno", "Node.js vs. Deno"),
            ('The word "harbour"', 'The word "harbour"'),
            ("„Der Weg zum Hafen“", "Der Weg zum Hafen"),
            ("家族 👨‍👩‍👧", "家族 👨‍👩‍👧"),
            ("x" * 80, "x" * 80),
        ):
            with self.subTest(ascii(said)):
                self.assertEqual(cleaned(said), title)

    def test_what_is_no_title_is_none(self):
        for said in ("", " \n ", "…", '""', "\0", "<think>Still thinking", "x" * 81, numbered(20)):
            with self.subTest(ascii(said)):
                self.assertEqual(cleaned(said), "")


class CostTests(SimpleTestCase):
    async def test_what_a_model_thinks_on_its_way_to_a_title_is_bounded_and_counted(self):
        model = Scripted().think("y" * 396).say("Salt")
        said, given, usage = await ask(model, "Why is the sea salty?", "Rivers.")
        self.assertEqual((said, given, usage), ("Salt", 100, None))
        self.assertEqual(model.asked[0].options["max_tokens"], TOKENS)


class TitleCase(ServerCase):
    settings = {"TITLES": 1, "OPENAI_MODEL": "numbered,numbered-large", "METRICS": 1}

    async def ask(self, tab: Tab, question: str = "Where?", title: object = TITLE, **fields) -> str:
        """Ask in a new conversation; the model is told what to do when it is asked for a title."""
        says = title if isinstance(title, dict) else {"text": title}
        await tab.ask(asks(question, tokens=3, next=says), **fields)
        return tab.client.conversation

    async def title(self, alice: Person, conversation: str) -> str:
        """The title as the list has it, after every title that was asked for before now."""
        tab = await alice.tab()
        another = await self.ask(tab, "Another?", title="Something else entirely")
        await titled(tab, another, "Something else entirely")
        found = {one["id"]: one for one in (await alice.get("/conversations/"))["conversations"]}
        return found[conversation]["title"]


class TitleTests(TitleCase):
    async def test_every_tab_is_told_the_title_after_the_first_reply(self):
        async with Person(self.server.url) as alice:
            here, there = await alice.tab(), await alice.tab()
            conversation = await self.ask(here, model="numbered-large")
            for tab in (here, there):
                await titled(tab, conversation, TITLE)
            before = [entry["title"] for entry in map(entry_of, here.all("conversation"))]
            self.assertTrue(before[0].startswith("Where? !!"), "the first line until then")
            reply, title = self.upstream.requests()
            self.assertEqual(reply["body"]["model"], "numbered-large")
            self.assertEqual(title["body"]["model"], "numbered-large")
            said = title["body"]["messages"]
            self.assertEqual([one["role"] for one in said], ["user", "assistant", "user"])
            self.assertTrue(said[0]["content"].startswith("Where? "))
            self.assertEqual(said[1]["content"], numbered(3))
            await here.open(conversation)
            self.assertEqual(here.all("state")[-1]["conversation"]["title"], TITLE)
            # What it cost is told to the operator beside the reply's own three tokens.
            async with alice.http.get(f"{self.server.url}/metrics") as answer:
                figures = await answer.text()
            count = r'chat_tokens_total{kind="completion",model="numbered-large"} (\S+)'
            self.assertGreater(float(re.search(count, figures)[1]), 3)

    async def test_it_is_asked_for_once(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            conversation = await self.ask(tab)
            await titled(tab, conversation, TITLE)
            for _ in range(2):
                await tab.ask(asks("And then?", tokens=2, next={"text": "Another title"}))
            await tab.again("regenerate", tab.shown()[-1]["id"])
            self.assertEqual(await self.title(alice, conversation), TITLE)
            self.assertEqual(len(titles(self.upstream.requests())), 2)  # the other one's, too

    async def test_after_the_first_reply_that_is_done(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            fails_once = asks("Where?", status=400, fail_times=1, tokens=3, next={"text": TITLE})
            failed = await tab.ask(fails_once)
            self.assertEqual(failed["status"], "error")
            await tab.again("regenerate", failed["id"])
            await titled(tab, tab.client.conversation, TITLE)
            self.assertEqual(len(titles(self.upstream.requests())), 1)

    async def test_the_owners_title_wins_over_one_that_comes_later(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            gated = {"text": TITLE, "gate": "renamed"}
            conversation = await self.ask(tab, title=gated)
            _, asked = await asyncio.to_thread(self.upstream.wait_requests, 2)
            await alice.change(conversation, title="My own")
            self.upstream.release("renamed")
            ended = await asyncio.to_thread(self.upstream.wait_closed, asked["id"])
            self.assertEqual(ended["finished"], "done")
            self.assertEqual(await self.title(alice, conversation), "My own")

    async def test_one_who_renames_first_is_not_asked_for(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks("Where?", tokens=3, gate="written", next={"text": TITLE}))
            await alice.change(ack["conversation"], title="My own")
            self.upstream.release("written")
            await tab.ended(ack["reply"])
            self.assertEqual(await self.title(alice, ack["conversation"]), "My own")
            self.assertEqual(len(titles(self.upstream.requests())), 1)  # the other one's

    async def test_whatever_goes_wrong_the_first_line_stays(self):
        for name, says in (
            ("refused", {"status": 401}),
            ("failing", {"status": 500}),
            ("reset", {"status": 0}),
            ("cut", {"text": "The way to", "cut_after": 1}),
            ("empty", {"text": ""}),
            ("an essay", {"text": "It is a long story. ", "times": 500}),
            ("a page", {"body": "html"}),
        ):
            with self.subTest(name):
                self.upstream.clear()
                async with Person(self.server.url) as alice:
                    tab = await alice.tab()
                    conversation = await self.ask(tab, title=says)
                    stays = await self.title(alice, conversation)
                    self.assertTrue(stays.startswith("Where? "), stays)
                    self.assertEqual(len(titles(self.upstream.requests())), 2, "asked again")
        log = self.server.log.read_text()
        self.assertRegex(log, r"keeps its first title.*upstream_auth")
        self.assertNotIn("Told to fail", log)

    async def test_nothing_waits_for_it(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            await self.ask(tab, title={"text": TITLE, "gate": "later"})
            await asyncio.to_thread(self.upstream.wait_requests, 2)
            reply = await tab.ask(asks("And then?", tokens=5))
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(5)))
            self.upstream.release("later")
            await titled(tab, tab.client.conversation, TITLE)


def entry_of(frame: dict) -> dict:
    return frame["conversation"]


class TimeLimitTests(TitleCase):
    settings = {**TitleCase.settings, "TITLE_SECONDS": 1}

    async def test_a_model_that_does_not_answer_is_left(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            conversation = await self.ask(tab, title={"silent": True})
            _, asked = await asyncio.to_thread(self.upstream.wait_requests, 2)
            ended = await asyncio.to_thread(self.upstream.wait_closed, asked["id"])
            self.assertEqual(ended["finished"], "client_closed")
            found = (await alice.get("/conversations/"))["conversations"]
            self.assertTrue(found[0]["title"].startswith("Where? "))
            self.assertEqual(found[0]["id"], conversation)


class DeathTests(TitleCase):
    async def left(self, alice: Person, gate: str) -> tuple[Tab, str]:
        """A conversation whose reply is done, and whose title was asked for and does not come."""
        tab = await alice.tab()
        conversation = await self.ask(tab, title={"text": TITLE, "gate": gate})
        await asyncio.to_thread(self.upstream.wait_requests, 2)
        return tab, conversation

    async def stays(self, alice: Person, tab: Tab, conversation: str) -> None:
        """After the server came again: the first line stays, and no other title is asked for."""
        await tab.reconnect()
        await tab.ask(asks("And then?", tokens=2, next={"text": "Another title"}))
        self.assertTrue((await self.title(alice, conversation)).startswith("Where? "))
        self.assertEqual(len(titles(self.upstream.requests())), 2)  # the other one's, too

    async def test_a_server_killed_between_the_reply_and_its_title(self):
        async with Person(self.server.url) as alice:
            tab, conversation = await self.left(alice, "killed")
            self.server.kill()
            self.server.start()
            await self.stays(alice, tab, conversation)

    async def test_a_server_that_is_told_to_stop_does_not_wait_for_it(self):
        async with Person(self.server.url) as alice:
            tab, conversation = await self.left(alice, "stopped")
            self.server.process.terminate()
            code = await asyncio.to_thread(self.server.process.wait, 30)
            self.assertEqual(code, 0, self.server.log.read_text()[-2000:])
            self.server.start()
            await self.stays(alice, tab, conversation)


class DaphneDeathTests(DeathTests):
    kind = "daphne"


class OffTests(ServerCase):
    settings = {"TITLES": 0}

    async def test_the_model_is_asked_for_no_title(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            for _ in range(3):
                await tab.ask(asks("Where?", tokens=3, next={"text": TITLE}))
            self.assertEqual(titles(self.upstream.requests()), [])


class DemoTests(SimpleTestCase):
    async def test_the_demo_writes_titles_too(self):
        with Server("uvicorn", TITLES=1) as server:
            async with Person(server.url) as alice:
                tab = await alice.tab()
                await tab.ask("What happens to a reply when I close the tab?")
                await titled(tab, tab.client.conversation, "What a reply survives")


class WorkersTests(WorkersCase):
    # Looking each second would find it as well; so it comes by the bell, or too late.
    settings = {"TITLES": 1, "POLL_SECONDS": 60}

    async def test_a_tab_on_the_other_worker_is_told_by_the_bell(self):
        async with Person(self.workers[0].url) as alice:
            here, there = await self.tabs_of(alice)
            ack = await here.send(asks("Where?", tokens=3, next={"text": TITLE}))
            await there.open(ack["conversation"])
            for tab in (here, there):
                await titled(tab, ack["conversation"], TITLE)
            await there.ended(ack["reply"])
            # What is said next, on the other worker, asks for no other.
            await there.ask(asks("And then?", tokens=2, next={"text": "Another title"}))
            question = asks("Another?", tokens=2, next={"text": "Else"})
            ack = await there.send(question, conversation=str(uuid4()), parent=None)
            await titled(here, ack["conversation"], "Else")
            self.assertEqual(len(titles(self.upstream.requests())), 2)
