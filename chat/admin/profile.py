from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from chat.models import Profile

from .readonly import ReadOnlyAdmin


@admin.register(Profile)
class ProfileAdmin(ReadOnlyAdmin):
    """Who is a guest. A profile goes with its account, never alone."""

    list_display = ("user", "guest")
    list_filter = ("guest",)
    list_select_related = ("user",)
    search_fields = (f"user__{get_user_model().USERNAME_FIELD}",)
    ordering = ("user",)
    actions = None

    def render_change_form(self, request: HttpRequest, context: dict, **options) -> HttpResponse:
        return super().render_change_form(request, context | {"show_delete": False}, **options)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context=None) -> HttpResponse:
        raise PermissionDenied
