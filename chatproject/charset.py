"""What is posted is UTF-8, whatever it says it is."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse


class ReadAsUTF8:
    """Reads forms in no charset that who posts them names. Some make of plain letters what no
    database takes, and a wrong password that came with it would not be counted; others are none
    for texts at all."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse]) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.encoding = settings.DEFAULT_CHARSET
        return self.respond(request)
