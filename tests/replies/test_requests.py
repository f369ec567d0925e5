"""What a socket may ask for, and what it is refused."""

import asyncio
from uuid import uuid4

import aiohttp

from tests.replies.case import ServerCase, asks
from tests.tabs import Person
from tests.upstream import numbered


class BranchTests(ServerCase):
    async def test_regenerate_makes_another_reply_beside_the_first(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            first = await tab.ask(asks(tokens=3, next={"tokens": 4}))
            ack = await tab.again("regenerate", first["id"])
            second = await tab.ended(ack["reply"])
            self.assertEqual(second["siblings"], [first["id"], second["id"]])
            self.assertEqual(second["parent"], first["parent"])
            self.assertEqual([m["id"] for m in tab.shown()], [first["parent"], second["id"]])

    async def test_an_edit_makes_a_sibling_branch_and_select_goes_back(self):
        async with Person(self.server.url) as alice:
            tab, other = await alice.tab(), await alice.tab()
            await tab.ask(asks("one", tokens=1))
            await tab.ask(asks("two", tokens=2))
            await other.open(tab.client.conversation)
            before = tab.shown()
            ack = await tab.send(asks("two, edited", tokens=3), parent=before[1]["id"])
            await tab.ended(ack["reply"])
            await other.ended(ack["reply"])
            self.assertEqual([m["text"] for m in tab.shown()][0], before[0]["text"])
            self.assertEqual(len(tab.message(ack["message"])["siblings"]), 2)
            self.assertEqual(other.shown(), tab.shown())
            await other.say(type="select", message=before[2]["id"])
            for each in (tab, other):
                await each.until(lambda each=each: each.message(before[3]["id"]), "the old branch")
                self.assertEqual([m["id"] for m in each.shown()], [m["id"] for m in before])

    async def test_continue_goes_on_from_the_kept_text(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            going_on = {"tokens": 5, "start": 11}
            question = asks(tokens=20, rate=0, gate="half", gate_after=10, next=going_on)
            ack = await tab.send(question)
            await tab.text_of(ack["reply"], len(numbered(10)))
            await tab.say(type="stop", message=ack["reply"])
            stopped = await tab.ended(ack["reply"])
            self.assertEqual((stopped["status"], stopped["text"]), ("stopped", numbered(10)))
            ack = await tab.again("continue", ack["reply"])
            reply = await tab.ended(ack["reply"])
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(15)))
            self.assertEqual(reply["kept"], len(numbered(10)))
            sent = self.upstream.requests()[-1]["body"]["messages"]
            self.assertEqual([m["role"] for m in sent[-3:]], ["user", "assistant", "user"])
            self.assertEqual(sent[-2]["content"], numbered(10))
            # The instruction to go on is told to the model alone.
            self.assertEqual([m["role"] for m in tab.shown()], ["user", "assistant"])


class StopTests(ServerCase):
    async def test_stop_keeps_what_was_shown_and_ends_the_model(self):
        async with Person(self.server.url) as alice:
            tab, other = await alice.tab(), await alice.tab()
            ack = await tab.send(asks(tokens=1000, rate=100))
            await other.open(ack["conversation"])
            await tab.text_of(ack["reply"], 60)
            shown = tab.message(ack["reply"])["text"]
            await other.say(type="stop", message=ack["reply"])
            ends = await asyncio.gather(tab.ended(ack["reply"]), other.ended(ack["reply"]))
            self.assertEqual({end["status"] for end in ends}, {"stopped"})
            self.assertEqual(ends[0]["text"], ends[1]["text"])
            self.assertTrue(ends[0]["text"].startswith(shown))
            self.assertTrue(numbered(1000).startswith(ends[0]["text"]))
            closed = self.upstream.wait_closed(self.upstream.requests()[0]["id"])
            self.assertEqual(closed["finished"], "client_closed")

    async def test_stop_before_the_first_token(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(silent=True))
            request = self.upstream.wait_requests(1)[0]
            await tab.say(type="stop", message=ack["reply"])
            self.assertEqual((await tab.ended(ack["reply"]))["status"], "stopped")
            self.assertEqual(self.upstream.wait_closed(request["id"])["finished"], "client_closed")
            # Nothing of it is left in the way of the next one.
            next_one = await tab.ask(asks(tokens=2), conversation=str(uuid4()), parent=None)
            self.assertEqual(next_one["text"], numbered(2))

    async def test_stop_pressed_ten_times_ends_once(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=1000, rate=100))
            await tab.text_of(ack["reply"], 7)
            for _ in range(10):
                await tab.say(type="stop", message=ack["reply"])
            await tab.ended(ack["reply"])
            await tab.say(type="ping", n=1)
            await tab.until(lambda: tab.count("pong"), "a pong")
            self.assertEqual(tab.count("end"), 1)
            self.assertEqual(tab.count("error"), 0)


