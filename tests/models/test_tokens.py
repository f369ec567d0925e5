from django.db.models import Sum

from chat.models import Conversation, Ending, Message
from chat.models.tokens import COLUMNS, FEW

from .cast import WORKER, CastTestCase, Status, in_seconds

QUESTION = {"role": "user", "text": "And?", "length": 4}
REPLY = {"role": "assistant", "status": Status.RUNNING, "worker": WORKER}
HOW_IT_ENDS = (
    Ending(Status.DONE, prompt_tokens=11, completion_tokens=5),
    Ending(Status.INTERRUPTED, prompt_tokens=7, completion_tokens=2),
    Ending(Status.STOPPED),
    None,  # its worker was lost
)


class TokensTest(CastTestCase):
    def held(self) -> Conversation:
        return Conversation.objects.lock(self.talk.id, owner=self.alice)

    def told(self) -> tuple[int, int]:
        """What the conversation says, which is what its messages come to."""
        rows = Conversation.objects.filter(id=self.talk.id)
        told = rows.tokens_of_each()[self.talk.id]
        there = self.talk.messages.aggregate(*(Sum(column, default=0) for column in COLUMNS))
        self.assertEqual(told, tuple(there.values()))
        return told

    def asked(self, turn: int) -> Message:
        """A reply to a new question, or, each third time, beside the last one."""
        held = self.held()
        last = held.messages.order_by("seq").last()
        question = held.add(parent=last, **QUESTION) if turn % 3 else last.parent
        return held.add(parent=question, **REPLY, lease_until=in_seconds(15))

    def test_they_are_exact_however_replies_end(self):
        for turn in range(2 * FEW):
            reply = self.asked(turn)
            self.told()
            ending = HOW_IT_ENDS[turn % 4]
            if ending:
                Message.objects.end(reply.id, ending)
            else:
                Message.objects.filter(id=reply.id).settle()
            self.told()
        self.assertEqual(self.told(), (FEW // 2 * 18, FEW // 2 * 7))
        held = self.held()
        self.assertGreater(held.prompt_tokens, 0)
        self.assertLessEqual(held.last_seq - held.counted, FEW + 2)

    def test_they_go_with_what_was_said(self):
        for turn in range(FEW):
            Message.objects.end(self.asked(turn).id, HOW_IT_ENDS[0])
        self.held().delete_content()
        self.assertEqual(self.told(), (0, 0))

    def test_a_row_that_was_not_brought_up_to_date_is_not_wrong(self):
        for turn in range(FEW):
            Message.objects.end(self.asked(turn).id, HOW_IT_ENDS[0])
        before = self.told()
        Conversation.objects.update(counted=0, prompt_tokens=0, completion_tokens=0)
        self.assertEqual(self.told(), before)
