"""What a reader is shown of a conversation: rows as the protocol's objects.

Plain functions over the ORM, for the sockets (in a database thread) and for the page's views alike.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Count, F, Sum

from chat import protocol
from chat.models import Conversation, Ending, Message, Step, may_follow
from chat.models.conversation import Place
from chat.protocol import MessageObject, Refused

from .settle import abandoned

LISTED = 50
PAGE = 50
PAGE_CHARACTERS = 256 * 1024
BEFORE_SOUGHT = 4  # the question, and what led to it
# What is sought farther back is not led to: a page holds all that follows it, many times over.
SOUGHT, SOUGHT_CHARACTERS = 1_000, 4 * PAGE_CHARACTERS


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A conversation at one `revision`, and messages of it, oldest first."""

    entry: dict
    revision: int
    last_seq: int
    messages: list[MessageObject]
    last_shown: UUID | None
    active: Message | None


@dataclass(frozen=True, slots=True)
class Operator:
    """Who looks, from the admin, at what others said; in place of the user whose it is."""

    user: AbstractBaseUser
    pk: None = None  # nothing is theirs: they are told of no list


def entry(conversation: Conversation) -> dict:
    """The conversation as an entry of the list; it carries `active` from `with_activity`."""
    body = {
        "id": str(conversation.id),
        "title": conversation.title,
        "assistant": conversation.assistant,
        "model": conversation.model,
        "pinned": conversation.pinned,
        "updated": conversation.updated.isoformat(),
        "active": conversation.active,
    }
    return body if conversation.deleted is None else body | {"deleted": True}


def entries(user: AbstractBaseUser, *, after: Place | None = None) -> dict:
    """A page of the user's list of conversations, the first or the one after a place; and `next`,
    the place whose page follows (None: this is the last)."""
    listed = Conversation.objects.owned_by(user).listed()
    found = list((listed if after is None else listed.after(after))[: LISTED + 1])
    page = found[:LISTED]
    last = page[-1] if len(found) > LISTED else None
    return {
        "conversations": [entry(conversation) for conversation in page],
        "next": str(Place(last.pinned, last.updated, last.id)) if last else None,
    }


def all_readable(user: AbstractBaseUser) -> Iterator[Conversation]:
    """The user's conversations, the latest first, each as `readable` has it: a few are read at
    once, and what was deleted until then is left out."""
    mine = Conversation.objects.owned_by(user).alive()
    ids = list(mine.order_by("-updated", "id").values_list("id", flat=True))
    for start in range(0, len(ids), PAGE):
        page = ids[start : start + PAGE]
        found = mine.with_activity().in_bulk(page)
        yield from (_settled(found[id]) for id in page if id in found)


def entries_by_owner(ids: Iterable[UUID]) -> list[tuple[int, dict]]:
    """The entries of the conversations `ids`, deleted ones too, each with its owner's key."""
    conversations = Conversation.objects.filter(id__in=ids, copy_of=None).with_activity()
    return [(conversation.owner_id, entry(conversation)) for conversation in conversations]


def shown(
    user: AbstractBaseUser | Operator,
    id: UUID,
    have: dict[UUID, int] | None = None,
    through: UUID | None = None,
) -> Snapshot:
    """The end of the shown branch: at most 50 messages, and but for the newest 256 Ki characters.

    `have` says of messages how much of their text the reader holds: it is left out. `through` is a
    message that must be among them, if it is in that branch and not too far back. Raises
    Refused("not_found") for a conversation that is not this user's to see.
    """
    conversation = readable(user, id)
    rows = conversation.messages.shown().filter(seq__lte=conversation.last_seq)
    first = _first_of_page(rows)
    if through is not None:
        sought = rows.filter(id=through, seq__lt=first).values_list("seq", flat=True).first()
        if sought is not None and _fits(rows.filter(seq__gte=sought - BEFORE_SOUGHT)):
            first = sought - BEFORE_SOUGHT
    page = list(rows.filter(seq__gte=first).order_by("seq"))
    return _snapshot(conversation, page, last=page[-1] if page else None, have=have or {})


def since(user: AbstractBaseUser | Operator, id: UUID, seq: int) -> Snapshot:
    """The messages with a higher `seq`, on whatever branch. Raises as `shown`."""
    conversation = readable(user, id)
    rows = conversation.messages.filter(seq__lte=conversation.last_seq)
    new = list(rows.filter(seq__gt=seq).order_by("seq"))
    last = next((row for row in reversed(new) if row.shown), None)
    last = last or rows.shown().order_by("-seq").only("conversation").first()
    return _snapshot(conversation, new, last=last, have={})


def grown(conversation: Conversation, new: list[Message]) -> Snapshot:
    """What `since` would say now that `new`, which ends with a reply that is to be written, was
    added to the end of the shown branch."""
    conversation.active = True
    return Snapshot(
        entry=entry(conversation),
        revision=conversation.revision,
        last_seq=conversation.last_seq,
        messages=[message_object(row, siblings=[str(row.id)], steps=[]) for row in new],
        last_shown=new[-1].id,
        active=new[-1],
    )


def earlier(user: AbstractBaseUser, id: UUID, before: int) -> list[MessageObject]:
    """The page of the shown branch that ends before the message number `before`. Raises as
    `shown`."""
    conversation = readable(user, id)
    rows = conversation.messages.shown().filter(seq__lt=before)
    first = _first_of_page(rows)
    return message_objects(conversation, list(rows.filter(seq__gte=first).order_by("seq")))


