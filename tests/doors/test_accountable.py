"""Operators say why they read, the log outlives them, its owner sees it."""

from datetime import timedelta

from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from chat.models import Access, Conversation, Profile
from chat.replies import tree
from tests.doors.admin import CANARY, CONVERSATIONS, MESSAGES, AdminCase, change

READINGS = "/admin/chat/access/"
READERS = "/settings/readers/"
SAID = f"{CANARY} said"
WHY = "She asked us to look."


def act(name: str, row) -> str:
    return reverse(f"admin:chat_{row._meta.model_name}_{name}", args=[row.pk])


@override_settings(ADMIN_REASON=True)
class AccountableCase(AdminCase):
    def setUp(self) -> None:
        self.talking = self.talk(question="How far is the moon?")
        self.answer = self.reply(self.talking, SAID, reasoning=SAID, reasoning_length=len(SAID))
        self.profile = Profile.objects.create(user=self.alice, instructions=SAID)
        self.olga.user_permissions.clear()
        self.client.force_login(self.root)

    def say_why(self, row=None, reason: str = WHY, query: str = ""):
        return self.client.post(act("reason", row or self.talking) + query, {"reason": reason})

    def owner_reads(self, **query) -> str:
        self.client.force_login(self.alice)
        return self.get(READERS, **query)


class ReasonTests(AccountableCase):
    def test_what_was_said_is_shown_after_a_reason(self):
        for row in (self.talking, self.answer, self.profile):
            with self.subTest(row._meta.model_name):
                Access.objects.all().delete()
                self.assertNotIn(CANARY, asking := self.get(change(row)))
                self.assertIn(f'action="{act("reason", row)}', asking)
                self.assertRedirects(self.say_why(row), change(row))
                self.assertIn(CANARY, told := self.get(change(row)))
                self.assertNotIn('name="reason"', told)
                access = Access.objects.get()
                self.assertEqual(
                    (access.operator, access.owner, access.reason), (self.root, self.alice, WHY)
                )

    def test_a_reason_is_for_all_of_a_conversation_for_a_day_and_for_one_operator(self):
        other = self.talk()
        self.say_why(self.answer)
        self.assertIn(CANARY, self.get(change(self.talking)))
        self.assertIn('name="reason"', self.get(change(other)))
        self.say_why(reason="Again")
        self.assertEqual(Access.objects.get().reason, WHY)
        self.client.force_login(self.rita)
        self.assertNotIn(CANARY, self.get(change(self.talking)))
        self.client.force_login(self.root)
        Access.objects.update(day=timezone.localdate() - timedelta(days=1))
        self.assertNotIn(CANARY, self.get(change(self.talking)))

    def test_a_day_is_one_of_the_sites_time_zone(self):
        with override_settings(TIME_ZONE="Pacific/Kiritimati"):
            self.say_why()
            self.assertIn(CANARY, self.get(change(self.talking)))
        with override_settings(TIME_ZONE="Etc/GMT+12"):  # 26 hours behind
            self.assertNotIn(CANARY, self.get(change(self.talking)))

    def test_without_a_reason_nothing_is_shown(self):
        for reason in ("", "  ", "x" * 301):
            self.say_why(reason=reason)
            self.assertNotIn(CANARY, self.get(change(self.talking)))
        self.assertEqual(self.client.get(act("reason", self.talking)).status_code, 405)
        self.assertFalse(Access.objects.exists())

    def test_who_may_not_read_has_no_reason_to_give(self):
        self.client.force_login(self.operator("otto", "view_conversation", "change_conversation"))
        self.assertNotIn('name="reason"', self.get(change(self.talking)))
        self.assertEqual(self.say_why().status_code, 403)
        self.client.force_login(self.operator("nora", "view_content"))
        self.assertEqual(self.say_why().status_code, 403)
        self.assertFalse(Access.objects.exists())

    def test_one_leads_back_to_the_page_that_asked(self):
        query = f"?through={self.answer.id}"
        self.assertIn(act("reason", self.talking) + query, self.get(change(self.talking) + query))
        self.assertRedirects(self.say_why(query=query), change(self.talking) + query)

    def test_there_is_nothing_to_ask_where_there_is_nothing_to_read(self):
        Profile.objects.update(instructions="")
        self.talking.mark_deleted()
        for row in (self.talking, self.profile):
            self.assertNotIn('name="reason"', self.get(change(row)))

    def test_a_page_that_asks_why_follows_nothing(self):
        self.assertNotIn("data-live-thread", self.get(change(self.talking)))
        self.say_why()
        self.assertIn("data-live-thread", self.get(change(self.talking)))

    @override_settings(ADMIN_REASON=False)
    def test_where_no_reason_is_asked_for_it_is_logged_without_one(self):
        for _ in range(2):
            self.assertIn(CANARY, self.get(change(self.talking)))
        self.assertEqual(Access.objects.get().reason, "")
        self.assertIn("No reason was asked for.", self.owner_reads())

    def test_a_search_in_what_was_said_is_logged(self):
        for query in ({"q": "said"}, {"q": "said", "o": "1"}, {"q": ""}):
            self.get(CONVERSATIONS, **query)
        access = Access.objects.get()
        self.assertEqual((access.words, access.owner, access.conversation), ("said", None, None))
        self.assertIn("“said”", self.get(READINGS))

    def test_a_search_shows_excerpts_of_what_is_open_today(self):
        other = self.talk(self.bob)
        self.reply(other, "It is said that bob knows")
        self.say_why()
        page = self.get(CONVERSATIONS, q="said")
        self.assertEqual(page.count("chat-excerpt"), 1)
        self.assertIn("<mark>said</mark>", page)
        self.assertNotIn("bob knows", page)
        queries = self.queries_of(f"{CONVERSATIONS}?q=said")
        self.say_why(other)
        self.assertIn("bob knows", self.get(CONVERSATIONS, q="said"))
        self.assertEqual(self.queries_of(f"{CONVERSATIONS}?q=said"), queries)
        Access.objects.update(day=timezone.localdate() - timedelta(days=1))
        self.assertNotIn("chat-excerpt", self.get(CONVERSATIONS, q="said"))

    def test_what_was_said_stands_nowhere_before(self):
        self.get(CONVERSATIONS, q="said")
        for url in (CONVERSATIONS, MESSAGES, "/admin/chat/profile/", READINGS, "/admin/"):
            self.assertNotIn(CANARY, self.get(url))


