"""Nothing is stuck: a reply whose worker is gone is written `interrupted`.

A worker that dies says nothing, so there are two ways to know. Its lease ends: any process sees
that, on any machine. And while it lives it holds the lock of a file, which the system releases with
it: another process on this machine sees that at once, whatever the clock says of the lease.
"""

import fcntl
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO
from uuid import UUID

from django.conf import settings

from chat.models import Arrival, Charge, Conversation, Message
from chat.models.message import MessageQuerySet

# So many deleted conversations are removed in one go: there is another in a moment.
REMOVED = 100

_own: list[str] = []  # the workers of this process


class Worker:
    """This process as the writer of replies: a random id, and the lock that says it lives."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(8)
        _own.append(self.id)
        # Its name comes with its lock: who found it before would take it for a dead one's.
        unnamed = _folder() / f".{self.id}"
        self._lock: TextIO = unnamed.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(_folder() / self.id)


def settle_dead_workers() -> list[Message]:
    """End the replies of this machine's workers that are no more; returns which."""
    dead = [path for path in _folder().glob("[!.]*") if _is_dead(path)]
    settled = Message.objects.written_by(path.name for path in dead).settle()
    for path in dead:
        path.unlink(missing_ok=True)
    return settled


def settle_stale(*, but: Iterable[UUID] = ()) -> list[Message]:
    """End the replies whose lease has ended, `but` for these; returns which."""
    return Message.objects.stale().exclude(id__in=list(but)).settle()


def remove_deleted() -> int:
    """Remove what was said in conversations whose deletion cannot be undone any more; how many."""
    undo = settings.CHAT_TIMES["undo"]
    ids = Conversation.objects.removable(undo=undo).values_list("id", flat=True)[:REMOVED]
    return sum(Conversation.objects.remove(id, undo=undo) for id in list(ids))


def remove_uncounted() -> int:
    """Remove the charges and arrivals that no limit counts any more; how many."""
    old = Charge.objects.over(), Arrival.objects.over()
    # To write nothing would want the lock, too.
    return sum(rows.delete()[0] for rows in old if rows.exists())


def abandoned(messages: MessageQuerySet) -> MessageQuerySet:
    """Of these, the replies whose lease has ended, but for this process's own: a database that was
    away ends leases too, and then the writer knows best what is still to be written."""
    return messages.stale().exclude(worker__in=_own)


def _folder() -> Path:
    folder = settings.DATA_DIR / "workers"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _is_dead(path: Path) -> bool:
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, FileNotFoundError):  # it lives, or another process was quicker
        return False
    return True
