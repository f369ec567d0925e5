"""What the replies of each day came to: an overview of a year reads 365 rows, not every message.

A day's row is written once, when the day is over and its last reply is final; it outlives what it
was counted from. Days are those of the site's time zone.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import ceil, log
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .message import Message, MessageQuerySet

SETTLED = timedelta(hours=1)  # after its end: what was begun in a day has its row by then
STEP = 1.1  # from one step of a distribution to the next: what is told is within 5 % of the truth


@dataclass(slots=True)
class Figures:
    """Replies of some days, of one model or of all."""

    replies: int = 0
    failed: int = 0
    read: int = 0  # tokens
    written: int = 0
    errors: Counter[str] = field(default_factory=Counter)  # by the protocol's code
    # Replies by how long their first token took: step n holds up to STEP ** n milliseconds.
    first_token: Counter[str] = field(default_factory=Counter)

    @classmethod
    def loads(cls, stored: dict) -> Self:
        """The figures that `stored` made this of."""
        counted = {name: Counter(stored[name]) for name in ("errors", "first_token")}
        return cls(**stored | counted)

    def stored(self) -> dict:
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def total(cls, several: Iterable[Self]) -> Self:
        whole = cls()
        for one in several:
            whole.replies += one.replies
            whole.failed += one.failed
            whole.read += one.read
            whole.written += one.written
            whole.errors.update(one.errors)
            whole.first_token.update(one.first_token)
        return whole

    def quantile(self, share: float) -> float | None:
        """The seconds within which this share of the replies began, about; None without any."""
        left = ceil(share * self.first_token.total())
        for step in sorted(self.first_token, key=int):
            left -= self.first_token[step]
            if left <= 0:
                return STEP ** (int(step) - 0.5) / 1000
        return None

    def count(
        self, status: str, error: str, read: int | None, written: int | None, first: float | None
    ) -> None:
        self.replies += 1
        self.read += read or 0
        self.written += written or 0
        if status in (Message.Status.ERROR, Message.Status.INTERRUPTED):
            self.failed += 1
            self.errors[error] += 1
        if first is not None:
            self.first_token[str(ceil(log(max(first, 1)) / log(STEP)))] += 1


class DayQuerySet(models.QuerySet):
    def latest(self, days: int, *, seconds: float) -> tuple[list["Day"], bool]:
        """The last `days` up to today, the earliest first, from the first on which something was
        said; and whether that is all of them. What is not known yet is counted, the latest first,
        and for so many seconds: the next call goes on where this one ended."""
        began = time.monotonic()
        today = timezone.localdate()
        first = Message.objects.order_by("created").values_list("created", flat=True).first()
        begin = max(today - timedelta(days=days - 1), timezone.localdate(first)) if first else today
        known = self.filter(date__gte=begin).in_bulk()
        found = []
        for at in (today - timedelta(days=ago) for ago in range((today - begin).days + 1)):
            if at not in known:
                if found and time.monotonic() - began > seconds:
                    return found[::-1], False
                known[at] = self._count(at)
            found.append(known[at])
        return found[::-1], True

    def _count(self, at: date) -> "Day":
        is_over = at < timezone.localdate(timezone.now() - SETTLED)
        is_final = not _said(at).active().exists()
        day = Day.counted(at)
        if is_over and is_final:
            self.bulk_create([day], ignore_conflicts=True)  # another one counted it, too
        return day


class Day(models.Model):
    """One day's figures of each model."""

    date = models.DateField(primary_key=True)
    people = models.PositiveIntegerField(help_text="Who wrote something.")
    figures = models.JSONField(help_text="By the model's name.")

    objects = DayQuerySet.as_manager()

    class Meta:
        verbose_name = _("overview")
        verbose_name_plural = _("overview")
        default_permissions = ["view"]

    def __str__(self) -> str:
        return self.date.isoformat()

    @classmethod
    def counted(cls, at: date) -> Self:
        """The day as its messages have it now."""
        replies = _said(at).filter(role=Message.Role.ASSISTANT)
        replies = replies.exclude(status=Message.Status.RUNNING)
        # A copy has its original's replies, which nobody wrote there, beside its own.
        replies = replies.exclude(conversation__copy_of__isnull=False, worker="")
        rows = replies.values_list(
            "model", "status", "error", "prompt_tokens", "completion_tokens", "run__first_token_ms"
        )
        of: defaultdict[str, Figures] = defaultdict(Figures)
        for model, *facts in rows.iterator(chunk_size=2_000):
            of[model].count(*facts)
        asked = _said(at).filter(role=Message.Role.USER, conversation__copy_of=None)
        people = asked.aggregate(n=models.Count("conversation__owner", distinct=True))["n"]
        figures = {model: figures.stored() for model, figures in of.items()}
        return cls(date=at, people=people, figures=figures)

    def by_model(self) -> dict[str, Figures]:
        return {model: Figures.loads(stored) for model, stored in self.figures.items()}

    def total(self) -> Figures:
        return Figures.total(self.by_model().values())


def _said(at: date) -> MessageQuerySet:
    """The messages of a day."""
    begin = timezone.make_aware(datetime.combine(at, datetime.min.time()))
    end = timezone.make_aware(datetime.combine(at + timedelta(days=1), datetime.min.time()))
    return Message.objects.filter(created__gte=begin, created__lt=end)
