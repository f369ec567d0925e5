from uuid import UUID

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from chat import flows, llm, protocol
from chat.llm.demo import Demo
from chat.models import Profile
from chat.protocol import Refused
from chat.replies import snapshot

from .accounts import FORMERLY
from .conversations import earlier
from .sections import sections
from .visitor import person, uuid_or_none

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
# What the flows that come with the chat are called and do: they know no Django.
FLOWS = (
    (gettext_noop("Chat"), gettext_noop("Answers at once.")),
    (
        gettext_noop("Plan"),
        gettext_noop("Plans first, then answers: slower, for what takes some thought."),
    ),
)


@never_cache
@require_safe
def page(request: HttpRequest, conversation: UUID | None = None) -> HttpResponse:
    """The chat page: a new conversation, or one of the person's own."""
    user = person(request, may_be_new=conversation is None)
    if user is None:
        return redirect_to_login(request.get_full_path())
    shown = None
    sought = uuid_or_none(request.GET.get("m", ""))
    if conversation is not None:
        try:
            shown = snapshot.shown(user, conversation, through=sought)
        except Refused as refused:
            raise Http404(protocol.REFUSALS[refused.code]) from None
    messages = shown.messages if shown else []
    found = any(message["id"] == str(sought) for message in messages)
    hidden = bool(shown and sought and not found)
    hidden = hidden and snapshot.is_in(user, conversation, sought, shown=False)
    # Who reads without a script turns pages; a script fetches what it wants itself.
    before = conversation is not None and "before" in request.GET
    if before:
        messages = earlier(request, user, conversation)
    answers = llm.get()
    demo = isinstance(answers, Demo)
    profile = Profile.objects.of(user)
    listed = snapshot.entries(user)
    offered = {"models": models(), "assistants": assistants()}
    context = {
        "conversation": shown.entry if shown else None,
        "messages": messages,
        "before": before,
        "earlier": bool(messages and messages[0]["parent"]),
        "found": sought if found else "",
        "hidden": sought if hidden else "",
        "busy": bool(shown and shown.active),
        "listed": listed,
        "sections": sections(listed["conversations"], request.COOKIES),
        "me": {**profile.as_person(), "staff": user.is_staff},
        "list_closed": request.COOKIES.get("list") == "closed",
        "formerly": request.session.get(FORMERLY, ""),
        "sign_up": settings.SIGN_UP,
        "enter_sends": profile.enter_sends,
        "announce": profile.announce,
        "protocol": protocol.VERSION,
        "limits": settings.CHAT_LIMITS,
        "answers": {"model": answers.model, "demo": demo},
        "suggestions": [_(question) for question in (DEMO if demo else SUGGESTIONS)],
        **offered,
        "answering": answering(shown.entry if shown else {}, **offered),
    }
    # To translate them anew for each message would take longer than all the rest of the page.
    context["actions"] = render_to_string("chat/_actions.html", context)
    return render(request, "chat/page.html", context)


def models() -> list[dict]:
    """What a person may choose from; the first one, whose id is "", is the default."""
    default, *others = llm.models()
    default = {"id": "", "label": default or llm.get().model or _("Default model")}
    return [default, *({"id": name, "label": name} for name in others)]


def assistants() -> list[dict]:
    """The flows that a person may choose from, the default first."""
    return [
        {"id": name, "label": _(flows.label(name)), "description": _(flows.description(name))}
        for name in flows.names()
    ]


def answering(conversation: dict, *, models: list[dict], assistants: list[dict]) -> str:
    """Who answers in the conversation, as far as a person may choose that; "" where they may not.
    The usual assistant goes without saying where the model has its name there."""
    names = []
    for key, offered in (("model", models), ("assistant", assistants)):
        chosen = (one for one in offered if one["id"] == conversation.get(key))
        answers = next(chosen, offered[0])
        if len(offered) > 1 and not (names and answers is offered[0]):
            names.append(answers["label"])
    return " · ".join(names)
