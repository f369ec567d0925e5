"""What a person takes along, sent while it is read from the database."""

from types import ModuleType
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from chat import protocol
from chat.export import FORMATS
from chat.export.archive import archive
from chat.export.download import download
from chat.export.filename import filename
from chat.protocol import Refused
from chat.replies import snapshot


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
    return download(pieces, filename(found.title, found.created, form.SUFFIX), form.CONTENT_TYPE)


@never_cache
@require_GET
@login_required
def everything(request: HttpRequest) -> StreamingHttpResponse:
    """All of the person's conversations as a ZIP file."""
    pieces = archive(snapshot.all_readable(request.user), _form(request))
    return download(pieces, filename(_("Conversations"), timezone.now(), "zip"), "application/zip")


def _form(request: HttpRequest) -> ModuleType:
    try:
        return FORMATS[request.GET.get("as", "markdown")]
    except KeyError:
        raise Http404(f"?as= takes {' or '.join(FORMATS)}.") from None
