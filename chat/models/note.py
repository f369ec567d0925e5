from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

NOTE_LENGTH = 2_000


class Note(models.Model):
    """What an operator has to say about a conversation, or about one message: for operators who may
    read that, and gone with it."""

    conversation = models.ForeignKey(
        "chat.Conversation", on_delete=models.CASCADE, related_name="notes"
    )
    message = models.ForeignKey(
        "chat.Message", on_delete=models.CASCADE, null=True, related_name="notes"
    )
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    author_name = models.CharField(max_length=254)
    text = models.TextField(max_length=NOTE_LENGTH)
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ["created", "id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.author_name} {self.created:%Y-%m-%d %H:%M}"
