"""How a reply ends when the model's server fails: its status, its code, and what is kept."""

import json
from uuid import uuid4

from tests.replies.case import ServerCase, asks
from tests.tabs import Person
from tests.upstream import numbered


class UpstreamTests(ServerCase):
    settings = {
        "FIRST_TOKEN_SECONDS": 4,
        "BETWEEN_TOKENS_SECONDS": 1,
        "RETRIES": 1,
        "LIMIT_REPLY_CHARACTERS": 1000,
    }

    async def test_each_fault_ends_the_reply_as_the_protocol_says(self):
        ten = numbered(10)
        cases = [
            ({"silent": True}, "error", "upstream_timeout", ""),
            ({"stall_after": 10}, "interrupted", "upstream_timeout", ten),
            ({"stall_after": 10, "comments": True}, "interrupted", "upstream_timeout", ten),
            ({"cut_after": 10}, "interrupted", "upstream_cut", ten),
            ({"reset_after": 10}, "interrupted", "upstream_cut", ten),
            ({"drop_after": 10}, "interrupted", "upstream_cut", ten),
            (
                {"raw": ["data: {not json"], "raw_after": 10},
                "interrupted",
                "upstream_malformed",
                ten,
            ),
            ({"status": 401}, "error", "upstream_auth", ""),
            ({"status": 429, "retry_after": 300}, "error", "upstream_rate", ""),
            ({"status": 500}, "error", "upstream_error", ""),
            ({"body": "html"}, "error", "upstream_empty", ""),
            ({"tokens": 0}, "error", "upstream_empty", ""),
        ]
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            for directive, status, code, text in cases:
                with self.subTest(directive):
                    question = asks(str(uuid4()), **directive)
                    where = {"conversation": str(uuid4()), "parent": None}
                    reply = await tab.ask(question, **where)
                    self.assertEqual((reply["status"], reply["error"]["code"]), (status, code))
                    self.assertEqual(reply["text"], text)
                    self.assertNotIn("finish_reason", reply)
            # The process and the socket are none the worse for it.
            after = await tab.ask(asks(tokens=2), conversation=str(uuid4()), parent=None)
            self.assertEqual(after["text"], numbered(2))

    async def test_a_failure_before_the_first_character_is_tried_again(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            question = asks(str(uuid4()), status=503, fail_times=1, tokens=5)
            reply = await tab.ask(question)
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(5)))
            phases = [(frame["phase"], frame.get("n")) for frame in tab.all("status")]
            self.assertIn(("retrying", 1), phases)
            self.assertEqual(len(self.upstream.requests()), 2)

    async def test_a_reply_over_the_servers_limit_ends_with_length(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            reply = await tab.ask(asks(tokens=10_000))
            self.assertEqual((reply["status"], reply["finish_reason"]), ("done", "length"))
            self.assertEqual(reply["text"], numbered(167)[:1000])
            closed = self.upstream.wait_closed(self.upstream.requests()[0]["id"])
            self.assertEqual(closed["finished"], "client_closed")

    async def test_no_secret_of_the_model_server_is_told(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            await tab.ask(asks(status=400, error={"message": "canary sk-CANARY"}))
            self.assertNotIn("CANARY", str(tab.all("end")) + self.server.log.read_text())

    async def test_a_number_that_no_database_holds_harms_nobody(self):
        async with Person(self.server.url) as mallory, Person(self.server.url) as alice:
            odd, tab = await mallory.tab(), await alice.tab()
            ack = await tab.send(asks(tokens=150, rate=100))
            usage = {"choices": [], "usage": {"prompt_tokens": 10**30, "completion_tokens": 1}}
            reply = await odd.ask(
                asks(tokens=2, usage=False, raw=[f"data: {json.dumps(usage)}", ""])
            )
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(2)))
            self.assertTrue(reply["usage"]["estimated"])
            self.assertEqual((await tab.ended(ack["reply"]))["text"], numbered(150))
