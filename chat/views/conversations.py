"""What a page asks for beside the socket, and changes: the list, older messages, titles, who
answers."""

from functools import partial
from uuid import UUID

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    JsonResponse,
)
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from chat import protocol
from chat.protocol import Refused
from chat.replies import snapshot, tree

from .visitor import signed_in


@never_cache
@require_GET
def list_conversations(request: HttpRequest) -> JsonResponse:
    """The person's list, which a tab fetches after each reconnect."""
    return JsonResponse({"conversations": snapshot.entries(signed_in(request))})


@never_cache
@require_GET
def earlier_messages(request: HttpRequest, conversation: UUID) -> JsonResponse:
    """The page of messages before the one that `?before=` numbers."""
    before = request.GET.get("before", "")
    if not before.isdecimal() or len(before) > 9:
        raise Http404("?before= takes the seq of a message.")
    try:
        messages = snapshot.earlier(signed_in(request), conversation, int(before))
    except Refused as refused:
        raise Http404(protocol.REFUSALS[refused.code]) from None
    return JsonResponse({"messages": messages, "earlier": bool(messages and messages[0]["parent"])})


@require_POST
def rename(request: HttpRequest, conversation: UUID) -> HttpResponse:
    """Give a conversation the posted `title`."""
    return _change(tree.rename, signed_in(request), conversation, request.POST.get("title", ""))


@require_POST
def choose(request: HttpRequest, conversation: UUID) -> HttpResponse:
    """Have the posted `model` and `assistant` answer from the next reply on; either may be absent.
    What is not offered is a 400."""
    chosen = {key: request.POST[key] for key in ("model", "assistant") if key in request.POST}
    return _change(partial(tree.choose, **chosen), signed_in(request), conversation)


@require_POST
def delete(request: HttpRequest, conversation: UUID) -> HttpResponse:
    """Delete what was said, and stop the reply that is being written."""
    return _change(tree.delete, signed_in(request), conversation)


def _change(change, *arguments) -> HttpResponse:
    try:
        change(*arguments)
    except Refused as refused:
        if refused.code == "bad_field":
            return HttpResponseBadRequest("This model or assistant is not offered here.")
        raise Http404(protocol.REFUSALS[refused.code]) from None
    return HttpResponse(status=204)
