"""Who may look at what others said while it is written."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

from .access import Access
from .conversation import Conversation

NEEDED = ("chat.view_conversation", "chat.view_content")


def may_inspect(user: AbstractBaseUser) -> bool:
    """Whether the user is an operator who may read transcripts, as far as `user` knows."""
    return user.is_active and user.is_staff and user.has_perms(NEEDED)


def may_follow(user: AbstractBaseUser, conversation: Conversation) -> bool:
    """Whether the user may read this conversation of anybody's, by what the database says now: an
    object of a user remembers the permissions that it had. It is a reading, as the page is."""
    now = get_user_model()._default_manager.filter(pk=user.pk).first()
    return now is not None and may_inspect(now) and Access.objects.admits(now, conversation)
