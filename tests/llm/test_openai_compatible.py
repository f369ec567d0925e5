import asyncio
import contextlib
import importlib
import json
import socket
import time
import traceback

from django.core.exceptions import ImproperlyConfigured
from django.test import SimpleTestCase, override_settings

from chat import llm
from chat.llm.base import Finish, LLMError, Reasoning, Retrying, Text, Usage
from chat.llm.openai_compatible import OpenAICompatible
from tests.upstream import EMOJI, MODELS, Upstream, numbered

KEY = "sk-never-to-be-seen"
QUICK = {"first_token_seconds": 5, "between_tokens_seconds": 5, "backoff_seconds": 0.01}
LIMIT = 2  # seconds: long enough that a busy machine has sent the request by then
LATE = 20  # seconds, however busy the machine: no limit of these tests is so long


def asking(directive: dict, text: str = "hello") -> list[dict]:
    return [{"role": "user", "content": f"{text} !!{json.dumps(directive)}"}]


def event(**delta: object) -> list[str]:
    """The lines of one chunk with this delta."""
    return chunk(choices=[{"index": 0, "delta": delta, "finish_reason": None}])


def chunk(**content: object) -> list[str]:
    return [f"data: {json.dumps(content)}", ""]


def text_of(pieces: list) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))


def closed_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


class UpstreamTest(SimpleTestCase):
    """A test with a model server, whose requests it sees alone."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.upstream = Upstream().start()
        cls.addClassCleanup(cls.upstream.stop)

    def setUp(self) -> None:
        self.upstream.clear()

    def llm(self, **config: object) -> OpenAICompatible:
        options = {"base_url": self.upstream.url, "api_key": KEY, "models": ["numbered"]}
        return OpenAICompatible(**options | QUICK | config)

    async def ask(self, directive: dict, config: dict | None = None, **options: object) -> list:
        """Every piece of the reply."""
        stream = self.llm(**config or {}).stream(asking(directive, self.id()), **options)
        return [piece async for piece in stream]

    async def fails(self, directive: dict, code: str, **config: object) -> tuple[list, LLMError]:
        """The pieces before the expected error, and the error. The log says only its code."""
        pieces = []
        with self.assertLogs("chat.llm") as logs, self.assertRaises(LLMError) as caught:
            async for piece in self.llm(**config).stream(asking(directive, self.id())):
                pieces.append(piece)
        said = "".join(traceback.format_exception(caught.exception)) + "\n".join(logs.output)
        self.assertEqual((caught.exception.code, str(caught.exception)), (code, code))
        for secret in (KEY, "sk-upstream", self.id(), "!!"):
            self.assertNotIn(secret, said)
        return pieces, caught.exception

    async def closed(self, number: int = 0) -> dict:
        """The request of that number, as soon as it is over on the server's side."""
        requests = await asyncio.to_thread(self.upstream.wait_requests, number + 1)
        return await asyncio.to_thread(self.upstream.wait_closed, requests[number]["id"])


