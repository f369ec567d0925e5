"""The model that all servers are measured with: numbered tokens on time, and when each was sent.

It lives in the process of the clients, so that its clock is theirs: a token's added latency is the
moment its client has it less the moment it was written here. A request names its stream by a JSON
object at the end of the last message: `!!{"stream": 7}`. A stream may also have a text of its own.
"""

import asyncio
import json
from array import array
from dataclasses import dataclass, field
from time import perf_counter
from typing import Self

TOKEN_CHARACTERS = 5
RATE = 50  # tokens a second, of each paced stream
LATE = 0.02  # seconds after which a token is no measure of the server
BATCH = 64  # events in one write when nothing paces them
SIGN = "!!"

# A chunk as OpenAI's servers send it, around the token.
EVENT = (
    b'data: {"id":"chatcmpl-AbCdEfGhIjKlMnOpQrStUvWxYz012","object":"chat.completion.chunk",'
    b'"created":1700000000,"model":"bench-2024-07-18","service_tier":"default",'
    b'"system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":%b,"logprobs":null,'
    b'"finish_reason":%b}]}\n\n'
)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def token(number: int) -> str:
    """Token `number`, from 0."""
    return f"{number % 10_000:04d} "


def text(tokens: int) -> str:
    """What so many tokens make."""
    return "".join(map(token, range(tokens)))


EVENTS = [EVENT % (b'{"content":"%b"}' % token(n).encode(), b"null") for n in range(10_000)]


@dataclass
class Stream:
    """One answer: what is asked for, and the moments (perf_counter, seconds) at which it was asked
    and each token sent."""

    id: int
    tokens: int
    rate: float  # tokens a second; 0: as fast as the server takes them
    first_delay: float  # seconds from the request to the first token
    text: str = ""  # what it says, instead of numbers
    asked: float = 0.0
    sent: array = field(default_factory=lambda: array("d"))

    def directive(self) -> str:
        """What the message must end with to get this stream."""
        return SIGN + json.dumps({"stream": self.id})

    def event(self, number: int) -> bytes:
        """What carries token `number`."""
        if not self.text:
            return EVENTS[number % 10_000]
        start = number * TOKEN_CHARACTERS
        content = json.dumps({"content": self.text[start : start + TOKEN_CHARACTERS]})
        return EVENT % (content.encode(), b"null")


class Model:
    """The server, and all streams that were ever made."""

    def __init__(self) -> None:
        self.streams: list[Stream] = []
        self.sent = 0  # tokens
        self.late = 0  # writes
        self.url = ""
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self), "127.0.0.1", 0, backlog=2048
        )
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    def stream(self, tokens: int, rate: float, first_delay: float = 0.0) -> Stream:
        """A new stream, to be asked for."""
        stream = Stream(len(self.streams), tokens, rate, first_delay)
        self.streams.append(stream)
        return stream

    def saying(self, text: str, rate: float) -> Stream:
        """A new stream that says `text`."""
        stream = self.stream(-(-len(text) // TOKEN_CHARACTERS), rate)
        stream.text = text
        return stream


class Connection(asyncio.Protocol):
    """Answers one request after the other."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.buffer = b""
        self.transport: asyncio.Transport | None = None
        self.stream: Stream | None = None
        self.started = 0.0
        self.timer: asyncio.Handle | None = None
        self.full = False  # the other side does not read as fast

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        if self.timer is not None:
            self.timer.cancel()

    def pause_writing(self) -> None:
        self.full = True

    def resume_writing(self) -> None:
        self.full = False
        if self.stream is not None and not self.stream.rate:
            self.go_on()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, found, body = self.buffer.partition(b"\r\n\r\n")
        if not found:
            return
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if len(body) < int(fields.get(b"content-length", 0)):
            return
        self.buffer = b""
        self.answer(json.loads(body)["messages"])

    def answer(self, messages: list[dict]) -> None:
        said = messages[-1]["content"]
        id = json.loads(said[said.rindex(SIGN) + len(SIGN) :])["stream"]
        self.stream = stream = self.model.streams[id]
        stream.asked = perf_counter()
        self.transport.write(HEAD)
        self.write(EVENT % (b'{"role":"assistant","content":""}', b"null"))
        self.started = stream.asked + stream.first_delay
        loop = asyncio.get_running_loop()
        self.timer = loop.call_later(stream.first_delay, self.go_on)

    def go_on(self) -> None:
        """Send what is due, and come again for the rest."""
        stream = self.stream
        first, now = len(stream.sent), perf_counter()
        if stream.rate:
            self.model.late += now - self.started - first / stream.rate > LATE
            last = max(first, int((now - self.started) * stream.rate)) + 1
        else:
            last = first + BATCH
        last = min(last, stream.tokens)
        stream.sent.extend([now] * (last - first))
        self.model.sent += last - first
        self.write(b"".join(map(stream.event, range(first, last))))
        loop = asyncio.get_running_loop()
        if last == stream.tokens:
            self.end()
        elif stream.rate:
            due = self.started + last / stream.rate - perf_counter()
            self.timer = loop.call_later(max(due, 0), self.go_on)
        elif not self.full:
            self.timer = loop.call_soon(self.go_on)

    def end(self) -> None:
        self.stream = None
        self.write(EVENT % (b"{}", b'"stop"') + b"data: [DONE]\n\n")
        self.transport.write(b"0\r\n\r\n")

    def write(self, data: bytes) -> None:
        """One chunk of the response."""
        self.transport.write(b"%x\r\n%b\r\n" % (len(data), data))
