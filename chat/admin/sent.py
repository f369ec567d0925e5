"""What a model was sent, put together again from what is kept of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from chat.models import Call, Message, Prompt


@dataclass(frozen=True, slots=True)
class Node:
    """A message in the tree; its `text` where that is wanted."""

    id: UUID
    seq: int
    parent: UUID | None
    role: str
    length: int
    text: str = ""


Tree = dict[UUID, Node]
NOBODY = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what was sent: a text, or a message's, or so many characters that are not kept."""

    text: str = ""
    node: Node | None = None
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One message that was sent, or a stretch of the branch as it is (`nodes`)."""

    role: str = ""
    parts: tuple[Part, ...] = ()
    nodes: tuple[Node, ...] = ()
    count: int = 1  # how many messages it stands for
    unsent: int = 0  # earlier messages of the branch that were not sent

    @property
    def first(self) -> Node | None:
        return self.nodes[0] if self.nodes else None

    @property
    def last(self) -> Node | None:
        return self.nodes[-1] if len(self.nodes) > 1 else None


class Texts:
    """The texts that `calls`, of one conversation, were sent; with `whole`, those of its messages,
    too."""

    def __init__(self, tree: Tree, calls: list[Call], *, whole: bool) -> None:
        self._tree = tree
        parts = [part for call in calls for entry in call.sent for part in entry.get("parts", ())]
        digests = {part["prompt"] for part in parts if isinstance(part, dict) and "prompt" in part}
        replies = {call.message_id for call in calls}
        found = Prompt.objects.of_replies(replies).filter(digest__in=digests)
        self._prompts = {str(row.digest): row.text for row in found} if digests else {}
        if whole:
            self._read({node.id for call in calls for node in self._nodes(call)})

    def entries(self, call: Call, reply: Message) -> list[Entry]:
        """What `call` was sent for `reply`, in the order in which it was."""
        found = []
        is_first = True
        for entry in call.sent:
            if "from" not in entry:
                parts = tuple(self._part(part, reply) for part in entry["parts"])
                found.append(Entry(role=entry["role"], parts=parts))
                continue
            nodes = [_as_sent(node, reply) for node in self._stretch(entry)]
            unsent = len(list(self._above(nodes[0].parent))) if is_first and nodes else 0
            found.append(Entry(nodes=tuple(nodes), count=entry["count"], unsent=unsent))
            is_first = False
        return found

    def _nodes(self, call: Call) -> Iterator[Node]:
        """The messages that it was sent, or parts of which."""
        for entry in call.sent:
            if "from" in entry:
                yield from self._stretch(entry)
            for part in entry.get("parts", ()):
                if isinstance(part, dict) and UUID(part.get("message", NOBODY)) in self._tree:
                    yield self._tree[UUID(part["message"])]

    def _read(self, ids: set[UUID]) -> None:
        texts = Message.objects.filter(id__in=ids).values_list("id", "text")
        self._tree = self._tree | {id: replace(self._tree[id], text=text) for id, text in texts}

    def _stretch(self, entry: dict) -> list[Node]:
        """The messages between two of a branch."""
        nodes = []
        for node in self._above(UUID(entry["to"])):
            nodes.append(node)
            if node.id == UUID(entry["from"]):
                break
        return nodes[::-1]

    def _above(self, id: UUID | None) -> Iterator[Node]:
        """The message and those before it, from the end; those without text are never sent."""
        while id in self._tree:
            node = self._tree[id]
            if node.length:
                yield node
            id = node.parent

    def _part(self, part: object, reply: Message) -> Part:
        match part:
            case str():
                return Part(text=part)
            case {"prompt": digest}:
                return Part(text=self._prompts.get(digest, ""))
            case {"message": id} if UUID(id) in self._tree:
                return Part(node=_as_sent(self._tree[UUID(id)], reply))
            case {"left_out": count}:
                return Part(left_out=count)
        return Part()


def _as_sent(node: Node, reply: Message) -> Node:
    """A reply that goes on with another was sent what it took over, and not itself."""
    if node.id != reply.id or reply.kept is None:
        return node
    return replace(node, length=reply.kept, text=node.text[: reply.kept])
