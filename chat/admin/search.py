"""What an operator's search finds: by its owner, by its id, and by what was said in it.

Each way is asked of an index of its own, so that a search costs the same among a thousand messages
and among a million.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import ExpressionWrapper, F, Q, QuerySet
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from chat import words
from chat.models import Conversation, Message, SearchEntry, bring_in
from chat.models.found import pieces_of
from chat.models.search import messages_of, titles_of

MOST = 1_000  # conversations by each way, the latest
PEOPLE = 100  # of those who have it in their names: who has no other, and who came last
NEW = timedelta(days=2)  # `manage.py settle` brings in what is older
INDEXING_SECONDS = 1.0  # of a request

NAME = get_user_model().USERNAME_FIELD


@dataclass(slots=True)
class Found:
    """Conversations; where it was what was said, with the latest message that has it. `is_behind`:
    there is text that cannot be found yet."""

    ids: set[UUID]
    places: dict[UUID, tuple[UUID, words.Query]] = field(default_factory=dict)
    is_behind: bool = False

    def look(self, query: words.Query, scope: str = "") -> None:
        """Add what the index has of `query`, of one scope or of everybody's."""
        entries = SearchEntry.objects.matching(query, scope, newest=MOST)
        rows = entries.values_list("conversation", "message", "conversation__deleted")
        for conversation, message, deleted in rows:
            if deleted is None:
                self.ids.add(conversation)
                if message and conversation not in self.places:
                    self.places[conversation] = message, query

    def excerpts(self, shown: Iterable[UUID]) -> dict[UUID, SafeString]:
        """What was said in these conversations, around the words that were looked for."""
        places = {id: self.places[id] for id in shown if id in self.places}
        rows = Message.objects.only("role", "text")
        messages = rows.in_bulk([message for message, _ in places.values()])
        return {
            id: _excerpt(messages[message], query)
            for id, (message, query) in places.items()
            if message in messages
        }


def find(conversations: QuerySet, term: str, *, readable: bool) -> Found:
    """Those of `conversations` that `term` finds; what was said counts for who may read it. A name
    before the words looks for them in what that person has."""
    term = term[: words.ASKED]
    found = Found({*_by_owner(conversations, term), *_by_id(conversations, term)})
    query = words.asked(term)
    if not readable or not query.phrases or query.is_too_short:
        return found
    latest = Conversation.objects.filter(updated__gt=timezone.now() - NEW)
    # By their ids: SQLite would go through all, in the order that is asked for.
    latest = Conversation.objects.filter(id__in=latest.values("id"))
    found.is_behind = not bring_in(latest, seconds=INDEXING_SECONDS)
    found.look(query)
    name, _, rest = term.strip().partition(" ")
    query = words.asked(rest)
    if query.phrases and not query.is_too_short:
        for owner in get_user_model().objects.filter(**{f"{NAME}__iexact": name})[:1]:
            found.look(query, messages_of(owner.pk))
            found.look(query, titles_of(owner.pk))
    return found


def _by_owner(conversations: QuerySet, term: str) -> list[UUID]:
    term = term.strip()
    named = get_user_model().objects.filter(**{f"{NAME}__icontains": term})
    is_it = ExpressionWrapper(Q(**{f"{NAME}__iexact": term}), models.BooleanField())
    named = named.order_by(is_it.desc(), F("last_login").desc(nulls_last=True))
    owners = list(named.values_list("pk", flat=True)[:PEOPLE])
    return _latest(conversations.owned_by_any(owners)) if owners else []


def _by_id(conversations: QuerySet, term: str) -> list[UUID]:
    """Those whose id begins so; hyphens may be there or not."""
    begin = term.strip().replace("-", "")
    try:
        ends = UUID(begin.ljust(32, "0")), UUID(begin.ljust(32, "f"))
    except ValueError:
        return []
    return _latest(conversations.filter(id__range=ends)) if begin else []


def _latest(conversations: QuerySet) -> list[UUID]:
    return list(conversations.order_by("-updated").values_list("id", flat=True)[:MOST])


def _excerpt(message: Message, query: words.Query) -> SafeString:
    pieces = pieces_of(message, query)
    marked = (format_html("<mark>{}</mark>", text) if hit else text for text, hit in pieces)
    return format_html_join("", "{}", ((piece,) for piece in marked))