def is_in(user: AbstractBaseUser, id: UUID, message: UUID, **where: bool) -> bool:
    """Whether the user's conversation has this message, on whatever branch unless `where` says."""
    return Message.objects.owned_by(user).filter(conversation=id, id=message, **where).exists()


def readable(user: AbstractBaseUser | Operator, id: UUID) -> Conversation:
    """The user's conversation, or anybody's for an operator who may follow it, as it stands.
    Raises as `shown`."""
    is_operator = isinstance(user, Operator)
    found = Conversation.objects.all() if is_operator else Conversation.objects.owned_by(user)
    conversation = found.alive().with_activity().filter(id=id).first()
    if conversation is None or (is_operator and not may_follow(user.user, conversation)):
        raise Refused("not_found")
    return _settled(conversation)


def _settled(conversation: Conversation) -> Conversation:
    # A status is told from the row, so a reply whose worker is gone is ended before it is read.
    if conversation.active and abandoned(conversation.messages.all()).settle():
        conversation.active = False
    return conversation


def _fits(rows) -> bool:
    """Whether one page can hold all of `rows`."""
    said = Sum(F("length") + F("reasoning_length"), default=0)
    found = rows.aggregate(messages=Count("id"), characters=said)
    return found["messages"] <= SOUGHT and found["characters"] <= SOUGHT_CHARACTERS


def _first_of_page(rows) -> int:
    """The lowest `seq` of the last page of `rows`."""
    first, room = 0, PAGE_CHARACTERS
    newest_first = rows.order_by("-seq").values_list("seq", "length")[:PAGE]
    for number, (seq, length) in enumerate(newest_first):
        room -= length if number else 0
        if room < 0:
            break
        first = seq
    return first


def _snapshot(
    conversation: Conversation,
    rows: list[Message],
    *,
    last: Message | None,
    have: dict[UUID, int],
) -> Snapshot:
    return Snapshot(
        entry=entry(conversation),
        revision=conversation.revision,
        last_seq=conversation.last_seq,
        messages=message_objects(conversation, rows, have),
        last_shown=last.id if last else None,
        active=next((row for row in rows if not row.is_final), None),
    )


def message_objects(
    conversation: Conversation, rows: list[Message], have: dict[UUID, int] | None = None
) -> list[MessageObject]:
    """The rows, all of one conversation, as the protocol's message objects."""
    siblings = _siblings(conversation, rows)
    steps = _steps(rows)
    objects = []
    for row in rows:
        start = (have or {}).get(row.id, 0)
        start = start if start <= row.length else 0
        objects.append(message_object(row, siblings[row.parent_id], steps[row.id], start))
    return objects


def message_object(
    row: Message, siblings: list[str], steps: list[protocol.Step], start: int = 0
) -> MessageObject:
    """One row as the protocol's message object, its text from `start` on."""
    body: MessageObject = {
        "id": str(row.id),
        "seq": row.seq,
        "parent": str(row.parent_id) if row.parent_id else None,
        "role": row.role,
        "status": row.status,
        "text": row.text[start:],
        "from": start,
        "length": row.length,
        "model": row.model,
        "assistant": row.assistant,
        "created": row.created.isoformat(),
        "siblings": siblings,
    }
    if row.kept is not None:
        body["kept"] = row.kept
    if row.reasoning_length:
        body["reasoning"] = row.reasoning
        body["reasoning_length"] = row.reasoning_length
    if row.cid:
        body["cid"] = str(row.cid)
    body |= outcome(row)
    if steps:
        body["steps"] = steps
    return body


def outcome(ended: Message | Ending) -> dict:
    """How a reply ended, as far as there is something to say."""
    body = {}
    if ended.finish_reason:
        body["finish_reason"] = ended.finish_reason
    if ended.completion_tokens is not None:
        body["usage"] = {
            "prompt_tokens": ended.prompt_tokens or 0,
            "completion_tokens": ended.completion_tokens,
            "estimated": ended.usage_estimated,
        }
    if ended.error:
        body["error"] = protocol.reply_error(ended.error)
    return body


def one(id: UUID) -> MessageObject | None:
    """One message's object; None if its row is no more."""
    row = Message.objects.select_related("conversation").filter(id=id).first()
    return message_objects(row.conversation, [row])[0] if row else None


def _siblings(conversation: Conversation, rows: list[Message]) -> dict[UUID | None, list[str]]:
    parents = {row.parent_id for row in rows}
    siblings = defaultdict(list)
    families = conversation.messages.children_of(parents).order_by("seq")
    for id, parent in families.values_list("id", "parent"):
        siblings[parent].append(str(id))
    return siblings


def _steps(rows: list[Message]) -> dict[UUID, list[protocol.Step]]:
    steps = defaultdict(list)
    changed = [row.id for row in rows if row.steps_changed]
    if changed:
        for step in Step.objects.filter(message__in=changed):
            steps[step.message_id].append(step_object(step))
    return steps


def step_object(step: Step) -> protocol.Step:
    """A step as the protocol's object."""
    body: protocol.Step = {
        "id": str(step.id),
        "name": step.name,
        "status": step.status,
        "label": step.label,
        "started": step.started.isoformat(),
    }
    if step.ms is not None:
        body["ms"] = step.ms
    if step.detail:
        body["detail"] = step.detail
    return body