class WholeReplyTest(UpstreamTest):
    async def test_gives_the_text_then_usage_then_finish(self):
        pieces = await self.ask({"tokens": 300})
        self.assertEqual(text_of(pieces), numbered(300))
        self.assertIsInstance(pieces[-2], Usage)
        self.assertEqual(pieces[-2].completion_tokens, 300)
        self.assertEqual(pieces[-1], Finish("stop"))

    async def test_sends_what_it_was_given(self):
        await self.ask({}, max_tokens=7, temperature=0.5)
        request = self.upstream.requests()[0]
        self.assertEqual(request["authorization"], f"Bearer {KEY}")
        body = request["body"]
        self.assertEqual((body["model"], body["stream"]), ("numbered", True))
        self.assertEqual((body["max_tokens"], body["temperature"]), (7, 0.5))
        self.assertEqual(body["messages"][0]["role"], "user")

    async def test_needs_no_key(self):
        self.assertEqual(text_of(await self.ask({"tokens": 2}, {"api_key": ""})), numbered(2))

    async def test_without_a_model_takes_the_first_of_the_server(self):
        await self.ask({}, {"models": []})
        self.assertEqual(self.upstream.requests()[0]["body"]["model"], MODELS[0])

    async def test_keeps_its_connection_for_the_next_reply(self):
        await self.ask({})
        await self.ask({})
        first, second = self.upstream.requests()
        self.assertEqual(first["connection"], second["connection"])

    async def test_reasoning_comes_apart_from_the_text(self):
        for field in ("reasoning_content", "reasoning"):
            pieces = await self.ask({"reasoning": 3, "tokens": 2, "reasoning_field": field})
            thought = "".join(piece.text for piece in pieces if isinstance(piece, Reasoning))
            self.assertEqual(thought, "(r0001)(r0002)(r0003)")
            self.assertEqual(text_of(pieces), numbered(2))

    async def test_reasoning_alone_still_finishes(self):
        pieces = await self.ask({"reasoning": 3, "tokens": 0})
        self.assertEqual((text_of(pieces), pieces[-1]), ("", Finish("stop")))

    async def test_no_text_at_all_still_finishes(self):
        self.assertEqual((await self.ask({"tokens": 0}))[-1], Finish("stop"))

    async def test_tells_the_reason_and_calls_an_unknown_one_other(self):
        for given, told in (("length", "length"), ("content_filter",) * 2, ("eos", "other")):
            self.assertEqual((await self.ask({"finish": given}))[-1], Finish(told))
        self.assertEqual((await self.ask({"finish": ["x"]}))[-1], Finish("other"))

    async def test_usage_may_be_missing_or_stand_in_every_chunk(self):
        pieces = await self.ask({"tokens": 5, "usage": False})
        self.assertFalse([piece for piece in pieces if isinstance(piece, Usage)])
        pieces = await self.ask({"tokens": 5, "usage": "every"})
        usages = [piece.completion_tokens for piece in pieces if isinstance(piece, Usage)]
        self.assertEqual(usages, [5])

    async def test_a_missing_done_after_the_finish_is_no_fault(self):
        self.assertEqual((await self.ask({"no_done": True}))[-1], Finish("stop"))

    async def test_a_server_that_lingers_after_done_does_not_hold_the_reply(self):
        before = time.monotonic()
        self.assertEqual((await self.ask({"linger": 60}))[-1], Finish("stop"))
        self.assertLess(time.monotonic() - before, LATE)

    async def test_a_server_that_lingers_without_done_does_not_hold_the_reply(self):
        before = time.monotonic()
        with self.assertLogs("chat.llm", "INFO"):
            pieces = await self.ask({"linger": 60, "no_done": True}, {"between_tokens_seconds": 60})
        self.assertEqual(pieces[-1], Finish("stop"))
        self.assertLess(time.monotonic() - before, LATE)

    async def test_nonsense_after_the_finish_takes_nothing_from_the_reply(self):
        raw = [*chunk(choices=[{"delta": {}, "finish_reason": "stop"}]), "data: {", ""]
        with self.assertLogs("chat.llm", "INFO"):
            pieces = await self.ask({"tokens": 2, "raw": raw})
        self.assertEqual((text_of(pieces), pieces[-1]), (numbered(2), Finish("stop")))

    async def test_an_emoji_cut_within_its_bytes_or_into_surrogates_arrives(self):
        text = text_of(await self.ask({"tokens": 1, "split_emoji": True}))
        self.assertEqual(text, numbered(1) + EMOJI * 2)

    async def test_a_long_history_and_text_of_any_kind_arrive_unchanged(self):
        messages = [{"role": "assistant", "content": "ä\u2028\n\\ \N{GRINNING FACE}"}] * 400
        messages += asking({"echo": True})
        stream = self.llm().stream(messages)
        text = text_of([piece async for piece in stream])
        self.assertEqual(json.loads(text), messages)


