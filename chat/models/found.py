"""What a search finds: conversations, each with where it has what was looked for."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

from chat import words
from chat.plain import plain
from chat.words import Pieces, Query

from .conversation import Conversation
from .message import Message
from .search import SearchEntry, messages_of, titles_of

EXCERPTS = 3  # of a conversation
HITS = 500  # that are looked at in one go


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Where a message has it. `shown`: in the branch that is shown."""

    message: UUID
    role: str
    created: datetime
    shown: bool
    pieces: Pieces


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation that has it in its title or in messages, of which these are the latest."""

    id: UUID
    updated: datetime
    title: Pieces
    excerpts: list[Excerpt]


def find(user: AbstractBaseUser, query: Query, *, at_most: int) -> tuple[list[Found], bool]:
    """The user's conversations that have it: by title the latest first, then by message the latest
    first. Second: whether there are more than `at_most`."""
    mine = Conversation.objects.owned_by(user).alive()
    entitled = SearchEntry.objects.matching(query, titles_of(user.pk), newest=HITS)
    entitled = mine.filter(id__in=entitled.values("conversation")).order_by("-updated", "id")
    hits: dict[UUID, list[UUID]] = {
        id: [] for id in entitled.values_list("id", flat=True)[: at_most + 1]
    }
    _gather(hits, query, messages_of(user.pk), at_most + 1)
    conversations = mine.in_bulk(list(hits)[:at_most])
    rows = Message.objects.only("conversation", "role", "created", "shown", "text")
    messages = rows.in_bulk([hit for id in conversations for hit in hits[id]])
    found = [
        Found(
            id=id,
            updated=conversations[id].updated,
            title=words.marked(conversations[id].title, query),
            excerpts=[
                _excerpt(messages[hit], query)
                for hit in hits[id]
                if hit in messages and messages[hit].conversation_id == id
            ],
        )
        for id in hits
        if id in conversations
    ]
    return found, len(hits) > at_most


def _gather(hits: dict[UUID, list[UUID]], query: Query, scope: str, enough: int) -> None:
    """Add the latest messages that match to their conversations, until there are enough of them."""
    entries = SearchEntry.objects.matching(query, scope, newest=HITS)
    while True:
        about = ("conversation__deleted", "conversation__copy_of")
        rows = list(entries.values_list("id", "conversation", "message", *about))
        for _, conversation, message, deleted, copy_of in rows:
            if deleted is copy_of is None and (conversation in hits or len(hits) < enough):
                latest = hits.setdefault(conversation, [])
                if len(latest) < EXCERPTS:
                    latest.append(message)
        if len(rows) < HITS or len(hits) >= enough:
            return
        entries = SearchEntry.objects.matching(query, scope, newest=HITS, below=rows[-1][0])


def pieces_of(message: Message, query: Query) -> Pieces:
    """What stands around the place where the message has it, as its reader sees it."""
    return words.excerpt(message.text, query, read=plain if message.is_reply else None)


def _excerpt(message: Message, query: Query) -> Excerpt:
    pieces = pieces_of(message, query)
    return Excerpt(message.id, message.role, message.created, message.shown, pieces)
