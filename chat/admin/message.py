from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.models import Conversation, Message

from . import facts, transcript
from .filters import DateRange, Model, Status
from .readonly import ContentAdmin, may_read
from .reason import ReasonedAdmin


@admin.register(Message)
class MessageAdmin(ReasonedAdmin, ContentAdmin):
    """Messages of all conversations: the list, and one with its facts.

    One alone is never deleted: a conversation's tree would lose a branch. The permission to delete
    counts where a whole account is deleted.
    """

    list_display_links = ("number",)
    list_filter = ("role", Status, Model, ("created", DateRange))
    linked_by = ("conversation",)
    ordering = ("-created",)
    actions = None

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request).select_related("conversation__owner")
        rows = rows.filter(conversation__deleted=None)  # they may be there for a while
        words = ("text", "reasoning")
        return rows.defer(*words, *(() if may_read(request) else ("conversation__title",)))

    def get_list_display(self, request: HttpRequest) -> list[str]:
        name = "in_titled" if may_read(request) else "in_untitled"
        return ["number", name, "role", "state", "model", "length", "used_tokens", "written"]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        name = get_user_model().USERNAME_FIELD
        return ["^id", "^conversation__id", f"conversation__owner__{name}"]

    def get_search_help(self, request: HttpRequest) -> str:
        return _("By how the message's or the conversation's id begins, or the owner's name.")

    @admin.display(description=gettext_lazy("number"), ordering="seq")
    def number(self, message: Message) -> str:
        return f"#{message.seq}"

    @admin.display(description=gettext_lazy("conversation"))
    def in_titled(self, message: Message) -> SafeString:
        return self._thread(message, readable=True)

    @admin.display(description=gettext_lazy("conversation"))
    def in_untitled(self, message: Message) -> SafeString:
        return self._thread(message, readable=False)

    def _thread(self, message: Message, *, readable: bool) -> SafeString:
        """A link to the message in its conversation."""
        thread = reverse("admin:chat_conversation_change", args=[message.conversation_id])
        name = facts.label(message.conversation, readable=readable)
        copy = facts.copy_chip(message.conversation)
        link = format_html('<a href="{}?through={}#m-{}">{}</a>', thread, *[message.id] * 2, name)
        return format_html("{} {}", link, copy) if copy else link

    @admin.display(description=gettext_lazy("status"), ordering="status", empty_value="")
    def state(self, message: Message) -> SafeString | None:
        return facts.chip(message.status) if message.is_reply else None

    @admin.display(description=gettext_lazy("tokens"), ordering="completion_tokens")
    def used_tokens(self, message: Message) -> str:
        return facts.tokens(message)

    @admin.display(description=gettext_lazy("created"), ordering="created")
    def written(self, message: Message) -> str:
        return facts.minute(message.created)

    # One message

    def subject_of(self, obj: Message) -> Conversation:
        return obj.conversation

    def render_change_form(self, request: HttpRequest, context: dict, **options) -> HttpResponse:
        message = options["obj"]
        reading = self.reading(request, message, text=True)
        readable = reading["readable"]
        context |= {
            **reading,
            "title": _("Message %(seq)d") % {"seq": message.seq},
            "turn": transcript.one(message, readable=readable),
            "thread": self._thread(message, readable=may_read(request)),
            "show_delete": False,
        }
        return super().render_change_form(request, context, **options)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context=None) -> HttpResponse:
        raise PermissionDenied
