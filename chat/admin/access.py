from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from chat.models import Access

from . import facts
from .filters import DateRange, Operator
from .readonly import ReadOnlyAdmin, may_read


@admin.register(Access)
class AccessAdmin(ReadOnlyAdmin):
    """Who read what, and why: nobody changes or deletes a row."""

    list_display_links = None
    list_filter = (Operator, ("created", DateRange))
    linked_by = ("conversation", "owner")
    ordering = ("-created",)
    actions = None
    search_fields = ("operator_name", "reason", "^conversation__id")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request).select_related("owner__profile")
        return rows.defer("owner__profile__instructions")

    def get_fields(self, request: HttpRequest, obj: Access | None = None) -> list[str]:
        # What was searched for may be what somebody said.
        return [
            "at",
            "operator_name",
            "owned_by",
            "subject",
            "why" if may_read(request) else "reason",
        ]

    def get_list_display(self, request: HttpRequest) -> list[str]:
        return self.get_fields(request)

    def has_delete_permission(self, request: HttpRequest, obj: Access | None = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("time"), ordering="created")
    def at(self, access: Access) -> str:
        return facts.minute(access.created)

    @admin.display(description=gettext_lazy("owner"), empty_value="")
    def owned_by(self, access: Access) -> SafeString | None:
        return facts.owner(access) if access.owner else None

    @admin.display(description=gettext_lazy("read"))
    def subject(self, access: Access) -> SafeString | str:
        if access.words:
            return _("Searched in everything")
        if not access.conversation_id:
            return _("The owner's instructions") if access.owner_id else _("Someone's instructions")
        id = facts.short(access.conversation_id)
        if not access.owner_id:
            return id  # it went with its owner
        page = reverse("admin:chat_conversation_change", args=[access.conversation_id])
        return format_html('<a href="{}">{}</a>', page, id)

    @admin.display(description=gettext_lazy("why"), empty_value="")
    def why(self, access: Access) -> str | None:
        return f"“{access.words}”" if access.words else access.reason or None
