"""A conversation as Markdown, to be read anywhere: what the page shows of it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from urllib.parse import quote

from django.utils import timezone

from chat.models import Conversation, Message
from chat.protocol import reply_error

from . import prose
from .filename import UNTITLED
from .rows import in_order, steps_of

SUFFIX = "md"
CONTENT_TYPE = "text/markdown; charset=utf-8"

# How a reply ended, where its text does not say so.
NOTES = {
    Message.Status.RUNNING: "This reply was still being written when it was exported.",
    Message.Status.STOPPED: "This reply was stopped.",
}
FINISHES = {
    "length": "The reply reached its greatest length.",
    "content_filter": "The model's server held back the rest of this reply.",
}


def conversation(found: Conversation) -> Iterator[str]:
    """The shown branch, message by message."""
    yield f"# {prose.line(found.title) or UNTITLED}\n\n"
    yield f"{_moment(found.created)}, exported {_moment(timezone.now())}\n"
    shown = 0
    for row in in_order(found.messages.shown()):
        shown += 1
        yield "\n" + "\n\n".join(_blocks(row)) + "\n"
    if found.last_seq > shown:
        more = found.last_seq - shown
        yield f"\n---\n\n*{more} more in other versions, which the export as JSON has.*\n"


def index(found: Iterable[tuple[str, Conversation]]) -> Iterator[str]:
    """A list of the files."""
    yield f"# Conversations\n\nExported {_moment(timezone.now())}\n\n"
    for name, one in found:
        title = prose.line(one.title) or UNTITLED
        yield f"- [{title}]({quote(name)}), {_moment(one.updated)}\n"


def _blocks(row: Message) -> Iterator[str]:
    yield f"## {'Assistant' if row.is_reply else 'You'}"
    yield _moment(row.created) + (f" · {prose.line(row.model)}" if row.model else "")
    if row.reasoning:
        yield "<details>\n<summary>Reasoning</summary>"
        yield prose.quoted(row.reasoning)
        yield "</details>"
    if steps := steps_of(row):
        named = (f"{prose.line(step.label or step.name)}{_took(step.ms)}" for step in steps)
        yield f"Steps: {', '.join(named)}"
    if row.text:
        yield prose.whole(row.text) if row.is_reply else prose.quoted(row.text)
    if note := _note(row):
        yield f"*{note}*"


def _note(row: Message) -> str:
    if row.error:
        why = reply_error(row.error)["detail"]
        return f"{why} The text so far is kept." if row.text else why
    return NOTES.get(row.status) or FINISHES.get(row.finish_reason, "")


def _took(ms: int | None) -> str:
    return "" if ms is None else f" ({ms / 1000:.1f} s)"


def _moment(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
