"""What a search finds: conversations, each with where it has what was looked for."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser

from chat import words
from chat.words import Pieces, Query

from .conversation import Conversation
from .message import Message
from .search import SearchEntry, messages_of, titles_of

EXCERPTS = 3  # of a conversation
HITS = 1_000  # that are looked at in one go


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
    entitled = SearchEntry.objects.matching(query, titles_of(user.pk)).values("conversation")
    entitled = mine.filter(id__in=entitled).order_by("-updated", "id")
    hits: dict[UUID, list[UUID]] = {
        id: [] for id in entitled.values_list("id", flat=True)[: at_most + 1]
    }
    _gather(hits, SearchEntry.objects.matching(query, messages_of(user.pk)), at_most + 1)
    conversations = mine.in_bulk(list(hits)[:at_most])
    ids = [id for conversation in conversations for id in hits[conversation]]
    messages = Message.objects.owned_by(user).defer("reasoning").in_bulk(ids)
    found = [
        Found(
            id=id,
            updated=conversations[id].updated,
            title=words.marked(conversations[id].title, query),
            excerpts=[_excerpt(messages[hit], query) for hit in hits[id] if hit in messages],
        )
        for id in hits
        if id in conversations
    ]
    return found, len(hits) > at_most


def _gather(hits: dict[UUID, list[UUID]], entries, enough: int) -> None:
    """Add the latest messages that match to their conversations, until there are enough of them."""
    entries = entries.order_by("-id")
    page = entries
    while True:
        rows = list(page.values_list("id", "conversation", "message")[:HITS])
        for _, conversation, message in rows:
            if conversation in hits or len(hits) < enough:
                kept = hits.setdefault(conversation, [])
                if len(kept) < EXCERPTS:
                    kept.append(message)
        if len(rows) < HITS or len(hits) >= enough:
            return
        page = entries.filter(id__lt=rows[-1][0])


def _excerpt(message: Message, query: Query) -> Excerpt:
    pieces = words.excerpt(message.text, query)
    return Excerpt(message.id, message.role, message.created, message.shown, pieces)
