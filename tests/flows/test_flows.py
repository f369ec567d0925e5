import asyncio

from django.test import SimpleTestCase, override_settings

from chat import flows, llm
from chat.flows.plan import PLAN_PROMPT
from chat.llm.base import LLM, LLMError, Usage
from chat.llm.demo import Demo
from tests.scripted import SECONDS, Scripted, Told

QUESTION = [{"role": "user", "content": "Why is the sea salt?"}]
SYSTEM = "Be brief."


def shared(messages: list[dict] = QUESTION, **options) -> dict:
    known = {"system": SYSTEM, "context_tokens": 1000, "keep_last": 1}
    return {"messages": messages, "options": known | options}


class FlowCase(SimpleTestCase):
    async def run_flow(self, name: str, model: LLM, told: Told | None = None, **kwargs):
        """The flow over one question: what it told, and what it left in `shared`."""
        told = told or Told()
        state = shared(**kwargs)
        flow = flows.build(name, llm=model, emit=told)
        await asyncio.wait_for(flow.run_async(state), SECONDS)
        return told, state


class AnyFlow:
    """What holds for every flow that the site offers."""

    flow = ""
    asks_before = 0  # how often it asks the model before it replies

    def model(self) -> Scripted:
        """A model that has answered all that is asked before the reply."""
        model = Scripted()
        for _ in range(self.asks_before):
            model.say("- salt").usage(10, 1).then()
        return model

    async def reply(self, model: LLM, told: Told | None = None, **kwargs) -> tuple[Told, dict]:
        return await self.run_flow(self.flow, model, told, **kwargs)

    async def test_the_reply_is_streamed_as_it_comes(self):
        model = self.model().say("Be").say("cause.").finish("length")
        told, state = await self.reply(model)
        texts = [event for event in told.events if event[0] == "text"]
        self.assertEqual(texts, [("text", "Be"), ("text", "cause.")])
        self.assertEqual(state["finish_reason"], "length")
        self.assertTrue(all(asked.finished for asked in model.asked))

    async def test_reasoning_and_retries_are_told_apart_from_the_text(self):
        told, _ = await self.reply(self.model().retry(1).think("Hm").say("Because."))
        self.assertEqual(
            [event for event in told.events if event[0] != "step"],
            [("retrying", 1), ("reasoning", "Hm"), ("text", "Because.")],
        )

    async def test_usage_is_the_sum_of_what_was_asked(self):
        _, state = await self.reply(self.model().say("Because.").usage(20, 2))
        before = self.asks_before
        self.assertEqual(state["usage"], Usage(20 + 10 * before, 2 + before))

    async def test_the_model_gets_the_system_prompt_and_the_end_of_the_history(self):
        history = [
            {"role": "user", "content": "x" * 400},
            {"role": "assistant", "content": "y" * 400},
            *QUESTION,
        ]
        model = self.model().say("Because.")
        await self.reply(model, messages=history, context_tokens=60)
        self.assertEqual(len(model.asked), self.asks_before + 1)
        for asked in model.asked:
            system, *rest = asked.messages
            self.assertEqual(system["role"], "system")
            self.assertTrue(system["content"].startswith(SYSTEM))
            self.assertEqual(rest, QUESTION)

    async def test_a_failing_model_raises_its_error_and_is_not_asked_again(self):
        told, model = Told(), self.model().say("Be").fail("upstream_cut").then().say("Twice")
        with self.assertRaises(LLMError) as caught:
            await self.reply(model, told)
        self.assertEqual(caught.exception.code, "upstream_cut")
        self.assertEqual(told.said, "Be")
        self.assertEqual(len(model.asked), self.asks_before + 1)

    async def test_a_stop_in_the_middle_stops_the_model(self):
        told, model = Told(), self.model().say("Be").hold().say("cause.")
        running = asyncio.create_task(self.reply(model, told))
        await model.held()
        self.assertEqual(told.said, "Be")
        running.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await running
        self.assertTrue(model.asked[-1].closed)
        self.assertEqual(told.said, "Be")

    async def test_a_stop_while_the_reader_is_slow_stops_the_model_too(self):
        told, model = Slow(), self.model().say("Be").say("cause.")
        running = asyncio.create_task(self.reply(model, told))
        await asyncio.wait_for(told.waits.wait(), SECONDS)
        running.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await running
        self.assertTrue(model.asked[-1].closed)

    async def test_a_reader_who_wants_no_more_stops_the_model_at_once(self):
        model = self.model().say("Be").say("cause.")
        try:
            await self.reply(model, Full())
        except OverflowError:
            # Now, not when the traceback that still holds the generator is forgotten.
            self.assertTrue(model.asked[-1].closed)
        else:
            self.fail("the flow went on")

    async def test_each_reply_has_nodes_of_its_own(self):
        one = flows.build(self.flow, llm=Scripted(), emit=Told())
        two = flows.build(self.flow, llm=Scripted(), emit=Told())
        self.assertIsNot(one.start_node, two.start_node)

    async def test_the_demo_model_answers_too(self):
        told, state = await self.reply(Demo(seconds_between=0))
        self.assertIn("demo", told.said)
        self.assertEqual(state["finish_reason"], "stop")


