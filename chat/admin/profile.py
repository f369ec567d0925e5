from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from chat.models import Profile

from .readonly import may_read
from .reason import ReasonedAdmin, is_open


@admin.register(Profile)
class ProfileAdmin(ReasonedAdmin):
    """Who is a guest. A profile goes with its account, never alone."""

    list_display = ("user", "guest")
    list_filter = ("guest",)
    list_select_related = ("user",)
    search_fields = (f"user__{get_user_model().USERNAME_FIELD}",)
    ordering = ("user",)
    actions = None
    question = gettext_lazy("Why do you read what this person asks of every reply?")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        profiles = super().get_queryset(request)
        return profiles if may_read(request) else profiles.defer("instructions")

    def get_fields(self, request: HttpRequest, obj: Profile | None = None) -> list[str]:
        """What a person asks of every reply is what they said, as much as a message is."""
        shown = obj is not None and may_read(request)
        shown = shown and (not obj.instructions or is_open(request, obj))
        return ["user", "guest", *(["instructions"] if shown else [])]

    def render_change_form(self, request: HttpRequest, context: dict, **options) -> HttpResponse:
        profile = options["obj"]
        some = may_read(request) and bool(profile.instructions)
        context |= self.reading(request, profile, text=some) | {"show_delete": False}
        return super().render_change_form(request, context, **options)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context=None) -> HttpResponse:
        raise PermissionDenied
