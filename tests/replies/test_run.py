"""What a reply is said to have cost, by what its flow has left."""

from collections.abc import Callable
from uuid import uuid4

from django.test import SimpleTestCase, override_settings

from chat.models import Ending, Message
from chat.replies.accept import Task
from chat.replies.live import LiveReply
from chat.replies.log import Log
from chat.replies.run import run
from tests.scripted import Scripted

QUESTION = [{"role": "user", "content": "Why is the sea salty?"}]


@override_settings(SYSTEM_PROMPT="")
class CostTest(SimpleTestCase):
    async def ended(
        self,
        model: Scripted,
        assistant: str = "chat",
        wake_writer: Callable[[LiveReply], None] = lambda live: None,
    ) -> Ending:
        """How the reply ends that this model writes in this flow."""
        row = Message(role="assistant", assistant=assistant, conversation_id=uuid4())
        log = Log(row.id, row.conversation_id, length=0, reasoning_length=0, local=True)
        live = LiveReply(log, model="scripted", wake_writer=wake_writer)
        with override_settings(LLMS=model.as_setting()):
            await run(live, Task(row, QUESTION, keep_last=1, ids=()))
        return live.ending

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
