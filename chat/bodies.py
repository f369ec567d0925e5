"""The body of a request, which no form here makes long: who sends more is told so before it is
kept. Django keeps all of it on the disk before it asks a page, and Daphne before it asks Django.
"""

from collections.abc import Awaitable, Callable

from daphne.http_protocol import WebRequest
from django.conf import settings

SAID = b"This request is too large.\n"
HEADERS = [
    (b"content-type", b"text/plain"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-length", str(len(SAID)).encode()),
    (b"connection", b"close"),
]


class TooLarge(Exception):
    """The body is longer than DATA_UPLOAD_MAX_MEMORY_SIZE."""


def limited(pages: Callable) -> Callable:
    """The ASGI application `pages`, which is asked for nothing with a longer body."""

    async def application(scope: dict, receive: Callable, send: Callable) -> None:
        most, taken = settings.DATA_UPLOAD_MAX_MEMORY_SIZE, 0

        async def counted() -> dict:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise TooLarge
            return message

        try:
            if _told(scope) > most:
                raise TooLarge
            await pages(scope, counted, send)
        except TooLarge:
            await _refuse(send)

    return application


def _told(scope: dict) -> int:
    """How long the body is to be, as its sender says; 0 where that is not said."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    return int(length) if length.isdigit() else 0


async def _refuse(send: Callable[[dict], Awaitable[None]]) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": HEADERS})
    await send({"type": "http.response.body", "body": SAID})


def limit_daphnes() -> None:
    """Daphne asks nobody until it has all of a body."""
    begin, take = WebRequest.gotLength, WebRequest.handleContentChunk

    def got_length(self: WebRequest, length: int | None) -> None:
        begin(self, length)
        self.taken = 0
        if length is not None and length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            _hang_up(self)

    def handle_chunk(self: WebRequest, data: bytes) -> None:
        self.taken += len(data)
        if self.taken <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            take(self, data)
        else:
            _hang_up(self)

    WebRequest.gotLength, WebRequest.handleContentChunk = got_length, handle_chunk


def _hang_up(request: WebRequest) -> None:
    lines = b"\r\n".join(b": ".join(header) for header in HEADERS)
    request.channel.transport.write(
        b"HTTP/1.1 413 Content Too Large\r\n" + lines + b"\r\n\r\n" + SAID
    )
    request.channel.loseConnection()
