"""A reply once more, beside the original: written in a copy of its conversation, which is the
operator's who asks for it. Its owner's is not touched, and knows nothing of it."""

from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from chat.models import Conversation, Message, Profile
from chat.protocol import Refused

from .accept import Accepted, check_active, hold, new_reply, task_of
from .allowance import Allowance
from .tree import check_offered, kept_model

# What a copy has of a message that came before.
COPIED = ("role", "status", "text", "length", "reasoning", "reasoning_length", "assistant", "model")
COPIED += ("created", "ended", "finish_reason", "error")


@transaction.atomic
def retry(
    user: AbstractBaseUser,
    message: UUID,
    *,
    assistant: str,
    model: str,
    worker: str,
    default: str,
) -> Accepted:
    """Copy the conversation of the final reply `message` up to the question, for `user`, and write
    the row of another answer by the flow `assistant` and `model` ("" and its name are the
    `default`). Refused if it may not be; it counts for the limits of `user`.

    Whether `user` may read the original is the caller's to know.
    """
    hold(user)
    replies = Message.objects.select_related("conversation").filter(conversation__copy_of=None)
    replies = replies.filter(role=Message.Role.ASSISTANT, conversation__deleted=None)
    held = replies.filter(id=message).values_list("conversation", flat=True).first()
    Conversation.objects.hold(held)  # who deletes it waits, and then finds this copy
    original = replies.filter(id=message).first()
    if original is None or original.parent_id is None:
        raise Refused("not_found")
    if not original.is_final:
        raise Refused("busy")
    check_offered(model=model, assistant=assistant)
    chosen, theirs = kept_model(model), original.conversation
    copy = Conversation.objects.create(
        owner=user,
        title=theirs.title,
        titled_by=Conversation.TitledBy.PERSON,  # the model is asked for none
        assistant=assistant,
        model=chosen,
        copy_of=original,
    )
    check_active(user, copy)
    allowance = Allowance(Profile.objects.of(user))
    allowance.check()
    before = theirs.messages.filter(id__in=original.path()[:-1]).order_by("seq")
    copied = [Message(**{name: getattr(row, name) for name in COPIED}) for row in before]
    question = copy.extend(None, copied)[-1]
    reply = new_reply(assistant=assistant, model=chosen or default, worker=worker)
    copy.extend(question, [reply])
    # The model is told what it was told of the owner, and not of the operator.
    about = Profile.objects.filter(user=theirs.owner_id).values_list("instructions", flat=True)
    task = task_of(copy, reply, about.first() or "")
    left = allowance.reserve(
        reply.id, task.messages, keep_last=task.keep_last, instructions=task.instructions
    )
    return Accepted(copy.id, question.id, reply.id, task, left=left)