class OddChunkTest(UpstreamTest):
    async def tolerated(self, *lines: str) -> None:
        """These lines in the middle of an answer change nothing."""
        pieces = await self.ask({"tokens": 2, "raw": lines, "raw_after": 1})
        self.assertEqual((text_of(pieces), pieces[-1]), (numbered(2), Finish("stop")))

    async def test_empty_choices_are_skipped(self):
        await self.tolerated(*chunk(choices=[]))

    async def test_choices_null_or_missing_are_skipped(self):
        await self.tolerated(*chunk(choices=None), *chunk(object="x"))

    async def test_choices_of_another_kind_are_skipped(self):
        await self.tolerated(*chunk(choices="x"), *chunk(choices=[5]), *chunk(choices=[None]))

    async def test_delta_null_or_of_another_kind_is_skipped(self):
        await self.tolerated(*chunk(choices=[{"delta": None}]), *chunk(choices=[{"delta": 5}]))

    async def test_content_null_number_or_list_is_skipped(self):
        await self.tolerated(*event(content=None), *event(content=5), *event(content=["a"]))

    async def test_reasoning_of_another_kind_is_skipped(self):
        await self.tolerated(*event(reasoning=5), *event(reasoning_content=[1]))

    async def test_data_that_is_no_object_is_skipped(self):
        await self.tolerated("data: [1,2]", "", 'data: "x"', "", "data: null", "")

    async def test_odd_usage_is_skipped(self):
        await self.tolerated(*chunk(choices=[], usage=5), *chunk(usage={"prompt_tokens": "x"}))

    async def test_comments_and_carriage_returns_are_skipped(self):
        await self.tolerated(": OPENROUTER PROCESSING", "", ":\r", "\r")

    async def test_too_many_odd_chunks_are_malformed(self):
        directive = {"raw": event(content=5) * 21, "raw_after": 1, "stall_after": 1}
        pieces, _ = await self.fails(directive, "upstream_malformed")
        self.assertEqual(text_of(pieces), numbered(1))
        self.assertEqual((await self.closed())["finished"], "client_closed")

    async def test_bad_json_is_malformed(self):
        pieces, _ = await self.fails({"tokens": 2, "raw": ["data: {", ""]}, "upstream_malformed")
        self.assertEqual(text_of(pieces), numbered(2))

    async def test_bad_utf_8_is_malformed(self):
        raw = [{"base64": "ZGF0YTogIv8i"}, ""]  # data: "\xff"
        await self.fails({"tokens": 2, "raw": raw}, "upstream_malformed")

    async def test_sse_fields_without_data_are_malformed(self):
        for field in ("id: 1", "retry: 100", "event: ping"):
            await self.fails({"tokens": 2, "raw": [field, ""]}, "upstream_malformed")

    async def test_deeply_nested_json_is_malformed(self):
        raw = ["data: " + "[" * 100_000, ""]
        await self.fails({"tokens": 2, "raw": raw}, "upstream_malformed")

    async def test_a_line_without_end_is_malformed_and_closed(self):
        directive = {"tokens": 1, "line_bytes": 1 << 30}
        await self.fails(directive, "upstream_malformed")
        self.assertEqual((await self.closed())["finished"], "client_closed")


