"""What a flow did for a reply: its nodes, and what was sent to the models.

It is written once, when the reply ends, and goes with it. What was sent is kept as references to
the messages that it came from; text of its own is kept once for each conversation.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import models

from .conversation import Conversation
from .message import Message


@dataclass(frozen=True, slots=True)
class Trace:
    """The rows of one reply's trace."""

    run: "Run"
    nodes: list["NodeRun"]
    calls: list["Call"]
    prompts: list["Prompt"]


class RunQuerySet(models.QuerySet):
    def save_all(self, traces: Iterable[Trace]) -> None:
        """Insert whole traces, of any number of replies in a statement for each table."""
        traces = list(traces)
        self.bulk_create([trace.run for trace in traces])
        NodeRun.objects.bulk_create([row for trace in traces for row in trace.nodes])
        prompts = [row for trace in traces for row in trace.prompts]
        Prompt.objects.bulk_create(prompts, ignore_conflicts=True)
        Call.objects.bulk_create([row for trace in traces for row in trace.calls])


class Run(models.Model):
    """A flow's run for a reply. A reply without one has no trace: its worker was lost."""

    message = models.OneToOneField(
        Message, on_delete=models.CASCADE, primary_key=True, related_name="run"
    )
    graph = models.JSONField(help_text="The flow's nodes and transitions, as they were.")
    ms = models.FloatField(help_text="From the flow's beginning to its end.")
    first_token_ms = models.FloatField(
        null=True, help_text="Until the first of it was kept, which is when it can be seen."
    )

    objects = RunQuerySet.as_manager()

    def __str__(self) -> str:
        return f"run of {self.message_id}"


class NodeRun(models.Model):
    """One run of one node. Of very many only the first and the last are kept."""

    # The constraint's index does for it.
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="nodes", db_index=False
    )
    position = models.PositiveIntegerField(help_text="Order of beginning, from 1.")
    node = models.PositiveIntegerField(help_text="Which of the graph's nodes it is.")
    name = models.CharField(max_length=64)
    depth = models.PositiveIntegerField(help_text="How many flows it is within.")
    started = models.FloatField(help_text="Milliseconds after the run's beginning.")
    prep_ms = models.FloatField()
    exec_ms = models.FloatField(null=True, help_text="Empty where it did not come to that.")
    post_ms = models.FloatField(null=True)
    action = models.CharField(max_length=64, blank=True, help_text="The transition it chose.")
    returned = models.CharField(
        max_length=64, blank=True, help_text="What it returned instead, which led nowhere."
    )
    retries = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=32, blank=True)
    raised = models.CharField(max_length=64, blank=True, help_text="The last exception's class.")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["message", "position"], name="node_position_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.name}"


class Call(models.Model):
    """One call of a model. `sent` says what it was sent, in the order of the messages:
    `{"from", "to", "count"}` stands for the messages of the reply's branch between two ids, those
    without text left out; `{"role", "parts"}` for any other, whose parts are text as it is,
    `{"message": id}`, `{"prompt": digest}`, or `{"left_out": characters}`.
    """

    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="calls", db_index=False
    )
    position = models.PositiveIntegerField(help_text="Order within the reply, from 1.")
    node = models.PositiveIntegerField(null=True, help_text="The `NodeRun` that asked.")
    model = models.CharField(max_length=200, blank=True)
    max_tokens = models.PositiveIntegerField(null=True)
    temperature = models.FloatField(null=True)
    sent = models.JSONField()
    started = models.FloatField(help_text="Milliseconds after the run's beginning.")
    first_ms = models.FloatField(null=True, help_text="Until its first text or reasoning.")
    ms = models.FloatField()
    tries = models.PositiveIntegerField(default=1)
    finish_reason = models.CharField(max_length=64, blank=True)
    prompt_tokens = models.PositiveIntegerField(null=True)
    completion_tokens = models.PositiveIntegerField(null=True)
    error = models.CharField(max_length=32, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["message", "position"], name="call_position_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.model}"


class PromptQuerySet(models.QuerySet):
    def of_replies(self, replies: Iterable[uuid.UUID]) -> "PromptQuerySet":
        """Those of the conversations that these replies are in."""
        conversations = Message.objects.filter(id__in=list(replies)).values("conversation")
        return self.filter(conversation__in=conversations)


class Prompt(models.Model):
    """A text that was sent to a model and is nobody's message: kept once, and as long as what was
    said in the conversation, for it may be made of that."""

    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="prompts", db_index=False
    )
    digest = models.UUIDField(help_text="Of the text.")
    text = models.TextField()

    objects = PromptQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["conversation", "digest"], name="prompt_once"),
        ]

    def __str__(self) -> str:
        return str(self.digest)
