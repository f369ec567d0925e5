"""A request becomes rows: one transaction that either writes all of it or refuses it whole."""

from dataclasses import dataclass, replace
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import Q

from chat import flows, llm
from chat.models import Conversation, Message, Profile, lease_end
from chat.protocol import Continue, Refused, Regenerate, Send
from chat.text import clean

from . import snapshot
from .allowance import Allowance
from .settle import abandoned
from .tree import check_offered, kept_model, lock, lock_of

# What the model is told, unstored, to go on with a reply that broke off.
GO_ON = "Go on exactly where your last message breaks off. Repeat nothing and explain nothing."

# A flow is given the end of a conversation, for each token that its model gets so many characters:
# about four times as much, to choose from. All of a very long one would be read for each message.
FLOW_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Task:
    """A reply that is to be written: its row, and what its flow is given."""

    reply: Message
    messages: list[dict]
    keep_last: int
    ids: tuple[UUID, ...]  # of `messages`, as far as they are rows
    instructions: str = ""  # the person's own
    title: str = ""  # the first line of the question, where the model may write a better one


@dataclass(frozen=True, slots=True)
class Accepted:
    """A request that is committed. A repeated one (`task` is None) starts nothing.

    `news` is what a reader who knows the conversation as it was before needs to be told; None where
    that is more than new messages at the end. `left` is what the person may still ask for.
    """

    conversation: UUID
    message: UUID
    reply: UUID
    task: Task | None = None
    news: snapshot.Snapshot | None = None
    left: dict | None = None


@transaction.atomic
def accept(
    user: AbstractBaseUser,
    frame: Send | Regenerate | Continue,
    *,
    worker: str,
    model: str,
    resume: bool = False,
    anew: bool = True,
) -> Accepted:
    """Write the rows that `frame` asks for; Refused if it may not be.

    A `cid` that was accepted before gives the same answer again, before any limit is looked at;
    with `resume`, and the task again, if this worker was to write the reply and it is still active.
    Where nothing is to begin `anew`, one that was not is refused as `not_found`.
    `model` is the default's name, which may have had to be asked for.
    """
    hold(user)
    if isinstance(frame, Send):
        conversation = _conversation_of_send(user, frame)
    else:
        conversation = lock_of(user, frame.message)
    named = frame.parent if isinstance(frame, Send) else frame.message
    found = list(conversation.messages.filter(Q(cid=frame.cid) | Q(id=named)))
    for message in found:
        if message.cid == frame.cid:
            accepted, reply = _again(conversation, message)
            if resume and reply.is_untouched and reply.worker == worker:
                task = task_of(conversation, reply, Profile.objects.of(user).instructions)
                accepted = replace(accepted, task=task)
            return accepted
    if not anew:
        raise Refused("not_found")
    if isinstance(frame, Send):
        parent, text = _parent(conversation, frame, found), _text(frame)
        check_offered(model=frame.model, assistant=frame.assistant)
    else:
        base = _reply(found)
        if isinstance(frame, Regenerate):
            check_offered(model=frame.model)
    check_active(user, conversation)
    # To show, select in, and delete a conversation takes as long as it is: it holds up others.
    if conversation.last_seq + 2 > settings.CHAT_LIMITS["messages"]:
        raise Refused("full")
    person = Profile.objects.of(user)
    allowance = Allowance(person)
    allowance.check()
    assistant, chosen = _author(conversation, base if isinstance(frame, Continue) else frame)
    reply = new_reply(assistant=assistant, model=chosen or model, worker=worker)
    news = None
    if isinstance(frame, Send):
        question = Message(role=Message.Role.USER, text=text, length=len(text), cid=frame.cid)
        only_grows = conversation.ends_with(parent)
        conversation.extend(parent, [question, reply])
        if only_grows:
            news = snapshot.grown(conversation, [question, reply])
    else:
        question, reply.cid = base.parent, frame.cid
        if isinstance(frame, Continue):
            reply.text, reply.length, reply.kept = base.text, base.length, base.length
        conversation.extend(question, [reply])
    task = task_of(conversation, reply, person.instructions)
    left = allowance.reserve(
        reply.id, task.messages, keep_last=task.keep_last, instructions=task.instructions
    )
    return Accepted(conversation.id, question.id, reply.id, task, news, left)


