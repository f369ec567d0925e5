"""A year of a site's messages, of any number of them, in SQLite.

A block of it is made through the ORM, search index and all. The rest are copies of the block, made
inside the database: other ids, other people, each a little earlier than the one before, so that all
of them are spread over the year as the block is. To read they are rows as any others.
"""

import random
import sys
from collections.abc import Iterator
from datetime import timedelta
from hashlib import md5
from itertools import islice

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from chat.models import Conversation, Indexed, Message, Profile, Run, SearchEntry, bring_in

BLOCK = 5_000  # messages, at most
TALK = 10  # messages of a conversation
EACH = 25  # conversations of a person
FAILED = 50  # of so many conversations one ends with an error
DAYS = 365
SAID = 60  # words of a message
VOCABULARY = 20_000
AT_ONCE = 200  # conversations

RARE, FREQUENT = "zanzibar", "b1"
NOT_RARE = "barbados"  # as long; what the copies say instead
RARELY = 5  # conversations
GRAPH = {"names": ["Trim", "Reply"], "edges": [[0, 1, "default"]]}
FAST = (
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    "PRAGMA foreign_keys = OFF",
    "PRAGMA cache_size = -1000000",
)
INDEX_TRIGGER = "chat_search_insert"
INDEX_MEMORY, INDEX_MEMORY_USUALLY = 256 << 20, 1 << 20  # bytes

User = get_user_model()