class Slow(Told):
    """A reader who never takes the first text."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = asyncio.Event()

    async def text(self, text: str) -> None:
        self.waits.set()
        await asyncio.Event().wait()  # for ever


class Full(Told):
    """A reader who has had enough."""

    async def text(self, text: str) -> None:
        raise OverflowError


class ChatTest(AnyFlow, FlowCase):
    flow = "chat"

    async def test_usage_that_nobody_told_is_not_made_up(self):
        _, state = await self.reply(Scripted().say("Because."))
        self.assertNotIn("usage", state)


class PlanTest(AnyFlow, FlowCase):
    flow = "plan"
    asks_before = 1

    async def test_the_plan_is_seen_before_the_reply_streams(self):
        model = Scripted().hold().say("- salt\n- rivers\n").then().hold().say("Because.")
        told = Told()
        running = asyncio.create_task(self.run_flow("plan", model, told))
        await model.held()
        planning = ("step", "plan", "running", "Planning the answer")
        self.assertEqual(told.events, [planning])
        model.release()
        await model.held()
        planned = ("step", "plan", "done", "- salt\n- rivers")
        self.assertEqual(told.events, [planning, planned])
        model.release()
        await running
        self.assertEqual(told.events, [planning, planned, ("text", "Because.")])

    async def test_the_plan_is_asked_for_and_then_followed(self):
        model = Scripted().say("- salt").then().say("Because.")
        await self.run_flow("plan", model)
        plan, answer = model.asked
        self.assertEqual(plan.messages[0]["content"], f"{SYSTEM}\n\n{PLAN_PROMPT}")
        self.assertIsNotNone(plan.options["max_tokens"])
        self.assertEqual(answer.messages[0]["content"], f"{SYSTEM}\n\nFollow this plan:\n- salt")
        self.assertIsNone(answer.options["max_tokens"])

    async def test_a_reply_that_is_continued_is_planned_for_its_question(self):
        model = Scripted().say("- salt").then().say("more")
        kept = [
            {"role": "assistant", "content": "Because of"},
            {"role": "user", "content": "Go on."},
        ]
        await self.run_flow("plan", model, messages=[*QUESTION, *kept], keep_last=3)
        plan, answer = model.asked
        self.assertEqual(plan.messages[1:], QUESTION)
        self.assertEqual(answer.messages[1:], [*QUESTION, *kept])

    async def test_without_a_system_prompt_the_plan_is_all_of_it(self):
        model = Scripted().say("- salt").then().say("Because.")
        await self.run_flow("plan", model, system="")
        prompts = [asked.messages[0]["content"] for asked in model.asked]
        self.assertEqual(prompts, [PLAN_PROMPT, "Follow this plan:\n- salt"])

    async def test_thoughts_on_the_plan_are_no_part_of_it(self):
        model = Scripted().think("Hm").retry(1).say("- salt").then().say("Because.")
        told, _ = await self.run_flow("plan", model)
        self.assertIn(("step", "plan", "done", "- salt"), told.events)
        self.assertEqual(told.said, "Because.")

    async def test_a_plan_that_fails_ends_its_step_and_the_reply(self):
        told = Told()
        model = Scripted().say("- sa").fail("upstream_timeout").then().say("Because.")
        with self.assertRaises(LLMError) as caught:
            await self.run_flow("plan", model, told)
        self.assertEqual(caught.exception.code, "upstream_timeout")
        self.assertEqual([event[:3] for event in told.events][-1], ("step", "plan", "error"))
        self.assertEqual((told.said, len(model.asked)), ("", 1))

    async def test_a_stop_while_planning_stops_the_model(self):
        told = Told()
        model = Scripted().say("- sa").hold().then().say("Because.")
        running = asyncio.create_task(self.run_flow("plan", model, told))
        await model.held()
        running.cancel()
        with self.assertRaises(asyncio.CancelledError):
            await running
        self.assertTrue(model.asked[0].closed)
        self.assertEqual([event[:3] for event in told.events][-1], ("step", "plan", "error"))


@override_settings(CHAT_FLOWS={"first": "chat.flows.chat.build", "second": "chat.flows.plan.build"})
class OfferTest(FlowCase):
    def test_the_names_in_the_order_of_the_settings(self):
        self.assertEqual(flows.names(), ["first", "second"])

    def test_people_are_told_what_it_is_called_and_what_it_does(self):
        self.assertEqual(flows.label("look_it_up"), "Look it up")
        for name in flows.names():
            self.assertRegex(flows.description(name), r"^[A-Z].+\.$")

    def test_a_flow_knows_the_model_that_answers(self):
        self.assertEqual(flows.shared([], model="large")["options"]["model"], "large")

    async def test_a_name_builds_its_flow(self):
        model = Scripted().say("- salt").then().say("Because.")
        told, _ = await self.run_flow("second", model)
        self.assertIn(("step", "plan", "done", "- salt"), told.events)

    async def test_a_name_that_is_offered_no_more_is_answered_by_the_first(self):
        for name in ("retired", ""):
            with self.subTest(name):
                told, _ = await self.run_flow(name, Scripted().say("Because."))
                self.assertEqual(told.events, [("text", "Because.")])


class OfferedTest(FlowCase):
    def test_every_flow_of_the_site_is_held_to_the_same(self):
        tested = {case.flow for case in AnyFlow.__subclasses__()}
        self.assertEqual(set(flows.names()), tested)


class ScriptedTest(FlowCase):
    """The model that the tests trust."""

    async def test_it_is_plugged_in_as_any_backend_is(self):
        model = Scripted()
        with override_settings(LLMS=model.as_setting()):
            self.assertIs(llm.get(), model)
            self.assertIs(llm.get(model="another"), model)

    async def test_it_is_not_asked_more_often_than_it_has_answers(self):
        model = Scripted().say("Because.")
        await self.run_flow("chat", model)
        with self.assertRaises(AssertionError):
            await self.run_flow("chat", model)
