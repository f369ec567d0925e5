"""What the models read and wrote in a conversation: sums that stand in its row, so that a list of
many need not read their messages.

They hold the messages up to `counted`; `manage.py settle` brings them up to date, and what was said
since is added when somebody looks. So nothing that ends a reply writes to its conversation or waits
for it, and a row that is behind is not wrong.
"""

import uuid

from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Subquery, Sum
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from .message import Message

COLUMNS = ("prompt_tokens", "completion_tokens")
AT_ONCE = 500  # rows


class TokensQuerySet(models.QuerySet):
    """Of conversations, their tokens."""

    def tokens_of_each(self) -> dict[uuid.UUID, tuple[int, int]]:
        """What the models read and wrote in each."""
        rows = self.order_by().values_list("pk", *sums().values())
        return {id: (read, written) for id, read, written in rows}

    @transaction.atomic
    def keep_tokens(self) -> int:
        """Bring some of the rows that are behind up to date; how many those were. Where a reply is
        being written, that is for another time."""
        active = Message.objects.active().filter(conversation=OuterRef("pk"))
        behind = self.filter(~Exists(active), counted__lt=F("last_seq"))
        held = behind.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)
        # Nothing can be added while they are held. It is asked once more: what was added before
        # that may still be written.
        rows = behind.filter(pk__in=list(held[:AT_ONCE]))
        return rows.update(counted=F("last_seq"), **sums())


class KeptTokens(models.Model):
    """A conversation's tokens, as far as they are kept."""

    # Defaults of the database, too: a worker of the version before makes conversations without.
    prompt_tokens = models.PositiveBigIntegerField(default=0, db_default=0)
    completion_tokens = models.PositiveBigIntegerField(default=0, db_default=0)
    counted = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Up to which message its tokens are in the sums."
    )

    class Meta:
        abstract = True


def sums() -> dict[str, Combinable]:
    """Of conversations, the tokens of all messages, by the columns' names."""
    return {column: F(column) + _beyond(column) for column in COLUMNS}


def _beyond(column: str) -> Coalesce:
    """What is not in the sum yet."""
    later = Message.objects.filter(conversation=OuterRef("pk"), seq__gt=OuterRef("counted"))
    total = later.order_by().values("conversation").annotate(total=Sum(column)).values("total")
    return Coalesce(Subquery(total), 0, output_field=models.BigIntegerField())
