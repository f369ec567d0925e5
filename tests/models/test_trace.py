"""What is kept of how a reply came to be, and for how long."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat.models import Call, Ending, Message, NodeRun, Prompt, Run
from chat.replies.accept import GO_ON
from chat.replies.sent import KEPT_APART, MOST, Sent
from chat.replies.trace import save
from tests.scripted import Scripted
from tests.traced import answer

from .cast import WORKER, CastTestCase, Status, ask, reply

LONG = "The sea is salt because rivers carry salt into it, and nothing carries it out. " * 4


class TraceCase(CastTestCase):
    def answered(
        self, flow: str = "chat", model: Scripted | None = None, question: str = "And?"
    ) -> Message:
        """A reply that a flow has written, to a new question at the end."""
        self.talk.refresh_from_db()
        last = self.talk.messages.shown().order_by("seq").last()
        asked = ask(self.talk, question, after=last)
        made = reply(asked, status=Status.RUNNING, assistant=flow, model="small")
        answer(made, model or Scripted().say("Because.").usage(7, 2))
        return made

    def sent(self, made: Message) -> list[list]:
        return [call.sent for call in made.calls.all()]


class KeptTests(TraceCase):
    def test_the_nodes_and_calls_of_a_reply_are_rows(self):
        made = self.answered("agent")
        self.assertEqual(made.status, Status.DONE)
        names = list(made.nodes.values_list("name", flat=True))
        self.assertEqual(names[-3:], ["Note", "Trim", "Reply"])
        search = made.nodes.get(position=2)
        self.assertEqual((search.action, search.retries, search.error), ("default", 1, ""))
        call = made.calls.get()
        self.assertEqual((call.node, call.model, call.finish_reason), (8, "scripted", "stop"))
        self.assertEqual((call.prompt_tokens, call.completion_tokens), (7, 2))
        self.assertEqual(made.run.graph["names"][0], "Decide")
        self.assertLessEqual(made.run.first_token_ms, made.run.ms + 1000)
        self.assertEqual([step.node for step in made.steps.all()], [2, 4])

    def test_a_failure_is_kept_without_what_it_said(self):
        made = self.answered("broken")
        self.assertEqual((made.status, made.error), (Status.ERROR, "flow_error"))
        last = made.nodes.last()
        self.assertEqual((last.error, last.raised), ("flow_error", "KeyError"))
        self.assertIsNone(made.run.first_token_ms)
        self.assertNotIn("secret", str(list(NodeRun.objects.values())))

    def test_it_is_written_in_few_statements_whatever_the_flow_does(self):
        def statements(flow: str) -> int:
            asked = ask(self.talk, "And?", after=self.talk.messages.order_by("seq").last())
            made = reply(asked, status=Status.RUNNING, assistant=flow, model="small")
            with CaptureQueriesContext(connection) as queries:
                answer(made, Scripted().say("Because."))
            self.talk.refresh_from_db()
            inserts = [query["sql"] for query in queries if "INSERT" in query["sql"]]
            return sum("step" not in sql for sql in inserts)

        self.assertEqual(statements("chat"), 3)
        self.assertEqual(statements("agent"), 3)

    def test_it_goes_with_what_was_said(self):
        self.answered(question=LONG)
        self.answered("plan", Scripted().say(LONG).then().say("So."))
        self.assertTrue(Prompt.objects.exists())
        self.talk.delete_content()
        for model in (Run, NodeRun, Call, Prompt):
            self.assertFalse(model.objects.exists(), model)

    def test_a_reply_that_was_stopped_has_its_trace_once_its_flow_has_ended(self):
        asked = ask(self.talk, "And?", after=self.answer)
        made = reply(asked, status=Status.RUNNING, assistant="chat", model="small")
        Message.objects.end(made.id, Ending(Status.STOPPED))
        live = answer(made, Scripted().say("Too late."))
        self.assertFalse(Run.objects.exists())
        for _ in range(2):  # it is kept once
            save(live.trace, made.conversation_id, WORKER)
        self.assertEqual(made.nodes.count(), 2)
        made.delete()
        save(live.trace, made.conversation_id, WORKER)  # it is there no more
        self.assertFalse(Run.objects.exists())

    def test_what_a_model_reports_and_no_column_holds_harms_nothing(self):
        made = self.answered(model=Scripted().say("Because.\0").usage(2**40, -1))
        self.assertEqual(made.status, Status.DONE)
        self.assertIsNone(made.calls.get().prompt_tokens)


class SentTests(TraceCase):
    def test_a_stretch_of_the_branch_is_two_ids_however_long(self):
        for _ in range(3):
            made = self.answered()
        [[system, stretch]] = self.sent(made)
        self.assertEqual(system["role"], "system")
        question = made.parent
        expected = {"from": str(self.question.id), "to": str(question.id), "count": 7}
        self.assertEqual(stretch, expected)
        longer = self.sent(self.answered())
        self.assertEqual(len(str(longer)), len(str([[system, stretch]])))

    def test_what_a_question_without_an_answer_was_joined_with(self):
        reply(ask(self.talk, LONG, after=self.answer), status=Status.ERROR)
        made = self.answered(question="Well?")
        [[_, stretch, joined]] = self.sent(made)
        failed = self.talk.messages.get(text=LONG)
        self.assertEqual(stretch["to"], str(self.answer.id))
        self.assertEqual(
            joined, {"role": "user", "parts": [{"message": str(failed.id)}, "\n\nWell?"]}
        )

    def test_a_reply_that_goes_on_was_sent_what_it_took_over(self):
        asked = ask(self.talk, "And?", after=self.answer)
        made = reply(asked, "Once upon", status=Status.RUNNING, assistant="chat", kept=9)
        extra = ({"role": "user", "content": GO_ON},)
        answer(made, Scripted().say(" a time."), keep_last=3, extra=extra)
        self.assertEqual(made.text, "Once upon a time.")
        [[_, stretch, go_on]] = self.sent(made)
        self.assertEqual((stretch["to"], stretch["count"]), (str(made.id), 4))
        self.assertEqual(go_on, {"role": "user", "parts": [GO_ON]})

    def test_a_long_text_is_kept_once_in_a_conversation(self):
        with self.settings(SYSTEM_PROMPT=LONG):
            first, second = self.answered(), self.answered()
            plan = self.answered("plan", Scripted().say("- salt").then().say("So."))
        kept = Prompt.objects.get()
        self.assertEqual((kept.text, kept.conversation), (LONG.strip(), self.talk))
        reference = {"prompt": str(kept.digest)}
        self.assertEqual(self.sent(first)[0][0], {"role": "system", "parts": [reference]})
        self.assertEqual(self.sent(second)[0][0], self.sent(first)[0][0])
        followed = self.sent(plan)[1][0]["parts"]
        self.assertEqual(followed, [reference, "\n\nFollow this plan:\n- salt"])


class AnySentTests(CastTestCase):
    """Whatever a flow sends is told as it was."""

    def entries(self, messages: list[dict], *said: str) -> list[dict]:
        history = [
            {"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(said)
        ]
        ids = [self.question.id, self.answer.id, self.bobs_answer.id][: len(said)]
        self.kept = Sent(self.talk.id, history, ids, "")
        return self.kept.entries(messages)

    def test_what_is_no_text_is_kept_as_json(self):
        tool = {"role": "tool", "content": "3 books", "tool_call_id": "7"}
        parts = {"role": "user", "content": [{"type": "text", "text": "Why?"}]}
        [one, other] = self.entries([tool, parts])
        self.assertEqual(one["parts"], ['{"content": "3 books", "tool_call_id": "7"}'])
        self.assertEqual(other["parts"], ['{"content": [{"type": "text", "text": "Why?"}]}'])

    def test_the_same_words_twice_are_the_nearer_message(self):
        yes = [{"role": "user", "content": "Yes."}]
        [entry] = self.entries(yes, "Yes.", "Sure?", "Yes.")
        self.assertEqual(entry["to"], str(self.bobs_answer.id))

    def test_a_long_text_that_was_said_twice_is_found_in_another(self):
        [entry] = self.entries([{"role": "system", "content": f"Said: {LONG}"}], LONG, LONG)
        self.assertEqual(entry["parts"][0], "Said: ")
        self.assertIn("message", entry["parts"][1])

    def test_another_order_is_another_order(self):
        messages = [{"role": "assistant", "content": "B"}, {"role": "user", "content": "A"}]
        one, other = self.entries(messages, "A", "B")
        self.assertEqual((one["parts"], other["to"]), (["B"], str(self.question.id)))

    def test_a_database_can_hold_it_and_not_without_end(self):
        text = "\0\ud800" * KEPT_APART
        huge = "x" * (MOST + 1)
        odd, left_out = self.entries([{"role": "user", "content": one} for one in (text, huge)])
        self.assertEqual(left_out["parts"], [{"left_out": MOST + 1}])
        [prompt] = self.kept.prompts
        self.assertEqual({*prompt.text}, {"\ufffd"})
        self.assertEqual(odd["parts"], [{"prompt": str(prompt.digest)}])
