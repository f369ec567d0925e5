from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chat.models import Access, Conversation, Message, tokens

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
from .retry import Copies, Retrying
from .stop import Stopping

OWNER_NAME = get_user_model().USERNAME_FIELD
OWNED = "owner__id__exact"  # in an address: those of one owner


@admin.register(Conversation)
class ConversationAdmin(Deleting, Exporting, Retrying, Stopping, Live, ReasonedAdmin, MarkedAdmin):
    """Conversations: the list, and the thread."""

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
        conversations = super().get_queryset(request).select_related("owner__profile")
        conversations = conversations.defer("owner__profile__instructions")
        conversations = conversations.prefetch_related("tags")
        return conversations if may_read(request) else conversations.defer("title")

    def get_list_display(self, request: HttpRequest) -> list[str]:
        name = "titled" if may_read(request) else "untitled"
        return [name, "state", "owned_by", "answered_by", "used_tokens", "last_activity"]

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
        ids = [row.id for row in rows]
        used = Conversation.objects.filter(id__in=ids).tokens_of_each()
        newest = Message.objects.newest().filter(conversation__in=ids)
        newest = {id: about for id, *about in newest.values_list("conversation", "status", "model")}
        found = getattr(request, "found", None)
        excerpts = found.excerpts(self._opened(request, rows)) if found else {}
        for row in rows:
            read, written = used.get(row.id, (0, 0))
            row.tokens = facts.read_and_written(read, written) if read or written else ""
            row.newest, row.newest_model = newest.get(row.id, ("", ""))
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
        return _two_lines(conversation.assistant, conversation.newest_model)

    @admin.display(description=gettext_lazy("tokens"), ordering=sum(tokens.sums().values()))
    def used_tokens(self, conversation: Conversation) -> SafeString:
        said = ngettext("%(n)s message", "%(n)s messages", conversation.said)
        said %= {"n": facts.number(conversation.said)}
        return _two_lines(conversation.tokens or "–", said)

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
        chips += [facts.copy_chip(conversation)] if conversation.copy_of_id else []
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


def _two_lines(first: object, second: str) -> SafeString:
    return format_html('{}<span class="chat-second">{}</span>', first, second)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None
