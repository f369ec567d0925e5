"""What nobody needs any more is removed: by `manage.py settle`, as often as it is run.

A transaction is short (of one conversation, one guest, a hundred sessions) and looks once more
whether they may go; after each batch the database is left to the workers for as long as that took.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from chat.models import Conversation, Pool, Profile, expired_sessions

BATCH = 100


@dataclass(frozen=True, slots=True)
class Leftover:
    """One kind of what may go: what one and what several are called, which these are, and how some
    of them are removed (by their keys; how many those were that still might go)."""

    one: str
    several: str
    rows: QuerySet
    remove: Callable[[list], int]

    def counted(self, number: int) -> str:
        return f"{number or 'no'} {self.one if number == 1 else self.several}"

    def remove_all(self) -> Iterator[int]:
        """Remove all of it, batch by batch: how many each were."""
        while keys := list(self.rows.values_list("pk", flat=True)[:BATCH]):
            began = time.monotonic()
            removed = self.remove(keys)
            yield removed
            if not removed:
                return  # another one removes the same
            time.sleep(time.monotonic() - began)


def leftovers() -> list[Leftover]:
    """Everything that may go now, by the settings."""
    undo = settings.CHAT_TIMES["undo"]
    found = [
        Leftover(
            "deleted conversation",
            "deleted conversations",
            Conversation.objects.removable(undo=undo),
            _one_by_one(partial(Conversation.objects.remove, undo=undo)),
        )
    ]
    if days := settings.KEEP_DAYS:
        found.append(
            Leftover(
                "old conversation",
                "old conversations",
                Conversation.objects.unused_for(days),
                _one_by_one(partial(Conversation.objects.remove_unused, days=days)),
            )
        )
    if days := settings.GUEST_DAYS:
        idle = Profile.objects.idle_guests(days)
        remove = _one_by_one(partial(_remove_guest, days=days))
        found.append(Leftover("idle guest", "idle guests", idle, remove))
    sessions = expired_sessions()
    if sessions is not None:
        remove = partial(_remove_rows, sessions)
        found.append(Leftover("ended session", "ended sessions", sessions, remove))
    if apps.is_installed("axes"):
        # What was taken for a name may be a password.
        attempts = apps.get_model("axes", "AccessAttempt").objects
        over = attempts.filter(attempt_time__lt=timezone.now() - settings.AXES_COOLOFF_TIME)
        remove = partial(_remove_rows, over)
        found.append(Leftover("failed sign-in", "failed sign-ins", over, remove))
    pools = Pool.objects.unused()
    remove = partial(_remove_rows, pools)
    found.append(Leftover("unused pool", "unused pools", pools, remove))
    return found


def _one_by_one(remove: Callable[[object], bool]) -> Callable[[list], int]:
    return lambda keys: sum(map(remove, keys))


@transaction.atomic
def _remove_guest(id: object, *, days: int) -> bool:
    guests = Profile.objects.filter(pk=id)
    # One who begins a conversation now holds this row, and has one then; and nothing comes that
    # refers to it.
    people = get_user_model().objects.select_for_update()
    people.values_list("pk").filter(profile__in=guests).first()
    guest = Profile.objects.idle_guests(days).filter(pk=id).first()
    if guest is None:
        return False
    guest.user.delete()
    return True


def _remove_rows(rows: QuerySet, keys: list) -> int:
    return rows.filter(pk__in=keys).delete()[0]
