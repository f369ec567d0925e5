"""Which operator read what, when, and why: rows that hold operators to account."""

from collections.abc import Iterable
from itertools import islice
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.text import clean

from .profile import Profile

REASON_LENGTH = 300
WORDS_LENGTH = 200
AT_ONCE = 100  # rows


class AccessQuerySet(models.QuerySet):
    def owned_by(self, user: AbstractBaseUser) -> "AccessQuerySet":
        """What was read of this person, the latest first."""
        return self.filter(owner=user).select_related("conversation").order_by("-created", "-id")

    def is_open(self, operator: AbstractBaseUser, subject: models.Model) -> bool:
        """Whether it is in the log that `operator` reads `subject` (see `log`) today."""
        return self.filter(operator=operator, day=timezone.localdate(), **_about(subject)).exists()

    def admits(self, operator: AbstractBaseUser, subject: models.Model) -> bool:
        """Whether `operator`, who may read, does so here today: they have said why. Where no reason
        is asked for, this logs that they do."""
        if self.is_open(operator, subject):
            return True
        if settings.ADMIN_REASON:
            return False
        self.log(operator, subject)
        return True

    def opened(self, operator: AbstractBaseUser, conversations: Iterable[UUID]) -> list[UUID]:
        """Those of these conversations that `operator` reads today."""
        mine = self.filter(operator=operator, day=timezone.localdate())
        mine = mine.filter(conversation__in=list(conversations))
        return list(mine.values_list("conversation", flat=True))

    def log(self, operator: AbstractBaseUser, subject: models.Model, reason: str = "") -> None:
        """From now on `operator` reads `subject` today: a conversation, or a profile, which has
        what a person asks of every reply. The first reason of a day stays."""
        self._add(operator, reason=reason, **_about(subject))

    def log_each(
        self, operator: AbstractBaseUser, conversations: Iterable[models.Model], reason: str = ""
    ) -> None:
        """As `log`, for any number of conversations."""
        name = operator.get_username()
        rows = (
            Access(operator=operator, operator_name=name, reason=reason, **_about(conversation))
            for conversation in conversations
        )
        for some in iter(lambda: list(islice(rows, AT_ONCE)), []):
            self.bulk_create(some, ignore_conflicts=True)

    def log_search(self, operator: AbstractBaseUser, words: str) -> None:
        """`operator` searched for `words` in what everybody said."""
        self._add(operator, words=clean(words)[:WORDS_LENGTH])

    def _add(self, operator: AbstractBaseUser, **fields) -> None:
        access = Access(operator=operator, operator_name=operator.get_username(), **fields)
        self.bulk_create([access], ignore_conflicts=True)

    def move(self, person: AbstractBaseUser, *, to: AbstractBaseUser) -> None:
        """The conversations of `person` are those of `to` now."""
        self.filter(owner=person, conversation__isnull=False).update(owner=to)


def _about(subject: models.Model) -> dict:
    if isinstance(subject, Profile):
        return {"owner_id": subject.user_id, "conversation": None}
    original = subject.original  # who looks at an operator's copy reads what its owner said
    return {"owner_id": original.owner_id, "conversation": original}


def outlive(collector, field, rows, using) -> None:
    """Where a person goes: that something was read stays in the log, but not whose, nor why, for
    a reason may say something about them."""
    # In this order: afterwards the rows are no longer found by their owner.
    collector.add_field_update(Access._meta.get_field("reason"), "", rows)
    collector.add_field_update(field, None, rows)


outlive.lazy_sub_objs = True  # as Django's SET_NULL


class Access(models.Model):
    """An operator reads a conversation today (`conversation`), or what a person asks of every reply
    (an `owner` alone), or has searched in everything (`words`)."""

    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    operator_name = models.CharField(
        _("operator"), max_length=254, help_text="Stays when the account goes."
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=outlive,
        null=True,
        related_name="accesses",
        verbose_name=_("owner"),
    )
    # The id stays when the conversation goes with its owner.
    conversation = models.ForeignKey(
        "chat.Conversation",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="accesses",
        verbose_name=_("conversation"),
    )
    words = models.CharField(max_length=WORDS_LENGTH, blank=True, default="")
    day = models.DateField(default=timezone.localdate, help_text="In the site's time zone.")
    reason = models.CharField(_("reason"), max_length=REASON_LENGTH, blank=True, default="")
    created = models.DateTimeField(_("created"), default=timezone.now)

    objects = AccessQuerySet.as_manager()

    class Meta:
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["operator", "conversation", "day"], name="access_conversation_once"
            ),
            models.UniqueConstraint(
                fields=["operator", "owner", "day"],
                condition=Q(conversation=None),
                name="access_person_once",
            ),
            models.UniqueConstraint(
                fields=["operator", "words", "day"],
                condition=~Q(words=""),
                name="access_words_once",
            ),
        ]
        indexes = [
            models.Index(fields=["-created"], name="access_latest"),
            models.Index(fields=["owner", "-created"], name="access_of_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.operator_name} {self.day}"
