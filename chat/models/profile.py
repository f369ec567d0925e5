import secrets
import uuid

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction


class ProfileQuerySet(models.QuerySet):
    def of(self, user: AbstractBaseUser) -> "Profile":
        """The profile of `user`; one is made for an account that has none yet."""
        return self.select_related("user").get_or_create(user=user)[0]

    @transaction.atomic
    def make_guest(self) -> "Profile":
        """A new person without a password: the guest of one browser."""
        user = get_user_model().objects.create_user(username=f"guest-{secrets.token_hex(8)}")
        return self.create(user=user, guest=True)


class Profile(models.Model):
    """What the chat knows of a user beside Django's account. Its id is the user's public one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profile"
    )
    guest = models.BooleanField(default=False)

    objects = ProfileQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    def as_person(self) -> dict:
        """Who this is, as the socket and the page say it."""
        return {"id": str(self.id), "name": self.name, "guest": self.guest}

    @property
    def name(self) -> str:
        """What the person is called on the page."""
        return "Guest" if self.guest else self.user.get_short_name() or self.user.get_username()