class BrokenReplyTest(UpstreamTest):
    async def test_an_end_without_finish_is_cut(self):
        pieces, _ = await self.fails({"cut_after": 5}, "upstream_cut")
        self.assertEqual(text_of(pieces), numbered(5))

    async def test_an_end_after_reasoning_alone_is_cut(self):
        await self.fails({"reasoning": 3, "cut_after": 2}, "upstream_cut")

    async def test_an_end_without_anything_is_empty(self):
        await self.fails({"cut_after": 0}, "upstream_empty")

    async def test_an_unterminated_last_event_is_cut(self):
        pieces, _ = await self.fails({"tokens": 5, "unterminated": True}, "upstream_cut")
        self.assertEqual(text_of(pieces), numbered(4))

    async def test_a_finish_null_to_the_end_is_cut(self):
        await self.fails({"finish": None}, "upstream_cut")

    async def test_a_connection_cut_within_the_response_is_cut(self):
        pieces, _ = await self.fails({"drop_after": 5}, "upstream_cut")
        self.assertEqual(text_of(pieces), numbered(5))

    async def test_a_connection_reset_within_the_response_is_cut(self):
        await self.fails({"reset_after": 5}, "upstream_cut")

    async def test_a_cut_reply_is_never_asked_for_again(self):
        await self.fails({"drop_after": 0}, "upstream_cut")
        self.assertEqual(len(self.upstream.requests()), 1)

    async def test_a_page_is_empty(self):
        await self.fails({"body": "html"}, "upstream_empty")

    async def test_a_whole_completion_in_place_of_a_stream_is_empty(self):
        await self.fails({"body": "json"}, "upstream_empty")

    async def test_an_error_in_place_of_a_chunk_is_told_apart(self):
        for error, code in (
            ({"message": "Secret: sk-upstream", "code": 500}, "upstream_error"),
            ({"message": "Rate limit reached", "code": 429}, "upstream_rate"),
            ({"message": "m", "type": "rate_limit_exceeded"}, "upstream_rate"),
            ({"message": "m", "code": "context_length_exceeded"}, "context_too_long"),
            ({"message": "exceeds the available context size"}, "context_too_long"),
            ("sk-upstream is wrong", "upstream_error"),
        ):
            with self.subTest(error):
                raw = chunk(error=error)
                pieces, _ = await self.fails({"tokens": 2, "raw": raw}, code)
                self.assertEqual(text_of(pieces), numbered(2))

    async def test_an_error_event_is_not_taken_for_an_answer(self):
        raw = ["event: error", *chunk(message="boom")]
        await self.fails({"tokens": 0, "raw": raw, "finish": None}, "upstream_empty")


class LimitTest(UpstreamTest):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        importlib.import_module("openai")  # takes longer than these limits

    async def timed(self, directive: dict, **config: float) -> tuple[list, float]:
        """The pieces before the timeout, and the seconds until it. The server sees the end."""
        before = time.monotonic()
        pieces, _ = await self.fails(directive, "upstream_timeout", **config)
        passed = time.monotonic() - before
        self.assertEqual((await self.closed())["finished"], "client_closed")
        return pieces, passed

    async def test_headers_that_never_come_are_one_request_and_a_timeout(self):
        _, passed = await self.timed({"silent": True}, first_token_seconds=LIMIT)
        self.assertTrue(LIMIT <= passed < LATE, passed)
        self.assertEqual(len(self.upstream.requests()), 1)

    async def test_a_list_of_models_that_never_comes_is_within_the_limit(self):
        url = self.upstream.url.replace("/v1", "/silent")
        limits = {"models": [], "first_token_seconds": LIMIT}
        await self.fails({}, "upstream_timeout", base_url=url, **limits)

    async def test_a_first_token_that_never_comes_is_a_timeout(self):
        _, passed = await self.timed({"stall_after": 0}, first_token_seconds=LIMIT)
        self.assertTrue(LIMIT <= passed < LATE, passed)

    async def test_comments_and_empty_chunks_are_no_first_token(self):
        directive = {"stall_after": 0, "comments": True, "raw": event(content=""), "raw_after": 0}
        _, passed = await self.timed(directive, first_token_seconds=LIMIT)
        self.assertTrue(LIMIT <= passed < LATE, passed)

    async def test_a_stall_between_tokens_is_a_timeout_and_keeps_the_text(self):
        pieces, passed = await self.timed({"stall_after": 10}, between_tokens_seconds=LIMIT)
        self.assertEqual(text_of(pieces), numbered(10))
        self.assertTrue(LIMIT <= passed < LATE, passed)

    async def test_a_stall_with_comments_is_a_timeout(self):
        directive = {"stall_after": 10, "comments": True}
        _, passed = await self.timed(directive, between_tokens_seconds=LIMIT)
        self.assertTrue(LIMIT <= passed < LATE, passed)

    async def test_reasoning_is_a_sign_of_life(self):
        directive = {"reasoning": 60, "tokens": 1, "rate": 20}
        limits = {"first_token_seconds": 2, "between_tokens_seconds": 2}
        self.assertEqual(text_of(await self.ask(directive, limits)), numbered(1))

    async def test_a_slow_but_steady_reply_outlives_both_limits(self):
        limits = {"first_token_seconds": 2, "between_tokens_seconds": 2}
        pieces = await self.ask({"tokens": 60, "rate": 20}, limits)
        self.assertEqual(text_of(pieces), numbered(60))

    async def test_the_whole_reply_has_a_limit(self):
        directive = {"tokens": 10_000, "rate": 100}
        pieces, passed = await self.timed(directive, whole_reply_seconds=LIMIT)
        self.assertTrue(LIMIT <= passed < LATE, passed)
        self.assertTrue(text_of(pieces))

    async def test_the_time_that_the_reader_takes_is_not_the_servers(self):
        stream = self.llm(between_tokens_seconds=1).stream(asking({"tokens": 300}))
        pieces = [await anext(stream)]
        await asyncio.sleep(1.5)  # the reader's own work, longer than the limit
        pieces += [piece async for piece in stream]
        self.assertEqual(text_of(pieces), numbered(300))


