"""Conversations of everybody as a file: those that are selected, all that the filters find, or one.

Whoever may not read what was said gets the table without it, and nothing else.
"""

from collections.abc import Iterator
from functools import partial
from types import ModuleType
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chat.export import FORMATS_OF_MANY, table
from chat.export.download import download
from chat.export.filename import filename
from chat.models import Access, Conversation

from . import facts
from .readonly import may_read, settle_lost
from .reason import ReasonForm, is_open

AT_ONCE = 50  # conversations
ID_BYTES = 16
FORMATS = {
    "csv": (
        "CSV",
        gettext_lazy("A table for spreadsheets: a row for each message."),
    ),
    "json": (
        "JSON",
        gettext_lazy("Everything, with all versions and steps, for other programs."),
    ),
    "markdown": (
        "Markdown",
        gettext_lazy("What the owners are shown, to be read."),
    ),
}


class Chosen:
    """Conversations in an order. Of each only its id is kept, so there may be any number; what is
    deleted meanwhile is left out."""

    def __init__(self, conversations: QuerySet) -> None:
        self._ids = bytearray()
        self.said = 0  # messages
        for id, said in conversations.values_list("id", "last_seq").iterator():
            self._ids += id.bytes
            self.said += said

    def __len__(self) -> int:
        return len(self._ids) // ID_BYTES

    def __iter__(self) -> Iterator[Conversation]:
        alive = Conversation.objects.alive().select_related("owner")
        for start in range(0, len(self._ids), AT_ONCE * ID_BYTES):
            page = self._ids[start : start + AT_ONCE * ID_BYTES]
            ids = [
                UUID(bytes=bytes(page[at : at + ID_BYTES])) for at in range(0, len(page), ID_BYTES)
            ]
            found = alive.in_bulk(ids)
            yield from (found[id] for id in ids if id in found)


class Exporting:
    """What `ConversationAdmin` has to export by."""

    change_list_template = "admin/chat/conversation/list.html"

    def get_urls(self) -> list:
        every = self.admin_site.admin_view(self.export_found_view)
        one = self.admin_site.admin_view(self.export_one_view)
        return [
            path("export/", every, name="chat_conversation_export_found"),
            path("<uuid:object_id>/export/", one, name="chat_conversation_export"),
            *super().get_urls(),
        ]

    @admin.action(
        permissions=["view"], description=gettext_lazy("Export the selected conversations")
    )
    def export_selected(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse:
        """Asks for the format first, as Django's own deletion asks whether to."""
        names = ("action", "_selected_action", "select_across")
        again = [(name, value) for name in names for value in request.POST.getlist(name)]
        return self._export(request, queryset, again=again)

    def export_found_view(self, request: HttpRequest) -> HttpResponse:
        """All that the list's filters and search find."""
        self._check_may_view(request)
        settle_lost()
        try:
            found = self.get_changelist_instance(request).queryset
        except IncorrectLookupParameters:
            return HttpResponseRedirect(reverse("admin:chat_conversation_changelist"))
        return self._export(request, found)

    def export_one_view(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        self._check_may_view(request)
        settle_lost()
        found = self.get_queryset(request).alive().filter(id=object_id)
        return self._export(request, found, one=get_object_or_404(found))

    def _check_may_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _export(
        self,
        request: HttpRequest,
        queryset: QuerySet,
        *,
        one: Conversation | None = None,
        again: list[tuple[str, str]] = (),
    ) -> HttpResponse:
        """The file, once a format is chosen; else the page that asks for one, whose form says
        `again` what this request has said."""
        readable, queryset = may_read(request), queryset.alive().prefetch_related(None)
        offered = FORMATS if readable else {"csv": FORMATS["csv"]}
        chosen = request.POST.get("as", "")
        asks = readable and settings.ADMIN_REASON and not (one and is_open(request, one))
        form = ReasonForm(request.POST) if asks and chosen else ReasonForm() if asks else None
        if chosen in offered and (form is None or form.is_valid()):
            found = Chosen(queryset)
            if readable:
                reason = form.cleaned_data["reason"] if form else ""
                Access.objects.log_each(request.user, found, reason)
            return self._file(request, found, chosen, one=one, readable=readable)
        said = queryset.said()
        context = {
            **self.admin_site.each_context(request),
            "title": _("Export"),
            "opts": self.opts,
            "readable": readable,
            "one": one,
            "called": one and ((readable and one.title) or facts.short(one.id)),
            "counted": _counted(1 if one else queryset.count(), said),
            "is_empty": not said,
            "ask": form,
            "formats": [(name, *about) for name, about in offered.items()],
            "again": again,
            "media": self.media,
        }
        return TemplateResponse(request, "admin/chat/conversation/export.html", context)

    def _file(
        self,
        request: HttpRequest,
        found: Chosen,
        chosen: str,
        *,
        one: Conversation | None,
        readable: bool,
    ) -> StreamingHttpResponse:
        form = FORMATS_OF_MANY[chosen]
        self._log_export(request, one, len(found), found.said, FORMATS[chosen][0])
        title = one.title if one and readable else _("Conversations")
        name = filename(title, timezone.now(), form.SUFFIX)
        return download(_pieces(form, found, readable=readable), name, form.CONTENT_TYPE)

    def _log_export(
        self, request: HttpRequest, one: Conversation | None, count: int, said: int, form: str
    ) -> None:
        """Who took what is in Django's log: of one conversation in its history, of many by their
        number."""
        counted = _counted(count, said)
        note = _("Exported as %(form)s: %(counted)s.") % {"form": form, "counted": counted}
        if one is not None:
            self.log_change(request, one, note)
            return
        LogEntry.objects.create(
            user_id=request.user.pk,
            content_type=ContentType.objects.get_for_model(self.model),
            object_repr=counted,
            action_flag=CHANGE,
            change_message=note,
        )


def _pieces(form: ModuleType, found: Chosen, *, readable: bool) -> Iterator[bytes]:
    write = form.conversations if readable else partial(table.conversations, readable=False)
    return (text.encode() for text in write(found))


def _counted(conversations: int, said: int) -> str:
    """So many conversations and messages, in words."""
    of = ngettext("%(n)s conversation", "%(n)s conversations", conversations)
    with_ = ngettext("%(n)s message", "%(n)s messages", said)
    numbers = [facts.number(conversations), facts.number(said)]
    return f"{of % {'n': numbers[0]}}, {with_ % {'n': numbers[1]}}"
