"""Any PocketFlow flow is traced as it is."""

import asyncio
from collections.abc import Callable

from django.test import SimpleTestCase, override_settings
from pocketflow import (
    AsyncFlow,
    AsyncNode,
    AsyncParallelBatchFlow,
    AsyncParallelBatchNode,
    Flow,
    Node,
)

from chat import flows, llm
from chat.flows.contract import ReplyFull
from chat.flows.trace import FIRST, LAST, Trace
from chat.llm.base import LLMError, Usage
from tests import traced
from tests.scripted import SECONDS, Scripted, Told


class Say(AsyncNode):
    """Does `work`, and returns `action`."""

    def __init__(self, work: Callable | None = None, action: object = None, **options) -> None:
        super().__init__(**options)
        self.work, self.action = work, action

    async def exec_async(self, prepared) -> None:
        if self.work:
            await self.work()

    async def post_async(self, shared, prepared, result) -> object:
        return self.action


def fails(error: BaseException) -> Callable:
    async def work() -> None:
        raise error

    return work


class TraceCase(SimpleTestCase):
    async def run_flow(self, flow: AsyncFlow, shared: dict | None = None) -> Trace:
        """The trace of a flow that ends, however it does."""
        self.raised = None
        trace = Trace()
        with trace.recording():
            trace.watch(flow)
            try:
                shared = {} if shared is None else shared
                await asyncio.wait_for(flow.run_async(shared), SECONDS)
            except Exception as error:
                self.raised = error
        return trace

    async def answer(self, name: str, model: Scripted) -> Trace:
        trace, self.told = Trace(), Told()
        with override_settings(CHAT_FLOWS=traced.FLOWS, LLMS=model.as_setting()), trace.recording():
            flow = flows.build(name, llm=llm.get(), emit=self.told)
            trace.watch(flow)
            try:
                await flow.run_async(flows.shared([{"role": "user", "content": "Why?"}]))
            except Exception as error:
                self.raised = error
        return trace

    def told_of(self, trace: Trace, *facts: str) -> list[tuple]:
        return [tuple(getattr(run, fact) for fact in facts) for run in trace.nodes]


class NodeTests(TraceCase):
    async def test_a_loop_with_a_retry_as_it_went(self):
        trace = await self.answer("agent", Scripted().say("Because."))
        self.assertEqual(self.told.said, "Because.")
        self.assertEqual(
            self.told_of(trace, "position", "name", "action", "retries", "raised"),
            [
                (1, "Decide", "search", 0, ""),
                (2, "Search", "default", 1, "ConnectionError"),
                (3, "Decide", "search", 0, ""),
                (4, "Search", "default", 0, ""),
                (5, "Decide", "answer", 0, ""),
                (6, "Note", "done", 0, ""),
                (7, "Trim", "default", 0, ""),
                (8, "Reply", "", 0, ""),
            ],
        )
        for run in trace.nodes:
            times = [trace.began, run.began, run.prepared, run.executed, run.ended]
            self.assertEqual(times, sorted(times))

    async def test_a_failure_is_told_of_its_node_and_of_the_flow_around_it(self):
        trace = await self.answer("broken", Scripted())
        self.assertIsInstance(self.raised, KeyError)
        *_, last = trace.nodes
        self.assertEqual((last.name, last.error, last.raised), ("Broken", "flow_error", "KeyError"))
        self.assertIsNotNone(last.prepared)
        self.assertIsNone(last.executed)
        first = next(iter(trace.nodes))
        self.assertEqual((first.depth, first.error, last.depth), (0, "flow_error", 1))
        self.assertNotIn("secret", str(list(trace.nodes)))

    async def test_what_went_wrong_by_its_code(self):
        for error, code in (
            (LLMError("upstream_rate"), "upstream_rate"),
            (ReplyFull(), "length"),
            (ValueError(), "flow_error"),
        ):
            with self.subTest(code):
                trace = await self.run_flow(AsyncFlow(start=Say(fails(error))))
                self.assertEqual(self.told_of(trace, "error"), [(code,)])
                self.assertIs(self.raised, error)

    async def test_who_gave_up_has_not_tried_again_after_that(self):
        trace = await self.run_flow(AsyncFlow(start=Say(fails(ValueError()), max_retries=3)))
        self.assertEqual(self.told_of(trace, "retries", "error"), [(2, "flow_error")])

    async def test_a_stop_is_told_of_the_node_that_was_at_work(self):
        at_work, trace = asyncio.Event(), Trace()

        async def work() -> None:
            at_work.set()
            await asyncio.Event().wait()

        async def answer() -> None:
            with trace.recording():
                flow = AsyncFlow(start=Say(work))
                trace.watch(flow)
                await flow.run_async({})

        running = asyncio.create_task(answer())
        await asyncio.wait_for(at_work.wait(), SECONDS)
        running.cancel()
        await asyncio.wait([running])
        [run] = trace.nodes
        self.assertEqual((run.error, run.executed), ("cancelled", None))

    async def test_what_leads_nowhere_is_no_transition(self):
        for action, returned in (("x" * 9, "x" * 9), (None, ""), (7, "")):
            with self.subTest(action):
                first = Say(action=action)
                first - "on" >> Say()
                with self.assertWarns(UserWarning):
                    trace = await self.run_flow(AsyncFlow(start=first))
                self.assertEqual(self.told_of(trace, "action", "returned"), [("", returned)])

    async def test_every_kind_of_node_that_pocketflow_has(self):
        class Double(AsyncParallelBatchNode):
            async def prep_async(self, shared) -> list[int]:
                return [1, 2, 3]

            async def exec_async(self, item: int) -> int:
                return 2 * item

            async def post_async(self, shared, prepared, results) -> None:
                shared["doubled"] = results

        class Thrice(AsyncParallelBatchFlow):
            async def prep_async(self, shared) -> list[dict]:
                return [{}, {}, {}]

        class Plain(Node):
            def exec(self, prepared) -> str:
                return "plain"

        first = Double()
        first >> Flow(start=Plain()) >> Thrice(start=Say()) >> Plain()
        shared = {}
        trace = await self.run_flow(AsyncFlow(start=first), shared)
        self.assertIsNone(self.raised)
        self.assertEqual(shared["doubled"], [2, 4, 6])
        told = self.told_of(trace, "name", "depth")
        plain, say = ("Plain", 1), ("Say", 1)
        flow = [("Flow", 0), plain, ("Thrice", 0), say, say, say, ("Plain 2", 0)]
        self.assertEqual(told, [("Double", 0), *flow])

    async def test_of_very_many_the_first_and_the_last_are_kept(self):
        count = FIRST + LAST + 100
        turns = iter(range(count))

        class Turn(AsyncNode):
            async def post_async(self, shared, prepared, result) -> str:
                return "again" if next(turns) < count - 1 else "enough"

        turn = Turn()
        turn - "again" >> turn
        turn - "enough" >> Say()
        trace = await self.run_flow(AsyncFlow(start=turn))
        positions = [run.position for run in trace.nodes]
        last = range(count + 2 - LAST, count + 2)
        self.assertEqual(positions, [*range(1, FIRST + 1), *last])

    async def test_a_node_that_two_replies_share_is_told_of_each(self):
        shared_by_both = Say()
        traces = [await self.run_flow(AsyncFlow(start=shared_by_both)) for _ in range(2)]
        self.assertEqual([self.told_of(trace, "position") for trace in traces], [[(1,)], [(1,)]])
        await AsyncFlow(start=shared_by_both).run_async({})  # untraced, it runs as well
        self.assertEqual([trace.nodes.count for trace in traces], [1, 1])