class StopTest(UpstreamTest):
    async def test_closing_the_generator_closes_the_connection(self):
        stream = self.llm().stream(asking({"stall_after": 2}))
        self.assertIsInstance(await anext(stream), Text)
        await stream.aclose()
        self.assertEqual((await self.closed())["finished"], "client_closed")

    async def test_cancelling_the_reader_closes_the_connection(self):
        await self.cancelled({"stall_after": 2})

    async def test_cancelling_before_the_headers_closes_the_connection(self):
        await self.cancelled({"silent": True})

    async def test_cancelling_between_tokens_closes_the_connection(self):
        await self.cancelled({"tokens": 10_000, "rate": 100})

    async def cancelled(self, directive: dict) -> None:
        async def read() -> None:
            async for _ in self.llm().stream(asking(directive)):
                pass

        reading = asyncio.create_task(read())
        id = (await asyncio.to_thread(self.upstream.wait_requests, 1))[0]["id"]
        if not directive.get("silent"):
            await asyncio.to_thread(self.upstream.wait_started, id)
        reading.cancel()
        before = time.monotonic()
        with self.assertRaises(asyncio.CancelledError):
            await reading
        self.assertEqual((await self.closed())["finished"], "client_closed")
        self.assertLess(time.monotonic() - before, LATE)

    async def test_a_generator_left_behind_closes_the_connection(self):
        stream = self.llm().stream(asking({"stall_after": 2}))
        await anext(stream)
        del stream
        self.assertEqual((await self.closed())["finished"], "client_closed")

    async def test_cancelling_while_it_waits_to_try_again_ends_it(self):
        stream = self.llm(backoff_seconds=3).stream(asking({"status": 500}, self.id()))
        with self.assertLogs("chat.llm"):
            self.assertEqual(await anext(stream), Retrying(1))
        reading = asyncio.create_task(anext(stream))
        await asyncio.sleep(0)
        reading.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await reading
        self.assertEqual(len(self.upstream.requests()), 1)

    async def test_a_timeout_around_the_reader_is_the_readers(self):
        with self.assertRaises(TimeoutError):
            async with asyncio.timeout(0.3):
                async for _ in self.llm().stream(asking({"stall_after": 2})):
                    pass
        self.assertEqual((await self.closed())["finished"], "client_closed")


