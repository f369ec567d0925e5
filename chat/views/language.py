"""The language of the pages: the person's own, else what their browser asks for."""

from django.conf import settings
from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

from chat.models import Profile


class LanguageMiddleware(LocaleMiddleware):
    """Django's (the cookie, else Accept-Language, else LANGUAGE_CODE), after who is signed in."""

    def process_request(self, request: HttpRequest) -> None:
        user = request.user
        speak(request, Profile.objects.language_of(user) if user.is_authenticated else "")


def speak(request: HttpRequest, chosen: str) -> None:
    """From here on, answer the request in the chosen language if it is offered, else in the one
    that the browser asks for."""
    offered = chosen in dict(settings.LANGUAGES)
    translation.activate(chosen if offered else translation.get_language_from_request(request))
    request.LANGUAGE_CODE = translation.get_language()