def hold(user: AbstractBaseUser) -> None:
    """One request of a user at a time, until the transaction ends: so counting rows is exact.
    Refused("not_found") if who asks has gone meanwhile."""
    if connection.features.has_select_for_update:  # SQLite has one writer at a time anyway
        people = get_user_model().objects.select_for_update(no_key=True)
        if people.values_list("pk").filter(pk=user.pk).first() is None:
            raise Refused("not_found")


def new_reply(*, assistant: str, model: str, worker: str) -> Message:
    """A reply that `worker` is to write."""
    return Message(
        role=Message.Role.ASSISTANT,
        status=Message.Status.RUNNING,
        assistant=assistant,
        model=model,
        worker=worker,
        lease_until=lease_end(settings.CHAT_TIMES["lease"]),
    )


def _conversation_of_send(user: AbstractBaseUser, frame: Send) -> Conversation:
    if frame.parent is None:
        # A name that is not offered is refused later, after what comes before it. Until then it is
        # not written: the database may not take it.
        model = frame.model if frame.model in llm.models() else ""
        Conversation.objects.make(
            frame.conversation,
            owner=user,
            assistant=flows.offered(frame.assistant or ""),
            model=kept_model(model),
        )
    return lock(user, frame.conversation)


def _author(conversation: Conversation, named: Send | Regenerate | Message) -> tuple[str, str]:
    """Who writes the reply, as flow and model ("" is the default): whom the request names, or who
    began what is to be continued; else, and where that is no longer offered, whom the conversation
    has chosen."""
    assistant = getattr(named, "assistant", None) or conversation.assistant
    models = llm.models()
    model = named.model if named.model in ("", *models) else conversation.model
    return flows.offered(assistant), model if model in models else ""


def _again(conversation: Conversation, earlier: Message) -> tuple[Accepted, Message]:
    """The answer that the first request with this `cid` got, and its reply."""
    reply = earlier if earlier.is_reply else earlier.children.order_by("seq").first()
    return Accepted(conversation.id, reply.parent_id, reply.id), reply


def _text(frame: Send) -> str:
    text = clean(frame.text)
    if not text.strip():
        raise Refused("empty")
    if len(text) > settings.CHAT_LIMITS["characters"]:
        raise Refused("too_long")
    return text


def check_active(user: AbstractBaseUser, conversation: Conversation) -> None:
    """Refused if a reply is being written here, or too many elsewhere."""
    active = Message.objects.asked_by(user).active()
    busy = set(active.values_list("conversation", flat=True))
    if conversation.id in busy:
        abandoned(conversation.messages.all()).settle()
        if conversation.messages.active().exists():
            raise Refused("busy")
        busy.discard(conversation.id)
    if len(busy) >= settings.CHAT_LIMITS["active"]:
        raise Refused("too_many")


def _parent(conversation: Conversation, frame: Send, named: list[Message]) -> Message | None:
    """The reply that the message follows."""
    if not frame.names_parent:
        return conversation.messages.shown().order_by("-seq").first()
    return None if frame.parent is None else _reply(named)


def _reply(named: list[Message]) -> Message:
    """The one message that the request names."""
    if not named:
        raise Refused("not_found")
    if not named[0].is_reply:
        raise Refused("bad_field")
    return named[0]


def task_of(conversation: Conversation, reply: Message, instructions: str) -> Task:
    """What the flow of `reply` is given: the end of the shown branch."""
    characters = FLOW_CHARACTERS * settings.CONTEXT_TOKENS
    history, keep_last = conversation.messages.history(characters), 1
    messages = list(history.values())
    if reply.text:
        # It continues another: the question, what is kept, and the instruction belong together.
        messages, keep_last = [*messages, {"role": "user", "content": GO_ON}], 3
    is_first_line = conversation.titled_by == Conversation.TitledBy.QUESTION
    title = conversation.title if is_first_line else ""
    return Task(reply, messages, keep_last, tuple(history), instructions, title)
