"""The page's rules in Python: what a client shows after each frame, strictly.

The same as `static/chat/js/store.js`, but where the page would heal a gap by asking again, this one
fails: on a connection that is not cut, the server must never leave one.
"""

from typing import Any

FINAL = {"done", "stopped", "interrupted", "error"}
Frame = dict[str, Any]


class Broken(AssertionError):
    """The server said what the protocol does not allow."""


class Client:
    """What one tab shows: the branch of messages, and the list's entries that it heard of."""

    def __init__(self) -> None:
        self.conversation: str | None = None
        self.messages: list[dict] = []
        self.entries: dict[str, dict] = {}
        self._told: set[str] = set()  # by `message`, which comes once to each socket

    def shown(self) -> list[dict]:
        """The messages, oldest first, without what is only for the way (`phase`)."""
        return [{k: v for k, v in message.items() if k != "phase"} for message in self.messages]

    def have(self) -> dict[str, int]:
        """What `open` says that the client holds."""
        return {message["id"]: message["length"] for message in self.messages[-100:]}

    def cursors(self, message: str) -> tuple[int, int]:
        """How much of a reply's text and reasoning was received."""
        found = self._find(message)
        return (found["length"], found["reasoning_length"]) if found else (0, 0)

    def hear(self, frame: Frame) -> None:
        """Apply one frame of the server. Raises Broken."""
        rule = getattr(self, f"_on_{frame['type']}", None)
        if rule is not None:
            rule(frame)

    # One rule a frame type

    def _on_welcome(self, frame: Frame) -> None:
        self._told.clear()

    def _on_state(self, frame: Frame) -> None:
        conversation = frame["conversation"]["id"]
        if conversation != self.conversation:
            self.conversation, self.messages = conversation, []
        told = [self._merged(row) for row in frame["messages"]]
        self.messages = [*self._before(told), *told]
        self._check_branch()

    def _on_message(self, frame: Frame) -> None:
        row = frame["message"]
        if frame["conversation"] != self.conversation:
            return
        if row["id"] in self._told:
            raise Broken(f"message {row['id']} was told twice")
        self._told.add(row["id"])
        if self._active():
            raise Broken("a message came while a reply is active")
        branch = self._up_to(row["parent"])
        self.messages = [*branch, self._merged(row)]
        self._check_branch()

    def _on_delta(self, frame: Frame) -> None:
        self._grow(frame, "text", "length")

    def _on_reasoning(self, frame: Frame) -> None:
        self._grow(frame, "reasoning", "reasoning_length")

    def _on_step(self, frame: Frame) -> None:
        if message := self._running(frame):
            steps, step = message["steps"], frame["step"]
            at = next((n for n, known in enumerate(steps) if known["id"] == step["id"]), len(steps))
            steps[at : at + 1] = [step]

    def _on_status(self, frame: Frame) -> None:
        if message := self._running(frame):
            message["phase"] = frame["phase"]

    def _on_end(self, frame: Frame) -> None:
        message = self._running(frame)
        if message is None:
            return
        lengths = (message["length"], message["reasoning_length"])
        if lengths != (frame["length"], frame.get("reasoning_length", 0)):
            raise Broken(f"the end says {frame}, but {lengths} were told")
        if frame["status"] not in FINAL:
            raise Broken(f"{frame['status']} is no end")
        for key in ("status", "finish_reason", "usage", "error"):
            if key in frame:
                message[key] = frame[key]

    def _on_conversation(self, frame: Frame) -> None:
        self.entries[frame["conversation"]["id"]] = frame["conversation"]

    # What they share

    def _grow(self, frame: Frame, text: str, length: str) -> None:
        message = self._running(frame)
        if message is None:
            return
        if frame["from"] != message[length]:
            raise Broken(f"{frame['type']} from {frame['from']}, but {message[length]} were told")
        if frame["to"] - frame["from"] != len(frame["text"]):
            raise Broken(f"{frame['type']} does not carry what it says: {frame}")
        message[text] += frame["text"]
        message[length] = frame["to"]

    def _running(self, frame: Frame) -> dict | None:
        """The active reply that `frame` is about; None for one that is not shown."""
        message = self._find(frame["message"])
        if message is not None and message["status"] in FINAL:
            raise Broken(f"{frame['type']} after the end of {frame['message']}")
        return message

    def _merged(self, row: dict) -> dict:
        row = dict(row)
        start = row.pop("from")
        held = self._find(row["id"])
        if start:
            if held is None or held["length"] < start:
                raise Broken(f"a message begins at {start}, which is not the client's cursor")
            # More may have been told meanwhile, while the `open` that named this cursor was heard.
            if not row["text"].startswith(held["text"][start:]):
                raise Broken(f"a message has another text from {start} on than was told")
            row["text"] = held["text"][:start] + row["text"]
        if len(row["text"]) != row["length"]:
            raise Broken(f"a text of {len(row['text'])} says that it has {row['length']}")
        return {"reasoning": "", "reasoning_length": 0, "steps": []} | row

    def _before(self, told: list[dict]) -> list[dict]:
        """What stays before a `state`: where it joins by `parent`, back to what is not final."""
        first = told[0]["parent"] if told else None
        at = next((n for n, message in enumerate(self.messages) if message["id"] == first), -1)
        end = start = at + 1
        while start and self.messages[start - 1]["status"] in FINAL:
            start -= 1
        return self.messages[start:end]

    def _up_to(self, parent: str | None) -> list[dict]:
        if parent is None:
            return []
        at = next((n for n, message in enumerate(self.messages) if message["id"] == parent), None)
        if at is None:
            raise Broken(f"a message follows {parent}, which is not shown")
        return self.messages[: at + 1]

    def _find(self, id: str) -> dict | None:
        return next((message for message in self.messages if message["id"] == id), None)

    def _active(self) -> bool:
        return bool(self.messages) and self.messages[-1]["status"] not in FINAL

    def _check_branch(self) -> None:
        """Each message is the child of the one before it, and only the last may be active."""
        for above, below in zip(self.messages, self.messages[1:], strict=False):
            if below["parent"] != above["id"]:
                raise Broken(f"{below['id']} does not follow {above['id']}")
            if above["status"] not in FINAL:
                raise Broken(f"{above['id']} is active, and not the last")
