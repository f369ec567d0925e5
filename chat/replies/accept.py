"""A request becomes rows: one transaction that either writes all of it or refuses it whole."""

import math
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from chat import flows
from chat.models import Conversation, Message, lease_end
from chat.protocol import Continue, Refused, Regenerate, Send
from chat.text import clean

from .settle import abandoned
from .tree import lock, lock_of

# What the model is told, unstored, to go on with a reply that broke off.
GO_ON = "Go on exactly where your last message breaks off. Repeat nothing and explain nothing."


@dataclass(frozen=True, slots=True)
class Task:
    """A reply that is to be written: its row, and what its flow is given."""

    reply: Message
    messages: list[dict]
    keep_last: int


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that is committed. A repeated one (`task` is None) starts nothing."""

    conversation: UUID
    message: UUID
    reply: UUID
    task: Task | None


@transaction.atomic
def accept(
    user: AbstractBaseUser, frame: Send | Regenerate | Continue, *, worker: str, model: str
) -> Accepted:
    """Write the rows that `frame` asks for; Refused if it may not be.

    A `cid` that was accepted before gives the same answer again, before any limit is looked at.
    """
    # One request of a user at a time, so that counting rows is exact.
    get_user_model().objects.select_for_update(no_key=True).values_list("pk").get(pk=user.pk)
    if isinstance(frame, Send):
        conversation = _conversation_of_send(user, frame)
    else:
        conversation = lock_of(user, frame.message)
    earlier = conversation.messages.filter(cid=frame.cid).first()
    if earlier is not None:
        return _again(conversation, earlier)
    if isinstance(frame, Send):
        parent, text = _parent(conversation, frame), _text(frame)
        if frame.assistant is not None and frame.assistant not in flows.names():
            raise Refused("bad_field")
    else:
        base = _reply(conversation, frame.message)
    _check_limits(user, conversation)
    reply = Message(
        role=Message.Role.ASSISTANT,
        status=Message.Status.RUNNING,
        assistant=conversation.assistant,
        model=model,
        worker=worker,
        lease_until=lease_end(settings.CHAT_TIMES["lease"]),
    )
    if isinstance(frame, Send):
        question = Message(role=Message.Role.USER, text=text, length=len(text), cid=frame.cid)
        conversation.extend(parent, [question, reply])
    else:
        question, reply.cid = base.parent, frame.cid
        if isinstance(frame, Continue):
            reply.text, reply.length, reply.kept = base.text, base.length, base.length
        conversation.extend(question, [reply])
    return Accepted(conversation.id, question.id, reply.id, _task(conversation, reply))


def _conversation_of_send(user: AbstractBaseUser, frame: Send) -> Conversation:
    if frame.parent is None:
        # A name that is not offered is refused later, after what comes before it.
        offered = flows.names()
        assistant = frame.assistant if frame.assistant in offered else offered[0]
        Conversation.objects.make(frame.conversation, owner=user, assistant=assistant)
    return lock(user, frame.conversation)


def _again(conversation: Conversation, earlier: Message) -> Accepted:
    """The answer that the first request with this `cid` got."""
    if earlier.is_reply:
        return Accepted(conversation.id, earlier.parent_id, earlier.id, None)
    reply = earlier.children.order_by("seq").first()
    return Accepted(conversation.id, earlier.id, reply.id, None)


def _text(frame: Send) -> str:
    text = clean(frame.text)
    if not text.strip():
        raise Refused("empty")
    if len(text) > settings.CHAT_LIMITS["characters"]:
        raise Refused("too_long")
    return text


def _check_limits(user: AbstractBaseUser, conversation: Conversation) -> None:
    limits = settings.CHAT_LIMITS
    active = Message.objects.owned_by(user).active()
    busy = set(active.values_list("conversation", flat=True))
    if conversation.id in busy:
        abandoned(conversation.messages.all()).settle()
        if conversation.messages.active().exists():
            raise Refused("busy")
        busy.discard(conversation.id)
    if len(busy) >= limits["active"]:
        raise Refused("too_many")
    now = timezone.now()
    recent = Message.objects.owned_by(user).requested_since(now - timedelta(minutes=1))
    last = list(
        recent.order_by("-created").values_list("created", flat=True)[: limits["per_minute"]]
    )
    if len(last) == limits["per_minute"]:
        wait = last[-1] + timedelta(minutes=1) - now
        raise Refused("rate", retry_after=max(math.ceil(wait.total_seconds()), 1))


def _parent(conversation: Conversation, frame: Send) -> Message | None:
    """The reply that the message follows."""
    if not frame.names_parent:
        return conversation.messages.shown().order_by("-seq").first()
    return None if frame.parent is None else _reply(conversation, frame.parent)


def _reply(conversation: Conversation, id: UUID) -> Message:
    found = conversation.messages.filter(id=id).first()
    if found is None:
        raise Refused("not_found")
    if not found.is_reply:
        raise Refused("bad_field")
    return found


def _task(conversation: Conversation, reply: Message) -> Task:
    """What the flow of `reply` is given: the shown branch, which ends with it."""
    messages = conversation.messages.history()
    if not reply.text:
        return Task(reply, messages, keep_last=1)
    # It continues another: the question, what is kept, and the instruction belong together.
    return Task(reply, [*messages, {"role": "user", "content": GO_ON}], keep_last=3)
