"""A message, and the reply's row as the log of what was written.

Three things happen to a reply that is being written, each one statement that compares before it
sets, so that any number of workers, stoppers, and settlers agree on what was last: `append` (its
worker writes on), `end` (it is final), `settle` (its worker is gone).
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import connections, models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now, Substr
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat.text import estimate_tokens

from .append import Append, append
from .charge import Charge

# A long history is read so many messages at a time.
READ = 50


@dataclass(frozen=True, slots=True)
class Ending:
    """How a reply ended; `error` is a code of the protocol."""

    status: str
    finish_reason: str = ""
    error: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    usage_estimated: bool = False


class MessageQuerySet(models.QuerySet):
    def active(self) -> "MessageQuerySet":
        """The replies that are being written."""
        return self.filter(status=Message.Status.RUNNING)

    def with_status(self, status: str) -> "MessageQuerySet":
        """Those of one status. All but `done` have an index, which SQLite takes only where its own
        condition is in the query."""
        found = self.filter(status=status)
        done = Message.Status.DONE
        return found if status == done else found.exclude(status=done)

    def newest(self) -> "MessageQuerySet":
        """The last message of each conversation: a reply, as soon as anything was asked."""
        return self.filter(seq=F("conversation__last_seq"))

    def shown(self) -> "MessageQuerySet":
        return self.filter(shown=True)

    def owned_by(self, user) -> "MessageQuerySet":
        return self.asked_by(user).filter(conversation__copy_of=None)

    def asked_by(self, user) -> "MessageQuerySet":
        """Those that count for the user's limits: in an operator's copies, too."""
        return self.filter(conversation__owner=user, conversation__deleted=None)

    def children_of(self, parents: Iterable[uuid.UUID | None]) -> "MessageQuerySet":
        """The messages that follow one of `parents`; None stands for the first messages."""
        parents = set(parents)
        firsts = Q(parent__isnull=True) if None in parents else Q()
        return self.filter(Q(parent__in=parents - {None}) | firsts)

    def history(self, characters: int) -> dict[uuid.UUID, dict]:
        """The end of the shown branch as a model is told of it, by the messages' ids: at least so
        many characters, if there are. Replies without text are left out."""
        said = self.shown().exclude(text="").order_by("-seq")
        newest: list[tuple] = []
        is_all = False
        while not is_all and characters > 0:
            older = said.filter(seq__lt=newest[-1][0]) if newest else said
            read = list(older.values_list("seq", "id", "role", "text")[:READ])
            newest += read
            characters -= sum(len(text) for *_, text in read)
            is_all = len(read) < READ
        return {id: {"role": role, "content": text} for _, id, role, text in reversed(newest)}

    def progress(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, "Message"]:
        """How far each reply is: its status and lengths, without its text."""
        return self.only("status", "length", "reasoning_length", "steps_changed").in_bulk(list(ids))

    def tail(self, id: uuid.UUID, length: int, reasoning_length: int) -> tuple[str, str]:
        """What a reply has beyond these lengths: text and reasoning, as they are now."""
        more = self.filter(id=id).values_list(
            Substr("text", length + 1), Substr("reasoning", reasoning_length + 1)
        )
        return more.first() or ("", "")

    # The life of a reply

    def append(self, appends: Iterable[Append], *, worker: str, lease: float) -> set[uuid.UUID]:
        """Write on, and renew each lease; returns the ids that matched: see `append`."""
        return append(connections[self.db], appends, worker=worker, lease=lease)

    def end(self, id: uuid.UUID, ending: Ending, **expected) -> bool:
        """Make a running reply final, and its charge what it cost; False if it was already, or is
        not as `expected`. To be called in a transaction."""
        ended = bool(
            self.active()
            .filter(id=id, **expected)
            .update(
                status=ending.status,
                finish_reason=ending.finish_reason,
                error=ending.error,
                prompt_tokens=ending.prompt_tokens,
                completion_tokens=ending.completion_tokens,
                usage_estimated=ending.usage_estimated,
                ended=Now(),
            )
        )
        if ended:
            given = ending.completion_tokens
            given = self._estimated_tokens(id) if given is None else given
            Charge.objects.settle(id, prompt=ending.prompt_tokens, completion=given)
        return ended

    def _estimated_tokens(self, id: uuid.UUID) -> int:
        """About what its model gave for a reply that was ended from outside."""
        rows = Message.objects.filter(id=id)
        kept = rows.values_list("kept", flat=True).first() or 0
        return sum(map(estimate_tokens, rows.tail(id, kept, 0)))

    def settle(self) -> list["Message"]:
        """Make these replies `interrupted`, those of them that are still running; returns which."""
        lost = Ending(status=Message.Status.INTERRUPTED, error="lost_worker")
        running = self.active().only("id", "conversation_id")
        settled = []
        for reply in running:
            with transaction.atomic():  # who sees the end sees how the steps ended, too
                # `self.end`, not that of all: one that renewed its lease is stale no more.
                if self.end(reply.id, lost):
                    reply.end_steps()
                    settled.append(reply)
        return settled

    def written_by(self, workers: Iterable[str]) -> "MessageQuerySet":
        return self.filter(worker__in=list(workers))

    def stale(self) -> "MessageQuerySet":
        """The active replies whose worker did not renew its lease."""
        return self.active().filter(lease_until__lt=Now())


class Message(models.Model):
    """A node of a conversation's tree: what a person wrote, or a reply to it.

    `shown` marks the shown branch, so that its end and its last messages are found without walking
    the tree. `length` counts the code points of `text`: databases disagree on how to. A running
    reply belongs to its `worker` until `lease_until`.
    """

    class Role(models.TextChoices):
        USER = "user", _("User")
        ASSISTANT = "assistant", _("Assistant")

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        STOPPED = "stopped", _("Stopped")
        INTERRUPTED = "interrupted", _("Interrupted")
        ERROR = "error", _("Error")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        "chat.Conversation", on_delete=models.CASCADE, related_name="messages"
    )
    seq = models.PositiveIntegerField(help_text="Order of making, over all branches.")
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")
    shown = models.BooleanField(default=True)
    role = models.CharField(_("role"), max_length=16, choices=Role)
    status = models.CharField(_("status"), max_length=16, choices=Status, default=Status.DONE)
    text = models.TextField(blank=True)
    length = models.PositiveIntegerField(_("length"), default=0)
    kept = models.PositiveIntegerField(
        null=True, help_text="How much of the text was taken over from the reply it continues."
    )
    reasoning = models.TextField(blank=True)
    reasoning_length = models.PositiveIntegerField(default=0)
    steps_changed = models.PositiveIntegerField(default=0)
    assistant = models.CharField(max_length=64, blank=True)
    model = models.CharField(_("model"), max_length=200, blank=True)
    cid = models.UUIDField(null=True, help_text="The client's name of the request that made it.")
    created = models.DateTimeField(_("created"), default=timezone.now)
    ended = models.DateTimeField(null=True)
    worker = models.CharField(max_length=64, blank=True)
    lease_until = models.DateTimeField(null=True)
    finish_reason = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=32, blank=True)
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    usage_estimated = models.BooleanField(default=False)

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        permissions = [("view_content", "Can read what was said")]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="message_seq_unique"),
            models.UniqueConstraint(fields=["conversation", "cid"], name="message_cid_unique"),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(status="running"),
                name="message_one_active_reply",
            ),
            models.UniqueConstraint(
                fields=["parent"],
                condition=Q(shown=True, parent__isnull=False),
                name="message_one_shown_child",
            ),
            models.UniqueConstraint(
                fields=["conversation"],
                condition=Q(shown=True, parent__isnull=True),
                name="message_one_shown_first",
            ),
            models.CheckConstraint(
                condition=Q(role__in=["user", "assistant"]), name="message_role_known"
            ),
            models.CheckConstraint(
                condition=Q(status="done")
                | Q(
                    role="assistant",
                    status__in=["running", "done", "stopped", "interrupted", "error"],
                ),
                name="message_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="running") | (~Q(worker="") & Q(lease_until__isnull=False)),
                name="message_running_has_worker",
            ),
            models.CheckConstraint(
                condition=Q(kept__isnull=True) | Q(kept__lte=F("length")),
                name="message_kept_within_text",
            ),
        ]
        indexes = [
            models.Index(fields=["-created"], name="message_latest"),
            models.Index(
                fields=["conversation", "-seq"], condition=Q(shown=True), name="message_shown"
            ),
            # Not of the lease: PostgreSQL would write every index anew each time it is renewed.
            models.Index(fields=["worker"], condition=Q(status="running"), name="message_running"),
            # Few are not done: an operator who looks for them finds them among any number.
            models.Index(
                fields=["status", "-created"],
                condition=~Q(status="done"),
                name="message_not_done",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.seq}"

    @property
    def is_reply(self) -> bool:
        return self.role == self.Role.ASSISTANT

    @property
    def is_final(self) -> bool:
        return self.status != self.Status.RUNNING

    @property
    def is_untouched(self) -> bool:
        """Whether it is a reply of which its worker has written nothing."""
        said = self.steps_changed or self.reasoning_length or self.length > (self.kept or 0)
        return not (said or self.is_final)

    def end_steps(self) -> None:
        """A reply that was ended from outside has no step that is still running."""
        self.steps.filter(status="running").update(status="error")

    def path(self) -> list[uuid.UUID]:
        """The ids from the first message of this one's branch down to itself."""
        parents = dict(self.conversation.messages.values_list("id", "parent"))
        path = [self.id]
        while parents[path[-1]] is not None:
            path.append(parents[path[-1]])
        return path[::-1]

    def latest_below(self) -> "Message":
        """The message with the highest `seq` at or below this one."""
        below = {self.id}
        latest = self.id
        later = self.conversation.messages.filter(seq__gt=self.seq).order_by("seq")
        for id, parent in later.values_list("id", "parent"):
            if parent in below:
                below.add(id)
                latest = id
        return self.conversation.messages.get(id=latest)


def lease_end(seconds: float):
    """When a lease that is taken now ends, by the database's clock."""
    return Now() + timedelta(seconds=seconds)
