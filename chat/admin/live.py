"""A transcript that grows while it is looked at, as its owner's page does."""

from django.http import HttpRequest, HttpResponse

from chat import protocol
from chat.models import Conversation, Profile, may_inspect


class Live:
    """What `ConversationAdmin` has for its scripts to follow by."""

    def render_change_form(self, request: HttpRequest, context: dict, **options) -> HttpResponse:
        thread = context["transcript"]
        shown = context["readable"] and thread.is_shown and thread.page == 1
        if shown and options["obj"].deleted is None:
            context["live"] = following(request, options["obj"])
            context["is_running"] = any(not turn.message.is_final for turn in thread.turns)
        return super().render_change_form(request, context, **options)


def following(request: HttpRequest, conversation: Conversation) -> dict | None:
    """What the page's socket follows, and as whom it is welcomed; None for one who may not."""
    if not may_inspect(request.user):
        return None
    person = Profile.objects.of(request.user).as_person()
    return {
        "conversation": conversation.id,
        "user": person["id"],
        "guest": person["guest"],
        "protocol": protocol.VERSION,
    }
