"""What nobody needs any more, and what only looks so."""

from datetime import timedelta
from uuid import uuid4

from axes.models import AccessAttempt
from django.contrib.sessions.models import Session
from django.test import override_settings
from django.utils import timezone

from chat.models import Charge, Conversation, Message, Pool, Profile
from chat.replies import purge

from .cast import CastTestCase, ask, in_seconds, reply

DAY = 24 * 60 * 60


@override_settings(GUEST_DAYS=30, KEEP_DAYS=0)
class PurgeCase(CastTestCase):
    def counted(self) -> dict[str, int]:
        return {leftover.one: leftover.rows.count() for leftover in purge.leftovers()}

    def purge(self) -> dict[str, int]:
        return {leftover.one: sum(leftover.remove_all()) for leftover in purge.leftovers()}

    def guest(self, *, days: float) -> Profile:
        """One who came so many days ago."""
        profile = Profile.objects.make_guest()
        profile.user.last_login = in_seconds(-days * DAY)
        profile.user.save(update_fields=["last_login"])
        return profile

    def talk_of(self, profile: Profile, *, days: float = 0) -> Conversation:
        talk = Conversation.objects.create(owner=profile.user, assistant="chat")
        reply(ask(talk), "Because.")
        Conversation.objects.filter(id=talk.id).update(updated=in_seconds(-days * DAY))
        return talk


class GuestTest(PurgeCase):
    def test_those_go_who_came_long_ago_and_have_nothing(self):
        gone, new, busy = self.guest(days=31), self.guest(days=29), self.guest(days=31)
        self.talk_of(busy)
        Profile.objects.of(self.charlie)
        type(self.charlie).objects.update(date_joined=in_seconds(-100 * DAY))
        self.assertEqual(self.counted()["idle guest"], 1)
        self.assertEqual(self.purge()["idle guest"], 1)
        left = set(Profile.objects.filter(guest=True))
        self.assertEqual(left, {new, busy})
        self.assertFalse(type(self.charlie).objects.filter(pk=gone.user_id).exists())
        self.assertTrue(type(self.charlie).objects.filter(pk=self.charlie.pk).exists())

    def test_one_of_whom_only_a_removed_conversation_is_left_goes(self):
        guest = self.guest(days=31)
        talk = self.talk_of(guest)
        talk.mark_deleted()
        self.assertEqual(self.counted()["idle guest"], 0)  # it can still be restored
        Conversation.objects.get(id=talk.id).delete_content()
        self.assertEqual(self.purge()["idle guest"], 1)

    def test_one_who_begins_to_chat_meanwhile_stays(self):
        guest = self.guest(days=31)
        (idle,) = [one for one in purge.leftovers() if one.one == "idle guest"]
        keys = list(idle.rows.values_list("pk", flat=True))
        self.talk_of(guest)
        self.assertEqual((keys, idle.remove(keys)), ([guest.pk], 0))
        self.assertTrue(Profile.objects.filter(pk=guest.pk).exists())

    def test_one_who_has_an_account_by_now_stays(self):
        guest = self.guest(days=31)
        guest.become_account(None)
        self.assertEqual(self.purge()["idle guest"], 0)

    def test_with_0_days_nobody_goes(self):
        self.guest(days=1000)
        with override_settings(GUEST_DAYS=0):
            self.assertNotIn("idle guest", self.counted())

    def test_more_than_a_batch(self):
        for _ in range(purge.BATCH + 1):
            self.guest(days=31)
        self.assertEqual(self.purge()["idle guest"], purge.BATCH + 1)


class ConversationTest(PurgeCase):
    def test_none_goes_unless_the_settings_say_so(self):
        old = self.talk_of(self.guest(days=1), days=5000)
        self.assertNotIn("old conversation", self.purge())
        self.assertEqual(old.messages.count(), 2)

    @override_settings(KEEP_DAYS=90)
    def test_what_was_said_long_ago_goes_and_the_row_stays(self):
        guest = self.guest(days=1)
        old, new = self.talk_of(guest, days=91), self.talk_of(guest, days=89)
        before = Conversation.objects.get(id=old.id).revision
        self.assertEqual(self.counted()["old conversation"], 1)
        self.assertEqual(self.purge()["old conversation"], 1)
        old.refresh_from_db()
        self.assertEqual((old.title, old.last_seq), ("", 0))
        self.assertIsNotNone(old.deleted)
        self.assertGreater(old.revision, before)  # so that an open tab hears of it
        self.assertFalse(Message.objects.filter(conversation=old).exists())
        self.assertEqual(new.messages.count(), 2)
        self.assertEqual(self.purge()["old conversation"], 0)

    @override_settings(KEEP_DAYS=90)
    def test_one_that_is_written_in_meanwhile_stays(self):
        talk = self.talk_of(self.guest(days=1), days=91)
        (old,) = [one for one in purge.leftovers() if one.one == "old conversation"]
        Conversation.objects.filter(id=talk.id).update(updated=timezone.now())
        self.assertEqual(old.remove([talk.id]), 0)
        self.assertEqual(talk.messages.count(), 2)


class GuessTest(PurgeCase):
    def test_failed_sign_ins_go_that_nobody_counts_any_more(self):
        for name, minutes in (("old", 16), ("new", 14)):
            one = AccessAttempt.objects.create(username=name, failures_since_start=1)
            AccessAttempt.objects.filter(pk=one.pk).update(attempt_time=in_seconds(-60 * minutes))
        self.assertEqual(self.counted()["failed sign-in"], 1)
        self.assertEqual(self.purge()["failed sign-in"], 1)
        self.assertEqual([one.username for one in AccessAttempt.objects.all()], ["new"])


class PoolTest(PurgeCase):
    def test_those_go_that_share_nothing_any_more(self):
        used, unused = Pool.objects.create(id=uuid4()), Pool.objects.create(id=uuid4())
        Charge.objects.create(reply=uuid4(), address=used.id, prompt=1, tokens=1)
        Charge.objects.create(reply=uuid4(), prompt=1, tokens=1)
        self.assertEqual(self.purge()["unused pool"], 1)
        self.assertEqual(list(Pool.objects.all()), [used])
        self.assertNotEqual(used, unused)


class SessionTest(PurgeCase):
    def test_those_go_that_have_ended(self):
        for key, days in (("gone", -1), ("open", 1)):
            expires = timezone.now() + timedelta(days=days)
            Session.objects.create(session_key=key, session_data="", expire_date=expires)
        self.assertEqual(self.counted()["ended session"], 1)
        self.assertEqual(self.purge()["ended session"], 1)
        self.assertEqual([one.pk for one in Session.objects.all()], ["open"])

    @override_settings(SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies")
    def test_sessions_that_are_kept_elsewhere_are_not_looked_for(self):
        self.assertNotIn("ended session", self.counted())
