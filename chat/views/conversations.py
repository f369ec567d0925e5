"""What a page asks for beside the socket, and changes: the list, older messages, conversations."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chat import protocol
from chat.models.conversation import Place
from chat.protocol import MessageObject, Refused
from chat.replies import snapshot, tree
from chat.replies.sync import in_turn

from .visitor import signed_in, uuid_or_none


@never_cache
@require_GET
def list_conversations(request: HttpRequest) -> JsonResponse:
    """A page of the person's list: the first, which a tab fetches after each reconnect, or the one
    that follows where the page before says `next`, given as `?before=`."""
    before = request.GET.get("before")
    try:
        after = None if before is None else Place.parse(before)
    except ValueError:
        raise Http404("?before= takes the `next` of another page.") from None
    return JsonResponse(snapshot.entries(signed_in(request), after=after))


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


@require_http_methods(["PATCH", "DELETE"])
def conversation(request: HttpRequest, conversation: UUID) -> HttpResponse:
    """PATCH: give it the `title`, pin it or not, or have the `model` and the `assistant` answer
    from the next reply on, as a JSON object says. DELETE: delete it, and stop the reply that is
    being written; for a while that can be undone."""
    user = signed_in(request)
    if request.method == "DELETE":
        return _change(user, partial(tree.delete, user, conversation))
    try:
        fields = protocol.load(request.body.decode())
    except (Refused, UnicodeDecodeError):
        fields = {}
    title, pinned = fields.get("title"), fields.get("pinned")
    chosen = {key: fields[key] for key in ("model", "assistant") if fields.get(key) is not None}
    wrong = not isinstance(title, str | None) or not isinstance(pinned, bool | None)
    wrong = wrong or not all(isinstance(name, str) for name in chosen.values())
    if wrong or ((title, pinned) == (None, None) and not chosen):
        return HttpResponseBadRequest(
            "Send a JSON object with a title, with pinned, with a model, or with an assistant."
        )

    @transaction.atomic
    def change() -> None:
        if title is not None:
            tree.rename(user, conversation, title)
        if pinned is not None:
            tree.pin(user, conversation, pinned)
        if chosen:
            tree.choose(user, conversation, **chosen)

    return _change(user, change)


@require_POST
def restore(request: HttpRequest, conversation: UUID) -> HttpResponse:
    """Undo the deletion of a conversation."""
    user = signed_in(request)
    return _change(user, partial(tree.restore, user, conversation))


@require_POST
def select(request: HttpRequest, conversation: UUID) -> HttpResponse:
    """Show the version of the conversation with the posted `message`, and lead to it. While a reply
    is being written that cannot be, which the page says where it leads."""
    user, message = signed_in(request), uuid_or_none(request.POST.get("message", ""))
    if message is None or not snapshot.is_in(user, conversation, message):
        raise Http404(protocol.REFUSALS["not_found"])
    with suppress(Refused):
        in_turn(user, partial(tree.select, user, message))
    return redirect(reverse("chat:conversation", args=[conversation]) + f"?m={message}")


def _change(user: AbstractBaseUser, change: Callable[[], None]) -> HttpResponse:
    try:
        in_turn(user, change)
    except Refused as refused:
        if refused.code == "bad_field":
            return HttpResponseBadRequest("This model or assistant is not offered here.")
        raise Http404(protocol.REFUSALS[refused.code]) from None
    return HttpResponse(status=204)