class RetryTest(UpstreamTest):
    async def test_a_failure_that_passes_is_retried_and_told(self):
        for status in (408, 409, 429, 500, 502, 503, 529, 0):
            with self.subTest(status), self.assertLogs("chat.llm"):
                pieces = await self.ask({"status": status, "fail_times": 2, "tokens": 3})
                self.assertEqual(pieces[:2], [Retrying(1), Retrying(2)])
                self.assertEqual(text_of(pieces), numbered(3))

    async def test_a_failure_that_stays_fails_after_the_last_retry(self):
        for status, code in ((500, "upstream_error"), (429, "upstream_rate")):
            self.upstream.clear()
            pieces, _ = await self.fails({"status": status}, code)
            self.assertEqual(pieces, [Retrying(1), Retrying(2)])
            self.assertEqual(len(self.upstream.requests()), 3)

    async def test_the_wait_between_retries_grows(self):
        before = time.monotonic()
        await self.fails({"status": 500}, "upstream_error", backoff_seconds=0.2)
        self.assertTrue(0.45 <= time.monotonic() - before < LATE)

    async def test_a_server_that_is_not_there_is_unreachable(self):
        url = f"http://127.0.0.1:{closed_port()}/v1"
        pieces, _ = await self.fails({}, "upstream_unreachable", base_url=url)
        self.assertEqual(pieces, [Retrying(1), Retrying(2)])

    async def test_a_name_that_does_not_resolve_is_unreachable(self):
        await self.fails(
            {}, "upstream_unreachable", base_url="http://nowhere.invalid/v1", retries=0
        )

    async def test_a_connection_that_is_not_accepted_is_unreachable(self):
        with contextlib.ExitStack() as stack:
            full = stack.enter_context(socket.socket())
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            for _ in range(4):  # nobody accepts: the queue is full, and the next one gets no answer
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(full.getsockname())
            url = f"http://127.0.0.1:{full.getsockname()[1]}/v1"
            limits = {"connect_seconds": 0.2, "retries": 1}
            pieces, _ = await self.fails({}, "upstream_unreachable", base_url=url, **limits)
        self.assertEqual(pieces, [Retrying(1)])

    async def test_something_that_speaks_no_http_is_an_error(self):
        async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"220 mail.example ESMTP sk-upstream\r\n")
            writer.close()

        server = await asyncio.start_server(babble, "127.0.0.1", 0)
        async with server:
            url = "http://127.0.0.1:{1}/v1".format(*server.sockets[0].getsockname())
            await self.fails({}, "upstream_error", base_url=url)

    async def test_a_short_retry_after_is_waited_for(self):
        before = time.monotonic()
        with self.assertLogs("chat.llm"):
            pieces = await self.ask({"status": 429, "retry_after": 1, "fail_times": 1, "tokens": 3})
        self.assertGreaterEqual(time.monotonic() - before, 1)
        self.assertEqual((pieces[0], text_of(pieces)), (Retrying(1), numbered(3)))

    async def test_a_long_retry_after_fails_at_once_and_is_told(self):
        for status in (429, 503):
            self.upstream.clear()
            directive = {"status": status, "retry_after": 300}
            pieces, error = await self.fails(directive, "upstream_rate")
            self.assertEqual((pieces, error.retry_after), ([], 300))
            self.assertEqual(len(self.upstream.requests()), 1)

    async def test_retry_after_may_be_a_date_or_nonsense(self):
        directive = {"status": 429, "retry_after": "Fri, 01 Jan 2100 00:00:00 GMT"}
        _, error = await self.fails(directive, "upstream_rate")
        self.assertGreater(error.retry_after, 3600)
        for nonsense in ("soon", "nan", "inf", "-"):
            _, error = await self.fails({"status": 429, "retry_after": nonsense}, "upstream_rate")
            self.assertIsNone(error.retry_after)

    async def test_no_retry_starts_that_the_first_token_limit_would_end(self):
        directive = {"status": 429, "retry_after": 3}
        pieces, _ = await self.fails(directive, "upstream_rate", first_token_seconds=LIMIT)
        self.assertEqual(pieces, [])
        self.assertEqual(len(self.upstream.requests()), 1)

    async def test_retries_do_not_prolong_the_first_token_limit(self):
        before = time.monotonic()
        directive = {"status": 500, "fail_times": 1, "stall_after": 0}
        limits = {"first_token_seconds": 4, "backoff_seconds": 2}
        pieces, _ = await self.fails(directive, "upstream_timeout", **limits)
        self.assertEqual(pieces, [Retrying(1)])
        self.assertTrue(4 <= time.monotonic() - before < 2 * 0.75 + 4)

    async def test_a_spent_quota_is_not_retried(self):
        directive = {"status": 429, "error": {"code": "insufficient_quota"}}
        pieces, _ = await self.fails(directive, "upstream_rate")
        self.assertEqual(pieces, [])


