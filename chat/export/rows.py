"""Rows, a few at a time: a conversation may be larger than memory."""

from collections.abc import Collection, Iterator
from uuid import UUID

from django.db.models import prefetch_related_objects

from chat.models import Message, Step
from chat.models.message import MessageQuerySet

BATCH = 100
BATCH_CHARACTERS = 256 * 1024


def in_order(rows: MessageQuerySet, *, without: Collection[str] = ()) -> Iterator[Message]:
    """The rows that there are now, by `seq`; `steps_of` has their steps without another query.
    Another branch that is shown meanwhile changes nothing. `without` names columns, or "steps",
    that are not to be loaded.

    No query is open between two of them, so a slow reader holds nothing of the database.
    """
    for batch in _batches(rows):
        loaded = Message.objects.defer(*{*without} - {"steps"})
        found = list(loaded.filter(id__in=batch).order_by("seq"))
        if "steps" not in without:
            prefetch_related_objects([row for row in found if row.steps_changed], "steps")
        yield from found


def steps_of(row: Message) -> list[Step]:
    """The steps of a row of `in_order`."""
    return list(row.steps.all()) if row.steps_changed else []


def _batches(rows: MessageQuerySet) -> Iterator[list[UUID]]:
    batch, characters = [], 0
    for id, *lengths in rows.order_by("seq").values_list("id", "length", "reasoning_length"):
        size = sum(lengths)
        if batch and (len(batch) == BATCH or characters + size > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(id)
        characters += size
    if batch:
        yield batch
