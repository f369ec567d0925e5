"""How a reply ends, and what it is said to have cost, by what its flow has left."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

from django.test import SimpleTestCase, override_settings
from pocketflow import AsyncFlow, AsyncNode, AsyncParallelBatchNode

from chat.models import Ending, Message
from chat.replies.accept import Task
from chat.replies.live import LiveReply
from chat.replies.log import Log
from chat.replies.run import run
from tests.scripted import Scripted

QUESTION = [{"role": "user", "content": "Why is the sea salty?"}]


@override_settings(SYSTEM_PROMPT="")
class RunCase(SimpleTestCase):
    async def written(
        self,
        model: Scripted,
        assistant: str = "chat",
        wake_writer: Callable[[LiveReply], None] = lambda live: None,
    ) -> LiveReply:
        """The reply that this model writes in this flow, once that has ended."""
        row = Message(role="assistant", assistant=assistant, conversation_id=uuid4())
        log = Log(row.id, row.conversation_id, length=0, reasoning_length=0, local=True)
        live = LiveReply(log, model="scripted", wake_writer=wake_writer)
        with override_settings(LLMS=model.as_setting()):
            await run(live, Task(row, QUESTION, keep_last=1, ids=()))
        return live

    async def ended(self, *args: object, **kwargs: object) -> Ending:
        return (await self.written(*args, **kwargs)).ending


class CostTest(RunCase):
    async def test_it_is_what_the_model_reports(self):
        ending = await self.ended(Scripted().think("Rivers.").say("Rivers.").usage(30, 9))
        self.assertEqual((ending.prompt_tokens, ending.completion_tokens), (30, 9))
        self.assertFalse(ending.usage_estimated)

    async def test_what_a_commit_has_taken_and_not_yet_written_is_counted(self):
        model = Scripted().think("y" * 40).say("x" * 400)
        ending = await self.ended(model, wake_writer=LiveReply.take)
        self.assertEqual(ending.completion_tokens, 10 + 100)
        self.assertTrue(ending.usage_estimated)

    async def test_an_answer_that_broke_off_is_added_to_the_plan_that_was_reported(self):
        model = Scripted().say("- rivers").usage(20, 3)
        model.then().say("x" * 4_000).fail("upstream_cut")
        with self.assertLogs("chat.replies"):
            ending = await self.ended(model, "plan")
        self.assertEqual(ending.error, "upstream_cut")
        self.assertGreater(ending.prompt_tokens, 20)
        self.assertEqual(ending.completion_tokens, 3 + 1_000)
        self.assertTrue(ending.usage_estimated)

    async def test_a_number_that_no_database_holds_is_no_report(self):
        ending = await self.ended(Scripted().say("Salt.").usage(2**31 - 1, 1))
        self.assertTrue(ending.usage_estimated)
        self.assertEqual(ending.completion_tokens, 2)


class Unspeakable:
    def __str__(self) -> str:
        raise ValueError


def odd(*, llm, emit) -> AsyncFlow:
    """Leaves what is no prompt, of which nobody can tell what it cost."""

    class Odd(AsyncNode):
        async def post_async(self, shared, prepared, result) -> None:
            async with emit.step("odd", "Odd") as step:
                await emit.text("Salt.")
                step.detail = ["no text"]
            shared["prompt"] = PROMPTS.pop(0)

    return AsyncFlow(start=Odd())


PROMPTS: list = []


class Beside(AsyncParallelBatchNode):
    """Does two things beside each other, of which the second fails at once."""

    tasks: list[asyncio.Task]
    gate: asyncio.Event

    def __init__(self, emit) -> None:
        super().__init__(max_retries=1)
        self.emit = emit

    async def prep_async(self, shared) -> list[bool]:
        return [False, True]

    async def exec_async(self, fails: bool) -> None:
        if fails:
            raise ValueError
        self.tasks.append(asyncio.current_task())
        async with self.emit.step("search", "Searching") as step:
            await self.gate.wait()
            step.detail = "found"
            await self.emit.text("Found.")


def beside(*, llm, emit) -> AsyncFlow:
    return AsyncFlow(start=Beside(emit))


@override_settings(
    CHAT_FLOWS={name: f"tests.replies.test_run.{name}" for name in ("odd", "beside")}
)
class EndTest(RunCase):
    async def test_a_flow_that_leaves_odd_things_comes_to_an_end(self):
        PROMPTS[:] = [["no message"], [{"content": Unspeakable()}]]
        with self.assertNoLogs("chat.replies"):
            live = await self.written(Scripted(), "odd")
        ending, (step,) = live.ending, live.take().steps
        self.assertEqual((ending.status, ending.usage_estimated), ("done", True))
        self.assertEqual((step.status, step.detail), ("done", "['no text']"))
        with self.assertLogs("chat.replies"):
            ending = await self.ended(Scripted(), "odd")
        self.assertEqual((ending.status, ending.error), ("interrupted", "flow_error"))

    async def test_what_goes_on_beside_what_failed_adds_nothing_and_ends(self):
        Beside.tasks, Beside.gate = [], asyncio.Event()
        with self.assertLogs("chat.replies"):
            live = await self.written(Scripted(), "beside")
        write = live.take()
        self.assertEqual((write.ending.error, write.append.text), ("flow_error", ""))
        self.assertEqual([step.status for step in write.steps], ["error"])
        Beside.gate.set()
        await asyncio.wait(Beside.tasks)
        self.assertTrue(Beside.tasks[0].cancelled())
        self.assertEqual(live.take().append.text, "")
