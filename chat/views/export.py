"""What a person takes along, sent while it is read from the database."""

from collections.abc import AsyncIterator, Iterator
from types import ModuleType
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from chat import protocol
from chat.export import FORMATS
from chat.export.archive import archive
from chat.export.filename import filename
from chat.protocol import Refused
from chat.replies import snapshot

PIECE = 64 * 1024  # bytes


@never_cache
@require_GET
@login_required
def one(request: HttpRequest, conversation: UUID) -> StreamingHttpResponse:
    """A conversation of the person's as a file."""
    form = _form(request)
    try:
        found = snapshot.readable(request.user, conversation)
    except Refused as refused:
        raise Http404(protocol.REFUSALS[refused.code]) from None
    pieces = (text.encode() for text in form.conversation(found))
    return _download(pieces, filename(found.title, found.created, form.SUFFIX), form.CONTENT_TYPE)


@never_cache
@require_GET
@login_required
def everything(request: HttpRequest) -> StreamingHttpResponse:
    """All of the person's conversations as a ZIP file."""
    pieces = archive(snapshot.all_readable(request.user), _form(request))
    return _download(pieces, filename(_("Conversations"), timezone.now(), "zip"), "application/zip")


def _form(request: HttpRequest) -> ModuleType:
    try:
        return FORMATS[request.GET.get("as", "markdown")]
    except KeyError:
        raise Http404(f"?as= takes {' or '.join(FORMATS)}.") from None


def _download(pieces: Iterator[bytes], name: str, content_type: str) -> StreamingHttpResponse:
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