class RefusalTest(UpstreamTest):
    async def test_a_refusal_is_not_retried(self):
        for status, code in (
            (400, "upstream_error"),
            (401, "upstream_auth"),
            (403, "upstream_auth"),
            (404, "upstream_error"),
            (413, "context_too_long"),
            (422, "upstream_error"),
        ):
            with self.subTest(status):
                self.upstream.clear()
                pieces, _ = await self.fails({"status": status}, code)
                self.assertEqual(pieces, [])
                self.assertEqual(len(self.upstream.requests()), 1)

    async def test_a_context_that_is_too_long_is_told(self):
        for error in (
            {"code": "context_length_exceeded"},
            {"message": "This model's maximum context length is 8192 tokens."},
            {"message": "the request exceeds the available context size, try increasing it"},
            {"message": "prompt is too long: 210000 tokens > 200000 maximum"},
        ):
            with self.subTest(error):
                await self.fails({"status": 400, "error": error}, "context_too_long")

    async def test_refused_parameters_are_left_out_and_no_retry_is_told(self):
        refused = ["stream_options", "temperature", "max_tokens"]
        directive = {"refuse": refused, "tokens": 3}
        strict = {"retries": 0, "models": ["strict"]}
        pieces = await self.ask(directive, strict, max_tokens=9, temperature=1)
        self.assertEqual(text_of(pieces), numbered(3))
        self.assertFalse([piece for piece in pieces if isinstance(piece, Retrying)])
        body = self.upstream.requests()[-1]["body"]
        self.assertFalse(body.keys() & set(refused))
        self.assertEqual(body["max_completion_tokens"], 9)
        # The next request knows.
        self.upstream.clear()
        await self.ask(directive, strict, max_tokens=9, temperature=1)
        self.assertEqual(len(self.upstream.requests()), 1)

    async def test_a_limit_refused_under_both_names_is_left_out(self):
        refused = ["max_tokens", "max_completion_tokens"]
        await self.ask({"refuse": refused}, {"models": ["stricter"]}, max_tokens=9)
        body = self.upstream.requests()[-1]["body"]
        self.assertFalse(body.keys() & set(refused))
        self.assertEqual(len(self.upstream.requests()), 3)

    async def test_a_parameter_named_only_in_the_message_is_left_out(self):
        error = {"message": "Unrecognized request argument supplied: stream_options"}
        directive = {"status": 400, "fail_times": 1, "error": error, "tokens": 3}
        pieces = await self.ask(directive, {"models": ["older"]})
        self.assertEqual(text_of(pieces), numbered(3))
        self.assertNotIn("stream_options", self.upstream.requests()[-1]["body"])

    async def test_the_longest_answer_is_named_where_the_caller_names_none(self):
        for asked, sent in ({}, 70), ({"max_tokens": 7}, 7):
            await self.ask({}, {"max_tokens": 70}, **asked)
            self.assertEqual(self.upstream.requests()[-1]["body"]["max_tokens"], sent)

    async def test_a_prompt_that_does_not_fit_with_it_is_asked_without(self):
        error = {"code": "context_length_exceeded", "param": "messages"}
        directive = {"status": 400, "fail_times": 1, "error": error, "tokens": 3}
        pieces = await self.ask(directive, {"max_tokens": 70})
        self.assertEqual(text_of(pieces), numbered(3))
        self.assertNotIn("max_tokens", self.upstream.requests()[-1]["body"])

    async def test_a_limit_of_requests_takes_the_limit_of_the_answer_from_none(self):
        error = {"message": "Request too large for this model: tokens per minute, limit 6000"}
        directive = {"status": 429, "fail_times": 1, "error": error, "tokens": 3}
        await self.ask(directive, {"max_tokens": 70})
        self.assertEqual(self.upstream.requests()[-1]["body"]["max_tokens"], 70)

    async def test_one_that_does_not_fit_takes_the_limit_from_no_other(self):
        said = "max_tokens is too large: 70. This model's maximum context length is 64 tokens"
        error = {"message": said, "param": "max_tokens"}
        model = {"models": ["small"], "max_tokens": 70}
        await self.ask({"status": 400, "fail_times": 1, "error": error, "tokens": 3}, model)
        body = self.upstream.requests()[-1]["body"]
        self.assertFalse(body.keys() & {"max_tokens", "max_completion_tokens"})
        await self.ask({}, model)
        self.assertEqual(self.upstream.requests()[-1]["body"]["max_tokens"], 70)


