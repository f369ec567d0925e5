"""What is in front of the chat: a proxy that ends TLS, and says so in a header that anybody could
write."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from chat.logs import fields

logger = logging.getLogger("chat.proxies")


class RefuseUntrusted:
    """Says what is wrong where a proxy that is not trusted has ended TLS: the redirect to https
    would lead to itself for ever."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse]) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        said = request.headers.get("X-Forwarded-Proto", "")
        if not settings.HTTPS or request.is_secure() or said != "https":
            return self.respond(request)
        peer = request.META.get("REMOTE_ADDR") or "a socket"
        logger.error("a proxy came that TRUSTED_PROXIES does not name", **fields(peer=peer))
        return HttpResponse(
            "This request came through a proxy that the chat does not trust. "
            "Its administrator finds in the log which, and names it in TRUSTED_PROXIES.",
            content_type="text/plain; charset=utf-8",
            status=502,
        )
