"""A conversation as Markdown, to be read anywhere: what the page shows of it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from urllib.parse import quote

from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from chat.models import Conversation, Message, Step
from chat.protocol import reply_error

from . import prose
from .filename import UNTITLED
from .rows import in_order, steps_of

SUFFIX = "md"
CONTENT_TYPE = "text/markdown; charset=utf-8"

# How a reply ended, where its text does not say so.
NOTES = {
    Message.Status.RUNNING: gettext_lazy(
        "This reply was still being written when it was exported."
    ),
    Message.Status.STOPPED: gettext_lazy("This reply was stopped."),
}
FINISHES = {
    "length": gettext_lazy("The reply reached its greatest length."),
    "content_filter": gettext_lazy("The model's server held back the rest of this reply."),
}

# What the flows that come with the chat call their steps.
LABELS = {"Planning the answer": gettext_lazy("Planning the answer")}


def conversation(found: Conversation, *, owner: str = "") -> Iterator[str]:
    """The shown branch, message by message; its `owner` has a name where that is not the reader."""
    yield f"# {prose.line(found.title) or UNTITLED}\n\n"
    times = {"created": _moment(found.created), "now": _moment(timezone.now())}
    yield _("%(created)s, exported %(now)s") % times + "\n"
    shown = 0
    for row in in_order(found.messages.shown()):
        shown += 1
        yield "\n" + "\n\n".join(_blocks(row, owner)) + "\n"
    if found.last_seq > shown:
        more = found.last_seq - shown
        said = ngettext(
            "%(n)d more in other versions, which the export as JSON has.",
            "%(n)d more in other versions, which the export as JSON has.",
            more,
        )
        yield f"\n---\n\n*{said % {'n': more}}*\n"


def conversations(found: Iterable[Conversation]) -> Iterator[str]:
    """Several as one document, each with its owner's name, who is selected with it."""
    rule = ""
    for one in found:
        yield rule
        yield from conversation(one, owner=one.owner.get_username())
        rule = "\n---\n\n"


def index(found: Iterable[tuple[str, Conversation]]) -> Iterator[str]:
    """A list of the files."""
    exported = _("Exported %(now)s") % {"now": _moment(timezone.now())}
    heading = _("Conversations")
    yield f"# {heading}\n\n{exported}\n\n"
    for name, one in found:
        title = prose.line(one.title) or UNTITLED
        yield f"- [{title}]({quote(name)}), {_moment(one.updated)}\n"


def _blocks(row: Message, owner: str) -> Iterator[str]:
    speaker = _("Assistant") if row.is_reply else prose.line(owner) or _("You")
    yield f"## {speaker}"
    yield _moment(row.created) + (f" · {prose.line(row.model)}" if row.model else "")
    if row.reasoning:
        summary = _("Reasoning")
        yield f"<details>\n<summary>{summary}</summary>"
        yield prose.quoted(row.reasoning)
        yield "</details>"
    if steps := steps_of(row):
        named = [f"{prose.line(_called(step))}{_took(step.ms)}" for step in steps]
        yield _("Steps: %(steps)s") % {"steps": ", ".join(named)}
    if row.text:
        yield prose.whole(row.text) if row.is_reply else prose.quoted(row.text)
    if note := _note(row):
        yield f"*{note}*"


def _called(step: Step) -> str:
    return str(LABELS.get(step.label, step.label or step.name))


def _note(row: Message) -> str:
    if row.error:
        detail, kept = reply_error(row.error)["detail"], _("The text so far is kept.")
        return f"{_(detail)} {kept}" if row.text else _(detail)
    return str(NOTES.get(row.status) or FINISHES.get(row.finish_reason, ""))


def _took(ms: int | None) -> str:
    return "" if ms is None else f" ({number_format(ms / 1000, 1)} s)"


def _moment(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M} UTC"