class CallTests(TraceCase):
    async def test_what_each_model_was_asked_and_by_which_node(self):
        model = (
            Scripted().say("- salt").usage(9, 1).then().retry(1).say("Because.").finish("length")
        )
        trace = await self.answer("plan", model)
        plan, reply = (one.call for one in trace.calls)
        self.assertEqual([one.node for one in trace.calls], [1, 3])
        self.assertEqual([plan.messages, reply.messages], [asked.messages for asked in model.asked])
        self.assertEqual((plan.max_tokens, plan.usage, plan.tries), (300, Usage(9, 1), 1))
        self.assertEqual((reply.finish, reply.tries, reply.model), ("length", 2, "scripted"))
        for call in (plan, reply):
            self.assertEqual(call.error, "")
            times = [trace.began, call.began, call.first, call.ended]
            self.assertEqual(times, sorted(times))

    async def test_a_call_that_fails_and_one_that_nobody_listens_to(self):
        trace = await self.answer("chat", Scripted().say("Be").fail("upstream_cut"))
        self.assertEqual([one.call.error for one in trace.calls], ["upstream_cut"])

        async def breaks_off() -> None:
            pieces = llm.get().stream([{"role": "user", "content": "Why?"}])
            await anext(pieces)
            await pieces.aclose()

        model = Scripted().say("Be").say("cause.")
        with override_settings(LLMS=model.as_setting()):
            trace = await self.run_flow(AsyncFlow(start=Say(breaks_off)))
        self.assertIsNone(self.raised)
        self.assertEqual([(one.node, one.call.error) for one in trace.calls], [(1, "cancelled")])
        self.assertTrue(model.asked[0].closed)

    async def test_another_backend_is_told_by_the_name_that_people_know(self):
        async def asks() -> None:
            async for _ in llm.get("other").stream([]):
                pass

        models = {"default": {"BACKEND": "chat.llm.demo.Demo", "SECONDS_BETWEEN": 0}}
        with override_settings(LLMS={**models, "other": models["default"]}):
            trace = await self.run_flow(AsyncFlow(start=Say(asks)))
        self.assertEqual([one.call.model for one in trace.calls], ["other:demo"])

    def test_a_model_that_is_watched_says_of_itself_what_it_did(self):
        backend = "chat.llm.openai_compatible.OpenAICompatible"
        limited = {"BACKEND": backend, "MODELS": ["small"], "MAX_TOKENS": 70}
        with override_settings(LLMS={"default": limited}), Trace().recording():
            watched = llm.get()
        self.assertEqual((watched.model, watched.max_tokens), ("small", 70))

    async def test_what_a_flow_does_with_its_list_later_was_not_sent(self):
        asked = [{"role": "user", "content": "Why?"}]

        async def asks() -> None:
            async for _ in llm.get().stream(asked):
                pass
            asked[0]["content"] = "Because."
            asked.append({})

        with override_settings(LLMS=Scripted().say("So").as_setting()):
            trace = await self.run_flow(AsyncFlow(start=Say(asks)))
        sent = [one.call.messages for one in trace.calls]
        self.assertEqual(sent, [[{"role": "user", "content": "Why?"}]])
