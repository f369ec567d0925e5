"""A file that a browser saves, sent while it is made."""

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils import translation
from django.utils.http import content_disposition_header

PIECE = 64 * 1024  # bytes


def download(pieces: Iterator[bytes], name: str, content_type: str) -> StreamingHttpResponse:
    """The response that sends `pieces` as a file called `name`; nothing of it is kept."""
    sent = _sent(_gathered(pieces), translation.get_language())
    response = StreamingHttpResponse(sent, content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


def _gathered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces that are worth sending, none of them empty."""
    gathered, size = [], 0
    for piece in pieces:
        gathered.append(piece)
        size += len(piece)
        if size >= PIECE:
            yield b"".join(gathered)
            gathered, size = [], 0
    if size:
        yield b"".join(gathered)


async def _sent(pieces: Iterator[bytes], language: str) -> AsyncIterator[bytes]:
    """Each piece is made in the thread of the request, once the one before it is taken, and still
    in the request's language, which is forgotten by then."""

    def made() -> bytes:
        with translation.override(language):
            return next(pieces, b"")

    while piece := await sync_to_async(made)():
        yield piece