class ModelsTest(UpstreamTest):
    async def test_lists_what_the_server_has_the_configured_first(self):
        self.assertEqual(await self.llm(models=[]).models(), MODELS)
        found = await self.llm(models=["gone", MODELS[1]]).models()
        self.assertEqual(found, [MODELS[1], MODELS[0]])

    async def test_its_name_is_the_configured_one_or_the_servers_first(self):
        self.assertEqual(await self.llm().name(), "numbered")
        self.assertEqual(await self.llm(models=[]).name(), MODELS[0])
        with self.assertLogs("chat.llm"):
            nobody = f"http://127.0.0.1:{closed_port()}/v1"
            self.assertEqual(await self.llm(models=[], base_url=nobody).name(), "")

    async def test_offers_the_configured_ones_if_the_server_lists_none(self):
        address = self.upstream.url.removesuffix("/v1")
        nobody = f"http://127.0.0.1:{closed_port()}"
        for url in (f"{address}/nothing", f"{address}/silent", nobody):
            with self.subTest(url), self.assertLogs("chat.llm") as logs:
                before = time.monotonic()
                self.assertEqual(await self.llm(base_url=url).models(), ["numbered"])
                self.assertLess(time.monotonic() - before, LATE)
                self.assertNotIn(KEY, "".join(logs.output))


class SettingsTest(SimpleTestCase):
    config = {
        "BACKEND": "chat.llm.openai_compatible.OpenAICompatible",
        "BASE_URL": "http://127.0.0.1:1/v1",
        "MODELS": ["one", "two"],
    }

    def test_a_backend_is_named_in_the_settings(self):
        with override_settings(LLMS={"default": self.config}):
            self.assertEqual(llm.get().model, "one")
            self.assertEqual(llm.get("default", "two").model, "two")

    def test_a_mistake_in_the_settings_is_said_plainly(self):
        llms = {
            "option": self.config | {"MODLES": []},
            "class": {"BACKEND": "chat.llm.nothing.Nothing"},
            "empty": {},
        }
        with override_settings(LLMS=llms):
            for name in (*llms, "unknown"):
                with self.subTest(name), self.assertRaisesMessage(ImproperlyConfigured, name):
                    llm.get(name)
