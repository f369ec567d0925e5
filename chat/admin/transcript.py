"""A conversation as its reader saw it: one branch of the tree, a page at a time.

As many queries, however long it is: the tree without its texts, the page's messages, how they came
to be.
"""

from collections import defaultdict
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.utils.safestring import SafeString

from chat.models import Conversation, Message

from . import facts, trace
from .sent import Node, Tree
from .trace import TraceView

PAGE = 50
COLUMNS = ("id", "seq", "parent", "role", "length")
PAGE_CHARACTERS = 256 * 1024


@dataclass(frozen=True, slots=True)
class Turn:
    """A message in its place: among its siblings, with how it came to be, if it is a reply."""

    message: Message
    siblings: list[UUID]
    trace: TraceView | None

    @property
    def speaker(self) -> str:
        if self.message.is_reply:
            return self.message.assistant or self.message.role
        return self.message.conversation.owner.get_username()

    @property
    def chip(self) -> SafeString:
        return facts.chip(self.message.status)

    @property
    def written_at(self) -> str:
        return facts.moment(self.message.created)

    @property
    def facts(self) -> list[tuple[str, str]]:
        return facts.of_reply(self.message, self.trace.facts) if self.trace else []

    @property
    def error(self) -> str:
        return facts.error(self.message)

    @property
    def kept(self) -> str:
        """What was taken over from the reply that this one continues."""
        return self.message.text[: self.message.kept or 0]

    @property
    def written(self) -> str:
        return self.message.text[self.message.kept or 0 :]

    @property
    def place(self) -> int:
        return self.siblings.index(self.message.id) + 1

    @property
    def previous(self) -> UUID | None:
        return self.siblings[self.place - 2] if self.place > 1 else None

    @property
    def next(self) -> UUID | None:
        return self.siblings[self.place] if self.place < len(self.siblings) else None


@dataclass(frozen=True, slots=True)
class Transcript:
    """A page of a branch, oldest first. Pages count from the end: 1 has the newest messages."""

    turns: list[Turn]
    page: int
    pages: int
    is_shown: bool

    @property
    def number(self) -> int:
        """The page as its reader counts, from the beginning."""
        return self.pages - self.page + 1

    @property
    def earlier(self) -> int | None:
        return self.page + 1 if self.page < self.pages else None

    @property
    def later(self) -> int | None:
        return self.page - 1 if self.page > 1 else None


def read(
    conversation: Conversation, *, readable: bool, through: UUID | None, page: int | None
) -> Transcript:
    """The branch through the message `through` (by default the shown one), and of it the page
    numbered `page` (by default the one with `through`, or the last). What was said is only loaded
    if it is `readable`. Of a deleted conversation nothing is, though it may still be there."""
    there = conversation.messages.filter(conversation__deleted=None)
    rows = there.order_by("seq").values_list(*COLUMNS, "shown")
    tree, shown = {}, []
    for *row, is_shown in rows:
        node = tree[row[0]] = Node(*row)
        if is_shown:
            shown.append(node)
    branch = _branch(tree, through) if through in tree else shown
    pages = _pages(branch)
    if page is None or not 1 <= page <= len(pages):
        with_it = (n for n, nodes in enumerate(pages, 1) if any(x.id == through for x in nodes))
        page = next(with_it, 1)
    families = defaultdict(list)
    for node in tree.values():
        families[node.parent].append(node.id)
    ids = [node.id for node in pages[page - 1]] if pages else []
    messages = _whole(conversation, readable=readable).filter(id__in=ids).order_by("seq")
    traces = trace.read(messages, tree, readable=readable)
    turns = [Turn(row, families[row.parent_id], traces.get(row.id)) for row in messages]
    return Transcript(turns, page, len(pages), is_shown=branch == shown)


def one(message: Message, *, readable: bool) -> Turn:
    """A single message, as `read` has it."""
    row = _whole(message.conversation, readable=readable).get(id=message.id)
    rows = message.conversation.messages.order_by("seq").values_list(*COLUMNS)
    tree = {row[0]: Node(*row) for row in rows}
    siblings = [node.id for node in tree.values() if node.parent == row.parent_id]
    traces = trace.read([row], tree, readable=readable, whole=True)
    return Turn(row, siblings, traces.get(row.id))


def _whole(conversation: Conversation, *, readable: bool) -> QuerySet:
    """Its messages with their runs; what was said is only loaded if it is `readable`."""
    messages = conversation.messages.select_related("run")
    return messages if readable else messages.defer("text", "reasoning")


def _branch(tree: Tree, through: UUID) -> list[Node]:
    """The path through a message, down to the newest one below it."""
    below = {through}
    last = tree[through]
    for node in tree.values():
        if node.parent in below:
            below.add(node.id)
            last = node
    branch = [last]
    while branch[-1].parent is not None:
        branch.append(tree[branch[-1].parent])
    return branch[::-1]


def _pages(branch: list[Node]) -> list[list[Node]]:
    """The branch cut from its end into pages that a browser can take."""
    pages, room = [], 0
    for node in reversed(branch):
        room -= node.length
        if not pages or len(pages[-1]) == PAGE or room < 0:
            pages.append([])
            room = PAGE_CHARACTERS - node.length
        pages[-1].append(node)
    return pages