class OnceTests(ServerCase):
    async def test_one_cid_is_one_message_however_often_it_is_sent(self):
        async with Person(self.server.url) as alice:
            tabs = [await alice.tab() for _ in range(4)]
            frame = {"cid": str(uuid4()), "conversation": str(uuid4()), "parent": None}
            text = asks(tokens=3)
            acks = await asyncio.gather(
                *(tab.send(text, **frame) for tab in tabs for _ in range(5))
            )
            await tabs[0].ended(acks[0]["reply"])
            acks.append(await tabs[0].send(text, **frame))
            self.assertEqual(len({(ack["message"], ack["reply"]) for ack in acks}), 1)
            sent = [ack for tab in tabs for ack in tab.all("ack")]
            self.assertEqual(sum(not ack["duplicate"] for ack in sent), 1)
            self.assertEqual(len(self.upstream.requests()), 1)
            self.assertEqual(len(tabs[0].shown()), 2)

    async def test_of_two_messages_at_once_one_is_busy(self):
        async with Person(self.server.url) as alice:
            tabs = [await alice.tab() for _ in range(2)]
            await tabs[0].ask(asks(tokens=1))
            await tabs[1].open(tabs[0].client.conversation)
            answers = await asyncio.gather(
                *(tab.send(asks(tokens=50, rate=200), cid=str(uuid4())) for tab in tabs)
            )
            kinds = sorted(answer["type"] for answer in answers)
            self.assertEqual(kinds, ["ack", "error"])
            refused = next(answer for answer in answers if answer["type"] == "error")
            self.assertEqual((refused["code"], refused["re"]), ("busy", "send"))
            accepted = next(answer for answer in answers if answer["type"] == "ack")
            for tab in tabs:
                await tab.ended(accepted["reply"])
            self.assertEqual(tabs[0].shown(), tabs[1].shown())
            # The refused cid is free: the same frame is taken once the reply has ended.
            tab = tabs[answers.index(refused)]
            again = await tab.send(asks(tokens=1), cid=refused["cid"])
            self.assertEqual(again["type"], "ack")
            await tab.ended(again["reply"])


