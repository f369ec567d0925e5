"""A reply from the question to its end, as one tab and several see it."""

import asyncio
from uuid import uuid4

from tests.replies.case import ServerCase, asks
from tests.tabs import Person
from tests.upstream import numbered


class StreamTests(ServerCase):
    async def test_a_reply_streams_and_is_kept(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=40, rate=200))
            reply = await tab.ended(ack["reply"])
            self.assertEqual(reply["text"], numbered(40))
            self.assertEqual((reply["status"], reply["finish_reason"]), ("done", "stop"))
            self.assertEqual(reply["length"], len(numbered(40)))
            self.assertGreater(tab.count("delta"), 1, "it was not typed out as it came")
            again = await alice.tab()
            await again.open(ack["conversation"])
            self.assertEqual(again.shown(), tab.shown())

    async def test_the_context_of_earlier_messages_reaches_the_model(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            await tab.ask(asks("first", tokens=2))
            await tab.ask(asks("second", tokens=2))
            messages = self.upstream.requests()[-1]["body"]["messages"]
            self.assertEqual(
                [message["role"] for message in messages],
                ["system", "user", "assistant", "user"],
            )
            self.assertEqual(messages[2]["content"], numbered(2))

    async def test_every_tab_sees_the_same_text_grow(self):
        async with Person(self.server.url) as alice:
            first, second = await alice.tab(), await alice.tab()
            ack = await first.send(asks(tokens=60, rate=100, gate="middle", gate_after=20))
            await first.text_of(ack["reply"], len(numbered(10)))
            await second.open(ack["conversation"])
            self.upstream.release("middle")
            ends = await asyncio.gather(first.ended(ack["reply"]), second.ended(ack["reply"]))
            self.assertEqual([end["text"] for end in ends], [numbered(60)] * 2)
            self.assertEqual(first.shown(), second.shown())

    async def test_a_state_fetched_later_is_the_earlier_one_and_the_events_between(self):
        async with Person(self.server.url) as alice:
            watching = await alice.tab()
            ack = await watching.send(asks(tokens=50, rate=200, reasoning=5))
            conversation, reply = ack["conversation"], ack["reply"]
            for length in (7, 70, 150):
                await watching.text_of(reply, length)
                fresh = await alice.tab()
                await fresh.open(conversation)
                # Both go on to the same end, whatever each was told first.
                await fresh.ended(reply)
                await watching.ended(reply)
                self.assertEqual(fresh.shown(), watching.shown())
            regenerated = await watching.again("regenerate", reply)
            await watching.ended(regenerated["reply"])
            await watching.say(type="select", message=reply)
            await watching.until(lambda: watching.message(reply), "the first reply again")
            await fresh.open(conversation)
            self.assertEqual(fresh.shown(), watching.shown())

    async def test_a_reply_goes_on_when_every_tab_is_closed(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=30, rate=0, gate="alone", gate_after=5))
            await tab.close()
            self.upstream.release("alone")
            self.upstream.wait_closed(self.upstream.wait_requests(1)[0]["id"])
            back = await alice.tab()
            await back.open(ack["conversation"])
            reply = await back.ended(ack["reply"])
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(30)))

    async def test_a_tab_that_closes_as_it_sends_loses_nothing(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            conversation, cid = str(uuid4()), str(uuid4())
            frame = {"cid": cid, "conversation": conversation, "parent": None}
            await tab.say(type="send", text=asks(tokens=3), **frame)
            await tab.close()
            # The page sends again what was not acknowledged: once or twice, it is one message.
            back = await alice.tab()
            ack = await back.send(asks(tokens=3), **frame)
            reply = await back.ended(ack["reply"])
            self.assertEqual(reply["text"], numbered(3))
            self.assertEqual(len(back.shown()), 2)

    async def test_a_reconnected_tab_goes_on_from_its_cursor(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=60, rate=0, gate="cut", gate_after=30))
            await tab.text_of(ack["reply"], len(numbered(30)))
            await tab.reconnect()
            resumed = tab.all("state")[0]["messages"][-1]
            self.assertEqual((resumed["from"], resumed["text"]), (len(numbered(30)), ""))
            self.upstream.release("cut")
            self.assertEqual((await tab.ended(ack["reply"]))["text"], numbered(60))

    async def test_reasoning_has_its_own_cursor_and_is_never_mixed_in(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            reply = await tab.ask(asks(tokens=5, reasoning=20, rate=200))
            self.assertEqual(reply["text"], numbered(5))
            self.assertTrue(reply["reasoning"].startswith("(r0001)"))
            self.assertGreater(tab.count("reasoning"), 0)
            self.assertIn("thinking", [frame["phase"] for frame in tab.all("status")])

    async def test_a_step_is_seen_before_the_reply_streams(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            reply = await tab.ask(asks(tokens=5), assistant="plan")
            kinds = [f["type"] for f in tab.frames if f["type"] in ("step", "delta", "end")]
            self.assertEqual(kinds[0], "step")
            self.assertEqual(kinds[-1], "end")
            self.assertLess(kinds.index("step"), kinds.index("delta"))
            (step,) = reply["steps"]
            self.assertEqual((step["name"], step["status"]), ("plan", "done"))
            self.assertEqual(step["detail"], numbered(5))
            fresh = await alice.tab()
            await fresh.open(tab.client.conversation)
            self.assertEqual(fresh.shown(), tab.shown())

    async def test_usage_is_told_as_the_model_counted_it(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            counted = await tab.ask(asks(tokens=5))
            self.assertFalse(counted["usage"]["estimated"])
            estimated = await tab.ask(asks(tokens=8, usage=False))
            self.assertTrue(estimated["usage"]["estimated"])
            self.assertEqual(estimated["usage"]["completion_tokens"], len(numbered(8)) // 4)
            thought = await tab.ask(asks(tokens=8, reasoning=8, usage=False))
            both = (len(numbered(8)) + len(thought["reasoning"])) // 4
            self.assertEqual(thought["usage"]["completion_tokens"], both)

    async def test_emoji_and_odd_characters_arrive_as_they_were_sent(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            question = "a\0b \ud83d\ude00 \u202e \ud800 e\u0301 👩‍👩‍👧"
            ack = await tab.send(f"{question} !!" + '{"tokens": 2, "split_emoji": true}')
            reply = await tab.ended(ack["reply"])
            self.assertEqual(reply["text"], numbered(2) + "\U0001f600" * 2)
            asked = tab.message(ack["message"])["text"]
            self.assertTrue(asked.startswith("a\ufffdb \U0001f600 \u202e \ufffd e\u0301 👩‍👩‍👧"))


class DaphneStreamTests(StreamTests):
    kind = "daphne"
