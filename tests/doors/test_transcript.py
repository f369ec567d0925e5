"""A conversation as an operator reads it."""

from datetime import timedelta
from uuid import uuid4

from django.urls import reverse
from django.utils import timezone

from chat.models import Conversation, Message
from tests.doors.admin import (
    CANARY,
    CONVERSATIONS,
    ERROR,
    MESSAGES,
    AdminCase,
    change,
)


class ThreadTests(AdminCase):
    def setUp(self) -> None:
        self.client.force_login(self.rita)

    def test_the_shown_branch_reads_as_a_thread(self):
        talk = self.talk(question="How far is the moon?")
        self.reply(talk, "Far <b>away</b>.")
        self.reply(talk, "384,400 km", parent=talk.messages.get(seq=1))
        page = self.get(change(talk))
        self.assertIn("<h1>How far is the moon?</h1>", page)
        self.assertLess(page.index("How far is the moon?</div>"), page.index("384,400 km</div>"))
        self.assertNotIn("Far ", page)
        self.assertNotIn("not the branch", page)

    def test_what_draws_replies_is_only_where_they_are_read(self):
        talking = self.talk()
        self.reply(talking, "So")
        url = change(talking)
        for page, draws in ((url, True), (CONVERSATIONS, False), (MESSAGES, False)):
            self.assertEqual("reply-text.js" in self.get(page), draws, page)
        self.assertNotIn("page-words", self.get(url))
        self.client.cookies["django_language"] = "de"
        self.assertIn('id="page-words"', self.get(url))
        self.client.force_login(self.olga)
        self.assertNotIn("reply-text", self.get(url))

    def test_other_branches_are_reachable(self):
        talk = self.talk()
        first = self.reply(talk, "Far <b>away</b>.")
        self.ask(talk, first, "How long by train?")
        second = self.reply(talk, "384,400 km", parent=first.parent)
        page = self.get(change(talk))
        self.assertIn("2 / 2", page)
        self.assertIn(f'href="{change(talk)}?through={first.id}#m-{first.id}"', page)
        other = self.get(change(talk), through=first.id)
        for words in ("1 / 2", "Far &lt;b&gt;away&lt;/b&gt;.", "How long by train?", "not the br"):
            self.assertIn(words, other)
        self.assertNotIn("384,400 km", other)
        self.assertIn(f"?through={second.id}#m-{second.id}", other)

    def test_a_link_to_a_message_that_is_no_more_shows_the_shown_branch(self):
        talk = self.talk(question="How far?")
        for query in ({"through": uuid4()}, {"through": "x"}, {"page": "x"}, {"page": "99"}):
            with self.subTest(query):
                self.assertIn("How far?</div>", self.get(change(talk), **query))

    def test_the_facts_of_a_reply(self):
        talk = self.talk()
        reply = self.reply(
            talk,
            "384,400 km",
            model="small-2",
            prompt_tokens=1200,
            completion_tokens=96,
            usage_estimated=True,
            finish_reason="length",
        )
        Message.objects.filter(id=reply.id).update(ended=reply.created + timedelta(seconds=83))
        page = self.get(change(talk))
        for fact in (
            "small-2",
            "1 min 23 s",
            "~1,200 → ~96",
            "length",
            "10 characters",
            "w1",
            "chat-chip-done",
        ):
            self.assertIn(f"{fact}", page)

    def test_a_failed_reply_says_why(self):
        talk = self.talk()
        self.reply(talk, status=ERROR, error="upstream_timeout", ended=timezone.now())
        page = self.get(change(talk))
        self.assertIn("The model took too long to answer.", page)
        self.assertIn("upstream_timeout", page)

    def test_reasoning_and_steps_are_folded(self):
        talk = self.talk()
        reply = self.reply(talk, "Far", reasoning="Kepler, then", reasoning_length=12)
        self.step(reply, name="Look", label="Look it up", status="done", ms=820, detail="In a book")
        page = self.get(change(talk))
        folded = page[page.index('<details class="chat-more">') : page.rindex("</details>")]
        for words in ("Kepler, then", "1 step", "Look it up", "820 ms", "In a book"):
            self.assertIn(words, folded)

    def test_what_a_continued_reply_took_over_stands_apart(self):
        talk = self.talk()
        self.reply(talk, "Once upon a time", kept=10)
        self.assertInHTML(
            '<span class="chat-kept" title="Taken over from the reply that this one continues">'
            "Once upon </span>",
            self.get(change(talk)),
        )

    def test_a_long_conversation_has_pages(self):
        talk = self.long_talk(60)
        last = self.get(change(talk))
        self.assertIn("Page 3 of 3", last)
        self.assertIn("Question 59.", last)
        self.assertNotIn("Question 34.", last)
        first = self.get(change(talk), page=3)
        self.assertIn("Question 0.", first)
        self.assertNotIn("Question 10.", first)
        old = talk.messages.get(text="Question 20.")
        self.assertIn("Question 20.", self.get(change(talk), through=old.id))

    def test_who_answers_and_who_wrote_the_title(self):
        talk = self.talk()
        said = self.get(change(talk))
        self.assertIn("<dd>the default</dd>", said)
        self.assertIn("the question&#x27;s first line", said)
        self.assertNotIn("Tokens of the title", said)
        Conversation.objects.filter(id=talk.id).update(
            model="large", titled_by="model", title_prompt_tokens=1234, title_completion_tokens=6
        )
        said = self.get(change(talk))
        for fact in ("<dd>large</dd>", "<dd>the model</dd>", "<dd>1,234 → 6</dd>"):
            self.assertIn(fact, said)

    def test_a_page_is_not_heavier_than_a_browser_can_take(self):
        talk = self.talk()
        for _ in range(3):
            self.reply(talk, "x" * 200_000)
        self.assertIn("of 3", self.get(change(talk)))

    def long_talk(self, turns: int) -> Conversation:
        talk = Conversation.objects.create(owner=self.alice, assistant="chat")
        last = None
        for number in range(turns):
            question = self.ask(talk, last, f"Question {number}.")
            last = self.reply(talk, f"Answer {number}.", parent=question)
            self.step(last, name="Write", label="Write", status="done", ms=3)
        return talk

    def test_the_number_of_queries_is_fixed(self):
        self.get(change(self.talk()))  # after which the process knows its content types
        counts = [self.queries_of(change(self.long_talk(turns))) for turns in (1, 20, 120)]
        # Session, user, two of permissions, stale replies, the conversation, tree, page with runs,
        # nodes, calls, steps; whether it is open, which is logged; its tags, notes, and those of
        # the messages; the profile by which the page follows.
        self.assertEqual(counts, [18, 18, 18])

    def test_one_that_is_deleted_or_empty_says_so(self):
        talk = self.talk()
        talk.delete_content()
        self.assertIn("What was said is deleted.", self.get(change(talk)))
        empty = Conversation.objects.create(owner=self.alice, assistant="chat")
        self.assertIn("Nothing was said yet.", self.get(change(empty)))

    def test_what_its_owner_has_deleted_is_not_read_though_it_is_still_there(self):
        talk = self.talk(question=CANARY)
        url = change(talk)
        self.assertIn(CANARY, self.get(url) + self.get(CONVERSATIONS))
        talk.mark_deleted()
        self.assertTrue(talk.messages.exists())
        pages = [self.get(page) for page in (url, CONVERSATIONS, MESSAGES)]
        self.assertIn("What was said is deleted.", pages[0])
        for page in pages:
            self.assertNotIn(CANARY, page)

    def test_one_that_does_not_exist_leads_back(self):
        for id in (uuid4(), "x"):
            url = reverse("admin:chat_conversation_change", args=[id])
            self.assertRedirects(self.client.get(url), "/admin/")