class LogTests(AccountableCase):
    def test_nobody_changes_or_deletes_an_entry(self):
        self.say_why()
        access = Access.objects.get()
        page = self.get(READINGS)
        for words in ("root", "alice", WHY, change(self.talking)):
            self.assertIn(words, page)
        self.assertNotIn("delete_selected", page)
        self.assertIn(WHY, self.get(change(access)))
        for name in ("change", "delete"):
            url = reverse(f"admin:chat_access_{name}", args=[access.pk])
            self.assertEqual(self.client.post(url, {"post": "yes"}).status_code, 403)
        self.assertEqual(Access.objects.get().reason, WHY)

    def test_filters(self):
        self.say_why()
        today = timezone.localdate().isoformat()
        for query, there in (
            ({"operator_name": "root"}, True),
            ({"operator_name": "rita"}, False),
            ({"created__from": today, "created__to": today}, True),
            ({"created__to": "2020-01-01"}, False),
            ({"conversation__id__exact": self.talking.id}, True),
            ({"q": "asked us"}, True),
        ):
            with self.subTest(query):
                self.assertEqual(WHY in self.get(READINGS, **query), there)

    def test_what_was_searched_for_is_for_those_who_may_read(self):
        self.get(CONVERSATIONS, q=CANARY)
        self.client.force_login(self.operator("otto", "view_access"))
        self.assertNotIn(CANARY, self.get(READINGS) + self.get(change(Access.objects.get())))
        for lookup in ("words__contains", "conversation__title__contains", "owner__password__gt"):
            self.get(READINGS, status=400, **{lookup: "z"})

    def test_the_operators_name_stays_when_the_account_goes(self):
        self.say_why()
        tree.forget(self.root)
        access = Access.objects.get()
        self.assertEqual((access.operator, access.operator_name), (None, "root"))
        self.assertIn("root", self.owner_reads())

    def test_of_one_whose_owner_is_gone_only_the_id_is_there(self):
        self.say_why()
        tree.forget(self.alice)
        page = self.get(READINGS)
        self.assertIn(str(self.talking.id)[:8], page)
        self.assertNotIn(change(self.talking), page)
        self.assertNotIn(WHY, page)


