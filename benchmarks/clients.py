"""People who chat, as programs: they ask, and measure when each token of the reply reaches them."""

import asyncio
import json
import uuid
from abc import ABC, abstractmethod
from array import array
from time import perf_counter

from .model import TOKEN_CHARACTERS, Stream, text
from .websocket import Socket

SEEN_CHARACTERS = 16_384
SEEN_SECONDS = 1.0


class Failed(Exception):
    """A reply that is not what the model said, or did not come."""


class Reply:
    """One reply as its reader gets it; moments and latencies in seconds."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.asked = perf_counter()
        self.first: float | None = None
        self.latencies = array("d")  # of each token: from the model's write to its reader
        self.length = 0
        self.done: asyncio.Future = asyncio.get_running_loop().create_future()
        self._pieces: list[str] = []

    @property
    def added_to_first(self) -> float:
        """From the question to the first text, less what the model itself took."""
        return (self.first - self.asked) - (self.stream.sent[0] - self.stream.asked)

    def push(self, piece: str) -> None:
        """More text has come."""
        if not piece:
            return  # a model's first chunk has a role and no text
        now = perf_counter()
        if self.first is None:
            self.first = now
        self._pieces.append(piece)
        self.length += len(piece)
        sent, known = self.stream.sent, len(self.latencies)
        for number in range(known, min(self.length // TOKEN_CHARACTERS, len(sent))):
            self.latencies.append(now - sent[number])

    def end(self, error: str = "") -> None:
        """It is over; it must be whole and exact."""
        if self.done.done():
            return
        if not error and "".join(self._pieces) != text(self.stream.tokens):
            error = f"{self.length} characters that are not what the model said"
        if error:
            self.done.set_exception(Failed(error))
        else:
            self.done.set_result(None)


class Client(ABC):
    """One browser tab."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.source: str | None = None  # the address that it comes from
        self.reply: Reply | None = None
        self.socket: Socket | None = None

    async def connect(self) -> None:
        """Open the socket."""
        self.socket = Socket(self.heard)
        await self.socket.connect(self.port, *self.door(), self.source)
        self.socket.closed.add_done_callback(lambda _: self.fail("the socket was closed"))

    def ask(self, stream: Stream) -> Reply:
        """Send a message that is answered with `stream`."""
        self.reply = Reply(stream)
        self.send(f"Tell me more. {stream.directive()}")
        return self.reply

    async def chat(self, stream: Stream) -> Reply:
        """Ask, and wait until the reply is whole. Raises `Failed`."""
        reply = self.ask(stream)
        await reply.done
        return reply

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()

    def fail(self, why: str) -> None:
        """What is waited for does not come."""
        if self.reply is not None:
            self.reply.end(why)

    @abstractmethod
    def door(self) -> tuple[str, dict[str, str]]:
        """The socket's path, and the headers to come with."""

    @abstractmethod
    def send(self, message: str) -> None:
        """Ask for a reply to `message`."""

    @abstractmethod
    def heard(self, data: bytes) -> None:
        """A frame came."""


class PlainClient(Client):
    """Of the relay and the FastAPI server: `start`, `chunk`, `end`."""

    def door(self) -> tuple[str, dict[str, str]]:
        return "/ws", {}

    def send(self, message: str) -> None:
        self.socket.send(json.dumps({"content": message}))

    def heard(self, data: bytes) -> None:
        frame = json.loads(data)
        if frame["type"] == "chunk":
            self.reply.push(frame["content"])
        elif frame["type"] == "end":
            self.reply.end()


class ChatClient(Client):
    """Of this project: a guest who writes into one conversation, and acknowledges as the page."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.cookie = ""
        self.conversation = str(uuid.uuid4())
        self.parent: str | None = None
        self.writing: str | None = None  # the reply that is being written
        self._opened: asyncio.Future | None = None
        self._seen = 0
        self._seen_at = 0.0

    def door(self) -> tuple[str, dict[str, str]]:
        return "/ws/chat/", {"Origin": f"http://127.0.0.1:{self.port}", "Cookie": self.cookie}

    async def open(self, conversation: str, have: dict[str, int] | None = None) -> dict[str, int]:
        """Show this conversation; the lengths of the messages that are shown, once they are."""
        self._opened = asyncio.get_running_loop().create_future()
        frame = {"type": "open", "conversation": conversation, "have": have or {}}
        self.socket.send(json.dumps(frame))
        messages = await self._opened
        return {message["id"]: message["length"] for message in messages}

    def send(self, message: str) -> None:
        frame = {
            "type": "send",
            "cid": str(uuid.uuid4()),
            "conversation": self.conversation,
            "text": message,
            "parent": self.parent,
        }
        self.socket.send(json.dumps(frame))

    def heard(self, data: bytes) -> None:
        frame = json.loads(data)
        match frame["type"]:
            case "delta":
                if frame["message"] == self.writing:
                    if frame["from"] != self.reply.length:
                        self.fail(f"from {frame['from']} at {self.reply.length}")
                    self.reply.push(frame["text"])
                    self._acknowledge()
            case "message":
                self._shown(frame["message"])
            case "state":
                if self._opened is not None and not self._opened.done():
                    self._opened.set_result(frame["messages"])
                elif self.reply is not None:
                    for message in frame["messages"][-1:]:
                        self._shown(message)
            case "end":
                if frame["message"] == self.writing:
                    self._end(frame)
            case "error" | "bye":
                self.fail(str(frame["code"]))

    def fail(self, why: str) -> None:
        super().fail(why)
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(ConnectionError(why))

    def _shown(self, message: dict) -> None:
        if message["role"] != "assistant" or message["id"] in (self.writing, self.parent):
            return
        self.writing = message["id"]
        self._seen = message["length"]
        if message["text"]:
            self.reply.push(message["text"])
        if message["status"] != "running":
            self._end(message)

    def _end(self, said: dict) -> None:
        self.parent, self.writing = self.writing, None
        self.reply.end("" if said["status"] == "done" else str(said.get("error", said["status"])))

    def _acknowledge(self) -> None:
        now, length = perf_counter(), self.reply.length
        if length - self._seen >= SEEN_CHARACTERS or now - self._seen_at >= SEEN_SECONDS:
            self._seen, self._seen_at = length, now
            frame = {"type": "seen", "message": self.writing, "offset": length}
            self.socket.send(json.dumps(frame))


async def get(port: int, path: str, cookie: str) -> float:
    """Fetch a page to its end; how long that took (seconds)."""
    began = perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Cookie: {cookie}"]
    writer.write("\r\n".join([*head, "Connection: close", "", ""]).encode())
    answer = await reader.read()
    writer.close()
    if not answer.startswith(b"HTTP/1.1 200"):
        raise ConnectionError(answer.split(b"\r\n")[0].decode())
    return perf_counter() - began