def make(messages: int) -> None:
    """So many messages in an empty database, of so many people as it takes, up to now."""
    block = min(messages, BLOCK)
    if messages % block or block % TALK:
        raise SystemExit(f"Make a multiple of {BLOCK:,} messages, or, below that, of {TALK}.")
    call_command("migrate", verbosity=0)
    User.objects.create_superuser("operator")
    _make_block(block // TALK)
    while not bring_in(Conversation.objects.all(), seconds=60):
        pass
    while Conversation.objects.keep_tokens():
        pass
    _say(f"{block:,} messages are made")
    if messages > block:
        _multiply(messages // block)
    connection.close()


def _make_block(talks: int) -> None:
    people = User.objects.bulk_create(
        User(username=f"person{number:06}", password="!") for number in range(-(-talks // EACH))
    )
    Profile.objects.bulk_create(Profile(user=person) for person in people)
    words, now, apart = _vocabulary(), timezone.now(), timedelta(days=DAYS) / talks
    rare = random.Random(8).sample(range(talks), RARELY)
    for start in range(0, talks, AT_ONCE):
        conversations, messages = [], []
        for number in range(start, min(start + AT_ONCE, talks)):
            talk = Conversation(
                owner=people[number % len(people)],
                title=" ".join(islice(words, 5)),
                assistant="chat",
                revision=1,
                created=now - apart * number,
                updated=now - apart * number,
            )
            conversations.append(talk)
            chain = _chain(talk, number, words)
            if number in rare:
                chain[0].text += f" {RARE}"
                chain[0].length = len(chain[0].text)
            messages += chain
        Conversation.objects.bulk_create(conversations)
        Message.objects.bulk_create(messages)
        Run.objects.bulk_create(
            Run(message=message, graph=GRAPH, ms=2_000, first_token_ms=message.length)
            for message in messages
            if message.is_reply
        )


def _chain(talk: Conversation, number: int, words: Iterator[str]) -> list[Message]:
    """A conversation's questions and replies."""
    made = []
    for seq in range(1, TALK + 1):
        text = " ".join(islice(words, SAID))
        message = Message(
            conversation=talk,
            seq=seq,
            parent=made[-1] if made else None,
            role=Message.Role.USER,
            text=text,
            length=len(text),
            created=talk.created,
        )
        if not seq % 2:
            is_failed = seq == TALK and not number % FAILED
            message.role = Message.Role.ASSISTANT
            message.assistant, message.model = "chat", f"model{number % 5}"
            message.status = Message.Status.ERROR if is_failed else Message.Status.DONE
            message.error = "upstream_rate" if is_failed else ""
            message.prompt_tokens, message.completion_tokens = SAID * seq, SAID
            message.ended = talk.created + timedelta(seconds=2)
        made.append(message)
    talk.last_seq = TALK
    return made


def _vocabulary() -> Iterator[str]:
    """Words as often as a language has them: the second half as often as the first, and so on."""
    chance = random.Random(7)
    while True:
        yield f"b{int(VOCABULARY ** chance.random())}"


def _multiply(copies: int) -> None:
    """Have the block so many times."""
    connection.ensure_connection()
    database = connection.connection
    database.create_function("other", 2, _other, deterministic=True)
    for pragma in FAST:
        database.execute(pragma)
    # The words' index is made of all rows at once, below: row by row it would take an hour.
    find = "SELECT sql FROM sqlite_master WHERE name = ?"
    [trigger] = database.execute(find, [INDEX_TRIGGER]).fetchone()
    database.execute(f"DROP TRIGGER {INDEX_TRIGGER}")
    for model, changes in _changes(copies).items():
        table, columns = model._meta.db_table, [field.column for field in model._meta.local_fields]
        names = ", ".join(f'"{column}"' for column in columns)
        values = ", ".join(changes.get(column, f'"{column}"') for column in columns)
        which = "WHERE NOT is_superuser" if model is User else ""
        database.execute(f"CREATE TEMP TABLE block AS SELECT * FROM {table} {which}")
        database.execute(
            f"WITH RECURSIVE copies (n) AS"
            f" (VALUES (1) UNION ALL SELECT n + 1 FROM copies WHERE n < {copies - 1})"
            f" INSERT INTO {table} ({names}) SELECT {values} FROM copies CROSS JOIN block"
        )
        database.execute("DROP TABLE block")
        _say(f"{table} is copied")
    option = "INSERT INTO chat_search (chat_search, rank) VALUES ('hashsize', ?)"
    database.execute(option, [INDEX_MEMORY])
    database.execute("INSERT INTO chat_search (chat_search) VALUES ('rebuild')")
    database.execute(option, [INDEX_MEMORY_USUALLY])
    database.execute(trigger)
    _say("the words are in the index")


def _changes(copies: int) -> dict[type, dict[str, str]]:
    """What is not the same in the `n`th copy: the SQL of the columns of each table."""
    people = Profile.objects.count()
    apart = DAYS * 86_400 / Conversation.objects.count() / copies  # seconds
    person = f"+ n * {people}"

    def earlier(column: str) -> str:
        return f"strftime('%Y-%m-%d %H:%M:%f', {column}, (-{apart:.6f} * n) || ' seconds')"

    def other(*columns: str) -> dict[str, str]:
        return {column: f"other({column}, n)" for column in columns}

    text = {"text": f"replace(text, '{RARE}', '{NOT_RARE}')"}
    number = f"CAST(substr(username, 7) AS INTEGER) {person}"
    scope = f"substr(scope, 1, 1) || (CAST(substr(scope, 2) AS INTEGER) {person})"
    made = {"created": earlier("created")}
    return {
        User: {"id": f"id {person}", "username": f"printf('person%06d', {number})"},
        Profile: {**other("id"), "user_id": f"user_id {person}"},
        Conversation: {
            **other("id"),
            **made,
            "updated": earlier("updated"),
            "owner_id": f"owner_id {person}",
        },
        Message: {
            **other("id", "conversation_id", "parent_id"),
            **text,
            **made,
            "ended": earlier("ended"),
        },
        Run: other("message_id"),
        SearchEntry: {
            **other("conversation_id", "message_id"),
            **text,
            "scope": scope,
            # Made of the time, as `id_at` does.
            "id": f"id - (CAST({apart:.6f} * n * 1000000 AS INTEGER) << 10)",
        },
        Indexed: other("conversation_id"),
    }


def _other(id: str | None, copy: int) -> str | None:
    """The id that the copy has instead."""
    return None if id is None else md5(f"{id} {copy}".encode()).hexdigest()


def _say(done: str) -> None:
    print(f"{timezone.now():%H:%M:%S} {done}", file=sys.stderr)
