from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property

from chat import words
from chat.models import Message
from chat.replies import bus
from chat.replies.settle import abandoned

MOST_LISTED = 10_000


def may_read(request: HttpRequest) -> bool:
    """Whether the operator may read what was said."""
    return request.user.has_perm("chat.view_content")


def settle_lost() -> None:
    """Write `interrupted` where a worker is gone: a status is shown as its row has it, so the row
    must be true before it is shown."""
    for reply in abandoned(Message.objects.all()).settle():
        bus.ring(bus.ENDED, reply.conversation_id)


class LimitedPaginator(Paginator):
    """Pages of the first rows: to count them all would read a whole table for every page."""

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[:MOST_LISTED].count()


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows to look at: nobody adds or changes one here."""

    # Columns that a link of ours filters by, beside those of `list_filter`.
    linked_by: tuple[str, ...] = ()

    list_per_page = 50
    paginator = LimitedPaginator
    show_full_result_count = False  # it would count the whole table on every page
    show_facets = admin.ShowFacets.NEVER  # each would be a count of its own

    class Media:
        css = {
            "all": [
                "chat/css/admin.css",
                "chat/css/transcript.css",
                "chat/css/trace.css",
                "chat/css/graph.css",
            ]
        }

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj=None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        """As Django's, which makes a condition of each word: SQLite refuses a thousand of them."""
        return super().get_search_results(request, queryset, search_term[: words.ASKED])

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only what the page offers. By default the address may ask for any column, and
        `?title__startswith=` would tell a title letter by letter to one who may not read it."""
        offered = {*self.linked_by}
        for entry in self.get_list_filter(request):
            if isinstance(entry, str):
                offered.add(entry)
            else:
                offered.add(entry[0] if isinstance(entry, tuple) else entry.parameter_name)
        column = lookup.split("__")[0]
        return column in offered and super().lookup_allowed(lookup, value, request)


class ContentAdmin(ReadOnlyAdmin):
    """Rows that hold what was said, of which an operator may see more or less."""

    change_list_template = "admin/chat/content_list.html"

    def get_fields(self, request: HttpRequest, obj=None) -> list[str]:
        return []  # the change page's template tells what there is, and asks for no form

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        changelist = super().get_changelist_instance(request)
        changelist.search_help_text = self.get_search_help(request)
        return changelist

    def get_search_help(self, request: HttpRequest) -> str:
        raise NotImplementedError

    def changelist_view(self, request: HttpRequest, extra_context=None) -> HttpResponse:
        settle_lost()
        context = {"readable": may_read(request), "limit": MOST_LISTED} | (extra_context or {})
        return super().changelist_view(request, context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context=None
    ) -> HttpResponse:
        settle_lost()
        context = {"readable": may_read(request), "subtitle": None} | (extra_context or {})
        return super().change_view(request, object_id, form_url, context)
