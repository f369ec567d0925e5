import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from .message import Message


class StepQuerySet(models.QuerySet):
    def save_all(self, steps: list["Step"]) -> None:
        """Insert the steps, or bring them to where they are now."""
        if steps:
            self.bulk_create(
                steps,
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=["status", "ms", "detail"],
            )


class Step(models.Model):
    """A node of a flow at work on a reply, as its reader sees it."""

    class Status(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        ERROR = "error", _("Error")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveIntegerField(help_text="Order within the reply, from 1.")
    name = models.CharField(max_length=64)
    label = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=Status, default=Status.RUNNING)
    started = models.DateTimeField()
    ms = models.PositiveIntegerField(null=True, help_text="How long it took, once it has ended.")
    detail = models.TextField(blank=True)
    node = models.PositiveIntegerField(null=True, help_text="The `NodeRun` that told of it.")

    objects = StepQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["message", "position"], name="step_position_unique"),
            models.CheckConstraint(
                condition=models.Q(status__in=["running", "done", "error"]),
                name="step_status_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"
