"""What was asked of the models, and what it costs: the rows that limits are counted from.

A charge outlives its reply, its conversation, and its person, so that deleting frees nothing.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, models
from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Now

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

# Where the database's clock was set back, rows lie ahead of it. A request that does is of no last
# minute; tokens are money, and still of this day unless they lie more than one ahead.
LAST_MINUTE = Q(created__gt=Now() - MINUTE, created__lte=Now())
LAST_DAY = Q(created__gt=Now() - DAY, created__lt=Now() + DAY)


@dataclass(frozen=True, slots=True)
class Spent:
    """Requests in the last minute, tokens in the last 24 hours."""

    messages: int
    tokens: int


class ChargeQuerySet(models.QuerySet):
    def spent(self) -> Spent:
        found = self.filter(LAST_DAY).aggregate(
            messages=Count("reply", filter=LAST_MINUTE),
            tokens=Sum("tokens", default=0),
        )
        return Spent(**found)

    def message_leaves(self, most: int) -> datetime | None:
        """When fewer than `most` requests are of the last minute, if it is not so already."""
        recent = self.filter(LAST_MINUTE).order_by("-created")
        created = recent.values_list("created", flat=True)[most - 1 : most].first()
        return created and created + MINUTE

    def tokens_leave(self, tokens: int) -> datetime | None:
        """When so many of the last day's tokens are older than that, None if that is never."""
        recent = self.filter(LAST_DAY).order_by("created")
        for created, spent in recent.values_list("created", "tokens").iterator():
            tokens -= spent
            if tokens <= 0:
                return created + DAY
        return None

    def settle(self, reply: uuid.UUID, *, prompt: int | None, completion: int) -> None:
        """The reply is final: what it cost, of which the prompt is as estimated if it is None."""
        used = F("prompt") if prompt is None else prompt
        self.filter(reply=reply).update(tokens=used + completion)

    def usage(self, reply: uuid.UUID) -> dict | None:
        """About what a reply cost that has just ended, as a message object says it."""
        found = self.filter(reply=reply).values_list("prompt", "tokens").first()
        if found is None:
            return None
        prompt, tokens = found
        told = {"prompt_tokens": prompt, "completion_tokens": max(tokens - prompt, 0)}
        return told | {"estimated": True}

    def add(self, reply: uuid.UUID, tokens: int) -> None:
        """Something more was asked for the sake of this reply."""
        self.filter(reply=reply).update(tokens=F("tokens") + tokens)

    def over(self) -> "ChargeQuerySet":
        """Those that no limit looks at any more."""
        return self.filter(created__lt=Now() - 2 * DAY)


class Charge(models.Model):
    """One accepted request. Its tokens are reserved with it, the most that it may cost, and are
    what it did cost once its reply is final."""

    reply = models.UUIDField(primary_key=True, help_text="Whose id this is, or was.")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, db_index=False
    )
    address = models.UUIDField(null=True, help_text="Where a guest came from, as a token.")
    created = models.DateTimeField(db_default=Now())
    prompt = models.PositiveIntegerField(help_text="The tokens of its prompt, about.")
    tokens = models.PositiveIntegerField()

    objects = ChargeQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["user", "created"], name="charge_user"),
            models.Index(
                fields=["address", "created"],
                condition=Q(address__isnull=False),
                name="charge_address",
            ),
            models.Index(fields=["created"], name="charge_created"),
        ]

    def __str__(self) -> str:
        return f"{self.tokens} tokens"


class PoolQuerySet(models.QuerySet):
    def unused(self) -> "PoolQuerySet":
        """Those of whom nothing is counted any more."""
        return self.exclude(id__in=Charge.objects.exclude(address=None).values("address"))

    def lock(self, id: uuid.UUID) -> None:
        """Let nobody else count what this pool has spent until the transaction ends."""
        if connection.features.has_select_for_update:  # SQLite has one writer at a time anyway
            locked = None
            while locked is None:  # one that was removed just now is made anew
                self.bulk_create([Pool(id=id)], ignore_conflicts=True)
                locked = self.select_for_update(no_key=True).filter(id=id).first()


class Pool(models.Model):
    """People who share a limit: the guests of one address, or everybody. A row to be locked."""

    id = models.UUIDField(primary_key=True)

    objects = PoolQuerySet.as_manager()
