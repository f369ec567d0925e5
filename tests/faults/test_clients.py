"""Bad input: cases 1 to 9. Whatever a client says, it is answered, and nobody else notices."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from typing import ClassVar
from uuid import uuid4

from django.conf import settings

from tests.protocol.test_client_frames import LEAST, NOT_IDS, NOT_OFFSETS
from tests.replies.case import ServerCase, asks
from tests.tabs import SECONDS, Person, Tab
from tests.upstream import numbered

from . import usage
from .aftermath import agreed
from .case import FaultCase
from .soak import whole

MISTAKES = 5  # that a socket outlives
CHARACTERS = 32_000  # of one message, at most
EMOJI = "\N{GRINNING FACE}"
# What this costs is not a matter of how long it is (seconds of the processor's time, each).
CHEAP = 0.05


class ClientTests(FaultCase):
    frame_bytes = 16 * 1024 * 1024  # what a frame may have: the server's own default

    @asynccontextmanager
    async def bystander(self) -> AsyncIterator[None]:
        """Somebody else reads a reply meanwhile, and gets all of it on the same socket."""
        gate = uuid4().hex
        async with self.person() as bob:
            tab = await bob.tab()
            ack = await tab.send(asks(tokens=60, gate=gate, gate_after=20))
            await tab.text_of(ack["reply"], len(numbered(20)))
            try:
                yield
            finally:
                self.upstream.release(gate)
            reply = await tab.ended(ack["reply"])
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(60)))
            self.assertIsNone(tab.closed)
            await agreed(bob, ack["conversation"], tab)

    async def lives(self, tab: Tab) -> None:
        """The socket answers."""
        pongs = tab.count("pong")
        await tab.say(type="ping", n=pongs)
        await tab.until(lambda: tab.count("pong") > pongs, "a pong")
        self.assertEqual(tab.all("pong")[-1]["n"], pongs)

    async def refused(self, person: Person, said: list[str | bytes], code: str) -> None:
        """Each of these is refused by itself, and costs no socket its life."""
        for at in range(0, len(said), MISTAKES):
            tab = await person.tab()
            for frame in said[at : at + MISTAKES]:
                await (tab.socket.send_str if isinstance(frame, str) else tab.socket.send_bytes)(
                    frame
                )
                await self.lives(tab)
                error = tab.all("error")[-1]
                self.assertEqual(error["code"], code, frame[:200])
                self.assertIn("detail", error)
            self.assertEqual(tab.count("error"), len(said[at : at + MISTAKES]))
            await tab.close()

    async def rows(self, person: Person) -> int:
        return len((await person.get("/conversations/"))["conversations"])

    async def test_01_what_is_no_json_object(self):
        nothing = [
            "nothing of JSON",
            "",
            "[]",
            "null",
            "{",
            "1",
            '"ping"',
            "\0",
            "\ufeff{}",
            "[{}]",
        ]
        async with self.bystander(), self.person() as alice:
            await self.refused(alice, nothing, "bad_json")
            tab = await alice.tab()
            for text in nothing[: MISTAKES + 1]:
                await tab.socket.send_str(text)
            await tab.until(lambda: tab.closed, "a close")
            self.assertEqual((tab.closed, tab.frames[-1]["code"]), (4400, 4400))
            self.assertEqual(tab.count("error"), MISTAKES + 1)

    async def test_02_binary_frames(self):
        async with self.bystander(), self.person() as alice:
            said = [b"\0\1", b"", b'{"type":"ping","n":1}', b"\xff" * 100_000, b"\xed\xa0\x80"]
            await self.refused(alice, said, "bad_frame")

    async def test_03_a_frame_that_is_too_large_costs_its_socket_and_nothing_else(self):
        async with self.bystander(), self.person() as alice:
            await self.send_too_much(alice)  # what it takes once, it keeps
            before = usage.memory(self.server)
            for _ in range(10):
                await self.send_too_much(alice)
            grown = usage.memory(self.server) - before
            self.assertLess(grown, 8 * usage.MIB, "it keeps what it refuses")
            self.assertEqual(await self.rows(alice), 0)

    async def test_03_a_frame_that_only_the_server_would_take_is_not_read(self):
        async with self.bystander(), self.person() as alice:
            await self.send_too_much(alice, settings.FRAME_BYTES, codes=(4400, 1006, 1009))

    async def test_03_a_body_that_is_too_large_is_not_kept(self):
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        self.assertLess(most, 1 << 20)
        for declared in (True, False):
            host = f"127.0.0.1:{self.server.port}"
            reader, writer = await asyncio.open_connection(*host.split(":"))
            length = f"Content-Length: {most + 1}" if declared else "Transfer-Encoding: chunked"
            writer.write(f"POST /sign-in/ HTTP/1.1\r\nHost: {host}\r\n{length}\r\n\r\n".encode())
            if not declared:
                writer.write(b"%x\r\n%s\r\n" % (most, b"x" * most) + b"1\r\nx\r\n")
            # What is still to come is not waited for.
            self.assertIn(b" 413 ", await asyncio.wait_for(reader.readline(), SECONDS))
            writer.close()

    async def send_too_much(
        self, person: Person, size: int = 0, codes: tuple[int, ...] = (1006, 1009)
    ) -> None:
        tab = await person.tab()
        frame = {"type": "send", "cid": str(uuid4()), "conversation": str(uuid4()), "parent": None}
        text = "x" * (size or self.frame_bytes)
        with suppress(ConnectionError):  # it may be closed before all of it was sent
            await tab.say(**frame, text=text)
        await tab.until(lambda: tab.closed, "a close")
        self.assertIn(tab.closed, codes)

    async def test_03_the_largest_frame_that_is_none_too_large_is_answered(self):
        async with self.person() as alice:
            tab = await alice.tab()
            # Each character as six bytes, and all that a frame may have beside them.
            text = "é" * (CHARACTERS - 100) + asks(tokens=2)
            conversation, cid = str(uuid4()), str(uuid4())
            frame = {"type": "send", "cid": cid, "conversation": conversation, "text": text}
            said = json.dumps(frame | {"parent": None, "more": "x" * 16_000})
            self.assertGreater(len(said), 6 * (CHARACTERS - 100) + 16_000)
            await tab.socket.send_str(said)
            await tab.until(lambda: tab.count("ack"), "an ack")
            await tab.ended(tab.all("ack")[0]["reply"])
            self.assertEqual((await agreed(alice, conversation, tab))[0]["text"], text)

    async def test_04_json_that_is_costly_to_read(self):
        deep = 100_000
        said = [
            "[" * deep,
            "[" * deep + "]" * deep,
            '{"a":' * (deep // 2),  # a longer frame than may be is not read at all
            "9" * 5000,
            f'{{"type": "ping", "n": {"9" * 5000}}}',
            f'{{"type": "ping", "n": 1, "more": {"9" * 5000}}}',
            '{"type": "ping", "n": NaN}',
            '{"type": "ping", "n": 1, "more": -Infinity}',
        ]
        async with self.bystander(), self.person() as alice:
            before = usage.seconds(self.server)
            await self.refused(alice, said, "bad_json")
            self.assertLess(usage.seconds(self.server) - before, CHEAP * len(said) * 2)
            tab = await alice.tab()
            # The last of doubled keys counts, as in every browser.
            await tab.socket.send_str('{"type": "open", "type": "ping", "n": 1, "n": 2}')
            await tab.until(lambda: tab.count("pong"), "a pong")
            self.assertEqual(tab.all("pong")[0]["n"], 2)

    def wrong(self) -> Iterator[dict]:
        """Each field of each frame left out, and as something that it is not."""
        for kind, fields in LEAST.items():
            least = {"type": kind} | fields
            for field, right in fields.items():
                yield {key: value for key, value in least.items() if key != field}
                if isinstance(right, int):
                    values = whole(NOT_OFFSETS[:6], NOT_OFFSETS[:-1])
                elif field == "text":
                    values = (None, 1, True, ["a"])
                else:
                    values = whole(NOT_IDS[:5], NOT_IDS)
                yield from (least | {field: value} for value in values)

    async def test_05_fields_that_are_missing_or_wrong(self):
        async with self.bystander(), self.person() as alice:
            kinds = ("", "Open", "delta", "hello", None, 1, True, [], {"open": 1})
            await self.refused(alice, [json.dumps({"type": kind}) for kind in kinds], "bad_type")
            await self.refused(alice, [json.dumps(frame) for frame in self.wrong()], "bad_field")
            self.assertEqual(await self.rows(alice), 0)

    async def test_05_fields_that_are_not_known_are_ignored(self):
        async with self.person() as alice:
            tab = await alice.tab()
            more = {"later": {"a": [1.5, None]}, "\ud800": "\ud800", "from": -1}
            reply = await tab.ask(asks(tokens=3), **more)
            self.assertEqual(reply["text"], numbered(3))
            await tab.say(type="ping", n=1, **more)
            await tab.until(lambda: tab.count("pong"), "a pong")
            self.assertEqual(tab.count("error"), 0)

    async def test_06_odd_characters_are_the_same_for_everyone(self):
        odd = (
            "a\0b \ud800 \udc00\ud800 \u202eabc\u202c e\u0301 👩‍👩‍👧 \ufeff\u2028 \x1b[31m <b>&amp;"
        )
        cases = [
            (
                odd,
                odd.replace("\0", "\ufffd").replace("\ud800", "\ufffd").replace("\udc00", "\ufffd"),
            ),
            (EMOJI * (CHARACTERS - 200), EMOJI * (CHARACTERS - 200)),
        ]
        async with self.person() as alice:
            for said, stored in cases:
                tab, other = await alice.tab(), await alice.tab()
                end = asks("", echo=True, piece=4000)
                # As JavaScript spells it: an emoji is four bytes, a lone surrogate an escape.
                conversation, cid = str(uuid4()), str(uuid4())
                frame = {"type": "send", "cid": cid, "conversation": conversation, "parent": None}
                whole_frame = json.dumps(frame | {"text": said + end}, ensure_ascii=False)
                spelled = whole_frame.replace("\ud800", "\\ud800").replace("\udc00", "\\udc00")
                await tab.socket.send_str(spelled)
                await tab.until(lambda tab=tab: tab.count("ack"), "an ack")
                ack = tab.all("ack")[0]
                await other.open(conversation)
                reply = await tab.ended(ack["reply"])
                await other.ended(ack["reply"])
                messages = await agreed(alice, conversation, tab, other)
                self.assertEqual(messages[0]["text"], stored + end)
                # The model was told the same, and what it says of it comes back the same.
                asked = self.upstream.requests()[-1]["body"]["messages"][-1]["content"]
                self.assertEqual(asked, stored + end)
                self.assertEqual(json.loads(reply["text"])[-1]["content"], stored + end)
                path = f"/c/{conversation}/messages/?before=99"
                listed = (await alice.get(path))["messages"]
                self.assertEqual([row["text"] for row in listed], [row["text"] for row in messages])

    async def test_06_the_longest_message_passes_however_it_is_escaped(self):
        text = EMOJI * (CHARACTERS - 50) + asks("", tokens=1)
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            # Python's own spelling: twelve bytes for one character.
            reply = await tab.ask(text)
            self.assertEqual(reply["text"], numbered(1))
            messages = await agreed(alice, tab.client.conversation, tab)
            self.assertEqual(messages[0]["text"], text)

    async def test_07_what_may_not_be_sent_leaves_nothing(self):
        cases = [
            ("", "empty"),
            (" \t\r\n\u2003\u00a0", "empty"),
            ("x" * (CHARACTERS + 1), "too_long"),
            (EMOJI * (CHARACTERS + 1), "too_long"),
        ]
        async with self.person() as alice:
            tab = await alice.tab()
            for text, code in cases:
                conversation = str(uuid4())
                error = await tab.send(text, conversation=conversation, parent=None)
                self.assertEqual((error["type"], error.get("code")), ("error", code))
                await tab.say(type="open", conversation=conversation)
                self.assertEqual((await tab.error())["code"], "not_found")
            self.assertEqual(await self.rows(alice), 0)
            self.assertEqual(self.upstream.requests(), [])
            # The cid is free: the same request is taken once there is something to say.
            again = await tab.send(asks(tokens=1), cid=error["cid"], parent=None)
            self.assertFalse(again["duplicate"])
            await tab.ended(again["reply"])
            await agreed(alice, again["conversation"], tab)

    async def test_08_what_a_client_says_that_it_has(self):
        async with self.person() as alice, self.person() as charlie:
            tab, theirs = await alice.tab(), await charlie.tab()
            reply = await tab.ask(asks(tokens=10))
            foreign = await theirs.ask(asks(tokens=10))
            conversation = tab.client.conversation
            length = reply["length"]
            cases = [
                ({foreign["id"]: 5, str(uuid4()): 5}, 0),
                ({reply["id"]: length + 1}, 0),
                ({reply["id"]: 2**53}, 0),
                ({reply["id"]: 6, foreign["id"]: 6}, 6),
                ({reply["id"]: length}, length),
                ({str(uuid4()): 1 for _ in range(100)}, 0),
            ]
            fresh = await alice.tab()
            for have, start in cases:
                fresh.client.conversation, fresh.client.messages = None, []
                if start:
                    fresh.client.conversation, fresh.client.messages = conversation, tab.shown()
                    fresh.client.messages[-1] |= {"text": reply["text"][:start], "length": start}
                await fresh.open(conversation, have)
                state = fresh.all("state")[-1]["messages"]
                self.assertEqual([row["from"] for row in state], [0, start])
                self.assertEqual(state[-1]["text"], reply["text"][start:])
                self.assertNotIn(foreign["id"], str(state))
            for count in (101, whole(2_000, 9_000)):  # as many as a frame holds
                have = {str(uuid4()): 1 for _ in range(count)}
                await fresh.say(type="open", conversation=conversation, have=have)
                self.assertEqual((await fresh.error())["code"], "bad_field")
            await self.lives(fresh)
            await agreed(alice, conversation, tab)

    async def test_09_absent_foreign_and_deleted_read_the_same(self):
        async with self.person() as alice, self.person() as charlie:
            tab, intruder = await alice.tab(), await charlie.tab()
            await tab.ask(asks(tokens=1))
            reply = await tab.ask(asks(tokens=1))
            question = tab.message(reply["parent"])
            deleted = await intruder.ask(asks(tokens=1))
            thrown_away = intruder.client.conversation
            self.assertEqual(await charlie.delete(thrown_away), 204)
            conversation, before = tab.client.conversation, tab.shown()
            targets = [
                (conversation, reply["id"]),
                (conversation, question["id"]),
                (thrown_away, deleted["id"]),
                (str(uuid4()), str(uuid4())),
                (conversation, str(uuid4())),
            ]
            for kind in ("open", "send", "regenerate", "continue", "select", "stop"):
                answers = [await self.answer(intruder, kind, *ids) for ids in targets]
                self.assertEqual(answers[0]["code"], "not_found", kind)
                self.assertEqual(answers, [answers[0]] * len(targets), kind)
            # To see is not refused, and tells nothing either.
            for _, message in targets:
                await intruder.say(type="seen", message=message, offset=1)
            frames = len(intruder.frames)
            await self.lives(intruder)
            self.assertEqual([f["type"] for f in intruder.frames[frames:]], ["pong"])
            for method, path in (
                ("GET", "/c/{}/messages/?before=9"),
                ("PATCH", "/conversations/{}/"),
                ("DELETE", "/conversations/{}/"),
            ):
                visits = [self.visit(charlie, method, path.format(id)) for id, _ in targets[1:4]]
                answers = [await visit for visit in visits]
                self.assertEqual(answers[0][0], 404, (method, path))
                self.assertEqual(answers, [answers[0]] * 3, (method, path))
            restored = [await charlie.restore(id) for id in (conversation, str(uuid4()))]
            self.assertEqual(restored, [404, 404])
            # Nothing of it touched what it was aimed at, nor was anything told of it.
            self.assertEqual(len(self.upstream.requests()), 3)
            told = str(intruder.all("state") + intruder.all("conversation"))
            self.assertNotIn(conversation, told)
            self.assertEqual(await agreed(alice, conversation, tab), before)

    async def answer(self, tab: Tab, kind: str, conversation: str, message: str) -> dict:
        """What a frame of this kind is answered, but for the names that it gave itself."""
        frame = {"type": kind, "message": message, "cid": str(uuid4())}
        if kind in ("open", "send"):
            frame["conversation"] = conversation
        if kind == "send":
            frame |= {"text": "hi", "parent": message}
        await tab.say(**frame)
        error = await tab.error()
        own = ("cid", "message", "conversation")
        self.assertEqual(
            {key: error[key] for key in own if key in error},
            {key: frame[key] for key in own if key in frame},
        )
        return {key: value for key, value in error.items() if key not in own}

    async def visit(self, person: Person, method: str, path: str) -> tuple[int, str]:
        """The status and the body that a request over HTTP gets."""
        token = {cookie.key: cookie.value for cookie in person.http.cookie_jar}["csrftoken"]
        headers = {"X-CSRFToken": token, "Origin": person.url}
        about = {"headers": headers, "json": {"title": "Mine"} if method == "PATCH" else None}
        async with person.http.request(method, f"{person.url}{path}", **about) as response:
            return response.status, (await response.text()).replace(path.split("/")[2], "ID")


class DaphneClientTests(ClientTests):
    kind = "daphne"
    frame_bytes = 1024 * 1024


class RunserverFrameTests(ServerCase):
    """The one server that takes no larger frames than the settings say."""

    kind = "runserver"
    settings: ClassVar[dict] = {"DEBUG": 1}
    test_06_the_longest_message_passes_however_it_is_escaped = (
        ClientTests.test_06_the_longest_message_passes_however_it_is_escaped
    )
