"""What people were shown and promised, and what must hold of it for ever.

Every frame of every tab is entered (`heard`), and after every step the ledger is compared with what
is committed (`audit`). Both raise AssertionError.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from time import monotonic

from tests.reducer import FINAL
from tests.upstream import EMOJI, directive_of, numbered

from . import figures

# What of a final reply never changes again.
FIXED = ("status", "text", "reasoning", "parent", "error", "finish_reason")


@dataclass
class Shown:
    """The most that anybody was shown of a message."""

    conversation: str
    text: str = ""
    reasoning: str = ""
    final: dict | None = None


@dataclass
class Request:
    """A `send`, `regenerate`, or `continue`, said once or more often under one cid."""

    frame: dict
    said: int = 0
    refused: list[str] = field(default_factory=list)
    ack: dict | None = None
    firsts: int = 0  # acks that were no duplicates


class Ledger:
    def __init__(self) -> None:
        self.shown: dict[str, Shown] = {}
        self.requests: dict[str, Request] = {}
        self.conversations: set[str] = set()
        self.deleted: set[str] = set()  # now
        self.ever_deleted: set[str] = set()
        self.orphans: dict[str, float] = {}  # replies whose worker was killed or frozen: since when
        self.stops: dict[str, float] = {}  # replies that somebody stopped: since when

    # What is said and heard

    def says(self, frame: dict) -> None:
        """A request goes out, perhaps again."""
        request = self.requests.setdefault(frame["cid"], Request(frame))
        request.said += 1
        if "conversation" in frame:
            self.conversations.add(frame["conversation"])

    def hears(self, frame: dict) -> None:
        """An answer to one of the requests, among other frames."""
        if frame["type"] == "ack":
            self._hears_ack(frame)
        elif frame["type"] == "error" and frame.get("cid") in self.requests:
            self.requests[frame["cid"]].refused.append(frame["code"])

    def _hears_ack(self, frame: dict) -> None:
        request = self.requests[frame["cid"]]
        request.firsts += not frame["duplicate"]
        answer = {key: frame[key] for key in ("conversation", "message", "reply")}
        assert request.ack in (None, answer), f"{frame} is not the first answer, {request.ack}"
        assert request.firsts <= 1, f"{frame['cid']} was accepted twice"
        if request.ack is None:
            figures.count("replies")
        request.ack = answer

    def enter(self, conversation: str, message: dict) -> None:
        """A message is shown so."""
        id, final = message["id"], message["status"] in FINAL
        shown = self.shown.setdefault(id, Shown(conversation))
        for key in ("text", "reasoning"):
            before, now = getattr(shown, key), message[key]
            less, more = sorted((before, now), key=len)
            assert more.startswith(less), f"the {key} of {id} was {before!r} and is {now!r}"
            setattr(shown, key, more)
        if shown.final is not None:
            ends = {key: shown.final[key] for key in ("text", "reasoning")}
            assert ends["text"].startswith(message["text"]), f"{id} grew after its end"
            if final:
                was, now = _fixed(shown.final), _fixed(message)
                assert was == now, f"the end of {id} was {was} and is {now}"
        elif final:
            assert len(message["text"]) == len(shown.text), f"{id} is shorter at its end"
            shown.final = dict(message)
            self._ended(id)

    def orphaned(self, id: str) -> None:
        """The worker that writes this reply was lost."""
        self.orphans.setdefault(id, monotonic())

    def stopped(self, id: str) -> None:
        """Somebody wants this reply to stop."""
        self.stops.setdefault(id, monotonic())

    def _ended(self, id: str) -> None:
        lost = "lost worker to end of its reply"
        for since, what in ((self.orphans, lost), (self.stops, "stop to end")):
            if id in since:
                figures.took(what, monotonic() - since.pop(id))

    def deletes(self, conversation: str) -> None:
        """It is deleted, until it is restored."""
        self.deleted.add(conversation)
        self.ever_deleted.add(conversation)

    # What is committed

    def known(self) -> dict[str, tuple[str, str, dict | None]]:
        """What was shown until now: whatever is read from the database later must hold it."""
        return {id: (shown.text, shown.reasoning, shown.final) for id, shown in self.shown.items()}

    def audit(self, known: dict, messages: list[dict], conversations: list[dict]) -> None:
        """`messages` and `conversations` were read after `known`."""
        self.deleted = {one["id"] for one in conversations if one["deleted"]}
        self.ever_deleted |= self.deleted
        rows = {row["id"]: row for row in messages}
        for id, (text, reasoning, final) in known.items():
            if self.shown[id].conversation not in self.deleted:
                _holds(rows.get(id), id, text, reasoning, final)
        self._requests_hold(rows)
        for row in rows.values():
            if row["role"] == "assistant":
                _is_what_the_model_said(row, rows)
        running = Counter(row["conversation"] for row in messages if row["status"] == "running")
        assert max(running.values(), default=0) <= 1, f"two replies run at once: {running}"
        written = [row["id"] for row in messages if row["deleted"] and row["status"] == "running"]
        assert not written, f"in deleted conversations {written} are written"
        _branches_hold(messages)
        for id in self.orphans.keys() & rows.keys():
            if rows[id]["status"] != "running":
                self._ended(id)

    def _requests_hold(self, rows: dict[str, dict]) -> None:
        made = Counter(row["cid"] for row in rows.values() if row["cid"])
        assert max(made.values(), default=0) <= 1, f"a request made two rows: {made}"
        assert made.keys() <= self.requests.keys(), "a row comes from no request"
        for cid, request in self.requests.items():
            if request.ack is None:
                # Told "unavailable", nobody knows: it is said again, with the same cid.
                certain = (
                    len(request.refused) == request.said and "unavailable" not in request.refused
                )
                assert not (certain and cid in made), f"{cid} was refused, and is there"
            elif request.ack["conversation"] not in self.deleted:
                self._accepted_holds(request, rows)

    def _accepted_holds(self, request: Request, rows: dict[str, dict]) -> None:
        """An acknowledged request is there, and says what was said."""
        frame, ack = request.frame, request.ack
        question, reply = rows.get(ack["message"]), rows.get(ack["reply"])
        assert question and reply, f"of {frame['cid']}, acknowledged, there is {question}, {reply}"
        assert reply["parent"] == ack["message"], f"{reply} does not answer {question}"
        first = question if frame["type"] == "send" else reply
        assert first["cid"] == frame["cid"], f"{first} is not what {frame} made"
        if frame["type"] == "send":
            assert question["text"] == frame["text"], f"{question} is not what {frame} says"
        else:
            base = rows[frame["message"]]
            assert base["parent"] == question["id"], f"{reply} does not stand beside {base}"
            kept = base["length"] if frame["type"] == "continue" else None
            assert reply["kept"] == kept, f"{reply} continues {base}"
            assert not kept or reply["text"].startswith(base["text"]), f"{reply} lost {base}"
            model = base["model"] if kept else frame.get("model", reply["model"])
            assert reply["model"] == model, f"{reply} is not by {model}"


def _fixed(message: dict) -> dict:
    return {key: message.get(key) for key in FIXED}


def _holds(row: dict | None, id: str, text: str, reasoning: str, final: dict | None) -> None:
    """The row is at least what was shown of it."""
    assert row is not None, f"{id}, which was shown, is gone"
    for key, was in (("text", text), ("reasoning", reasoning)):
        assert row[key].startswith(was), f"shown was {was!r} as {key} of {id}: it is {row[key]!r}"
    if final is not None:
        was = {key: final[key] for key in ("status", "text", "reasoning")}
        assert was == {key: row[key] for key in was}, f"{id} was {was} at its end, and is {row}"


def _is_what_the_model_said(row: dict, rows: dict[str, dict]) -> None:
    """Nothing is lost or doubled within: each token has its number."""
    assert (row["length"], row["reasoning_length"]) == (len(row["text"]), len(row["reasoning"]))
    told = directive_of([{"role": "user", "content": _asked(row, rows)}])
    if row["kept"]:
        told = told["next"]
    whole = numbered(told["tokens"], told.get("start", 1))
    whole += 2 * EMOJI if told.get("split_emoji") else ""
    said = row["text"][row["kept"] or 0 :]
    assert whole.startswith(said), f"the model did not say {said!r} in {row['id']}"
    assert row["status"] != "done" or said == whole, f"{row['id']} is done, but only {said!r}"
    thought = "".join(f"(r{number:04d})" for number in range(1, told.get("reasoning", 0) + 1))
    assert thought.startswith(row["reasoning"]), f"the model did not think {row['reasoning']!r}"


def _asked(reply: dict, rows: dict[str, dict]) -> str:
    """What the model was asked last: a question, with those before it whose replies are empty."""
    question = rows[reply["parent"]]
    before = rows.get(question["parent"])
    if before is None or before["text"]:
        return question["text"]
    return f"{_asked(before, rows)}\n\n{question['text']}"


def _branches_hold(messages: list[dict]) -> None:
    """The shown branch of each conversation is one path from a first message downwards."""
    branches = defaultdict(list)
    for row in messages:
        if row["shown"]:
            branches[row["conversation"]].append(row)
        elif row["status"] == "running":
            raise AssertionError(f"{row['id']} is running, and not shown")
    for branch in branches.values():
        parents = [row["parent"] for row in branch]
        path = [None, *(row["id"] for row in branch[:-1])]
        assert parents == path, f"what is shown is no branch: {[row['id'] for row in branch]}"
        running = [row for row in branch if row["status"] == "running"]
        assert running in ([], branch[-1:]), f"{running} is not the end of its branch"
