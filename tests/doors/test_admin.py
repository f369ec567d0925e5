"""The admin: its lists, who comes in, and that nothing there is edited."""

from datetime import timedelta
from io import StringIO
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from chat.admin.readonly import MOST_LISTED
from chat.models import Conversation, Message, Profile
from tests.doors.admin import (
    CONVERSATIONS,
    ERROR,
    INTERRUPTED,
    MESSAGES,
    RUNNING,
    AdminCase,
    change,
    days_from_now,
    delete,
)


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
