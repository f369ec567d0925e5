"""What was said and is not in the index yet. A search brings it in before it looks, so that nothing
that accepts, writes, or ends a reply knows of the index or waits for it."""

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby

from django.db import DatabaseError, transaction
from django.db.models import F

from chat import words
from chat.logs import fields

from .conversation import Conversation, ConversationQuerySet
from .message import Message, MessageQuerySet
from .search import Indexed, SearchEntry, id_at, messages_of, titles_of

logger = logging.getLogger("chat.search")

# What one transaction writes: on SQLite everybody else who writes waits for it.
ROWS = 200
CHARACTERS = 200_000
CONVERSATIONS = 100


class Changed(Exception):
    """A conversation is not as it was read any more, or somebody is changing it."""


def bring_in(conversations: ConversationQuerySet, *, seconds: float) -> bool:
    """Index what is final of these conversations, the latest first, for about so many seconds.

    Returns whether all of it is in the index now.
    """
    end, is_whole = time.monotonic() + seconds, True
    behind = conversations.alive().exclude(indexed__revision=F("revision"))
    behind = behind.only("owner_id", "title", "created", "revision").order_by("owner", "-updated")
    for owner, theirs in groupby(list(behind), key=lambda one: one.owner_id):
        theirs = list(theirs)
        for start in range(0, len(theirs), CONVERSATIONS):
            try:
                while _bring_in_some(owner, theirs[start : start + CONVERSATIONS]):
                    if time.monotonic() > end:
                        return False
            except Changed:
                is_whole = False  # the next search reads these again
            except DatabaseError as error:
                # Locked, full, or a message was deleted just now: the next search goes on.
                logger.warning("the index stays behind", **fields(error=type(error).__name__))
                return False
    return is_whole


def _bring_in_some(owner: object, conversations: list[Conversation]) -> bool:
    """Index one transaction's worth of what is missing; returns whether there was any. If not, that
    is noted, but for a conversation with a reply that is still being written."""
    ids = [one.id for one in conversations]
    entries = SearchEntry.objects.filter(conversation__in=ids)
    messages = Message.objects.filter(conversation__in=ids)
    # First who is running, then what is final: what ends in between is missed by neither.
    running = set(messages.active().values_list("conversation", flat=True))
    # What was indexed for who owned it before is found by nobody.
    former = entries.exclude(scope__in=[messages_of(owner), titles_of(owner)])
    if former.exists():
        with _as_read(conversations):
            former.delete()
    titles = dict(entries.filter(message=None).values_list("conversation", "text"))
    renamed = [one for one in conversations if titles.get(one.id) != words.indexed(one.title)]
    missing = [_entry_of_title(one) for one in renamed] + _entries_of(owner, messages)
    if not missing:
        _note(one for one in conversations if one.id not in running)
        return False
    written = {entry.conversation_id for entry in missing}
    with _as_read([one for one in conversations if one.id in written]):
        entries.filter(message=None, conversation__in=renamed).delete()
        # Another search may be bringing in the same.
        SearchEntry.objects.bulk_create(missing, ignore_conflicts=True)
    return True


@contextmanager
def _as_read(conversations: list[Conversation]) -> Iterator[None]:
    """A transaction in which they are as they were read, and nobody changes them. Raises `Changed`:
    what is written of an old title or owner would stand beside a note that all is done."""
    with transaction.atomic():
        rows = Conversation.objects.filter(id__in=[one.id for one in conversations])
        rows = rows.select_for_update(no_key=True, skip_locked=True)
        revisions = dict(rows.values_list("id", "revision"))
        if revisions != {one.id: one.revision for one in conversations}:
            raise Changed
        yield


def _entry_of_title(conversation: Conversation) -> SearchEntry:
    return SearchEntry(
        id=id_at(conversation.created),
        conversation=conversation,
        scope=titles_of(conversation.owner_id),
        text=words.indexed(conversation.title),
    )


def _entries_of(owner: object, messages: MessageQuerySet) -> list[SearchEntry]:
    """The entries of some of the messages that have none."""
    final = messages.filter(search_entry=None).exclude(status=Message.Status.RUNNING)
    ids, room = [], CHARACTERS
    latest = final.exclude(text="").order_by("-created")
    for id, length in latest.values_list("id", "length")[:ROWS]:
        if ids and length > room:
            break
        ids.append(id)
        room -= length
    rows = Message.objects.filter(id__in=ids).values_list("id", "conversation", "created", "text")
    return [
        SearchEntry(
            id=id_at(created),
            conversation_id=conversation,
            message_id=id,
            scope=messages_of(owner),
            text=words.indexed(text),
        )
        for id, conversation, created, text in rows
    ]


def _note(conversations: Iterable[Conversation]) -> None:
    Indexed.objects.bulk_create(
        [Indexed(conversation=one, revision=one.revision) for one in conversations],
        update_conflicts=True,
        unique_fields=["conversation"],
        update_fields=["revision"],
    )
