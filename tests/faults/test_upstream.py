"""Cases 11–21: how a reply ends when the model's server fails, and what is kept of it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from uuid import uuid4

from tests.replies.case import asks
from tests.tabs import Tab
from tests.upstream import EMOJI, numbered

from .aftermath import agreed
from .case import FaultCase

TEN = numbered(10)


def event(**delta: object) -> list[str]:
    """The lines of one chunk with this delta."""
    return chunk(choices=[{"index": 0, "delta": delta, "finish_reason": None}])


def chunk(**content: object) -> list[str]:
    return [f"data: {json.dumps(content)}", ""]


class UpstreamCase(FaultCase):
    @asynccontextmanager
    async def tab(self) -> AsyncIterator[Tab]:
        """A tab. Afterwards one that knew nothing shows the same, and the next is answered."""
        async with self.person() as alice:
            tab = await alice.tab()
            yield tab
            await agreed(alice, tab.client.conversation, tab)
            await self.answers(tab)

    async def answers(self, tab: Tab) -> None:
        """The model answers there, as ever."""
        reply, _ = await self.ask(tab, tokens=2)
        self.assertEqual((reply["status"], reply["text"]), ("done", numbered(2)))

    async def ask(self, tab: Tab, **directive: object) -> tuple[dict, list[dict]]:
        """The reply in a conversation of its own, and the requests that it made of the model's
        server, of which each is over."""
        self.upstream.clear()
        question = asks(str(uuid4()), **directive)
        reply = await tab.ask(question, conversation=str(uuid4()), parent=None)
        requests = self.upstream.requests()
        return reply, [self.upstream.wait_closed(request["id"]) for request in requests]

    async def fails(
        self, tab: Tab, code: str, requests: int = 1, text: str = "", **directive: object
    ) -> tuple[dict, list[dict]]:
        """As `ask`; it ends with this error after so many requests, and keeps this text."""
        reply, asked = await self.ask(tab, **directive)
        status = "interrupted" if text else "error"
        self.assertEqual((reply["status"], reply["error"]["code"]), (status, code))
        self.assertEqual((reply["text"], reply["length"]), (text, len(text)))
        self.assertNotIn("finish_reason", reply)
        self.assertEqual(len(asked), requests)
        return reply, asked


class UpstreamTests(UpstreamCase):
    settings = {"FIRST_TOKEN_SECONDS": 4, "BETWEEN_TOKENS_SECONDS": 1, "RETRIES": 1}

    # Not there

    async def test_11_a_server_that_is_not_there_is_tried_again_and_found_when_it_is_back(self):
        async with self.tab() as tab:
            self.upstream.stop()
            try:
                reply = await tab.ask(asks())
            finally:
                self.upstream.start()
            self.assertEqual((reply["status"], reply["text"]), ("error", ""))
            self.assertEqual(reply["error"]["code"], "upstream_unreachable")
            self.assertTrue(reply["error"]["retryable"])
            self.assertEqual(retries(tab), [1])

    # Silent

    async def test_12_headers_that_never_come_are_one_request_and_a_timeout(self):
        async with self.tab() as tab:
            began = monotonic()
            _, (request,) = await self.fails(tab, "upstream_timeout", silent=True)
            self.assertGreaterEqual(monotonic() - began, 4)
            self.assertEqual(request["finished"], "client_closed")
            self.assertEqual(retries(tab), [])

    async def test_12_headers_without_a_token_are_a_timeout_too(self):
        async with self.tab() as tab:
            _, (request,) = await self.fails(tab, "upstream_timeout", stall_after=0, comments=True)
            self.assertEqual(request["finished"], "client_closed")

    async def test_13_a_stall_keeps_the_text_and_closes_the_connection(self):
        async with self.tab() as tab:
            for stall in {}, {"comments": True}:
                with self.subTest(stall):
                    _, (request,) = await self.fails(
                        tab, "upstream_timeout", text=TEN, stall_after=10, **stall
                    )
                    self.assertEqual(request["finished"], "client_closed")

    # Refuses

    async def test_14_a_short_retry_after_is_waited_for(self):
        async with self.tab() as tab:
            began = monotonic()
            reply, requests = await self.ask(tab, status=429, retry_after=2, fail_times=1)
            self.assertGreaterEqual(monotonic() - began, 2)
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(20)))
            self.assertEqual([request["status"] for request in requests], [429, 200])
            self.assertEqual(retries(tab), [1])

    async def test_14_a_long_retry_after_fails_at_once(self):
        async with self.tab() as tab:
            reply, _ = await self.fails(tab, "upstream_rate", status=429, retry_after=300)
            self.assertTrue(reply["error"]["retryable"])
            self.assertEqual(retries(tab), [])

    async def test_15_a_failing_server_is_tried_again(self):
        faults = [
            ({"status": 500}, "upstream_error"),
            ({"status": 502, "page": True}, "upstream_error"),
            ({"status": 503}, "upstream_error"),
            ({"status": 429}, "upstream_rate"),
            ({"status": 0}, "upstream_unreachable"),  # reset at once
        ]
        async with self.tab() as tab:
            for fault, code in faults:
                with self.subTest(fault):
                    reply, _ = await self.fails(tab, code, requests=2, **fault)
                    self.assertTrue(reply["error"]["retryable"])
                    reply, requests = await self.ask(tab, fail_times=1, **fault)
                    self.assertEqual((reply["status"], reply["text"]), ("done", numbered(20)))
                    self.assertEqual(len(requests), 2)
            self.assertEqual(retries(tab), [1] * 2 * len(faults))

    async def test_15_a_refusal_is_final_and_what_it_says_stays_here(self):
        async with self.tab() as tab:
            for status, code, retryable in (
                (400, "upstream_error", True),
                (401, "upstream_auth", False),
                (403, "upstream_auth", False),
                (404, "upstream_error", True),
                (413, "context_too_long", False),
            ):
                with self.subTest(status):
                    reply, _ = await self.fails(tab, code, status=status)
                    self.assertEqual(reply["error"]["retryable"], retryable)
            self.assertEqual(retries(tab), [])

    # Breaks off

    async def test_16_an_end_without_a_finish_is_interrupted(self):
        async with self.tab() as tab:
            for fault in {"cut_after": 10}, {"tokens": 10, "finish": None}:
                with self.subTest(fault):
                    await self.fails(tab, "upstream_cut", text=TEN, **fault)
            await self.fails(tab, "upstream_cut", text=TEN, tokens=11, unterminated=True)
            await self.fails(tab, "upstream_empty", cut_after=0)

    async def test_17_a_cut_connection_keeps_the_text_and_another_reply_goes_on_from_it(self):
        async with self.tab() as tab:
            for fault in {"reset_after": 10}, {"drop_after": 10}:
                with self.subTest(fault):
                    going_on = {"tokens": 5, "start": 11}
                    broken, _ = await self.fails(
                        tab, "upstream_cut", text=TEN, next=going_on, **fault
                    )
                    ack = await tab.again("continue", broken["id"])
                    reply = await tab.ended(ack["reply"])
                    self.assertEqual((reply["status"], reply["text"]), ("done", numbered(15)))
                    self.assertEqual(reply["kept"], len(TEN))
                    self.assertEqual(reply["siblings"], [broken["id"], reply["id"]])

    # Talks nonsense

    async def test_18_what_is_no_answer_ends_the_reply_and_keeps_the_text(self):
        async with self.tab() as tab:
            for raw in (
                ["data: {not json", ""],
                [{"base64": "ZGF0YTogIv8i"}, ""],  # data: "\xff"
                ["id: 1", ""],
                ["retry: 100", ""],
                ["event: ping", ""],
                ["data: " + "[" * 20_000, ""],
                event(content=5) * 21,
            ):
                with self.subTest(str(raw)[:40]):
                    await self.fails(tab, "upstream_malformed", text=TEN, raw=raw, raw_after=10)

    async def test_18_null_and_other_data_that_is_no_object_are_tolerated(self):
        raw = ["data: null", "", "data: [1]", "", 'data: "x"', "", ": ping", ""]
        async with self.tab() as tab:
            await self.tolerated(tab, raw)

    async def test_19_odd_chunks_are_tolerated(self):
        async with self.tab() as tab:
            for raw in (
                chunk(choices=[]),
                [*chunk(choices=None), *chunk(choices="x"), *chunk(choices=[None])],
                [*chunk(choices=[{"delta": None}]), *chunk(choices=[{"delta": 5}])],
                [*event(content=None), *event(content=5), *event(content=["a"])],
                [*event(reasoning=5), *event(reasoning_content=[1])],
                [*chunk(choices=[], usage=5), *chunk(usage={"prompt_tokens": "x"})],
            ):
                with self.subTest(raw):
                    await self.tolerated(tab, raw)

    async def test_19_reasoning_alone_is_an_empty_answer_and_is_kept(self):
        async with self.tab() as tab:
            for field in "reasoning", "reasoning_content":
                with self.subTest(field):
                    reply, _ = await self.fails(
                        tab, "upstream_empty", reasoning=2, reasoning_field=field, tokens=0
                    )
                    self.assertEqual(reply["reasoning"], "(r0001)(r0002)")

    async def test_19_no_text_at_all_is_an_empty_answer(self):
        async with self.tab() as tab:
            await self.fails(tab, "upstream_empty", tokens=0)

    async def test_19_a_count_that_no_database_holds_is_estimated_instead(self):
        usage = {"prompt_tokens": 10**30, "completion_tokens": 1}
        async with self.tab() as tab:
            reply, _ = await self.ask(tab, usage=False, raw=chunk(choices=[], usage=usage))
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(20)))
            self.assertTrue(reply["usage"]["estimated"])

    async def test_20_a_page_or_a_whole_completion_is_an_empty_answer(self):
        async with self.tab() as tab:
            for body in "html", "json":
                with self.subTest(body):
                    await self.fails(tab, "upstream_empty", body=body)

    async def test_21_emoji_that_are_split_arrive_whole(self):
        async with self.tab() as tab:
            reply, _ = await self.ask(tab, tokens=10, split_emoji=True)
            self.assertEqual((reply["status"], reply["text"]), ("done", TEN + 2 * EMOJI))

    async def tolerated(self, tab: Tab, raw: list[str]) -> None:
        """These lines in the middle of an answer change nothing."""
        reply, _ = await self.ask(tab, raw=raw, raw_after=10)
        self.assertEqual((reply["status"], reply["text"]), ("done", numbered(20)))


class UnresolvedTests(UpstreamCase):
    settings = {"OPENAI_BASE_URL": "http://nowhere.invalid/v1"}

    async def test_11_a_name_that_does_not_resolve_is_tried_twice_more(self):
        async with self.person() as alice:
            tab = await alice.tab()
            reply, _ = await self.fails(tab, "upstream_unreachable", requests=0)
            self.assertTrue(reply["error"]["retryable"])
            self.assertEqual(retries(tab), [1, 2])
            await agreed(alice, tab.client.conversation, tab)


def retries(tab: Tab) -> list[int]:
    """The attempts that the tab was told have failed."""
    return [frame["n"] for frame in tab.all("status") if frame["phase"] == "retrying"]
