"""The index of what was said: one row for each message that is final, and one for each title.

The rows hold words (`chat/words.py`). Where the words are found in them is the database's affair,
and asked for in one place, `SearchEntryQuerySet.matching`: SQLite's FTS5, kept by triggers on the
table; PostgreSQL's GIN index over the same words; every other database reads all rows.
"""

import secrets
from datetime import datetime

from django.db import connections, models
from django.db.models import F, Q

from chat.words import Query

from .conversation import Conversation
from .message import Message

ENDLESS = 2**63 - 1  # above every id


class InIndex(models.Func):
    """Whether the database's own index says that a row has the words of a query. SQLite's is asked
    for the `newest` below an id at once, so that it need not look through the rest."""

    output_field = models.BooleanField()

    def __init__(self, query: Query, scope: str, newest: int, below: int) -> None:
        super().__init__(F("id"))
        self.query, self.within, self.newest, self.below = query, scope, newest, below

    # No word has a quote or a backslash in it, so nothing that a person writes is syntax here.

    def as_sqlite(self, compiler, connection) -> tuple[str, list]:
        id, _ = compiler.compile(self.source_expressions[0])
        phrases = [f'"{" ".join(phrase)}"{"*" * begun}' for phrase, begun in self.query.parts()]
        match = f"text : ({' AND '.join(phrases)})"
        if self.within:
            match = f'scope : "{self.within}" AND {match}'
        found = (
            "SELECT rowid FROM chat_search WHERE chat_search MATCH %s AND rowid < %s"
            " ORDER BY rowid DESC LIMIT %s"
        )
        return f"{id} IN ({found})", [match, self.below, self.newest]

    def as_postgresql(self, compiler, connection) -> tuple[str, list]:
        id, _ = compiler.compile(self.source_expressions[0])
        table, _, _ = id.rpartition(".")
        words = [
            f"'{word}'{':*' * (begun and at == len(phrase))}"
            for phrase, begun in self.query.parts()
            for at, word in enumerate(phrase, 1)
        ]
        if self.within:
            words.append(f"'@{self.within}'")
        return f"{table}.words @@ %s::tsquery", [" & ".join(words)]


class SearchEntryQuerySet(models.QuerySet):
    def matching(
        self, query: Query, scope: str = "", *, newest: int, below: int = ENDLESS
    ) -> "SearchEntryQuerySet":
        """The `newest` entries with an id below `below` that have every phrase of `query`, newest
        first; in one scope alone if it is named."""
        vendor = connections[self.db].vendor
        found = self.filter(id__lt=below).order_by("-id")
        if scope:
            found = found.filter(scope=scope)
        if vendor in ("sqlite", "postgresql"):
            found = found.filter(InIndex(query, scope, newest, below))
        for phrase, begun in query.parts():
            # PostgreSQL's index knows that the words are there, not in which order.
            if vendor == "sqlite" or (vendor == "postgresql" and len(phrase) == 1):
                continue
            found = found.filter(text__contains=f" {' '.join(phrase)}{'' if begun else ' '}")
        return found[:newest]


class SearchEntry(models.Model):
    """The words of one message, or of a title (no message). Who matches is found newest first by
    the id, which is made of the time. `scope` is an owner's messages or titles, as a word of its
    own in the index: one person's search costs nothing for what others have.

    SQLite's triggers are lost where a migration makes this table anew: make them again there.
    """

    id = models.BigAutoField(primary_key=True)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="search_entries"
    )
    message = models.OneToOneField(
        Message, on_delete=models.CASCADE, null=True, related_name="search_entry"
    )
    scope = models.CharField(max_length=64)
    text = models.TextField()

    objects = SearchEntryQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"], condition=Q(message=None), name="search_one_title"
            )
        ]

    def __str__(self) -> str:
        return str(self.message_id or self.conversation_id)


class Indexed(models.Model):
    """Up to which revision of a conversation all that is final is in the index."""

    conversation = models.OneToOneField(
        Conversation, on_delete=models.CASCADE, primary_key=True, related_name="indexed"
    )
    revision = models.PositiveBigIntegerField()

    def __str__(self) -> str:
        return f"{self.conversation_id} {self.revision}"


def messages_of(owner: object) -> str:
    """The scope of what was said in the conversations of the user with this key."""
    return f"m{_plain(owner)}"


def titles_of(owner: object) -> str:
    """The scope of the titles of these conversations."""
    return f"t{_plain(owner)}"


def _plain(key: object) -> str:
    return "".join(filter(str.isalnum, str(key)))


def id_at(moment: datetime) -> int:
    """An id for what was said at `moment`: later ones are higher, and two hardly ever the same."""
    return int(moment.timestamp() * 1_000_000) << 10 | secrets.randbits(10)
