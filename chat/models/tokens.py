"""What the models read and wrote in a conversation: sums that stand in its row, so that a list of
many need not read their messages.

They hold the messages up to `counted`. Those after it, a few, are added when somebody looks: the
last may still be written. So nothing that ends a reply writes to its conversation or waits for it,
and a row that was not brought up to date is not wrong.
"""

from django.db import models
from django.db.models import F, OuterRef, Subquery, Sum
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from .message import Message

COLUMNS = ("prompt_tokens", "completion_tokens")
FEW = 20  # messages


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

    def keep_tokens(self) -> None:
        """Bring the row up to date, if it is behind by more than a few. To be called with it locked
        and before more is said: then all that is there is final."""
        if self.last_seq - self.counted > FEW:
            row = type(self).objects.filter(pk=self.pk)
            row.update(counted=self.last_seq, **sums())


def sums() -> dict[str, Combinable]:
    """Of conversations, the tokens of all messages, by the columns' names."""
    return {column: F(column) + _beyond(column) for column in COLUMNS}


def _beyond(column: str) -> Coalesce:
    """What is not in the sum yet."""
    later = Message.objects.filter(conversation=OuterRef("pk"), seq__gt=OuterRef("counted"))
    total = later.order_by().values("conversation").annotate(total=Sum(column)).values("total")
    return Coalesce(Subquery(total), 0, output_field=models.BigIntegerField())
