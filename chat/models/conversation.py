import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import models, transaction
from django.db.models import Exists, F, OuterRef, Q, Sum
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .access import Access
from .deletion import DeletionQuerySet
from .message import Ending, Message
from .profile import Profile
from .tag import Tag
from .tokens import COLUMNS, KeptTokens, TokensQuerySet

TITLE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Place:
    """Where a conversation stands in its owner's list."""

    pinned: bool
    updated: datetime
    id: uuid.UUID

    def __str__(self) -> str:
        return f"{self.pinned:d}_{self.updated.isoformat()}_{self.id}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """The place that `str` made this text of; ValueError if it is none."""
        pinned, updated, id = text.split("_")
        if pinned not in ("0", "1"):
            raise ValueError(text)
        try:
            moment = datetime.fromisoformat(updated).astimezone(UTC)
        except OverflowError:
            raise ValueError(text) from None
        return cls(pinned == "1", moment, uuid.UUID(id))


class ConversationQuerySet(TokensQuerySet, DeletionQuerySet):
    def owned_by(self, user: AbstractBaseUser) -> "ConversationQuerySet":
        """Those that the chat knows as theirs: an operator's copies are the admin's affair."""
        return self.filter(owner=user, copy_of=None)

    def owned_by_any(self, users: Iterable[AbstractBaseUser]) -> "ConversationQuerySet":
        return self.filter(owner__in=users)

    def with_content(self) -> "ConversationQuerySet":
        """Those of which something is left that was said, be it deleted for a moment."""
        return self.filter(last_seq__gt=0)

    def said(self) -> int:
        """How many messages there are: each has the next number of its conversation."""
        return self.aggregate(said=Sum("last_seq", default=0))["said"]

    def with_activity(self) -> "ConversationQuerySet":
        """Each with `active`: whether a reply is being written in it."""
        return self.annotate(
            active=Exists(Message.objects.filter(conversation=OuterRef("pk")).active())
        )

    def listed(self) -> "ConversationQuerySet":
        """As the list beside the chat shows them: pinned first, the latest first."""
        return self.alive().with_activity().order_by("-pinned", "-updated", "id")

    def after(self, place: Place) -> "ConversationQuerySet":
        """Those that the list has after `place`, whether or not there still is something there."""
        # The first condition alone lets the index begin at the place.
        here = Q(pinned=place.pinned, updated__lte=place.updated)
        here &= Q(updated__lt=place.updated) | Q(id__gt=place.id)
        return self.filter(here | Q(pinned=False) if place.pinned else here)

    def revisions(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
        """The revision of each of these conversations."""
        return dict(self.filter(id__in=ids).values_list("id", "revision"))

    def make(
        self, id: uuid.UUID, *, owner: AbstractBaseUser, assistant: str, model: str = ""
    ) -> None:
        """Insert the conversation unless its id is taken, by whomever."""
        made = Conversation(id=id, owner=owner, assistant=assistant, model=model)
        self.bulk_create([made], ignore_conflicts=True)

    def claim_title(self, id: uuid.UUID) -> bool:
        """Whether the model is to be asked for a title: once, and by one worker alone."""
        first_line = self.alive().filter(id=id, titled_by=Conversation.TitledBy.QUESTION)
        return bool(first_line.update(titled_by=Conversation.TitledBy.ASKED))

    def entitle(self, id: uuid.UUID, title: str, *, instead_of: str) -> bool:
        """Give the conversation the title that the model was asked for, unless it was renamed."""
        asked = Conversation.TitledBy.ASKED
        waiting = self.alive().filter(id=id, titled_by=asked, title=instead_of)
        return bool(
            waiting.update(
                title=title, titled_by=Conversation.TitledBy.MODEL, revision=F("revision") + 1
            )
        )

    @transaction.atomic
    def move(self, guest: AbstractBaseUser, *, to: AbstractBaseUser) -> list[uuid.UUID]:
        """Give `to` every conversation of the guest, who is no more then; returns which. A reply
        that is being written in one goes on. One who is a guest no more keeps everything."""
        # A request of theirs that is being accepted is waited for; the next finds nobody. And no
        # row that refers to them comes meanwhile.
        people = get_user_model().objects.select_for_update()
        people.values_list("pk").filter(pk=guest.pk).first()
        if not Profile.objects.filter(user=guest, guest=True).exists():
            return []
        theirs = self.owned_by(guest)
        moved = list(theirs.alive().values_list("id", flat=True))
        theirs.update(owner=to, revision=F("revision") + 1)
        Access.objects.move(guest, to=to)
        guest.delete()
        return moved

    def hold(self, id: uuid.UUID) -> bool:
        """Whether it is one of these; nobody changes or deletes it until the transaction ends."""
        held = self.select_for_update(no_key=True).filter(id=id)
        return held.values_list("pk").first() is not None

    def lock(self, id: uuid.UUID, *, owner: AbstractBaseUser) -> "Conversation":
        """The owner's conversation, held until the transaction ends, its revision risen by one.

        Raises DoesNotExist alike for an absent, a deleted, and another user's one.
        """
        mine = self.owned_by(owner).alive().filter(id=id)
        if not mine.update(revision=F("revision") + 1):
            raise Conversation.DoesNotExist
        return mine.get()


class Conversation(KeptTokens):
    """A tree of messages of which one branch is shown.

    `revision` rises first in every transaction that changes the tree, the shown branch, or the
    title, or that deletes: that update is the conversation's lock, and a reader who knows a
    revision knows whether there is news.
    """

    class TitledBy(models.TextChoices):
        QUESTION = "question", _("the question's first line")
        ASKED = "asked", _("the question's first line; the model was asked for another")
        MODEL = "model", _("the model")
        PERSON = "person", _("the owner")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(max_length=200, blank=True)
    # Defaults of the database, too: a worker of the version before makes conversations without
    # these. Nobody knows who wrote a title of such a one ("" in `titled_by`), so it stays.
    titled_by = models.CharField(
        max_length=16, choices=TitledBy, blank=True, default=TitledBy.QUESTION, db_default=""
    )
    title_prompt_tokens = models.PositiveIntegerField(null=True)
    title_completion_tokens = models.PositiveIntegerField(null=True)
    assistant = models.CharField(_("assistant"), max_length=64, help_text="The flow that answers.")
    model = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="The model that answers; empty: the default.",
    )
    pinned = models.BooleanField(default=False)
    created = models.DateTimeField(_("created"), default=timezone.now)
    updated = models.DateTimeField(default=timezone.now, help_text="When it was last written in.")
    deleted = models.DateTimeField(
        null=True, blank=True, help_text="What was said there is removed soon after."
    )
    flagged = models.DateTimeField(null=True, help_text="When an operator flagged it.")
    tags = models.ManyToManyField(Tag, related_name="conversations")
    copy_of = models.ForeignKey(
        Message,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        db_index=False,  # of the few that are, below
        related_name="copies",
        help_text="The reply that an operator has retried in this copy of its conversation.",
    )
    revision = models.PositiveBigIntegerField(default=0)
    last_seq = models.PositiveIntegerField(
        default=0, help_text="Of the newest message; 0 where nothing was said, or it is removed."
    )

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        indexes = [
            models.Index(
                fields=["owner", "-pinned", "-updated", "id"],
                condition=Q(deleted=None),
                name="conversation_listed",
            ),
            models.Index(
                fields=["deleted"],
                condition=Q(deleted__isnull=False, last_seq__gt=0),
                name="conversation_removable",
            ),
            models.Index(fields=["-updated"], name="conversation_latest"),
            models.Index(
                fields=["-flagged"],
                condition=Q(flagged__isnull=False),
                name="conversation_flagged",
            ),
            models.Index(
                fields=["copy_of"],
                condition=Q(copy_of__isnull=False),
                name="conversation_copies",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def said(self) -> int:
        """How many messages it has: each has the next number, and they go all together."""
        return 0 if self.deleted else self.last_seq

    @property
    def original(self) -> "Conversation":
        """What it is a copy of; else itself."""
        return self if self.copy_of_id is None else self.copy_of.conversation

    # The methods below change the tree. They are called with the conversation locked.

    def add(self, *, parent: Message | None, **fields) -> Message:
        """A new message after `parent` (None: a first one), which becomes the end of the shown
        branch."""
        return self.extend(parent, [Message(**fields)])[0]

    def extend(self, parent: Message | None, messages: list[Message]) -> list[Message]:
        """New messages, each after the one before it, the first after `parent`."""
        if not self.ends_with(parent):
            self.show_only(parent)
        for message in messages:
            self.last_seq += 1
            message.conversation, message.seq, message.parent = self, self.last_seq, parent
            if not self.title and message.role == Message.Role.USER:
                self.title = title_of(message.text)
            parent = message
        self.updated = timezone.now()
        Message.objects.bulk_create(messages)
        self.save(update_fields=["last_seq", "updated", "title"])
        return messages

    def ends_with(self, message: Message | None) -> bool:
        """Whether `message` is sure to be the end of the shown branch already: the usual case."""
        if message is None:
            return self.last_seq == 0
        return message.shown and message.seq == self.last_seq

    def show_only(self, last: Message | None) -> None:
        """Make the path from a first message to `last` the shown branch (None: an empty one)."""
        if last is not None and not last.shown:
            path = last.path()
            self.messages.filter(shown=True).exclude(id__in=path).update(shown=False)
            self.messages.filter(id__in=path).update(shown=True)
        else:
            after = last.seq if last else 0
            self.messages.filter(shown=True, seq__gt=after).update(shown=False)

    def show_through(self, message: Message) -> None:
        """Make the branch through `message`, down to the highest `seq` below it, the shown one."""
        self.show_only(message.latest_below())

    def mark_deleted(self) -> None:
        """Delete it for everybody; until it is removed, it can be restored, but for its copies."""
        Conversation.objects.copies_of(self.id).discard()
        self.deleted = Now()
        self.save(update_fields=["deleted"])

    def delete_content(self) -> None:
        """Delete what was said, and what operators said of it, for good. The row stays, so that a
        late `send` does not make it anew."""
        # The reply that is being written first, as its worker has it: that adds no step to it then,
        # and does not wait for one that is deleted here while this waits for the reply.
        for reply in self.messages.active().only("conversation"):
            Message.objects.end(reply.id, Ending(Message.Status.STOPPED))
        Conversation.objects.copies_of(self.id).discard()
        self.messages.all().delete()
        self.search_entries.all().delete()
        self.prompts.all().delete()
        self.notes.all().delete()
        self.tags.clear()
        self.flagged = None
        self.title = ""
        self.last_seq = self.counted = self.prompt_tokens = self.completion_tokens = 0
        self.deleted = self.deleted or timezone.now()
        changed = ("flagged", "title", "last_seq", "deleted", "counted", *COLUMNS)
        self.save(update_fields=changed)


def title_of(text: str) -> str:
    """The first line of `text`, cut at a word where it is too long for a list."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if len(line) <= TITLE_LENGTH:
        return line
    head, space, _ = line[:TITLE_LENGTH].rpartition(" ")
    return (head if space else line[:TITLE_LENGTH]).rstrip() + "…"
