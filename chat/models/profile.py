import secrets
import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

INSTRUCTIONS_LENGTH = 4_000
BETWEEN_MAILS = timedelta(minutes=10)


class ProfileQuerySet(models.QuerySet):
    def of(self, user: AbstractBaseUser) -> "Profile":
        """The profile of `user`; one is made for an account that has none yet."""
        return self.select_related("user").get_or_create(user=user)[0]

    def idle_guests(self, days: int) -> "ProfileQuerySet":
        """Guests who came first more than so many days ago, and have no conversations."""
        since = Now() - timedelta(days=days)
        guests = self.filter(guest=True, user__last_login__lt=since)
        # Of a removed one only the row is left, which keeps its id from being made anew.
        return guests.exclude(user__conversations__last_seq__gt=0).order_by("pk")

    def language_of(self, user: AbstractBaseUser) -> str:
        """The language that `user` has chosen; "" for none."""
        return self.filter(user=user).values_list("language", flat=True).first() or ""

    @transaction.atomic
    def make_guest(self, address: uuid.UUID | None = None) -> "Profile":
        """A new person without a password: the guest of one browser, from `address` (a token)."""
        user = get_user_model().objects.create_user(username=f"guest-{secrets.token_hex(8)}")
        return self.create(user=user, guest=True, address=address)

    def claim_mail(self, users: Iterable[AbstractBaseUser]) -> bool:
        """Whether mails may go to these now, who share a box: nobody's is filled by whoever knows
        its name, or has made accounts with it."""
        profiles = self.filter(id__in=[self.of(user).id for user in users])
        lately = Q(mailed__gt=Now() - BETWEEN_MAILS)
        if profiles.filter(lately).exists():
            return False
        return bool(profiles.exclude(lately).update(mailed=Now()))


class Profile(models.Model):
    """What the chat knows of a user beside Django's account. Its id is the user's public one."""

    class Theme(models.TextChoices):
        SYSTEM = "", _("As the device")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    class Announce(models.TextChoices):
        END = "end", _("The reply when it is finished")
        BLOCKS = "blocks", _("Each paragraph as it comes")
        NOTHING = "nothing", _("Nothing")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="profile",
        verbose_name=_("user"),
    )
    guest = models.BooleanField(_("guest"), default=False)
    address = models.UUIDField(null=True, help_text="Came from there, as a token.")
    # Defaults of the database, too: a worker of the version before makes profiles without these.
    instructions = models.TextField(
        _("instructions"),
        blank=True,
        default="",
        db_default="",
        max_length=INSTRUCTIONS_LENGTH,
        help_text=_("What the person asks of every reply."),
    )
    language = models.CharField(
        max_length=16,
        blank=True,
        default="",
        db_default="",
        help_text="Of the pages; empty: as the browser asks.",
    )
    theme = models.CharField(max_length=8, blank=True, default="", db_default="", choices=Theme)
    enter_sends = models.BooleanField(default=True, db_default=True)
    announce = models.CharField(
        max_length=8,
        choices=Announce,
        default=Announce.END,
        db_default=Announce.END,
        help_text="What a screen reader is told of a reply.",
    )

    mailed = models.DateTimeField(
        null=True, help_text="When a forgotten password was last asked for."
    )

    objects = ProfileQuerySet.as_manager()

    class Meta:
        verbose_name = _("profile")
        verbose_name_plural = _("profiles")

    def __str__(self) -> str:
        return self.name

    def become_account(self, address: uuid.UUID | None) -> None:
        """The person has an account from now on, who came from `address` (a token)."""
        self.guest, self.address = False, self.address or address
        self.save(update_fields=["guest", "address"])

    def as_person(self) -> dict:
        """Who this is, as the socket and the page say it."""
        return {"id": str(self.id), "name": self.name, "guest": self.guest}

    @property
    def name(self) -> str:
        """What the person is called on the page."""
        return (
            gettext("Guest")
            if self.guest
            else self.user.get_short_name() or self.user.get_username()
        )
