"""What an operator does to a conversation or an account: stop what is written, and delete."""

from uuid import uuid4

from django.contrib import admin
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.urls import reverse

from chat.models import Conversation, Message
from chat.replies.bus import CHANGED, ENDED, STOPPED
from tests.bells import Bells
from tests.doors.admin import CONVERSATIONS, RUNNING, AdminCase, change, delete, stop


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
