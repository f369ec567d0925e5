from uuid import UUID

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe

from chat import flows, llm, protocol
from chat.llm.demo import Demo
from chat.models import Profile
from chat.protocol import Refused
from chat.replies import snapshot, tree

# Programs that look at pages without a person behind them: they get no guest of their own.
ROBOTS = ("bot", "crawl", "spider", "slurp", "preview", "monitor", "curl", "wget", "python-")
THEMES = {"light", "dark"}
# What the empty page suggests: to a model, and to the demo, which has an answer to each.
SUGGESTIONS = (
    gettext_noop("What can you do?"),
    gettext_noop("Explain something difficult in simple words"),
    gettext_noop("Write a short function and explain it"),
    gettext_noop("Help me plan my day"),
)
DEMO = (
    gettext_noop("What can you do?"),
    gettext_noop("How do I connect a model?"),
    gettext_noop("Show me a table and some code"),
    gettext_noop("What happens to a reply when I close the tab?"),
)


@never_cache
@require_safe
def page(request: HttpRequest, conversation: UUID | None = None) -> HttpResponse:
    """The chat page: a new conversation, or one of the person's own."""
    user = _person(request)
    if user is None:
        return redirect_to_login(request.get_full_path())
    shown = None
    if conversation is not None:
        try:
            shown = snapshot.shown(user, conversation)
        except Refused as refused:
            raise Http404(protocol.REFUSALS[refused.code]) from None
    messages = shown.messages if shown else []
    answers = llm.get()
    demo = isinstance(answers, Demo)
    theme = request.COOKIES.get("theme", "")
    context = {
        "conversation": shown.entry if shown else None,
        "messages": messages,
        "earlier": bool(messages and messages[0]["parent"]),
        "conversations": snapshot.entries(user),
        "me": {**Profile.objects.of(user).as_person(), "staff": user.is_staff},
        "protocol": protocol.VERSION,
        "limits": settings.CHAT_LIMITS,
        "answers": {"model": answers.model, "demo": demo},
        "suggestions": [_(question) for question in (DEMO if demo else SUGGESTIONS)],
        "assistants": [
            {"id": name, "label": name.replace("_", " ").capitalize()} for name in flows.names()
        ],
        "theme": theme if theme in THEMES else "",
    }
    return render(request, "chat/page.html", context)


@never_cache
@require_GET
def list_conversations(request: HttpRequest) -> JsonResponse:
    """The person's list, which a tab fetches after each reconnect."""
    return JsonResponse({"conversations": snapshot.entries(_signed_in(request))})


@never_cache
@require_GET
def earlier_messages(request: HttpRequest, conversation: UUID) -> JsonResponse:
    """The page of messages before the one that `?before=` numbers."""
    before = request.GET.get("before", "")
    if not before.isdecimal() or len(before) > 9:
        raise Http404("?before= takes the seq of a message.")
    try:
        messages = snapshot.earlier(_signed_in(request), conversation, int(before))
    except Refused as refused:
        raise Http404(protocol.REFUSALS[refused.code]) from None
    return JsonResponse({"messages": messages, "earlier": bool(messages and messages[0]["parent"])})


@require_POST
def rename(request: HttpRequest, conversation: UUID) -> HttpResponse:
    """Give a conversation the posted `title`."""
    return _change(tree.rename, _signed_in(request), conversation, request.POST.get("title", ""))


@require_POST
def delete(request: HttpRequest, conversation: UUID) -> HttpResponse:
    """Delete what was said, and stop the reply that is being written."""
    return _change(tree.delete, _signed_in(request), conversation)


def _change(change, *arguments) -> HttpResponse:
    try:
        change(*arguments)
    except Refused as refused:
        raise Http404(protocol.REFUSALS[refused.code]) from None
    return HttpResponse(status=204)


def _person(request: HttpRequest) -> AbstractBaseUser | None:
    """Who is asking; a person's first page makes them a guest where guests are welcome."""
    if request.user.is_authenticated:
        return request.user
    agent = request.headers.get("User-Agent", "").lower()
    is_person = request.method == "GET" and agent and not any(robot in agent for robot in ROBOTS)
    if not settings.GUESTS or not is_person:
        return None
    guest = Profile.objects.make_guest()
    login(request, guest.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return guest.user


def _signed_in(request: HttpRequest) -> AbstractBaseUser:
    if not request.user.is_authenticated:
        raise Http404(protocol.REFUSALS["not_found"])
    return request.user
