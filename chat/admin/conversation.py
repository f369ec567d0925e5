from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chat.models import Access, Conversation, Message
from chat.replies import bus
from chat.replies.stop import stop_reply

from . import facts, search, transcript
from .delete import Deleting
from .export import Exporting
from .filters import (
    Assistant,
    ChosenModel,
    DateRange,
    Deleted,
    Flagged,
    GuestOwner,
    LastActivity,
    NewestReply,
    Tagged,
)
from .live import Live
from .marks import MarkedAdmin, flag_chip, tag_chips
from .readonly import may_read
from .reason import ReasonedAdmin
from .retry import Copies, Retrying, copy_chip, page_of

OWNER_NAME = get_user_model().USERNAME_FIELD
OWNED = "owner__id__exact"  # in an address: those of one owner


@admin.register(Conversation)
class ConversationAdmin(Deleting, Exporting, Retrying, Live, ReasonedAdmin, MarkedAdmin):
    """Conversations: the list, the thread, a reply stopped."""

    class Media:
        css = {"all": ["chat/css/admin-acts.css"]}

    list_filter = (
        NewestReply,
        Flagged,
        Tagged,
        ("updated", LastActivity),
        ("created", DateRange),
        Assistant,
        ChosenModel,
        GuestOwner,
        Deleted,
        Copies,
    )
    linked_by = ("owner",)
    ordering = ("-updated",)
    actions = (
        "flag_selected",
        "unflag_selected",
        "tag_selected",
        "untag_selected",
        "export_selected",
        "stop_replies",
        "delete_selected",
    )

    # The list

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        replies = Message.objects.filter(
            conversation=OuterRef("pk"), role=Message.Role.ASSISTANT
        ).order_by("-seq")
        conversations = super().get_queryset(request).select_related("owner__profile")
        conversations = conversations.defer("owner__profile__instructions")
        conversations = conversations.prefetch_related("tags")
        conversations = conversations.annotate(
            newest=Subquery(replies.values("status")[:1]),
            newest_model=Subquery(replies.values("model")[:1]),
        )
        return conversations if may_read(request) else conversations.defer("title")

    def get_list_display(self, request: HttpRequest) -> list[str]:
        name = "titled" if may_read(request) else "untitled"
        return [name, "state", "owned_by", "answered_by", "said", "last_activity"]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        return [OWNER_NAME]  # so that there is a box; what is typed there is for `search`

    def get_search_help(self, request: HttpRequest) -> str:
        if may_read(request):
            return _("By the owner's name, the title, what was said, or how the id begins.")
        return _("By the owner's name, or how the id begins.")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """What `search` finds; that an operator looked for words that somebody said is logged."""
        if not search_term.strip():
            return queryset, False
        readable = may_read(request)
        if readable:
            Access.objects.log_search(request.user, search_term)
        found = search.find(queryset, search_term, readable=readable)
        if found.is_behind:
            said = _("What was said is still being made ready for searching. Search again.")
            self.message_user(request, said, messages.WARNING)
        request.found = found
        return queryset.filter(id__in=found.ids), False

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        changelist = super().get_changelist_instance(request)
        rows = changelist.result_list = list(changelist.result_list)
        used = Message.objects.filter(conversation__in=rows).tokens_of_each()
        found = getattr(request, "found", None)
        excerpts = found.excerpts(self._opened(request, rows)) if found else {}
        for row in rows:
            row.tokens = facts.read_and_written(*used.get(row.id, (None, None)))
            row.excerpt = excerpts.get(row.id, "")
            row.beside = changelist.get_query_string({OWNED: row.owner_id})
        if OWNED in request.GET:
            changelist.of_all = changelist.get_query_string(remove=[OWNED])
        return changelist

    def _opened(self, request: HttpRequest, rows: list[Conversation]) -> list[UUID]:
        """Those of the rows in which the operator may be shown what was said: an excerpt is
        something read."""
        ids = [row.id for row in rows]
        return Access.objects.opened(request.user, ids)

    @admin.display(description=gettext_lazy("conversation"), ordering="title")
    def titled(self, conversation: Conversation) -> SafeString:
        label = facts.label(conversation, readable=True) + tag_chips(conversation)
        if conversation.excerpt:
            excerpt = format_html(
                '<span class="chat-excerpt" dir="auto">{}</span>', conversation.excerpt
            )
            label += excerpt
        return label

    @admin.display(description=gettext_lazy("conversation"))
    def untitled(self, conversation: Conversation) -> SafeString:
        return facts.label(conversation, readable=False) + tag_chips(conversation)

    @admin.display(description=gettext_lazy("owner"), ordering=f"owner__{OWNER_NAME}")
    def owned_by(self, conversation: Conversation) -> SafeString:
        """With a link to all of theirs, among those that are listed."""
        return format_html('<a href="{}">{}</a>', conversation.beside, facts.owner(conversation))

    @admin.display(description=gettext_lazy("assistant"), ordering="assistant")
    def answered_by(self, conversation: Conversation) -> SafeString:
        return _two_lines(conversation.assistant, conversation.newest_model or "")

    @admin.display(description=gettext_lazy("messages"), ordering="last_seq")
    def said(self, conversation: Conversation) -> SafeString:
        return _two_lines(conversation.said, conversation.tokens)

    @admin.display(description=gettext_lazy("last activity"), ordering="updated")
    def last_activity(self, conversation: Conversation) -> str:
        return facts.minute(conversation.updated)

    @admin.display(description=gettext_lazy("state"), empty_value="")
    def state(self, conversation: Conversation) -> SafeString | None:
        if conversation.deleted:
            return facts.chip("deleted")
        notable = {Message.Status.RUNNING, Message.Status.INTERRUPTED, Message.Status.ERROR}
        chips = [flag_chip()] if conversation.flagged else []
        chips += [facts.chip(conversation.newest)] if conversation.newest in notable else []
        chips += [copy_chip()] if conversation.copy_of_id else []
        return format_html_join(" ", "{}", ((chip,) for chip in chips)) if chips else None

    # The thread

    def render_change_form(self, request: HttpRequest, context: dict, **options) -> HttpResponse:
        conversation = options["obj"]
        reading = self.reading(request, conversation, text=conversation.deleted is None)
        readable = reading["readable"]
        read = transcript.read(
            conversation,
            readable=readable,
            through=_uuid(request.GET.get("through", "")),
            page=_number(request.GET.get("page", "")),
        )
        context |= {
            **reading,
            **self.marks(request, conversation, read, readable=readable),
            "title": (readable and conversation.title)
            or _("Conversation %(id)s") % {"id": facts.short(conversation.id)},
            "may_stop": self.has_stop_permission(request),
            "show_delete": conversation.deleted is None,
            "owner": facts.owner(conversation),
            "said": conversation.said,
            "title_tokens": facts.title_tokens(conversation),
            "flag": flag_chip() if conversation.flagged else "",
            "transcript": read,
        }
        return super().render_change_form(request, context, **options)

    # Stop

    def get_urls(self) -> list:
        stop = self.admin_site.admin_view(self.stop_view)
        return [
            path("<uuid:object_id>/stop/<uuid:reply>/", stop, name="chat_conversation_stop"),
            *super().get_urls(),
        ]

    def has_stop_permission(self, request: HttpRequest) -> bool:
        """Stopping changes something, so it asks for the permission to change."""
        return self.has_mark_permission(request)

    def stop_view(self, request: HttpRequest, object_id: UUID, reply: UUID) -> HttpResponse:
        """Stop one reply: the button beside it posts here."""
        if not self.has_stop_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        replies = Message.objects.filter(conversation=object_id, role=Message.Role.ASSISTANT)
        message = get_object_or_404(_without_words(replies), id=reply)
        if self._stop(request, message):
            self.message_user(request, _("The reply is stopped."), messages.SUCCESS)
        else:
            self.message_user(request, _("The reply had ended already."), messages.INFO)
        return HttpResponseRedirect(f"{page_of(message.conversation)}#m-{reply}")

    @admin.action(permissions=["stop"], description=gettext_lazy("Stop the replies"))
    def stop_replies(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Stop what is being written in the selected conversations."""
        active = Message.objects.active().filter(conversation__in=queryset.values("id"))
        stopped = sum(self._stop(request, reply) for reply in _without_words(active))
        said = ngettext("%(n)d reply is stopped.", "%(n)d replies are stopped.", stopped)
        level = messages.SUCCESS if stopped else messages.INFO
        nothing = _("No reply is being written there.")
        self.message_user(request, said % {"n": stopped} if stopped else nothing, level)

    def _stop(self, request: HttpRequest, reply: Message) -> bool:
        """Stop a reply, log who did, and ring; False if it was final already."""
        with transaction.atomic():
            stopped = stop_reply(reply)
            if stopped:
                note = _("Stopped the reply, message %(seq)d.") % {"seq": reply.seq}
                self.log_change(request, reply.conversation, note)
                transaction.on_commit(lambda: bus.ring(bus.ENDED, reply.conversation_id))
        return stopped


def _two_lines(first: object, second: str) -> SafeString:
    return format_html('{}<span class="chat-second">{}</span>', first, second)


def _without_words(replies: QuerySet) -> QuerySet:
    """The replies with their conversations, without what was said in them."""
    words = ("text", "reasoning", "conversation__title")
    return replies.select_related("conversation").defer(*words)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None
