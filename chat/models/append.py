"""How a reply grows: the one statement that runs many times a second, in raw SQL, because the ORM's
`Concat` costs twenty times as much for each row."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True, slots=True)
class Append:
    """What a worker adds to its reply, and the lengths from which it goes on."""

    id: uuid.UUID
    length: int
    text: str = ""
    reasoning_length: int = 0
    reasoning: str = ""
    steps_changed: int = 0


def append(
    connection: BaseDatabaseWrapper, appends: Iterable[Append], *, worker: str, lease: float
) -> set[uuid.UUID]:
    """Write on, and renew each lease for `lease` seconds by the database's clock.

    Returns the ids that matched: still this worker's, still running, and as long as expected.
    """
    connection.ensure_connection()
    write = {"sqlite": _one_by_one, "postgresql": _at_once}[connection.vendor]
    matched = set()
    # Django's own cursor keeps each statement with DEBUG=1, text and all.
    with connection.make_cursor(connection.create_cursor()) as cursor:
        for shape, alike in _by_shape(appends).items():
            matched |= write(cursor, shape, alike, worker, lease)
    return matched


Shape = tuple[bool, bool]  # whether the text grows, and whether the reasoning does


def _by_shape(appends: Iterable[Append]) -> dict[Shape, list[Append]]:
    shapes = defaultdict(list)
    for one in appends:
        shapes[bool(one.text), bool(one.reasoning)].append(one)
    return shapes


def _one_by_one(cursor, shape: Shape, appends: list[Append], worker: str, lease: float) -> set:
    """For SQLite, where a statement is a call."""
    sql = _sqlite(*shape)
    matched = set()
    for one in appends:
        text = [one.text, len(one.text)] if one.text else []
        reasoning = [one.reasoning, len(one.reasoning)] if one.reasoning else []
        expected = [one.id.hex, worker, one.length, one.reasoning_length]
        cursor.execute(sql, [lease, one.steps_changed, *text, *reasoning, *expected])
        if cursor.rowcount == 1:
            matched.add(one.id)
    return matched


def _at_once(cursor, shape: Shape, appends: list[Append], worker: str, lease: float) -> set:
    """For PostgreSQL, where each statement is a journey: a hundred rows in a fifth of the time."""
    columns = [
        [one.id for one in appends],
        [one.steps_changed for one in appends],
        [one.text for one in appends],
        [len(one.text) for one in appends],
        [one.reasoning for one in appends],
        [len(one.reasoning) for one in appends],
        [one.length for one in appends],
        [one.reasoning_length for one in appends],
    ]
    cursor.execute(_postgresql(*shape), [lease, *columns, worker])
    return {id for (id,) in cursor.fetchall()}


# A column that does not grow is not named: PostgreSQL would write all of it again.


@cache
def _sqlite(text: bool, reasoning: bool) -> str:
    grows = ", text = text || %s, length = length + %s" * text
    grows += ", reasoning = reasoning || %s, reasoning_length = reasoning_length + %s" * reasoning
    return f"""
        UPDATE chat_message
        SET lease_until = strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '+' || %s || ' seconds'),
            steps_changed = %s{grows}
        WHERE id = %s AND worker = %s AND status = 'running'
            AND length = %s AND reasoning_length = %s"""


@cache
def _postgresql(text: bool, reasoning: bool) -> str:
    grows = ", text = row.text || more.text, length = row.length + more.characters" * text
    grows += (
        ", reasoning = row.reasoning || more.reasoning"
        ", reasoning_length = row.reasoning_length + more.thoughts"
    ) * reasoning
    return f"""
        UPDATE chat_message AS row
        SET lease_until = statement_timestamp() + %s * interval '1 second',
            steps_changed = more.steps_changed{grows}
        FROM unnest(
            %s::uuid[], %s::int[],
            %s::text[], %s::int[], %s::text[], %s::int[],
            %s::int[], %s::int[]
        ) AS more (
            id, steps_changed, text, characters, reasoning, thoughts, length, reasoning_length
        )
        WHERE row.id = more.id AND row.worker = %s AND row.status = 'running'
            AND row.length = more.length AND row.reasoning_length = more.reasoning_length
        RETURNING row.id"""
