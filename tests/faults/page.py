"""A tab as the page in it behaves: it comes back, shows what it held, and says again what got no
answer. All that it hears goes into the ledger and the history."""

import json
from contextlib import suppress
from itertools import count
from pathlib import Path
from time import monotonic
from uuid import uuid4

from tests.reducer import Client
from tests.server import Server
from tests.tabs import Person, Tab

from . import figures
from .ledger import Ledger
from .world import World, eventually

RESTART, NOBODY = 4012, 4401
PINGS, TURNS = count(1), count(1)


class History:
    """Every step, and every frame of every tab, each a line as it happens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("w", buffering=1)
        self._began = monotonic()

    def write(self, who: str, what: str, content: object) -> None:
        line = {"at": round(monotonic() - self._began, 4), "who": who, what: content}
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def close(self) -> None:
        self._file.close()


class Watched(Client):
    """The strict client of a page, under the eyes of the ledger."""

    def __init__(self, page: "Page") -> None:
        super().__init__()
        self._page = page

    def hear(self, frame: dict) -> None:
        self._page.history.write(self._page.name, "heard", frame)
        super().hear(frame)
        if frame["type"] == "error" and frame["re"] == "open":
            self.show_none()
        self._page.heard(frame)

    def show_none(self) -> None:
        self.conversation, self.messages = None, []


class Page(Tab):
    def __init__(
        self, world: World, ledger: Ledger, history: History, person: Person, name: str
    ) -> None:
        super().__init__(person, person.url, seen=True)
        self.world, self.ledger, self.history, self.name = world, ledger, history, name
        self.client = Watched(self)
        self.worker: Server | None = None
        self.due: str | None = None  # the conversation that it opened or sent into last
        self._due_since = 0
        self._turns: dict[str, int] = {}  # when each request was said, among the others and `open`
        self.unanswered: dict[str, dict] = {}  # requests, by cid
        self.user: str | None = None

    @property
    def is_open(self) -> bool:
        return self.socket is not None and self.closed is None

    @property
    def is_live(self) -> bool:
        """Whether it is told of what happens now."""
        return self.is_open and self.worker in self.world.healthy()

    # Coming and going

    async def come(self, worker: Server) -> None:
        """Connect there, and go on where the page was."""
        await eventually(lambda: self._is_welcomed(worker), f"a welcome for {self.name}")
        figures.count("sockets")
        user = self.all("welcome")[0]["user"]["id"]
        assert self.user in (None, user), f"{self.name} is somebody else: {user}"
        self.user = user
        if self.due is not None:
            await self.show(self.due)
        await self.is_answered()

    async def _is_welcomed(self, worker: Server) -> bool:
        await self._connect(worker)
        assert self.closed in (None, RESTART), f"{self.name} was told {self.frames}"
        return self.is_open

    async def is_refused(self, worker: Server) -> bool:
        """Connect as a page whose person has signed out meanwhile."""
        await self._connect(worker)
        assert self.closed in (RESTART, NOBODY), f"{self.name} was told {self.frames}"
        return self.closed == NOBODY

    async def _connect(self, worker: Server) -> None:
        await self.leave()
        self.check()
        self.worker = worker
        self.frames.clear()
        self.person.url = self.origin = worker.url
        await self.connect()

    async def leave(self) -> None:
        """Close the socket as a browser does."""
        if self.is_live:
            await self.close()
        await self.drop()

    async def drop(self) -> None:
        """The network is gone: no close, nothing."""
        if self.is_open:
            self.history.write(self.name, "is", "dropped")
            figures.count("cuts of sockets")
            if connection := self.socket._response.connection:
                connection.transport.abort()
            await self.until(lambda: self.closed, "the end of the socket")

    def check(self) -> None:
        """Raises what the page found wrong in a frame."""
        if self._reading is not None:
            self._failed()

    # Saying

    async def say(self, **frame: object) -> None:
        if frame["type"] != "seen":
            self.history.write(self.name, "said", frame)
        with suppress(ConnectionError):  # who is gone cannot be told
            await super().say(**frame)

    async def show(self, conversation: str | None) -> None:
        """`open`, with what is held of it."""
        have = self.client.have() if conversation == self.client.conversation else {}
        self.due, self._due_since = conversation, next(TURNS)
        answers = self._answers_to_open()
        await self.say(type="open", conversation=conversation, have=have)
        if conversation is None:
            self.client.show_none()
            return
        await self.until(lambda: self.closed or self._answers_to_open() > answers, "a state")
        if self.all("error")[-1:] and self.client.conversation is None:
            assert conversation in self.ledger.ever_deleted, f"{conversation} is not found"
            self.due = None

    def _answers_to_open(self) -> int:
        return self.count("state") + sum(error["re"] == "open" for error in self.all("error"))

    async def put(self, frame: dict) -> None:
        """Say a request, and do not wait for its answer."""
        self.unanswered[frame["cid"]] = frame
        self._turns[frame["cid"]] = next(TURNS)
        self.ledger.says(frame)
        await self.say(**frame)

    async def demand(self, frame: dict) -> dict | None:
        """Say a request; its answer, or None if the socket is gone before."""
        before = len(self._answers_to(frame))
        await self.put(frame)
        await self.until(
            lambda: self.closed or len(self._answers_to(frame)) > before, f"an answer to {frame}"
        )
        return next(iter(self._answers_to(frame)[before:]), None)

    async def is_answered(self) -> bool:
        """Whether every request is; those that are not are said again."""
        for frame in list(self.unanswered.values()):
            await self.demand(frame)
        return not self.unanswered

    def _answers_to(self, frame: dict) -> list[dict]:
        return [answer for answer in self.frames if _is_answer(answer, frame["cid"])]

    async def caught_up(self) -> bool:
        """Wait until all that was said is answered; False if the socket is gone before."""
        n = next(PINGS)
        await self.say(type="ping", n=n)
        await self.until(
            lambda: self.closed or any(pong["n"] == n for pong in self.all("pong")), "a pong"
        )
        return self.is_open

    # Hearing

    def heard(self, frame: dict) -> None:
        """The client has applied `frame`."""
        if frame["type"] == "ack" and self._turns[frame["cid"]] > self._due_since:
            self.due, self._due_since = frame["conversation"], self._turns[frame["cid"]]
        answered = any(_is_answer(frame, cid) for cid in self.unanswered)
        if answered and frame.get("code") != "unavailable":  # else it is said again
            del self.unanswered[frame["cid"]]
        self.ledger.hears(frame)
        for message in self._about(frame):
            self.ledger.enter(self.client.conversation, message)

    def _about(self, frame: dict) -> list[dict]:
        """The messages that are shown otherwise since this frame."""
        if frame["type"] == "state":
            return self.client.messages
        about = frame.get("message")
        id = about["id"] if isinstance(about, dict) else about
        return [message for message in self.client.messages if message["id"] == id]


def _is_answer(frame: dict, cid: str) -> bool:
    return frame["type"] in ("ack", "error") and frame.get("cid") == cid


def request(type: str, **fields: object) -> dict:
    """A request as a page makes it."""
    return {"type": type, "cid": str(uuid4()), **fields}