class RefusalTests(ServerCase):
    settings = {"LIMIT_CHARACTERS": 100}

    async def test_bad_frames_are_refused_and_the_socket_lives(self):
        cases = [
            ("nothing of JSON", "bad_json"),
            ("[]", "bad_json"),
            ("[" * 100_000, "bad_json"),
            ('{"type": "dance"}', "bad_type"),
            ('{"type": "ping", "n": true}', "bad_field"),
            ('{"type": "open", "conversation": "x"}', "bad_field"),
        ]
        async with Person(self.server.url) as alice:
            for text, code in cases:
                tab = await alice.tab()
                await tab.socket.send_str(text[:15_000])
                self.assertEqual((await tab.error())["code"], code)
                await tab.say(type="ping", n=7)
                await tab.until(lambda tab=tab: tab.count("pong"), "a pong")
            tab = await alice.tab()
            await tab.socket.send_bytes(b"\0\1")
            self.assertEqual((await tab.error())["code"], "bad_frame")

    async def test_the_sixth_mistake_closes_the_socket(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            # No mistake is what was offered when a page queued it.
            for _ in range(7):
                answer = await tab.send("hi", conversation=str(uuid4()), model="of yesterday")
                self.assertEqual(answer["code"], "bad_field")
            for _ in range(6):
                await tab.socket.send_str("?")
            await tab.until(lambda: tab.closed, "a close")
            self.assertEqual(tab.closed, 4400)
            self.assertEqual(tab.frames[-1]["type"], "bye")
            self.assertEqual(tab.count("error"), 13)

    async def test_what_may_not_be_sent_writes_no_row_and_reaches_no_model(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            conversation = str(uuid4())
            cases = [
                ({"text": "  \n\t "}, "empty"),
                ({"text": "x" * 101}, "too_long"),
                ({"text": "hi", "assistant": "nobody"}, "bad_field"),
                ({"text": "hi", "parent": str(uuid4())}, "not_found"),
            ]
            for fields, code in cases:
                answer = await tab.send(conversation=conversation, **fields)
                self.assertEqual((answer["type"], answer.get("code")), ("error", code))
            self.assertEqual((await alice.get("/conversations/"))["conversations"], [])
            self.assertEqual(self.upstream.requests(), [])

    async def test_absent_foreign_and_deleted_read_the_same(self):
        async with Person(self.server.url) as alice, Person(self.server.url) as charlie:
            tab, intruder = await alice.tab(), await charlie.tab()
            reply = await tab.ask(asks(tokens=1))
            conversation, foreign = tab.client.conversation, tab.shown()
            self.assertTrue(foreign, "there is nothing to intrude on")
            absent = str(uuid4())
            for kind in ("open", "send", "regenerate", "continue", "select", "stop"):
                said = []
                for id_of_conversation, id_of_message in (
                    (conversation, reply["id"]),
                    (absent, absent),
                ):
                    frame = {"type": kind, "cid": str(uuid4()), "message": id_of_message}
                    if kind in ("open", "send"):
                        frame |= {"conversation": id_of_conversation}
                    if kind == "send":
                        frame |= {"text": "hi", "parent": id_of_message}
                    await intruder.say(**frame)
                    error = await intruder.error()
                    said.append((error["code"], error["detail"], error["re"]))
                self.assertEqual(said[0], said[1], kind)
                self.assertEqual(said[0][0], "not_found")
            self.assertEqual(await alice.delete(conversation), 204)
            answer = await tab.send("hi", conversation=conversation, parent=None)
            self.assertEqual(answer["code"], "not_found")

    async def test_cookies_of_others_on_the_same_host_do_no_harm(self):
        async with Person(self.server.url) as alice:
            for odd in ('prefs={"a":1}', "x=a b c", "foo", 'u="unclosed', "k@x=1"):
                jar = {cookie.key: cookie.value for cookie in alice.http.cookie_jar}
                cookies = f"{odd}; sessionid={jar['sessionid']}"
                url = f"{alice.url.replace('http', 'ws')}/ws/chat/"
                headers = {"Origin": alice.url, "Cookie": cookies}
                async with (
                    aiohttp.ClientSession() as bare,
                    bare.ws_connect(url, headers=headers) as socket,
                ):
                    self.assertEqual((await socket.receive_json())["type"], "welcome", odd)

    async def test_a_foreign_origin_and_a_stranger_are_told_bye(self):
        async with Person(self.server.url) as alice:
            port = self.server.port
            for origin in (
                "http://evil.example",
                f"http://127.0.0.1.evil.example:{port}",
                f"http://127.0.0.1:{port + 1}",
                f"http://localhost:{port}",
                "https://127.0.0.1",
                "http://[::1",
                "null",
                None,
            ):
                headers = {} if origin is None else {"Origin": origin}
                url = f"{alice.url.replace('http', 'ws')}/ws/chat/"
                async with alice.http.ws_connect(url, headers=headers) as elsewhere:
                    said = await elsewhere.receive_json()
                    self.assertEqual((said["type"], said.get("code")), ("bye", 4403), origin)
            alice.http.cookie_jar.clear()
            nobody = await alice.tab()
            await nobody.until(lambda: nobody.closed, "a close")
            self.assertEqual((nobody.closed, nobody.frames[0]["code"]), (4401, 4401))


class WindowTests(ServerCase):
    async def test_what_is_not_acknowledged_is_bounded(self):
        async with Person(self.server.url) as alice:
            slow, quick = await alice.tab(seen=False), await alice.tab()
            text = numbered(20_000)
            ack = await quick.send(asks(tokens=20_000))
            await slow.open(ack["conversation"])
            await quick.ended(ack["reply"])
            held = slow.message(ack["reply"])
            told = sum(len(f["text"]) for f in slow.all("delta"))
            self.assertLessEqual(told, 65_536)
            self.assertEqual(held["status"], "running")
            # One acknowledgement of all it has lets the rest come.
            while slow.message(ack["reply"])["status"] == "running":
                offset, _ = slow.client.cursors(ack["reply"])
                await slow.say(type="seen", message=ack["reply"], offset=offset)
                await slow.until(
                    lambda offset=offset: (
                        slow.client.cursors(ack["reply"])[0] > offset
                        or slow.message(ack["reply"])["status"] != "running"
                    ),
                    "more",
                )
            self.assertEqual(slow.message(ack["reply"])["text"], text)


class ListTests(ServerCase):
    async def test_every_tab_hears_of_the_list(self):
        async with Person(self.server.url) as alice, Person(self.server.url) as charlie:
            tab, other, stranger = await alice.tab(), await alice.tab(), await charlie.tab()
            ack = await tab.send(asks("A question", tokens=2))
            id = ack["conversation"]

            def entries() -> list[dict]:
                told = [frame["conversation"] for frame in other.all("conversation")]
                return [entry for entry in told if entry["id"] == id]

            await other.until(lambda: any(e["active"] for e in entries()), "a live entry")
            await other.until(lambda: entries() and not entries()[-1]["active"], "its end")
            self.assertEqual(await alice.change(id, title="  A  name "), 204)
            await other.until(lambda: entries()[-1]["title"] == "A name", "the new name")
            self.assertEqual(await alice.change(id, pinned=True), 204)
            await other.until(lambda: entries()[-1]["pinned"], "its pin")
            self.assertEqual(await alice.delete(id), 204)
            await other.until(lambda: entries()[-1].get("deleted"), "the deletion")
            self.assertEqual((await alice.get("/conversations/"))["conversations"], [])
            self.assertEqual(await alice.restore(id), 204)
            await other.until(lambda: not entries()[-1].get("deleted"), "its return")
            self.assertEqual((await alice.get("/conversations/"))["conversations"], entries()[-1:])
            self.assertEqual(stranger.count("conversation"), 0)

    async def test_deleting_stops_the_reply_and_closes_no_socket(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=1000, rate=100))
            await tab.text_of(ack["reply"], 7)
            await alice.delete(ack["conversation"])
            closed = self.upstream.wait_closed(self.upstream.requests()[0]["id"])
            self.assertEqual(closed["finished"], "client_closed")
            await tab.say(type="ping", n=1)
            await tab.until(lambda: tab.count("pong"), "a pong")
            self.assertIsNone(tab.closed)

    async def test_a_restored_conversation_is_as_it_was_and_goes_on(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            await tab.ask(asks("one", tokens=3))
            ack = await tab.send(asks(tokens=1000, rate=100))
            await tab.text_of(ack["reply"], 7)
            conversation = ack["conversation"]
            await alice.delete(conversation)
            late = await tab.send(asks("late", tokens=1), conversation)
            self.assertEqual(late["code"], "not_found")
            self.assertEqual(await alice.restore(conversation), 204)
            self.assertEqual(await alice.restore(conversation), 204)
            # A tab that shows it is told how it is, unasked: with a `state` if it saw it deleted.
            stopped = await tab.ended(ack["reply"])
            self.assertEqual(stopped["status"], "stopped")
            self.assertTrue(numbered(1000).startswith(stopped["text"]))
            self.assertEqual([m["seq"] for m in tab.shown()], [1, 2, 3, 4])
            self.assertEqual((await tab.ask(asks("two", tokens=3)))["status"], "done")

    async def test_a_long_conversation_is_told_from_its_end(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            for _ in range(30):
                await tab.ask(asks(tokens=1))
            fresh = await alice.tab()
            await fresh.open(tab.client.conversation)
            self.assertEqual(len(fresh.shown()), 50)
            first = fresh.shown()[0]
            path = f"/c/{tab.client.conversation}/messages/?before={first['seq']}"
            earlier = await alice.get(path)
            self.assertEqual([m["seq"] for m in earlier["messages"]], list(range(1, 11)))
            self.assertFalse(earlier["earlier"])
