"""The admin: what an operator reads, what one may not read, and what one may do."""

from datetime import timedelta
from io import StringIO
from uuid import uuid4

from django.contrib import admin
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import reverse
from django.utils import timezone

from chat.admin.readonly import MOST_LISTED
from chat.models import Conversation, Message, Profile, Step, lease_end
from chat.replies.bus import CHANGED, ENDED, STOPPED
from tests.bells import Bells

CANARY = "zanzibar-canary"
RUNNING, INTERRUPTED, ERROR = "running", "interrupted", "error"


def change(row) -> str:
    return reverse(f"admin:chat_{row._meta.model_name}_change", args=[row.pk])


def delete(row) -> str:
    return reverse(f"admin:chat_{row._meta.model_name}_delete", args=[row.pk])


def stop(reply: Message) -> str:
    return reverse("admin:chat_conversation_stop", args=[reply.conversation_id, reply.pk])


def days_from_now(days: int) -> str:
    return (timezone.localdate() + timedelta(days=days)).isoformat()


CONVERSATIONS = "/admin/chat/conversation/"
MESSAGES = "/admin/chat/message/"


@override_settings(ADMIN_REASON=False)  # tests/doors/test_accountable.py is of it
class AdminCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        users = get_user_model().objects
        cls.alice = users.create_user("alice")
        cls.bob = users.create_user("bob")
        cls.root = users.create_superuser("root")
        kinds = ["conversation", "message", "profile"]
        views = [f"view_{kind}" for kind in kinds]
        changes = [f"{what}_{kind}" for what in ("change", "delete") for kind in kinds]
        cls.olga = cls.operator("olga", *views, *changes, "view_user", "delete_user")
        cls.rita = cls.operator("rita", *views, "view_content")

    @staticmethod
    def operator(name: str, *permissions: str):
        user = get_user_model().objects.create_user(name, is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        return user

    def talk(self, owner=None, question: str = "How far is the moon?") -> Conversation:
        """A conversation that begins with a question."""
        talk = Conversation.objects.create(owner=owner or self.alice, assistant="chat")
        self.ask(talk, None, question)
        return talk

    def ask(self, talk: Conversation, parent: Message | None, text: str) -> Message:
        return talk.add(parent=parent, role="user", text=text, length=len(text), cid=uuid4())

    def reply(
        self, talk: Conversation, text: str = "", status: str = "done", parent=None, **fields
    ) -> Message:
        fields = {"model": "small", "worker": "w1", "lease_until": lease_end(60), **fields}
        return talk.add(
            parent=parent or talk.messages.order_by("seq").last(),
            role="assistant",
            status=status,
            assistant=talk.assistant,
            text=text,
            length=len(text),
            **fields,
        )

    def step(self, reply: Message, **fields) -> Step:
        position = reply.steps.count() + 1
        return Step.objects.create(
            message=reply, position=position, started=timezone.now(), **fields
        )

    def get(self, url: str, status: int = 200, **query) -> str:
        response = self.client.get(url, query)
        self.assertEqual(response.status_code, status, url)
        return response.content.decode()

    def listed(self, **query) -> set:
        response = self.client.get(CONVERSATIONS, query)
        self.assertEqual(response.status_code, 200)
        return {row.pk for row in response.context["cl"].result_list}

    def queries_of(self, url: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            self.get(url)
        return len(queries)


class ConversationListTests(AdminCase):
    def setUp(self) -> None:
        self.client.force_login(self.rita)

    def test_a_row_says_whose_it_is_what_it_is_about_and_how_much_was_said(self):
        talk = self.talk(question="How far is the moon?")
        self.reply(talk, "384,400 km", prompt_tokens=12, completion_tokens=5)
        page = self.get(CONVERSATIONS)
        for fact in ("alice", "How far is the moon?", "chat", "small", str(talk.id)[:8]):
            self.assertIn(fact, page)
        said = '12 → 5<span class="chat-second">2 messages</span>'
        self.assertInHTML(f'<td class="field-used_tokens">{said}</td>', page)
        self.assertNotIn("chat-chip", page)

    def test_the_newest_reply_shows_as_a_chip(self):
        for status, word in ((RUNNING, "Live"), (INTERRUPTED, "Interrupted"), (ERROR, "Error")):
            with self.subTest(status):
                talk = self.talk()
                self.reply(talk, "An earlier one")
                self.reply(talk, status=status, parent=talk.messages.first())
                page = self.get(CONVERSATIONS, newest=status)
                self.assertIn(f'<span class="chat-chip chat-chip-{status}">{word}</span>', page)
                self.assertEqual(self.listed(newest=status), {talk.id})

    def test_a_reply_whose_worker_is_gone_is_settled_before_it_is_shown(self):
        talk = self.talk()
        lost = self.reply(talk, "So f", RUNNING, lease_until=timezone.now() - timedelta(minutes=1))
        page = self.get(CONVERSATIONS)
        self.assertIn("chat-chip-interrupted", page)
        self.assertNotIn("chat-chip-running", page)
        lost.refresh_from_db()
        self.assertEqual(lost.status, INTERRUPTED)

    def test_filters(self):
        guest = Profile.objects.make_guest().user
        Profile.objects.of(self.alice)  # bob has none
        of_alice, of_bob, of_guest = self.talk(), self.talk(self.bob), self.talk(guest)
        Conversation.objects.filter(id=of_bob.id).update(
            assistant="plan", updated=timezone.now() - timedelta(days=400)
        )
        of_guest.delete_content()
        for query, expected in (
            ({}, {of_alice, of_bob, of_guest}),
            ({"assistant": "plan"}, {of_bob}),
            ({"guest": "yes"}, {of_guest}),
            ({"guest": "no"}, {of_alice, of_bob}),
            ({"is_deleted": "yes"}, {of_guest}),
            ({"is_deleted": "no"}, {of_alice, of_bob}),
            ({"updated__from": days_from_now(-7)}, {of_alice, of_guest}),
            ({"created__from": days_from_now(2)}, set()),
            ({"owner__id__exact": self.bob.pk}, {of_bob}),
            ({"newest": "done"}, set()),
        ):
            with self.subTest(query):
                self.assertEqual(self.listed(**query), {talk.id for talk in expected})

    def test_by_the_model_that_was_chosen(self):
        talk, _ = self.talk(), self.talk(self.bob)
        Conversation.objects.filter(id=talk.id).update(model="large")
        self.assertEqual(self.listed(model="large"), {talk.id})

    def test_an_assistant_that_is_no_longer_offered_can_still_be_asked_for(self):
        talk = self.talk()
        Conversation.objects.update(assistant="retired")
        self.assertEqual(self.listed(assistant="retired"), {talk.id})
        self.assertIn("retired</a>", self.get(CONVERSATIONS, assistant="retired"))

    def test_a_row_leads_to_all_that_its_owner_has_among_those_that_are_listed(self):
        owner = self.talk().owner_id
        self.assertNotIn("Those of all", self.get(CONVERSATIONS))
        day = days_from_now(0)
        query = f"owner__id__exact={owner}&amp;updated__to={day}"
        self.assertIn(f'<a href="?{query}">alice</a>', self.get(CONVERSATIONS, updated__to=day))
        page = self.get(CONVERSATIONS, updated__to=day, owner__id__exact=owner)
        self.assertIn(f'<a href="?updated__to={day}">Those of all</a>', page)

    def test_search_by_owner_by_id_and_by_title(self):
        talk = self.talk(question="How far is the moon?")
        self.talk(self.bob, question="Why?")
        for words in ("alice", str(talk.id), str(talk.id)[:8], "the moon", "alice far"):
            with self.subTest(words):
                self.assertEqual(self.listed(q=words), {talk.id})
        self.assertEqual(self.listed(q="mars"), set())
        self.assertEqual(self.listed(q=" ".join(map(str, range(3_000)))), set())

    def test_search_by_what_was_said_for_one_who_may_read_it(self):
        talk = self.talk()
        self.reply(talk, "About 384,400 kilometres, says Kepler")
        self.talk(self.bob)
        for query in ("kepler", '"says kepler"', "kilom"):
            with self.subTest(query):
                self.assertEqual(self.listed(q=query), {talk.id})
        self.assertNotIn("<mark>", self.get(CONVERSATIONS, q="kepler"))
        self.get(change(talk))  # which is logged
        self.assertIn("<mark>Kepler</mark></span>", self.get(CONVERSATIONS, q="kepler"))
        self.client.force_login(self.olga)
        self.assertEqual(self.listed(q="kepler"), set())

    def test_by_the_tokens_that_were_used(self):
        for read, written in ((20, 1), (1, 40), (None, None)):
            self.reply(self.talk(), "So", prompt_tokens=read, completion_tokens=written)
        for order, expected in (
            ("5", ["", "20 → 1", "1 → 40"]),
            ("-5", ["1 → 40", "20 → 1", ""]),
        ):
            rows = self.client.get(CONVERSATIONS, {"o": order}).context["cl"].result_list
            self.assertEqual([row.tokens for row in rows], expected)

    def test_the_few_that_failed_are_found_by_an_index(self):
        failed = Message.objects.with_status(ERROR)
        for plan in (failed.explain(), failed.order_by("-created").explain()):
            self.assertIn("message_not_done", plan)
            self.assertNotIn("TEMP B-TREE", plan)

    def test_a_long_list_says_that_it_is_not_all(self):
        rows = [Conversation(owner=self.alice, assistant="chat") for _ in range(MOST_LISTED)]
        Conversation.objects.bulk_create(rows[1:])
        self.assertNotIn("are listed.", self.get(CONVERSATIONS))
        rows[0].save()
        self.assertIn("The first 10,000 are listed.", self.get(CONVERSATIONS))

    def test_a_name_before_words_looks_in_what_that_person_has(self):
        mine, bobs = self.talk(question="The tides?"), self.talk(self.bob, question="The tides?")
        self.assertEqual(self.listed(q="tides"), {mine.id, bobs.id})
        self.assertEqual(self.listed(q="bob tides"), {bobs.id})

    def test_what_was_said_long_ago_is_found_once_it_was_brought_in(self):
        talk = self.talk(question="The tides?")
        Conversation.objects.update(updated=timezone.now() - timedelta(days=9))
        self.assertEqual(self.listed(q="tides"), set())
        call_command("settle", stdout=StringIO())
        self.assertEqual(self.listed(q="tides"), {talk.id})

    def test_a_deleted_one_is_marked_and_has_no_messages(self):
        self.talk().delete_content()
        page = self.get(CONVERSATIONS)
        self.assertIn("chat-chip-deleted", page)
        self.assertIn(
            '<td class="field-used_tokens">–<span class="chat-second">0 messages</span>', page
        )

    def test_the_number_of_queries_is_fixed(self):
        talk = self.talk()
        self.reply(talk, "384,400 km")
        counts = [self.queries_of(CONVERSATIONS)]
        for number in range(29):
            guest = Profile.objects.make_guest().user
            self.reply(self.talk([self.alice, self.bob, guest][number % 3]), "So")
        counts.append(self.queries_of(CONVERSATIONS))
        # Session, user, two of permissions, stale replies, the count, the rows; tags to filter by,
        # and the rows' own; their tokens, and their newest replies.
        self.assertEqual(counts, [12, 12])


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


class NothingEditedTests(AdminCase):
    def test_nobody_adds_or_changes_a_row(self):
        talk = self.talk()
        profile = Profile.objects.of(self.alice)
        self.client.force_login(self.root)
        for row in (talk, talk.messages.get(), profile):
            with self.subTest(row._meta.model_name):
                kind = row._meta.model_name
                self.get(reverse(f"admin:chat_{kind}_add"), status=403)
                response = self.client.post(change(row), {"title": "Mine", "text": "Mine"})
                self.assertEqual(response.status_code, 403)
                page = self.get(change(row))
                self.assertNotIn('name="_save"', page)
                self.assertNotIn('type="text"', page.partition('id="content"')[2])
        talk.refresh_from_db()
        self.assertEqual(talk.title, "How far is the moon?")

    def test_a_message_or_a_profile_is_not_deleted_alone(self):
        talk = self.talk()
        profile = Profile.objects.of(self.alice)
        self.client.force_login(self.root)
        for row in (talk.messages.get(), profile):
            with self.subTest(row._meta.model_name):
                self.assertNotIn(delete(row), self.get(change(row)))
                self.get(delete(row), status=403)
                response = self.client.post(delete(row), {"post": "yes"})
                self.assertEqual(response.status_code, 403)
        self.assertEqual(talk.messages.count(), 1)

    def test_an_account_is_deleted_with_all_that_it_said(self):
        self.talk()
        Profile.objects.of(self.alice)
        self.client.force_login(self.root)
        url = reverse("admin:auth_user_delete", args=[self.alice.pk])
        self.assertEqual(self.client.post(url, {"post": "yes"}).status_code, 302)
        self.assertFalse(get_user_model().objects.filter(pk=self.alice.pk).exists())
        self.assertFalse(Message.objects.exists())


class StopTests(AdminCase):
    def setUp(self) -> None:
        self.talking = self.talk()
        self.running = self.reply(self.talking, "Once upon", RUNNING)
        self.client.force_login(self.olga)
        self.bells = self.enterContext(Bells())

    def post(self, url: str, **data):
        with self.captureOnCommitCallbacks(execute=True):
            return self.client.post(url, data)

    def status(self) -> str:
        self.running.refresh_from_db()
        return self.running.status

    def test_the_button_stops_rings_and_is_logged(self):
        page = self.get(change(self.talking))
        self.assertIn(f'method="post" action="{stop(self.running)}"', page)
        self.assertIn("csrfmiddlewaretoken", page)
        response = self.post(stop(self.running))
        self.assertRedirects(response, f"{change(self.talking)}#m-{self.running.id}")
        self.assertEqual(self.status(), "stopped")
        self.assertEqual(self.running.text, "Once upon")
        self.assertEqual(self.bells.heard(), [(ENDED, self.talking.id)])
        entry = LogEntry.objects.get()
        self.assertEqual((entry.user, entry.action_flag), (self.olga, CHANGE))
        self.assertEqual(entry.object_id, str(self.talking.id))
        self.assertIn("Stopped the reply, message 2.", entry.get_change_message())
        self.assertNotIn(stop(self.running), self.get(change(self.talking)))

    def test_a_final_reply_stays_as_it_is(self):
        Message.objects.filter(id=self.running.id).update(status="done")
        response = self.client.post(stop(self.running), follow=True)
        self.assertContains(response, "The reply had ended already.")
        self.assertEqual(self.status(), "done")
        self.assertEqual(self.bells.heard(), [])
        self.assertFalse(LogEntry.objects.exists())

    def test_it_takes_the_permission_to_change(self):
        self.client.force_login(self.rita)
        self.assertNotIn(stop(self.running), self.get(change(self.talking)))
        self.assertEqual(self.post(stop(self.running)).status_code, 403)
        self.assertNotIn("stop_replies", self.get(CONVERSATIONS))
        self.post(CONVERSATIONS, action="stop_replies", _selected_action=self.talking.id, sure=1)
        self.assertEqual(self.status(), RUNNING)

    def test_it_takes_a_post_with_a_token(self):
        self.get(stop(self.running), status=405)
        strict = self.client_class(enforce_csrf_checks=True)
        strict.force_login(self.olga)
        self.assertEqual(strict.post(stop(self.running)).status_code, 403)
        self.assertEqual(self.status(), RUNNING)

    def test_a_reply_of_another_conversation_or_a_question_is_not_found(self):
        other = self.talk(self.bob)
        for reply in (self.running.id, other.messages.get().id, uuid4()):
            url = reverse("admin:chat_conversation_stop", args=[other.id, reply])
            self.assertEqual(self.post(url).status_code, 404)
        self.assertEqual(self.status(), RUNNING)

    def test_the_action_stops_what_is_being_written_in_the_selected_ones(self):
        other, quiet, spared = self.talk(self.bob), self.talk(), self.talk()
        also, goes_on = self.reply(other, "A", RUNNING), self.reply(spared, "B", RUNNING)
        selected = [self.talking.id, other.id, quiet.id]
        data = {"action": "stop_replies", "_selected_action": selected}
        asked = self.client.post(CONVERSATIONS, data)
        self.assertContains(asked, "2 replies are being written there. Stop them?")
        self.assertContains(asked, 'name="_selected_action"', 3)
        self.assertEqual(self.status(), RUNNING)
        response = self.post(CONVERSATIONS, **data, sure=1)
        self.assertEqual(response.status_code, 302)
        self.assertEqual(self.status(), "stopped")
        self.assertEqual(Message.objects.get(id=also.id).status, "stopped")
        self.assertEqual(Message.objects.get(id=goes_on.id).status, RUNNING)
        self.assertEqual({id for _, id in self.bells.heard()}, {other.id, selected[0]})
        self.assertEqual(LogEntry.objects.filter(action_flag=CHANGE).count(), 2)

    def test_the_action_says_when_there_is_nothing_to_stop(self):
        quiet = self.talk()
        data = {"action": "stop_replies", "_selected_action": quiet.id}
        response = self.client.post(CONVERSATIONS, data, follow=True)
        self.assertContains(response, "No reply is being written there.")


class DeleteTests(AdminCase):
    def setUp(self) -> None:
        self.talking = self.talk()
        self.reply(self.talking, "Once upon", RUNNING)
        self.client.force_login(self.olga)
        self.bells = self.enterContext(Bells())

    def post(self, url: str, **data):
        with self.captureOnCommitCallbacks(execute=True):
            return self.client.post(url, data)

    def test_what_was_said_goes_and_the_row_stays(self):
        self.assertIn("Messages: 2", self.get(delete(self.talking)))
        self.assertRedirects(self.post(delete(self.talking), post="yes"), CONVERSATIONS)
        gone = Conversation.objects.get(id=self.talking.id)
        self.assertIsNotNone(gone.deleted)
        self.assertEqual((gone.title, gone.owner), ("", self.alice))
        self.assertEqual(gone.revision, self.talking.revision + 1)
        self.assertFalse(gone.messages.exists())
        self.assertEqual(self.bells.heard(), [(CHANGED, gone.id)])
        self.assertEqual(LogEntry.objects.get().action_flag, DELETION)

    def test_once_is_enough(self):
        self.talking.delete_content()
        self.assertNotIn(delete(self.talking), self.get(change(self.talking)))
        self.assertRedirects(self.post(delete(self.talking), post="yes"), CONVERSATIONS)
        self.assertFalse(LogEntry.objects.exists())
        data = {"action": "delete_selected", "_selected_action": self.talking.id, "post": "yes"}
        self.assertContains(self.client.post(CONVERSATIONS, data, follow=True), "deleted already")
        self.assertFalse(LogEntry.objects.exists())

    def test_the_action_deletes_each_in_the_same_way(self):
        other, spared, gone = self.talk(self.bob), self.talk(), self.talk()
        gone.delete_content()
        selected = [self.talking.id, other.id, gone.id]
        data = {"action": "delete_selected", "_selected_action": selected}
        confirmation = self.post(CONVERSATIONS, **data)
        self.assertContains(confirmation, "Messages: 3")
        self.assertContains(confirmation, "Rows with id, owner, and times stay.")
        self.assertEqual(Message.objects.count(), 4)
        self.post(CONVERSATIONS, **data, post="yes")
        self.assertEqual(Conversation.objects.count(), 4)
        self.assertEqual([m.conversation for m in Message.objects.all()], [spared])
        self.assertEqual({id for _, id in self.bells.heard()}, set(selected[:2]))
        self.assertEqual(LogEntry.objects.filter(action_flag=DELETION).count(), 2)

    def test_one_whose_guest_has_signed_in_since_it_was_selected_goes_too(self):
        listed = Conversation.objects.get(id=self.talking.id)
        Conversation.objects.filter(id=listed.id).update(owner=self.bob)
        admin.site.get_model_admin(Conversation).delete_model(None, listed)
        self.assertFalse(self.talking.messages.exists())

    def test_it_takes_the_permission_to_delete(self):
        self.client.force_login(self.rita)
        self.assertNotIn(delete(self.talking), self.get(change(self.talking)))
        self.get(delete(self.talking), status=403)
        self.assertEqual(self.post(delete(self.talking), post="yes").status_code, 403)
        data = {"action": "delete_selected", "_selected_action": self.talking.id, "post": "yes"}
        self.post(CONVERSATIONS, **data)
        self.assertEqual(self.talking.messages.count(), 2)


class AccountTests(AdminCase):
    def test_what_is_written_for_who_is_deleted_stops(self):
        replies = [
            self.reply(self.talk(owner), "Once", RUNNING) for owner in (self.alice, self.bob)
        ]
        self.client.force_login(self.root)
        bells = self.enterContext(Bells())
        users = "/admin/auth/user/"
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(f"{users}{self.alice.pk}/delete/", {"post": "yes"})
            selected = {"action": "delete_selected", "_selected_action": self.bob.pk, "post": "yes"}
            self.client.post(users, selected)
        self.assertFalse(Message.objects.exists())
        self.assertEqual(bells.heard(), [(STOPPED, reply.id) for reply in replies])


class MessageTests(AdminCase):
    def setUp(self) -> None:
        self.client.force_login(self.rita)

    def listed_messages(self, **query) -> set[int]:
        response = self.client.get(MESSAGES, query)
        self.assertEqual(response.status_code, 200)
        return {row.seq for row in response.context["cl"].result_list}

    def test_a_row_has_the_numbers(self):
        talk = self.talk()
        reply = self.reply(talk, "384,400 km", prompt_tokens=1200, completion_tokens=96)
        page = self.get(MESSAGES)
        for fact in ("#2", "How far is the moon?", "small", "1,200 → 96", "chat-chip-done"):
            self.assertIn(fact, page)
        self.assertIn('<td class="field-length">10</td>', page)
        self.assertIn(f"{change(talk)}?through={reply.id}#m-{reply.id}", page)

    def test_filters_and_search(self):
        talk = self.talk()
        reply = self.reply(talk, "A")
        self.reply(talk, status=ERROR, error="storage", model="big", parent=reply.parent)
        for query, expected in (
            ({"role__exact": "user"}, {1}),
            ({"status": ERROR}, {3}),
            ({"model": "big"}, {3}),
            ({"created__from": days_from_now(2)}, set()),
            ({"conversation__id__exact": talk.id}, {1, 2, 3}),
            ({"conversation__id__exact": uuid4()}, set()),
            ({"q": str(reply.id)}, {2}),
            ({"q": str(talk.id)[:8]}, {1, 2, 3}),
            ({"q": "alice"}, {1, 2, 3}),
            ({"q": "bob"}, set()),
        ):
            with self.subTest(query):
                self.assertEqual(self.listed_messages(**query), expected)

    def test_the_page_of_one_message(self):
        talk = self.talk()
        reply = self.reply(talk, "384,400 km", reasoning="Kepler", reasoning_length=6)
        self.step(reply, name="Look", label="Look it up", status="done")
        page = self.get(change(reply))
        for words in ("384,400 km", "Kepler", "Look it up", str(reply.id), "small"):
            self.assertIn(words, page)

    def test_the_number_of_queries_is_fixed(self):
        talk = self.talk()
        reply = self.reply(talk, "A")
        self.get(change(reply))  # after which the process knows its content types
        lists, pages = [self.queries_of(MESSAGES)], [self.queries_of(change(reply))]
        for number in range(30):
            other = self.talk([self.alice, self.bob][number % 2])
            self.step(self.reply(other, "B"), name="Look", label="Look", status="done")
            last = self.reply(talk, "C", parent=reply.parent)
        self.step(last, name="Look", label="Look", status="done")
        lists.append(self.queries_of(MESSAGES))
        pages.append(self.queries_of(change(last)))
        self.assertEqual(lists, [9, 9])  # a conversation list's, and the models to filter by
        self.assertEqual(pages, [14, 14])  # whether it is open, and its notes


class UnreadableTests(AdminCase):
    """Without the permission to read, ids, numbers, times, and states are all there is."""

    def setUp(self) -> None:
        self.talking = self.talk(question=f"{CANARY} title and question")
        self.answer = self.reply(
            self.talking,
            f"{CANARY} answer",
            reasoning=f"{CANARY} reasoning",
            reasoning_length=9,
            kept=3,
        )
        self.step(
            self.answer, name="Look", label=f"{CANARY} label", status="done", detail=f"{CANARY}"
        )
        self.live = self.reply(self.talking, f"{CANARY} live", RUNNING, parent=self.answer.parent)
        Profile.objects.create(user=self.alice, instructions=CANARY)
        self.client.force_login(self.olga)

    def urls(self) -> list[str]:
        rows = [self.talking, *self.talking.messages.all(), self.alice.profile]
        pages = [
            reverse(f"admin:chat_{row._meta.model_name}_{page}", args=[row.pk])
            for row in rows
            for page in ("change", "history", "delete")
        ]
        lists = [
            f"{address}{query}"
            for address in (CONVERSATIONS, MESSAGES, "/admin/chat/profile/")
            for query in ("", "?q=alice", "?q=zanzibar", "?all=", "?o=1", "?_popup=1", "?_facets=1")
        ]
        return [
            *pages,
            *lists,
            f"{change(self.talking)}?through={self.answer.id}",
            "/admin/",
            "/admin/chat/",
            reverse("admin:auth_user_delete", args=[self.alice.pk]),
            "/admin/autocomplete/?app_label=chat&model_name=message&field_name=conversation"
            "&term=zanzibar",
            "/admin/autocomplete/?app_label=chat&model_name=step&field_name=message&term=zanzibar",
        ]

    def act(self) -> list[str]:
        """Stop and delete what can be; returns the pages that answer."""
        selected = {"_selected_action": self.talking.id}
        answers = [
            self.client.post(stop(self.live), follow=True),
            self.client.post(CONVERSATIONS, {"action": "delete_selected", **selected}),
            self.client.post(CONVERSATIONS, {"action": "stop_replies", **selected}),
        ]
        return [answer.content.decode() for answer in answers]

    def test_what_was_said_appears_nowhere(self):
        shown = 0
        for when in ("before", "after"):
            for url in self.urls():
                with self.subTest(url, when=when):
                    response = self.client.get(url, follow=True)
                    self.assertIn(response.status_code, (200, 403))
                    self.assertNotIn(CANARY, response.content.decode())
                    shown += response.status_code == 200
            for page in self.act():
                self.assertNotIn(CANARY, page)
        self.assertGreater(shown, 60)
        page = self.client.post(delete(self.talking), {"post": "yes"}, follow=True)
        self.assertNotContains(page, CANARY)

    def test_with_the_permission_it_is_there(self):
        """Else the test above could not fail."""
        for user in (self.rita, self.root):
            self.client.force_login(user)
            pages = [change(row) for row in (self.talking, self.answer, self.alice.profile)]
            for url in (CONVERSATIONS, MESSAGES, *pages):
                with self.subTest(url, user=user.username):
                    self.assertIn(CANARY, self.get(url))
            page = self.get(change(self.talking), through=self.answer.id)
            for what in ("title", "question", "answer", "reasoning", "label"):
                self.assertIn(what, page)

    def test_numbers_and_states_are_there(self):
        page = self.get(change(self.talking), through=self.answer.id)
        for words in ("alice", f"{self.answer.length} characters", "Look", "9 characters", "small"):
            self.assertIn(words, page)

    def test_one_line_says_what_reading_needs(self):
        for url in (CONVERSATIONS, MESSAGES, change(self.talking), change(self.answer)):
            self.client.force_login(self.olga)
            self.assertEqual(self.get(url).count("chat.view_content"), 1)
            self.client.force_login(self.rita)
            self.assertNotIn("chat.view_content", self.get(url))

    def test_searching_does_not_tell(self):
        self.assertEqual(self.listed(q="zanzibar"), set())
        self.assertEqual(self.listed(q="alice"), {self.talking.id})

    def test_filtering_by_the_address_does_not_tell(self):
        for url, lookups in (
            (CONVERSATIONS, ("title__startswith", "messages__text__contains", "title")),
            (MESSAGES, ("text__contains", "reasoning__regex", "conversation__title__contains",
                        "parent__text__contains", "steps__label__contains")),
            ("/admin/auth/user/", ("conversations__title__contains",)),
        ):  # fmt: skip
            for lookup in lookups:
                with self.subTest(lookup):
                    self.get(url, status=400, **{lookup: CANARY})
        self.assertEqual(
            self.client.get(CONVERSATIONS, {"owner__password__gt": ""}).status_code, 400
        )

    def test_the_texts_are_not_even_loaded(self):
        rows = [change(row) for row in (self.talking, self.answer, self.alice.profile)]
        for url in (CONVERSATIONS, MESSAGES, "/admin/chat/profile/", *rows):
            with self.subTest(url), CaptureQueriesContext(connection) as queries:
                self.get(url)
            for query in queries:
                if "lease_until" in query["sql"].partition("WHERE")[2]:
                    continue  # of a reply that is to be settled; it is not shown
                for column in ("title", "text", "reasoning", "label", "detail", "instructions"):
                    self.assertNotIn(f'."{column}"', query["sql"])


class DoorTests(AdminCase):
    def urls(self) -> list[str]:
        talk = self.talk()
        return [CONVERSATIONS, MESSAGES, change(talk), change(talk.messages.get()), delete(talk)]

    def test_only_staff_comes_in(self):
        for url in self.urls():
            with self.subTest(url):
                self.client.logout()
                self.assertRedirects(self.client.get(url), f"/admin/login/?next={url}")
                self.client.force_login(self.alice)
                self.assertEqual(self.client.get(url).status_code, 302)

    def test_staff_without_permissions_sees_nothing(self):
        self.client.force_login(self.operator("otto", "view_content"))
        for url in self.urls():
            with self.subTest(url):
                self.get(url, status=403)

    def test_the_pages_have_the_sites_name_and_icon(self):
        self.client.force_login(self.root)
        response = self.client.get("/admin/")
        self.assertContains(response, 'rel="icon"', 1)
        self.assertContains(response, '<a href="/admin/">PocketFlow Chat</a>')

    def test_the_policy_is_the_sites_without_trusted_types(self):
        self.client.force_login(self.root)
        for url in ("/admin/", "/admin/auth/user/", *self.urls()):
            with self.subTest(url):
                headers = self.client.get(url).headers
                policy = headers["Content-Security-Policy"]
                # What an operator searches for is in the address.
                self.assertEqual(headers["Referrer-Policy"], "strict-origin")
                self.assertNotIn("trusted-types", policy)
                self.assertIn("script-src 'self'", policy)
                self.assertIn("default-src 'none'", policy)
        page = self.client.get("/", headers={"User-Agent": "Mozilla/5.0"})
        self.assertIn("trusted-types", page.headers["Content-Security-Policy"])

    def test_nothing_is_inline(self):
        talk = self.talk()
        self.step(self.reply(talk, "A", RUNNING), name="Look", label="Look", status="done")
        self.client.force_login(self.root)
        for url in (CONVERSATIONS, MESSAGES, "/admin/chat/profile/", change(talk), delete(talk)):
            with self.subTest(url):
                self.assertNotRegex(self.get(url), r"<style|<script>|\sstyle=|\son\w+=")
