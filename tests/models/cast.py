"""Who plays in these tests, and how they come to their conversations.

Alice owns the conversation that is looked at. Bob has one of his own and shares nothing. Charlie
has none and must see nothing.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis.extra.django import TestCase  # Django's own, each example rolled back

from chat.models import Conversation, Message, Step

WORKER = "the worker"
Status = Message.Status


def person(name: str) -> AbstractBaseUser:
    return get_user_model().objects.create_user(name)


def in_seconds(seconds: float) -> datetime:
    return timezone.now() + timedelta(seconds=seconds)


def ask(conversation: Conversation, text: str = "Why?", *, after: Message | None = None) -> Message:
    """A question after `after`, or a first one."""
    return conversation.add(parent=after, role="user", text=text, length=len(text))


def reply(question: Message, text: str = "", **fields) -> Message:
    """A reply to `question`; a running one has the worker and a lease."""
    if fields.get("status") == Status.RUNNING:
        fields = {"worker": WORKER, "lease_until": in_seconds(15)} | fields
    return question.conversation.add(
        parent=question, role="assistant", text=text, length=len(text), **fields
    )


class CastTestCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.alice, cls.bob, cls.charlie = map(person, ("alice", "bob", "charlie"))
        cls.talk = Conversation.objects.create(owner=cls.alice, assistant="chat")
        cls.bobs = Conversation.objects.create(owner=cls.bob, assistant="chat")
        cls.question = ask(cls.talk)
        cls.answer = reply(cls.question, "Because.")
        cls.bobs_answer = reply(ask(cls.bobs, "Bob's secret?"), "Bob's answer.")

    def running(self, **fields) -> Message:
        """A reply that is being written to a second question of alice's."""
        return reply(
            ask(self.talk, "And?", after=self.answer), **{"status": Status.RUNNING} | fields
        )

    def shown(self, conversation: Conversation | None = None) -> list[UUID]:
        rows = (conversation or self.talk).messages.shown().order_by("seq")
        return list(rows.values_list("id", flat=True))

    def columns(self, message: Message) -> dict:
        """All that stands in the message's row now."""
        return Message.objects.values().get(id=message.id)

    def revision(self, conversation: Conversation | None = None) -> int:
        return Conversation.objects.get(id=(conversation or self.talk).id).revision

    def assertRefusedByDatabase(self, constraint: str, write, *args, **kwargs) -> None:
        """`write` breaks `constraint`, and the database itself says so."""
        with self.assertRaises(IntegrityError) as caught, transaction.atomic():
            write(*args, **kwargs)
        said = str(caught.exception)
        self.assertTrue(constraint in said or said == UNIQUE.get(constraint), said)


# SQLite names the columns of a unique index, PostgreSQL the constraint.
UNIQUE = {
    constraint.name: "UNIQUE constraint failed: "
    + ", ".join(
        f"{model._meta.db_table}.{model._meta.get_field(field).column}"
        for field in constraint.fields
    )
    for model in (Message, Step)
    for constraint in model._meta.constraints
    if hasattr(constraint, "fields")
}
