import uuid
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from .copies import CopyQuerySet


class DeletionQuerySet(CopyQuerySet):
    """Of conversations, how they are deleted, by the database's clock: marked first, and removed
    once it cannot be undone."""

    def alive(self) -> "DeletionQuerySet":
        """Without the deleted ones: what was said there is removed, or soon will be."""
        return self.filter(deleted=None)

    def restore(self, id: uuid.UUID, *, undo: float) -> bool:
        """Bring back a conversation that was deleted less than `undo` seconds ago; False if there
        is no such one."""
        deleted = self.filter(id=id, last_seq__gt=0, deleted__gt=Now() - timedelta(seconds=undo))
        return bool(deleted.update(deleted=None, revision=F("revision") + 1))

    def removable(self, *, undo: float) -> "DeletionQuerySet":
        """The deleted ones of which something is left that cannot be restored any more."""
        return self.filter(last_seq__gt=0, deleted__lte=Now() - timedelta(seconds=undo))

    def remove(self, id: uuid.UUID, *, undo: float) -> bool:
        """Remove what was said in a removable one; False if it is none (any more)."""
        return self.removable(undo=undo).filter(id=id).remove_whole()

    def unused_for(self, days: int) -> "DeletionQuerySet":
        """Those in which nothing was written for so many days."""
        return self.alive().filter(updated__lt=Now() - timedelta(days=days)).order_by("updated")

    def remove_unused(self, id: uuid.UUID, *, days: int) -> bool:
        """Delete such a one with what was said, for good; False if it is none (any more)."""
        return self.unused_for(days).filter(id=id).remove_whole()

    def remove_at_once(self, id: uuid.UUID) -> bool:
        """Delete one with what was said, for good, whosever it is; False if it was before."""
        return self.alive().filter(id=id).remove_whole()

    @transaction.atomic
    def remove_whole(self) -> bool:
        """Remove what was said in this one, for good; False if it is not there (any more)."""
        if not self.update(revision=F("revision") + 1):
            return False
        self.get().delete_content()
        return True
