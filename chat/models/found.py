"""What a search finds: conversations, each with where it has what was looked for."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

from chat import words
from chat.plain import plain
from chat.words import Pieces, Query

from .conversation import Conversation
from .message import Message
from .search import ENDLESS, SearchEntry, messages_of, titles_of

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
    titled: dict[UUID, datetime] = {}
    for batch in _batches(query, titles_of(user.pk)):
        titled |= {conversation: updated for conversation, _, updated in batch}
        if len(titled) > at_most:
            break
    latest = sorted(sorted(titled), key=lambda id: titled[id], reverse=True)[: at_most + 1]
    hits: dict[UUID, list[UUID]] = {id: [] for id in latest}
    for batch in _batches(query, messages_of(user.pk)):
        for conversation, message, _ in batch:
            if conversation in hits or len(hits) <= at_most:
                excerpts = hits.setdefault(conversation, [])
                if len(excerpts) < EXCERPTS:
                    excerpts.append(message)
        if len(hits) > at_most:
            break
    mine = Conversation.objects.owned_by(user).alive()
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


def _batches(query: Query, scope: str) -> Iterator[list[tuple[UUID, UUID | None, datetime]]]:
    """What matches in a scope, the latest first: each one's conversation, its message (of a title
    none), and when the conversation was last written in. What is deleted, or an operator's copy,
    is in the index too, and takes nobody's place."""
    about = ("deleted", "copy_of", "updated")
    fields = ("id", "conversation", "message", *(f"conversation__{name}" for name in about))
    below = ENDLESS
    while True:
        entries = SearchEntry.objects.matching(query, scope, newest=HITS, below=below)
        rows = list(entries.values_list(*fields))
        yield [
            (conversation, message, updated)
            for _, conversation, message, deleted, copy_of, updated in rows
            if deleted is copy_of is None
        ]
        if len(rows) < HITS:
            return
        below = rows[-1][0]


def pieces_of(message: Message, query: Query) -> Pieces:
    """What stands around the place where the message has it, as its reader sees it."""
    return words.excerpt(message.text, query, read=plain if message.is_reply else None)


def _excerpt(message: Message, query: Query) -> Excerpt:
    pieces = pieces_of(message, query)
    return Excerpt(message.id, message.role, message.created, message.shown, pieces)