class OwnerTests(AccountableCase):
    def test_the_owner_sees_who_read_what_and_why(self):
        self.client.force_login(self.alice)
        self.assertIn("No operator of this site has opened one.", self.get("/settings/"))
        self.client.force_login(self.root)
        self.say_why()
        self.say_why(self.profile)
        page = self.owner_reads()
        for words in ("root", WHY, "How far is the moon?", f"/c/{self.talking.id}/", "Your instr"):
            self.assertIn(words, page)
        self.assertIn("2 times", self.get("/settings/"))
        self.talking.delete_content()
        self.assertIn("A conversation that is deleted", self.get(READERS))

    def test_one_sees_ones_own_alone(self):
        self.say_why()
        self.client.force_login(self.bob)
        self.assertNotIn("root", self.get(READERS))
        self.client.logout()
        self.assertRedirects(self.client.get(READERS), f"/sign-in/?next={READERS}")

    def test_pages_of_fifty_in_a_fixed_number_of_queries(self):
        days = (timezone.localdate() - timedelta(days=n) for n in range(60))
        Access.objects.bulk_create(
            Access(
                operator=self.root,
                operator_name="root",
                owner=self.alice,
                conversation=self.talking,
                day=day,
            )
            for day in days
        )
        self.assertEqual(self.owner_reads().count('class="reading"'), 50)
        self.assertEqual(self.get(READERS, page=2).count('class="reading"'), 10)
        # Session, user, the language, the count, the rows.
        self.assertEqual(self.queries_of(READERS), 5)


class RangeTests(AccountableCase):
    def test_from_a_day_to_a_day(self):
        today = timezone.localdate()
        old = self.talk()
        Conversation.objects.filter(id=old.id).update(
            updated=timezone.now() - timedelta(days=10), created=timezone.now() - timedelta(days=9)
        )
        both = {self.talking.id, old.id}
        for begin, end, expected in (
            (0, 0, {self.talking.id}),
            (10, 10, {old.id}),
            (10, 0, both),
            (None, 9, {old.id}),
            (9, None, {self.talking.id}),
            (None, None, both),
        ):
            days = (
                "" if n is None else (today - timedelta(days=n)).isoformat() for n in (begin, end)
            )
            query = dict(zip(("updated__from", "updated__to"), days, strict=True))
            with self.subTest(query):
                self.assertEqual(self.listed(**query), expected)
        page = self.get(CONVERSATIONS, created__from=f"{today}", flag="no", q="moon", p="1")
        self.assertIn(f'<input type="date" name="created__from" value="{today}">', page)
        self.assertIn('<input type="hidden" name="flag" value="no">', page)
        self.assertIn('<input type="hidden" name="q" value="moon">', page)

    def test_a_day_that_is_none(self):
        days = [("to", day) for day in ("yesterday", "2026-02-30", "9999-12-31")]
        for end, day in (*days, ("from", "0001-01-01")):
            with self.settings(TIME_ZONE="Europe/Berlin"), self.subTest(day):
                response = self.client.get(CONVERSATIONS, {f"created__{end}": day})
                self.assertRedirects(response, f"{CONVERSATIONS}?e=1")


class EraseTests(AccountableCase):
    def test_what_goes_with_an_account_is_counted_first(self):
        self.talk(self.bob)
        self.talk().delete_content()
        page = self.get(url := reverse("admin:auth_user_delete", args=[self.alice.pk]))
        for words in ("Conversations: 1", "Messages: 2", "Profiles: 1", "What stays:"):
            self.assertIn(words, page)
        self.assertNotIn(change(self.answer), page)
        self.client.force_login(self.operator("otto", "view_user", "delete_user"))
        self.assertContains(self.client.get(url), "permission to delete")
        self.assertEqual(self.client.post(url, {"post": "yes"}).status_code, 403)
        self.client.force_login(self.alice)
        self.assertIn("1 conversation, 2 messages", self.get("/account/delete/"))

    def test_copies_that_operators_made_of_what_was_said_count_too(self):
        copy = Conversation.objects.create(owner=self.rita, assistant="chat", copy_of=self.answer)
        self.ask(copy, None, "How far is the moon?")
        for user, said in ((self.alice, 3), (self.rita, 1)):
            page = self.get(reverse("admin:auth_user_delete", args=[user.pk]))
            self.assertIn(f"Messages: {said}", page)

    def test_the_number_of_queries_is_fixed(self):
        url = reverse("admin:auth_user_delete", args=[self.alice.pk])
        counts = [self.queries_of(url)]
        for _ in range(10):
            self.reply(self.talk(), "So")
        self.assertEqual(counts, [self.queries_of(url)])
