"""The transcript tells how a reply came to be, to those who may know."""

from chat.models import Message
from tests.doors.admin import CANARY, AdminCase, change
from tests.scripted import Scripted
from tests.traced import answer

RUNNING = "running"


class TraceTests(AdminCase):
    def setUp(self) -> None:
        self.talking = self.talk(question="How far is the moon?")
        self.client.force_login(self.rita)

    def answered(self, flow: str, model: Scripted | None = None, question: str = "") -> Message:
        self.talking.refresh_from_db()
        last = self.talking.messages.order_by("seq").last()
        if question:
            last = self.ask(self.talking, last, question)
        self.talking.assistant = flow
        made = self.reply(self.talking, status=RUNNING, parent=last)
        answer(made, model or Scripted().say("So far.").usage(7, 2))
        return made

    def test_beside_a_reply_are_its_nodes_and_its_calls(self):
        made = self.answered("agent")
        page = self.get(change(self.talking))
        for fact in (
            "8 nodes · 1 call of a model · ",
            "<dt>First token</dt>",
            "<dt>Retries</dt><dd>1</dd>",
            "1 retry after ConnectionError",
            "Searching the library",
            "<b><bdi>answer</bdi></b>",
            "Tokens <b><bdi>7 → 2</bdi></b>",
            'Path: <bdi dir="ltr">Decide → Search → Decide',
            "Answer from what was found:",
            "1 message of this branch, as it is:",
        ):
            self.assertIn(fact, page)
        self.assertNotIn("style=", page.partition('class="chat-thread"')[2])
        whole = self.get(change(made))
        sent = whole.partition("Sent to the model")[2]
        self.assertIn("How far is the moon?", sent)

    def test_a_node_that_failed_says_so_and_the_trace_stands_open(self):
        self.answered("broken")
        page = self.get(change(self.talking))
        self.assertIn("It raised KeyError in exec. The server&#x27;s log has the traceback.", page)
        self.assertIn("A node of this flow did not come to its end.", page)
        self.assertIn('<details class="chat-more" open>', page)
        self.assertNotIn("a secret key", page)

    def test_what_was_not_sent_is_counted(self):
        self.answered("chat", question="x" * 200)
        with self.settings(CONTEXT_TOKENS=30):
            self.answered("chat", question="And?")
        self.assertIn("The 3 messages before were not sent.", self.get(change(self.talking)))

    def test_an_edit_takes_nothing_from_what_was_sent(self):
        made = self.answered("chat")
        self.ask(self.talking, None, "How far is Mars?")
        sent = self.get(change(made)).partition("Sent to the model")[2]
        self.assertIn("How far is the moon?", sent)
        self.assertNotIn("Mars", sent)

    def test_a_reply_without_a_trace_says_why(self):
        self.talking.assistant = "chat"
        made = self.reply(self.talking, "So", RUNNING)
        self.assertIn("is written down when the reply ends.", self.get(change(self.talking)))
        Message.objects.filter(id=made.id).update(status="interrupted", error="lost_worker")
        self.assertIn("its worker was lost before that.", self.get(change(self.talking)))

    def test_without_the_permission_there_are_names_and_numbers_alone(self):
        model = Scripted().say(f"- {CANARY}").then().say(CANARY)
        self.answered("plan", model, question=f"{CANARY} " * 30)
        made = self.answered("lost")
        for user, sees in ((self.olga, False), (self.rita, True)):
            self.client.force_login(user)
            for page in map(self.get, (change(self.talking), change(made))):
                with self.subTest(user.username):
                    self.assertEqual(CANARY in page, sees)
                    self.assertEqual("which leads nowhere" in page, sees)
                    self.assertIn("Confused", page)

    def test_the_number_of_queries_is_fixed(self):
        self.answered("plan", Scripted().say("- salt").then().say("So."), question="y" * 300)
        with self.settings(SYSTEM_PROMPT="z" * 300):
            made = self.answered("agent")
            for row in (self.talking, made):
                self.get(change(row))  # after which the process knows its content types
            before = [self.queries_of(change(row)) for row in (self.talking, made)]
            for _ in range(5):
                made = self.answered("agent")
        # Session, user, language, two of permissions, stale replies, the row, whether it is open,
        # the tree; messages with their runs, nodes, calls, steps, prompts, notes. The conversation
        # has tags, notes of its own, and who follows it; the message the texts that were sent.
        self.assertEqual(before, [18, 16])
        self.assertEqual([self.queries_of(change(row)) for row in (self.talking, made)], before)
