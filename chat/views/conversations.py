"""What a page asks for beside the socket, and changes: the list, older messages, titles."""

from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from chat import protocol
from chat.protocol import MessageObject, Refused
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
    messages = earlier(request, signed_in(request), conversation)
    return JsonResponse({"messages": messages, "earlier": bool(messages and messages[0]["parent"])})


def earlier(
    request: HttpRequest, user: AbstractBaseUser, conversation: UUID
) -> list[MessageObject]:
    """The page of the user's messages before the one that `?before=` numbers, else Http404."""
    before = request.GET.get("before", "")
    if not before.isdecimal() or len(before) > 9:
        raise Http404("?before= takes the seq of a message.")
    try:
        return snapshot.earlier(user, conversation, int(before))
    except Refused as refused:
        raise Http404(protocol.REFUSALS[refused.code]) from None


@require_POST
def rename(request: HttpRequest, conversation: UUID) -> HttpResponse:
    """Give a conversation the posted `title`."""
    return _change(tree.rename, signed_in(request), conversation, request.POST.get("title", ""))


@require_POST
def delete(request: HttpRequest, conversation: UUID) -> HttpResponse:
    """Delete what was said, and stop the reply that is being written."""
    return _change(tree.delete, signed_in(request), conversation)


def _change(change, *arguments) -> HttpResponse:
    try:
        change(*arguments)
    except Refused as refused:
        raise Http404(protocol.REFUSALS[refused.code]) from None
    return HttpResponse(status=204)
