"""Rows, a few at a time: a conversation may be larger than memory."""

from collections.abc import Iterator

from chat.models import Message
from chat.models.message import MessageQuerySet

BATCH = 100
BATCH_CHARACTERS = 256 * 1024


def in_order(rows: MessageQuerySet) -> Iterator[Message]:
    """The rows that there are now, by `seq`, each with its steps.

    No query is open between two of them, so a slow reader holds nothing of the database.
    """
    for batch in _batches(rows):
        yield from rows.filter(seq__in=batch).order_by("seq").prefetch_related("steps")


def _batches(rows: MessageQuerySet) -> Iterator[list[int]]:
    batch, characters = [], 0
    for seq, *lengths in rows.order_by("seq").values_list("seq", "length", "reasoning_length"):
        size = sum(lengths)
        if batch and (len(batch) == BATCH or characters + size > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(seq)
        characters += size
    if batch:
        yield batch
