"""What was sent to a model, without saying again what the messages' rows say already.

A reply's prompt is most of its conversation. Kept as text, a long conversation would grow with the
square of its length; so a stretch of its branch is kept as the two ids that it lies between, and
what is not a message's text once for each conversation.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from chat.models import Prompt
from chat.text import clean

# A text is looked for within others, and kept apart from its call, from so many characters on.
NOTABLE = 40
KEPT_APART = 200
# New text of one reply beyond this is only counted: a flow may send whatever it likes.
MOST = 200_000
# How many characters are looked through for what is known, for each text that is: a few
# milliseconds. What comes after is kept as a text.
SEARCHED = 10_000_000


class Sent:
    """What the models were sent for one reply.

    `history` is what the flow was given, `ids` are those of its messages that are rows, `system`
    is the system prompt.
    """

    def __init__(
        self, conversation: UUID, history: Sequence[dict], ids: Sequence[UUID], system: str
    ) -> None:
        self._conversation = conversation
        self._ids = list(map(str, ids))
        self._prompts: dict[UUID, str] = {}
        self._room = MOST
        self._search = SEARCHED
        self._cut: dict[str, list] = {}  # contents that came before
        self._places: dict[tuple, list[int]] = defaultdict(list)
        self._known: list[tuple[str, object]] = []
        for place, (id, message) in enumerate(zip(self._ids, history, strict=False)):
            text = message["content"]
            self._places[message["role"], text].append(place)
            if len(text) >= NOTABLE:
                self._known.append((text, {"message": id}))
        if len(system) >= KEPT_APART:
            self._known.append((system, None))

    @property
    def prompts(self) -> list[Prompt]:
        """The texts that the parts refer to."""
        return [
            Prompt(conversation_id=self._conversation, digest=digest, text=text)
            for digest, text in self._prompts.items()
        ]

    def entries(self, messages: Sequence[dict]) -> list[dict]:
        """One call's messages, as `Call.sent` keeps them."""
        entries: list[dict] = []
        next_place = len(self._ids)  # from the end: a prompt is cut at its beginning
        for message in reversed(messages):
            place = self._place(message, next_place)
            if place is None:
                role = clean(str(message.get("role", "")))[:32]
                entries.append({"role": role, "parts": self._parts(_content(message))})
                continue
            id = self._ids[place]
            if place == next_place - 1 and entries and "from" in entries[-1]:
                entries[-1]["from"] = id
                entries[-1]["count"] += 1
            else:
                entries.append({"from": id, "to": id, "count": 1})
            next_place = place
        return entries[::-1]

    def _place(self, message: dict, before: int) -> int | None:
        """Which message of the history this is: the last such one that is not behind the next."""
        content = message.get("content")
        if not isinstance(content, str) or message.keys() - {"role", "content"}:
            return None
        places = self._places.get((message.get("role"), content), ())
        return next((place for place in reversed(places) if place < before), None)

    def _parts(self, content: str) -> list:
        if content not in self._cut:
            self._cut[content] = [part for part in self._cuts(content) if part != ""]
        return self._cut[content]

    def _cuts(self, content: str) -> list:
        """The content, with references in place of what is known in it."""
        effort = len(content) * len(self._known)
        found = []
        if len(content) >= NOTABLE and effort <= self._search:
            self._search -= effort
            places = ((content.find(text), text, part) for text, part in self._known)
            found = [(at, text, part) for at, text, part in places if at >= 0]
        parts, end = [], 0
        for at, text, part in sorted(found, key=lambda place: (place[0], -len(place[1]))):
            if at >= end:
                parts += [self._text(content[end:at]), part or self._text(text)]
                end = at + len(text)
        return [*parts, self._text(content[end:])]

    def _text(self, text: str) -> object:
        """A text that is no message's."""
        text = clean(text)
        digest = UUID(bytes=hashlib.blake2b(text.encode(), digest_size=16).digest())
        if digest not in self._prompts:
            if len(text) > self._room:
                return {"left_out": len(text)}
            self._room -= len(text)
        if len(text) < KEPT_APART:
            return text
        self._prompts[digest] = text
        return {"prompt": str(digest)}


def _content(message: dict) -> str:
    """What a message says; what is not plain text as JSON."""
    content = message.get("content")
    rest = {name: value for name, value in message.items() if name not in ("role", "content")}
    if isinstance(content, str) and not rest:
        return content
    if content:
        rest = {"content": content, **rest}
    return json.dumps(rest, ensure_ascii=False, default=lambda value: type(value).__name__)
