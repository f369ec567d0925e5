"""Where the conversations of a list have what was searched for: of those that the operator has
opened today, for an excerpt is something read."""

from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from chat.models import Access, Conversation, excerpts_in
from chat.words import Query


def attach(
    request: HttpRequest, conversations: list[Conversation], query: Query, *, newest: int
) -> None:
    """Give each its `excerpt`, if there is one: in three queries, however many they are."""
    opened = Access.objects.opened(request.user, [one.id for one in conversations])
    found = excerpts_in(opened, query, newest=newest) if opened else {}
    for conversation in conversations:
        conversation.excerpt = found.get(conversation.id)


def below(conversation: Conversation) -> SafeString:
    """The excerpt, what was searched for marked; empty where there is none."""
    excerpt = getattr(conversation, "excerpt", None)
    if excerpt is None:
        return SafeString("")
    pieces = (("mark" if hit else "span", text) for text, hit in excerpt.pieces)
    said = format_html_join("", "<{0}>{1}</{0}>", pieces)
    return format_html('<span class="chat-excerpt" dir="auto">{}</span>', said)
