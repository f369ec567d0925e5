"""How a person wants the chat to be."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.generic import UpdateView

from chat.forms import PreferencesForm
from chat.models import Profile

THEME_COOKIE = "theme"
YEAR = 365 * 24 * 60 * 60


@method_decorator(never_cache, name="dispatch")
class Preferences(LoginRequiredMixin, UpdateView):
    """The settings of a person, a guest's too."""

    form_class = PreferencesForm
    template_name = "chat/preferences.html"
    success_url = reverse_lazy("chat:settings")

    def get_object(self, queryset=None) -> Profile:
        return Profile.objects.of(self.request.user)

    def get_context_data(self, **kwargs: Any) -> dict:
        return super().get_context_data(sign_up=settings.SIGN_UP, **kwargs)

    def form_valid(self, form: PreferencesForm) -> HttpResponse:
        response = super().form_valid(form)
        messages.success(self.request, _("Saved."))
        return remember(response, self.object)


def remember(response: HttpResponse, profile: Profile) -> HttpResponse:
    """Let the browser know what a page must know before it knows who is there: the colours and the
    language."""
    cookies = {THEME_COOKIE: profile.theme, settings.LANGUAGE_COOKIE_NAME: profile.language}
    for name, value in cookies.items():
        if value:
            response.set_cookie(
                name,
                value,
                max_age=YEAR,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        else:
            response.delete_cookie(name, samesite="Lax")
    return response


def appearance(request: HttpRequest) -> dict:
    """The colours, for every template: they are there with the page, not a moment later."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {"theme": theme if theme in Profile.Theme.values else ""}
