from uuid import uuid4

from django.utils import timezone

from chat.models import Append, Message, Step
from chat.protocol import Refused
from chat.replies.commit import commit
from chat.replies.live import Write
from chat.replies.stop import stop, stop_reply

from .cast import WORKER, CastTestCase, Status


class StopTest(CastTestCase):
    def assertNotFound(self, user, id) -> None:
        with self.assertRaises(Refused) as caught:
            stop(user, id)
        self.assertEqual(caught.exception.code, "not_found")

    def test_a_running_reply_is_stopped_and_keeps_its_text(self):
        row = self.running(text="Becau")
        stop(self.alice, row.id)
        row.refresh_from_db()
        self.assertEqual((row.status, row.text, row.error), (Status.STOPPED, "Becau", ""))
        self.assertIsNotNone(row.ended)

    def test_a_final_reply_stays_as_it_is(self):
        for status in set(Status) - {Status.RUNNING}:
            with self.subTest(status):
                row = self.running(status=status)
                before = self.columns(row)
                stop(self.alice, row.id)
                self.assertEqual(self.columns(row), before)

    def test_strangers_stop_nothing(self):
        row = self.running()
        for user in (self.bob, self.charlie):
            with self.subTest(user.username):
                self.assertNotFound(user, row.id)
        self.assertEqual(Message.objects.get(id=row.id).status, Status.RUNNING)

    def test_what_is_no_reply_is_not_found(self):
        self.assertNotFound(self.alice, self.question.id)
        self.assertNotFound(self.alice, uuid4())

    def test_it_says_whether_there_was_something_to_stop(self):
        row = self.running()
        self.assertTrue(stop_reply(row))
        self.assertFalse(stop_reply(row))

    def test_a_step_that_began_as_it_was_stopped_is_not_taken_for_stored(self):
        row = self.running()
        stop(self.alice, row.id)
        step = Step(message=row, position=1, name="plan", label="Plan", started=timezone.now())
        (outcome,) = commit([Write(Append(row.id, 0, steps_changed=1), (step,))], WORKER)
        self.assertFalse(row.steps.exists())
        self.assertFalse(outcome.written)
