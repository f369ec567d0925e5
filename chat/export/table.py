"""Messages as a table (CSV, RFC 4180), a row each: `docs/export.md` tells other programs of it."""

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime

from chat.models import Conversation, Message

from .rows import in_order

SUFFIX = "csv"
CONTENT_TYPE = "text/csv; charset=utf-8"
# Of each row: what is no word of anybody's, and what is.
NUMBERS = (
    *("conversation", "owner", "message", "seq", "parent", "shown", "role", "status"),
    *("assistant", "model", "created", "ended", "finish_reason", "error"),
    *("prompt_tokens", "completion_tokens", "usage_estimated"),
    *("length", "kept", "reasoning_length"),
)
WORDS = ("title", "text", "reasoning")
# With one of these a spreadsheet begins a formula, which may send the sheet to anybody.
_FORMULA = tuple("=+-@\t\r\n＝＋－＠'")


class _Line:
    """A file of which only what is written last is there."""

    def write(self, line: str) -> str:
        return line


def conversations(found: Iterable[Conversation], *, readable: bool = True) -> Iterator[str]:
    """The messages of these conversations, whose owners are selected with them; only if they are
    `readable` with what was said, which is else not even loaded."""
    line = csv.writer(_Line()).writerow
    # Spreadsheets take a file for UTF-8 if it begins with this mark.
    yield "\ufeff" + line(NUMBERS + WORDS if readable else NUMBERS)
    without = ("steps",) if readable else ("steps", "text", "reasoning")
    for one in found:
        for row in in_order(one.messages.all(), without=without):
            said = (one.title, row.text, row.reasoning) if readable else ()
            yield line([_cell(value) for value in (*_numbers(one, row), *said)])


def _numbers(one: Conversation, row: Message) -> Iterator[object]:
    yield from (one.id, one.owner.get_username(), row.id, row.seq, row.parent_id, row.shown)
    yield from (row.role, row.status, row.assistant, row.model, row.created, row.ended)
    yield from (row.finish_reason, row.error)
    yield from (row.prompt_tokens, row.completion_tokens, row.usage_estimated)
    yield from (row.length, row.kept, row.reasoning_length)


def _cell(value: object) -> object:
    """As the file has it. Text that a spreadsheet would take for more than text begins with an
    apostrophe; so does text that begins with one, that each can be taken off again."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
