import uuid
from datetime import timedelta

from django.db import models, transaction
from django.db.models.functions import Now

from .charge import Pool

HOUR = timedelta(hours=1)


class ArrivalQuerySet(models.QuerySet):
    @transaction.atomic
    def admit(self, address: uuid.UUID | None, *, most: int) -> bool:
        """Whether one more person may be new from there, who is counted then: `most` of an address
        (a token) in an hour; 0 is no limit."""
        if address is None or not most:
            return True
        Pool.objects.lock(address)
        # Who came later than now did so before the clock was set back.
        recent = self.filter(address=address, created__gt=Now() - HOUR, created__lte=Now())
        if recent.count() >= most:
            return False
        self.create(address=address)
        return True

    def over(self) -> "ArrivalQuerySet":
        """Those that nobody counts any more."""
        return self.filter(created__lt=Now() - HOUR)


class Arrival(models.Model):
    """Somebody was new from an address. It outlives them: to go and come again frees nothing."""

    address = models.UUIDField(help_text="As a token.")
    created = models.DateTimeField(db_default=Now())

    objects = ArrivalQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["address", "created"], name="arrival_address"),
            models.Index(fields=["created"], name="arrival_created"),
        ]

    def __str__(self) -> str:
        return str(self.created)
