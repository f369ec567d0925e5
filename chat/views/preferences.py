"""How a person wants the chat to be."""

from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.urls import Resolver404, resolve, reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django.views.generic import UpdateView

from chat.forms import PreferencesForm
from chat.models import Access, Profile
from chat.replies.sync import in_turn

from .language import speak
from .visitor import signed_in

THEME_COOKIE = "theme"
YEAR = 365 * 24 * 60 * 60


@method_decorator(never_cache, name="dispatch")
class Preferences(LoginRequiredMixin, UpdateView):
    """The settings of a person, a guest's too."""

    form_class = PreferencesForm
    template_name = "chat/preferences.html"

    def get_object(self, queryset=None) -> Profile:
        return Profile.objects.of(self.request.user)

    def get_context_data(self, **kwargs: Any) -> dict:
        read = Access.objects.owned_by(self.request.user)
        return super().get_context_data(
            sign_up=settings.SIGN_UP,
            next=came_from(self.request),
            times_read=read.count(),
            **kwargs,
        )

    def get_success_url(self) -> str:
        here, back = reverse("chat:settings"), came_from(self.request)
        return here if back == reverse("chat:new") else f"{here}?{urlencode({'next': back})}"

    def form_valid(self, form: PreferencesForm) -> HttpResponse:
        request = self.request
        response = in_turn(request.user, partial(super().form_valid, form))
        request.COOKIES.pop(settings.LANGUAGE_COOKIE_NAME, None)  # of the language until now
        speak(request, self.object.language)
        messages.success(request, _("Saved."))
        return remember(response, self.object)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """The colours alone, from within the chat: the posted `theme`, "" for the system's."""
    profile = Profile.objects.of(signed_in(request))
    chosen = request.POST.get("theme", "")
    if chosen not in Profile.Theme.values:
        return HttpResponseBadRequest("There is no such theme.")
    profile.theme = chosen
    in_turn(request.user, partial(profile.save, update_fields=["theme"]))
    return remember(HttpResponse(status=204), profile)


def came_from(request: HttpRequest) -> str:
    """The path of the conversation that the person came from, or of a new one."""
    told = request.POST.get("next") or request.GET.get("next") or request.headers.get("Referer", "")
    if url_has_allowed_host_and_scheme(told, {request.get_host()}):
        path = urlsplit(told).path
        with suppress(Resolver404):
            if resolve(path).view_name == "chat:conversation":
                return path
    return reverse("chat:new")


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
