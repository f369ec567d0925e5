"""Changes of a conversation by its owner: another branch, title, model, or flow; pinned or not,
deleted and restored, a new owner, an owner who goes."""

from collections.abc import Callable, Iterator
from functools import partial
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F

from chat import flows, llm
from chat.models import Conversation, Message
from chat.protocol import Refused
from chat.text import clean

from . import bus
from .settle import abandoned
from .stop import stop_all, stop_reply

TITLE_LENGTH = 200


def lock(user: AbstractBaseUser, id: UUID) -> Conversation:
    """The user's conversation, locked until the transaction ends; Refused("not_found") else."""
    try:
        return Conversation.objects.lock(id, owner=user)
    except Conversation.DoesNotExist:
        raise Refused("not_found") from None


def lock_of(user: AbstractBaseUser, message: UUID) -> Conversation:
    """The conversation of the user's message, locked; Refused("not_found") else."""
    mine = Message.objects.owned_by(user).filter(id=message)
    id = mine.values_list("conversation", flat=True).first()
    if id is None:
        raise Refused("not_found")
    conversation = lock(user, id)
    if not conversation.messages.filter(id=message).exists():
        raise Refused("not_found")
    return conversation


@transaction.atomic
def select(user: AbstractBaseUser, message: UUID) -> None:
    """Show the branch through `message`."""
    conversation = lock_of(user, message)
    abandoned(conversation.messages.all()).settle()
    if conversation.messages.active().exists():
        raise Refused("busy")
    conversation.show_through(conversation.messages.get(id=message))
    transaction.on_commit(lambda: bus.ring(bus.CHANGED, conversation.id))


@transaction.atomic
def rename(user: AbstractBaseUser, id: UUID, title: str) -> None:
    """Give the conversation a title of the user's own; an empty one changes nothing."""
    conversation = lock(user, id)
    title = " ".join(clean(title).split())[:TITLE_LENGTH]
    if title:
        conversation.title, conversation.titled_by = title, Conversation.TitledBy.PERSON
        conversation.save(update_fields=["title", "titled_by"])
        transaction.on_commit(lambda: bus.ring(bus.CHANGED, id))


@transaction.atomic
def choose(
    user: AbstractBaseUser, id: UUID, *, model: str | None = None, assistant: str | None = None
) -> None:
    """Have the next replies written by `model` ("" is the default) and by the flow `assistant`.
    What is None stays. Refused("bad_field") for what is not offered."""
    conversation = lock(user, id)
    check_offered(model=model, assistant=assistant)
    if model is not None:
        conversation.model = kept_model(model)
    if assistant is not None:
        conversation.assistant = assistant
    conversation.save(update_fields=["model", "assistant"])
    transaction.on_commit(lambda: bus.ring(bus.CHANGED, id))


def check_offered(*, model: str | None, assistant: str | None = None) -> None:
    """Refused("bad_field") unless the site offers them; None asks for nothing."""
    if model and model not in llm.models():
        raise Refused("bad_field")
    if assistant is not None and assistant not in flows.names():
        raise Refused("bad_field")


def kept_model(model: str) -> str:
    """What a conversation remembers of a choice. The default is no name: a site that changes its
    default changes it there, too."""
    return "" if model == llm.models()[0] else model


@transaction.atomic
def pin(user: AbstractBaseUser, id: UUID, pinned: bool) -> None:
    """Let the conversation stand before the others, or no more."""
    conversation = lock(user, id)
    if conversation.pinned != pinned:
        conversation.pinned = pinned
        conversation.save(update_fields=["pinned"])
        transaction.on_commit(lambda: bus.ring(bus.CHANGED, id))


@transaction.atomic
def delete(user: AbstractBaseUser, id: UUID) -> None:
    """Delete the conversation, and stop the reply that is being written in it. What was said is
    removed once that cannot be undone any more."""
    conversation = lock(user, id)
    stopped = [reply.id for reply in conversation.messages.active() if stop_reply(reply)]
    conversation.mark_deleted()

    def ring() -> None:
        bus.ring(bus.CHANGED, id)
        for reply in stopped:
            bus.ring(bus.STOPPED, reply)

    transaction.on_commit(ring)


@transaction.atomic
def restore(user: AbstractBaseUser, id: UUID) -> None:
    """Undo a deletion; Refused("not_found") where that is too late. What is there stays so."""
    mine = Conversation.objects.owned_by(user)
    if mine.restore(id, undo=settings.CHAT_TIMES["undo"]):
        transaction.on_commit(lambda: bus.ring(bus.CHANGED, id))
    elif not mine.alive().filter(id=id).exists():
        raise Refused("not_found")


def forgetting(user: AbstractBaseUser) -> Iterator[Callable[[], object]]:
    """What deletes the account with everything in it, piece by piece: others write in between."""
    theirs = Conversation.objects.owned_by(user).with_content()
    for id in list(theirs.values_list("id", flat=True)):
        yield partial(theirs.filter(id=id).remove_whole)
    yield partial(forget, user)


@transaction.atomic
def forget(user: AbstractBaseUser) -> None:
    """Delete the account with everything in it; what is being written for it stops."""
    # In the order of a request: the person, their conversations, what was said. One that is being
    # accepted is waited for, and deleted too; the next finds nobody.
    # Not even a row that refers to the person comes meanwhile: an operator may be reading.
    people = get_user_model().objects.select_for_update()
    people.values_list("pk").filter(pk=user.pk).first()
    Conversation.objects.owned_by(user).update(revision=F("revision") + 1)
    Conversation.objects.going_with([user]).discard()
    stop_all(user)
    user.delete()


@transaction.atomic
def move(guest: AbstractBaseUser, *, to: AbstractBaseUser) -> None:
    """Give a guest's conversations to the account that they sign in to."""
    for id in Conversation.objects.move(guest, to=to):
        transaction.on_commit(partial(bus.ring, bus.CHANGED, id))
