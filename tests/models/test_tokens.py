from django.db.models import Sum

from chat.models import Conversation, Ending, Message
from chat.models.tokens import COLUMNS

from .cast import WORKER, CastTestCase, Status, in_seconds

HOW_IT_ENDS = (
    Ending(Status.DONE, prompt_tokens=11, completion_tokens=5),
    Ending(Status.INTERRUPTED, prompt_tokens=7, completion_tokens=2),
    Ending(Status.STOPPED),
    None,  # its worker was lost
)


class TokensTest(CastTestCase):
    def told(self) -> tuple[int, int]:
        """What the conversation says, which is what its messages come to."""
        told = Conversation.objects.tokens_of_each()[self.talk.id]
        there = self.talk.messages.aggregate(*(Sum(column, default=0) for column in COLUMNS))
        self.assertEqual(told, tuple(there.values()))
        return told

    def asked(self, turn: int) -> Message:
        """A reply to a new question, or, each third time, beside the last one."""
        held = Conversation.objects.lock(self.talk.id, owner=self.alice)
        last = held.messages.order_by("seq").last()
        question = last.parent
        if turn % 3:
            question = held.add(parent=last, role="user", text="And?", length=4)
        return held.add(
            parent=question,
            role="assistant",
            status=Status.RUNNING,
            worker=WORKER,
            lease_until=in_seconds(15),
        )

    def end(self, reply: Message, turn: int) -> None:
        ending = HOW_IT_ENDS[turn % 4]
        if ending:
            Message.objects.end(reply.id, ending)
        else:
            Message.objects.filter(id=reply.id).settle()

    def test_they_are_exact_however_replies_end_and_whenever_they_are_kept(self):
        counted = set()
        for turn in range(12):
            reply = self.asked(turn)
            if not turn % 5:
                Conversation.objects.keep_tokens()
            self.told()
            self.end(reply, turn)
            if not turn % 2:
                Conversation.objects.keep_tokens()
            self.told()
            counted.add(Conversation.objects.get(id=self.talk.id).counted)
        self.assertEqual(self.told(), (3 * 18, 3 * 7))
        self.assertGreater(len(counted), 4)

    def test_where_a_reply_is_written_it_is_for_another_time(self):
        self.assertEqual(Conversation.objects.keep_tokens(), 2)
        reply = self.asked(1)
        self.assertEqual(Conversation.objects.keep_tokens(), 0)
        self.end(reply, 0)
        self.assertEqual(Conversation.objects.keep_tokens(), 1)
        kept = Conversation.objects.get(id=self.talk.id)
        self.assertEqual((kept.prompt_tokens, kept.completion_tokens), (11, 5))
        self.assertEqual(kept.counted, kept.last_seq)

    def test_they_go_with_what_was_said(self):
        self.end(self.asked(1), 0)
        Conversation.objects.keep_tokens()
        Conversation.objects.lock(self.talk.id, owner=self.alice).delete_content()
        self.assertEqual(self.told(), (0, 0))
