"""What was said appears nowhere to an operator who may not read it."""

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chat.models import Profile
from tests.doors.admin import (
    CANARY,
    CONVERSATIONS,
    MESSAGES,
    RUNNING,
    AdminCase,
    change,
    delete,
    stop,
)


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
