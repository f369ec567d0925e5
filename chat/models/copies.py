import uuid
from collections.abc import Iterable

from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.db.models import F, Q

from .message import Ending, Message


class CopyQuerySet(models.QuerySet):
    """Of conversations, the copies in which operators retry replies. Each goes with its original:
    what an owner deletes is nowhere."""

    def copies(self) -> "CopyQuerySet":
        return self.filter(copy_of__isnull=False)

    def copies_of(self, id: uuid.UUID) -> "CopyQuerySet":
        """The copies that were made beside replies of the conversation `id`."""
        return self.filter(copy_of__conversation=id)

    def going_with(self, users: Iterable[AbstractBaseUser]) -> "CopyQuerySet":
        """What goes with these people: their conversations, the copies that they have made, and the
        copies of what is theirs."""
        of_theirs = self.model.objects.copies().filter(copy_of__conversation__owner__in=users)
        return self.filter(Q(owner__in=users) | Q(id__in=of_theirs.values("id")))

    @transaction.atomic
    def discard(self) -> None:
        """Delete these copies whole; what is being written in them ends."""
        ids = list(self.copies().values_list("id", flat=True))
        if ids:
            copies = self.model.objects.filter(id__in=ids)
            copies.update(revision=F("revision") + 1)  # held, as whatever is deleted
            # First the replies that are being written: see `Conversation.delete_content`.
            for reply in Message.objects.filter(conversation__in=ids).active().only("id"):
                Message.objects.end(reply.id, Ending(Message.Status.STOPPED))
            copies.delete()
