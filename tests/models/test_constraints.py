from uuid import uuid4

from chat.models import Message, Step

from .cast import WORKER, CastTestCase, Status, in_seconds, reply


class ConstraintTest(CastTestCase):
    """What must never be is refused by the database, whoever writes."""

    def row(self, **fields) -> Message:
        """A row that is in order, not yet written."""
        known = {
            "conversation": self.talk,
            "parent": self.answer,
            "seq": self.talk.last_seq + 1,
            "role": "user",
            "text": "x",
            "length": 1,
        }
        return Message(**known | fields)

    def running_row(self, **fields) -> Message:
        known = {"role": "assistant", "status": "running", "worker": WORKER}
        return self.row(**known | {"lease_until": in_seconds(15)} | fields)

    def assertRowRefused(self, constraint: str, row: Message) -> None:
        self.assertRefusedByDatabase(constraint, row.save)

    def test_rows_in_order_are_taken(self):
        self.row().save()
        self.running_row(seq=9, shown=False).save()

    def test_one_active_reply_in_a_conversation(self):
        self.running()
        row = self.running_row(seq=9, shown=False)
        self.assertRowRefused("message_one_active_reply", row)
        row.status = "done"
        row.save()
        self.assertRefusedByDatabase(
            "message_one_active_reply", Message.objects.filter(id=row.id).update, status="running"
        )

    def test_another_conversation_has_its_own_active_reply(self):
        self.running()
        reply(self.bobs.messages.get(role="user"), status=Status.RUNNING)

    def test_a_number_is_given_once_in_a_conversation(self):
        self.assertRowRefused("message_seq_unique", self.row(seq=self.answer.seq))
        self.row(conversation=self.bobs, parent=None, shown=False, seq=9).save()
        self.row(seq=9).save()

    def test_a_request_is_accepted_once_in_a_conversation(self):
        cid = uuid4()
        self.row(cid=cid).save()
        self.assertRowRefused("message_cid_unique", self.row(cid=cid, seq=9, shown=False))
        self.row(cid=cid, conversation=self.bobs, parent=self.bobs_answer, seq=9).save()

    def test_many_rows_have_no_cid(self):
        self.assertGreater(self.talk.messages.filter(cid=None).count(), 1)

    def test_one_child_is_shown(self):
        self.row().save()
        self.assertRowRefused("message_one_shown_child", self.row(seq=9))
        self.row(seq=9, shown=False).save()

    def test_one_first_message_is_shown(self):
        self.assertRowRefused("message_one_shown_first", self.row(parent=None))
        self.row(parent=None, shown=False).save()

    def test_a_role_is_one_of_two(self):
        for role in ("system", "", "User"):
            with self.subTest(role):
                self.assertRowRefused("message_role_known", self.row(role=role))

    def test_a_status_is_one_of_five(self):
        for status in Status:
            with self.subTest(status):
                row = self.running_row(status=status)
                row.save()
                row.delete()
        for status in ("", "queued", "Done"):
            with self.subTest(status):
                self.assertRowRefused("message_status_known", self.running_row(status=status))

    def test_what_a_person_wrote_is_done(self):
        for status in set(Status) - {Status.DONE}:
            with self.subTest(status):
                row = self.running_row(role="user", status=status)
                self.assertRowRefused("message_status_known", row)

    def test_who_writes_has_a_name_and_a_lease(self):
        self.assertRowRefused("message_running_has_worker", self.running_row(worker=""))
        self.assertRowRefused("message_running_has_worker", self.running_row(lease_until=None))
        self.running_row(worker="", lease_until=None, status="done").save()

    def test_no_more_is_kept_than_there_is(self):
        self.assertRowRefused("message_kept_within_text", self.row(kept=2, length=1))
        self.row(kept=1, length=1).save()

    def test_a_step_has_a_place_of_its_own_and_a_known_status(self):
        def step(**fields) -> Step:
            known = {"message": self.answer, "position": 1, "started": in_seconds(0)}
            return Step(**known | fields)

        step().save()
        self.assertRefusedByDatabase("step_position_unique", step().save)
        self.assertRefusedByDatabase("step_status_known", step(position=2, status="gone").save)
        step(position=2).save()
