"""A model server that fails on demand, over real HTTP, in a process of its own.

    python -m tests.upstream --port 0

It speaks OpenAI's API and answers with numbered tokens, `<0001><0002>…`, so that a lost or doubled
one shows in the text. A test says what it should do through whatever door it tests: by a JSON
object after `!!` in the last user message, for example

    hello !!{"tokens": 200, "rate": 50, "cut_after": 120}

In the order of an answer (counts are of tokens, those of reasoning too; times are seconds):

    status, error       this HTTP status (and error object) instead of an answer; 0: reset at once
    page                a page instead of the error object
    retry_after         the header of that name
    fail_times          only the first so many requests with this very message fail so
    refuse              [names]: 400 while the request has one of these parameters
    silent              never answers, not even with headers
    body                "html" or "json" instead of a stream
    gate, gate_after    waits for `POST /_gates/NAME` once so many tokens are out (0; -1: headers)
    first_delay         waits before the first token
    reasoning           so many tokens of reasoning first, `(r0001)…`, or this text
    reasoning_field     "reasoning_content", or "reasoning"
    tokens, start       how many numbered tokens (20), from which number (1)
    text, piece, times  this text instead (so many times), in pieces of so many characters (4)
    echo                the messages that came, as JSON, instead
    split_emoji         then an emoji cut within its bytes, and one cut into its two surrogates
    rate                tokens a second; 0: as fast as it can
    usage               False: never reported; "every": in every chunk
    raw, raw_after      lines to send as they are ({"base64": …} for bytes), after so many tokens
    line_bytes          then one line of so many bytes, without an end
    stall_after         then nothing more after so many tokens
    comments            while it stalls, `: keep-alive` every 0.2
    cut_after           the response ends properly, but early and without a finish
    drop_after          the connection is closed in the middle of the response
    reset_after         the connection is reset (RST)
    unterminated        the last token's event lacks its blank line, and nothing follows
    finish              the finish_reason ("stop"); null: none
    no_done             no `data: [DONE]`
    linger              so long until the response ends after that
    next                the directive of a following request whose last message has none

A question that is to look like a person's has no sign: `PUT /_answers` takes an object of questions
and the directives that answer a message with one of them.

Beside the API: `GET /_requests`, `GET /_requests/wait?count=N`,
`GET /_requests/ID/wait?until=started|closed`, `DELETE /_requests`, `POST /_gates/NAME`,
`DELETE /_connections`.
"""

import argparse
import asyncio
import base64
import http.client
import json
import socket
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

SIGN = "!!"
MODELS = ["numbered", "numbered-large"]
BATCH = 64  # events in one write when nothing paces them
KEEP_ALIVE_SECONDS = 0.2
WAIT_SECONDS = 10
EMOJI = "\N{GRINNING FACE}"


def numbered(n: int, start: int = 1) -> str:
    """The text of `n` tokens: `<0001><0002>…`, from number `start`."""
    return "".join(f"<{number:04d}>" for number in range(start, start + n))


class Cut(Exception):
    """The connection must end here, in the middle of the response."""


@dataclass
class Request:
    """What the server remembers of one request to answer."""

    id: int
    body: dict
    authorization: str
    connection: int  # the same number: over the same connection
    status: int | None = None
    tokens_sent: int = 0
    finished: str | None = None  # done, client_closed, cut


def directive_of(messages: list[dict]) -> dict:
    """The JSON object after the sign in the last user message, or `next` of the one before."""
    asked = [text_of(message) for message in messages if message.get("role") == "user"]
    for text, key in zip(reversed(asked), (None, "next"), strict=False):
        if SIGN in text:
            found = json.JSONDecoder().raw_decode(text[text.index(SIGN) + len(SIGN) :])[0]
            return found if key is None else found.get(key, {})
    return {}


def text_of(message: dict) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content)
    return content or ""


class Answer:
    """One streamed answer: the bytes of its events, and the order in which they go out."""

    def __init__(self, server: "Server", request: Request, directive: dict, writer: Any) -> None:
        self.server, self.request, self.directive, self.writer = server, request, directive, writer
        options = request.body.get("stream_options") or {}
        self.usage = directive.get("usage", bool(options.get("include_usage")))
        head = {
            "id": f"chatcmpl-{request.id}",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": request.body.get("model", ""),
        }
        self.head = json.dumps(head)[:-1]
        self.loop = asyncio.get_running_loop()
        self.sent = 0
        self.started = 0.0

    def event(self, delta: dict, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        usage = f', "usage": {json.dumps(self.counts())}' if self.usage == "every" else ""
        return f'data: {self.head}, "choices": [{json.dumps(choice)}]{usage}}}\n\n'.encode()

    def counts(self) -> dict:
        prompt = sum(len(text_of(message)) for message in self.request.body.get("messages", []))
        return {
            "prompt_tokens": prompt,
            "completion_tokens": self.sent,
            "total_tokens": prompt + self.sent,
        }

    def tokens(self) -> Iterator[bytes]:
        """The events of the answer's text, reasoning first."""
        directive = self.directive
        field = directive.get("reasoning_field", "reasoning_content")
        thought = directive.get("reasoning", 0)
        if isinstance(thought, int):
            thought = [f"(r{number:04d})" for number in range(1, thought + 1)]
        yield from (self.event({field: piece}) for piece in thought)
        if directive.get("echo"):
            text = json.dumps(self.request.body.get("messages"))
        else:
            text = directive.get("text")
        if text is None:
            start = directive.get("start", 1)
            for number in range(start, start + directive.get("tokens", 20)):
                yield self.event({"content": f"<{number:04d}>"})
        else:
            text *= directive.get("times", 1)
            size = directive.get("piece", 4)
            for at in range(0, len(text), size):
                yield self.event({"content": text[at : at + size]})

    async def write(self, data: bytes) -> None:
        """One chunk of the response."""
        self.writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self.writer.drain()

    async def send(self) -> None:
        """The whole response, as far as the directive lets it go. Raises `Cut`."""
        directive = self.directive
        if directive.get("gate_after") == -1:
            await self.server.gate(directive["gate"]).wait()
        self.request.status = 200
        self.writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        await self.write(self.event({"role": "assistant", "content": ""}))
        if directive.get("first_delay"):
            await asyncio.sleep(directive["first_delay"])
        self.started = self.loop.time()
        if await self.text():
            await self.end()
        else:
            self.request.finished = "cut"
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()

    async def text(self) -> bool:
        """The tokens, in their time. False if the answer ends with them."""
        marks = {v for key, v in self.directive.items() if key.endswith("_after")}
        if "gate" in self.directive:
            marks.add(self.directive.get("gate_after", 0))
        unterminated = self.directive.get("unterminated", False)
        waiting: list[bytes] = []
        if await self.ends_here():
            return False
        for event in self.tokens():
            waiting.append(event)
            at_mark = self.sent + len(waiting) in marks
            if (at_mark or len(waiting) >= self.due()) and not unterminated:
                await self.flush(waiting)
                if at_mark and await self.ends_here():
                    return False
        if unterminated:
            waiting = [*waiting[:-1], waiting[-1].removesuffix(b"\n\n")]
        await self.flush(waiting)
        return not unterminated

    def due(self) -> int:
        """How many events go out in one write: a batch, or those whose time has come."""
        rate = self.directive.get("rate", 0)
        if not rate:
            return BATCH
        return max(1, int((self.loop.time() - self.started) * rate) - self.sent)

    async def flush(self, waiting: list[bytes]) -> None:
        """Sends what waits, when its time has come."""
        if not waiting:
            return
        if rate := self.directive.get("rate", 0):
            delay = self.started + (self.sent + len(waiting)) / rate - self.loop.time()
            if delay > 0:
                await asyncio.sleep(delay)
        await self.write(b"".join(waiting))
        first = not self.sent
        self.sent += len(waiting)
        self.request.tokens_sent = self.sent
        waiting.clear()
        if first:
            await self.server.tell()

    async def ends_here(self) -> bool:
        """Does what the directive asks for after this many tokens. Raises `Cut`."""
        directive, at = self.directive, self.sent
        if "gate" in directive and directive.get("gate_after", 0) == at:
            await self.server.gate(directive["gate"]).wait()
            self.started = self.loop.time() - at / (directive.get("rate") or 1)
        if directive.get("raw_after") == at:
            await self.raw()
        if directive.get("stall_after") == at:
            while True:
                await asyncio.sleep(KEEP_ALIVE_SECONDS)
                if directive.get("comments"):
                    await self.write(b": keep-alive\n\n")
        if directive.get("reset_after") == at:
            reset_on_close(self.writer)
            raise Cut
        if directive.get("drop_after") == at:
            raise Cut
        return directive.get("cut_after") == at

    async def raw(self) -> None:
        for line in self.directive.get("raw", []):
            data = line.encode() if isinstance(line, str) else base64.b64decode(line["base64"])
            await self.write(data + b"\n")

    async def end(self) -> None:
        """What follows the tokens: raw lines, emoji, an endless line, finish, usage, [DONE]."""
        directive = self.directive
        if directive.get("split_emoji"):
            whole = json.dumps(EMOJI).encode(), EMOJI.encode()
            event = self.event({"content": EMOJI}).replace(whole[0], b'"' + whole[1] + b'"')
            middle = event.index(whole[1]) + 2
            await self.write(event[:middle])
            await asyncio.sleep(0.02)  # so that the halves travel in packets of their own
            await self.write(event[middle:])
            for half in EMOJI.encode("utf-16-be")[:2], EMOJI.encode("utf-16-be")[2:]:
                await self.write(self.event({"content": half.decode("utf-16-be", "surrogatepass")}))
        if "raw_after" not in directive:
            await self.raw()
        line = directive.get("line_bytes", 0)
        if line:
            await self.write(b"data: ")
        for at in range(0, line, 1 << 16):
            await self.write(b"x" * min(1 << 16, line - at))
        if directive.get("finish", "stop") is not None:
            await self.write(self.event({}, directive.get("finish", "stop")))
        if self.usage:
            usage = json.dumps(self.counts())
            await self.write(f'data: {self.head}, "choices": [], "usage": {usage}}}\n\n'.encode())
        if not directive.get("no_done"):
            await self.write(b"data: [DONE]\n\n")
        if directive.get("linger"):
            await asyncio.sleep(directive["linger"])


class Server:
    """The process: its connections, what was asked of it, and the gates that are open."""

    def __init__(self) -> None:
        self.requests: dict[int, Request] = {}
        self.last_id = 0
        self.last_connection = 0
        self.gates: dict[str, asyncio.Event] = {}
        self.idle: set[asyncio.StreamWriter] = set()
        self.failed: Counter[str] = Counter()
        self.answers: dict[str, dict] = {}
        self.changed = asyncio.Condition()

    def gate(self, name: str) -> asyncio.Event:
        return self.gates.setdefault(name, asyncio.Event())

    async def tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one request after the other until either side closes."""
        self.last_connection += 1
        number = self.last_connection
        try:
            while True:
                self.idle.add(writer)
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                self.idle.discard(writer)
                method, path, _ = head.split(" ", 2)
                lines = (line.partition(":") for line in head.split("\r\n")[1:])
                headers = {name.lower(): value.strip() for name, _, value in lines}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if method == "POST" and path.endswith("/chat/completions"):
                    request = await self.accept(json.loads(body), headers, number)
                    if not await self.answer(request, writer):
                        break
                else:
                    await self.other(method, path, body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client closed between two requests
        finally:
            self.idle.discard(writer)
            writer.close()

    async def accept(self, body: dict, headers: dict[str, str], connection: int) -> Request:
        self.last_id += 1
        authorization = headers.get("authorization", "")
        request = Request(self.last_id, body, authorization, connection)
        self.requests[request.id] = request
        await self.tell()
        return request

    async def answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Answers while the client stays; false when the connection cannot be used again."""
        work = asyncio.create_task(self.respond(request, writer))
        connection = writer.transport.get_protocol()
        connection.work = work
        try:
            await work
            request.finished = request.finished or "done"
            return True
        except Cut:
            request.finished = "cut"
        except (asyncio.CancelledError, ConnectionError):
            request.finished = "client_closed"
        finally:
            connection.work = None
            await self.tell()
        return False

    async def respond(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """One answer: a refusal, a page, or a stream. Raises `Cut`."""
        body, messages = request.body, request.body.get("messages", [])
        directive = directive_of(messages) or self.prepared(messages)
        if directive.get("silent"):
            await asyncio.Event().wait()
        refused = [name for name in directive.get("refuse", []) if name in body]
        if refused:
            error = {
                "message": f"Unsupported parameter: '{refused[0]}' is not supported.",
                "type": "invalid_request_error",
                "param": refused[0],
                "code": "unsupported_parameter",
            }
            await self.reply(writer, 400, {"error": error}, request=request)
        elif "status" in directive and self.fails(text_of(messages[-1]), directive):
            if not directive["status"]:
                reset_on_close(writer)
                raise Cut
            said = f"Told to fail. Your key is {request.authorization}, mine is sk-upstream."
            error = {"message": said, "type": "fault"}
            error |= directive.get("error", {})
            headers = {}
            if "retry_after" in directive:
                headers["Retry-After"] = directive["retry_after"]
            page = f"<html><body>{said}</body></html>" if directive.get("page") else None
            content = page or {"error": error}
            await self.reply(writer, directive["status"], content, headers, request)
        elif directive.get("body") == "html":
            await self.reply(writer, 200, "<html><body>Sign in</body></html>", request=request)
        elif "body" in directive or not body.get("stream"):
            message = {"role": "assistant", "content": numbered(directive.get("tokens", 20))}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            await self.reply(writer, 200, {"choices": [choice]}, request=request)
        else:
            await Answer(self, request, directive, writer).send()

    def prepared(self, messages: list[dict]) -> dict:
        """What answers the last question that has an answer here."""
        asked = [text_of(message) for message in messages if message.get("role") == "user"]
        found = (self.answers[text] for text in reversed(asked) if text in self.answers)
        return next(found, {})

    def fails(self, prompt: str, directive: dict) -> bool:
        self.failed[prompt] += 1
        return self.failed[prompt] <= directive.get("fail_times", sys.maxsize)

    async def reply(
        self,
        writer: asyncio.StreamWriter,
        status: int,
        content: Any,
        headers: dict[str, Any] | None = None,
        request: Request | None = None,
    ) -> None:
        """A whole response: JSON, or a page where `content` is a string."""
        page = isinstance(content, str)
        data = content.encode() if page else json.dumps(content).encode()
        fields = {"Content-Type": "text/html" if page else "application/json"}
        fields |= {"Content-Length": len(data)} | (headers or {})
        if request:
            request.status = status
        lines = [f"HTTP/1.1 {status} {http.client.responses.get(status, 'Unknown')}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + data)
        await writer.drain()

    async def other(
        self, method: str, path: str, body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        """Everything but answers: the models, what was asked, the gates."""
        url = urlsplit(path)
        query = dict(parse_qsl(url.query))
        timeout = float(query.get("timeout", WAIT_SECONDS))
        status, content = 200, {}
        match method, url.path.strip("/").split("/"):
            case "GET", ["v1", "models"]:
                content = {"object": "list", "data": [{"id": name} for name in MODELS]}
            case "GET", ["silent", "models"]:
                await asyncio.Event().wait()
            case "GET", ["_requests"]:
                content = [asdict(request) for request in self.requests.values()]
            case "DELETE", ["_requests"]:
                self.requests.clear()
            case "GET", ["_requests", "wait"]:
                count = int(query["count"])
                status = await self.wait(lambda: len(self.requests) >= count, timeout)
                content = [asdict(request) for request in self.requests.values()]
            case "GET", ["_requests", number, "wait"] if int(number) in self.requests:
                request = self.requests[int(number)]
                started = query.get("until") == "started"
                status = await self.wait(
                    lambda: request.finished or (started and request.tokens_sent), timeout
                )
                content = asdict(request)
            case "DELETE", ["_connections"]:
                for idle in self.idle:
                    idle.close()
            case "PUT", ["_answers"]:
                self.answers = json.loads(body)
            case "POST", ["_gates", name]:
                self.gate(name).set()
            case _:
                status, content = 404, {"error": {"message": "There is nothing here."}}
        await self.reply(writer, status, content)

    async def wait(self, happened: Callable[[], object], timeout: float) -> int:
        """The HTTP status of a wait: 200 once it happened, 408 if it did not in time."""
        try:
            async with asyncio.timeout(timeout), self.changed:
                await self.changed.wait_for(happened)
        except TimeoutError:
            return 408
        return 200


class Connection(asyncio.StreamReaderProtocol):
    """Ends the answer at work as soon as the client is gone, without reading what it sends."""

    work: asyncio.Task | None = None

    def eof_received(self) -> bool:
        self.gone()
        return super().eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self.gone()
        super().connection_lost(error)

    def gone(self) -> None:
        if self.work:
            self.work.cancel()


def reset_on_close(writer: asyncio.StreamWriter) -> None:
    """Makes closing the connection send RST."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


async def serve(port: int, with_parent: bool) -> None:
    """Serves on `port` (0: a free one) for ever, or until standard input ends."""
    loop = asyncio.get_running_loop()
    server = Server()

    def connect() -> Connection:
        return Connection(asyncio.StreamReader(), server.connection)

    listening = await loop.create_server(connect, "127.0.0.1", port, backlog=1024)
    address, port = listening.sockets[0].getsockname()
    print(f"upstream listening on http://{address}:{port}/v1", flush=True)
    ended = asyncio.Event()
    if with_parent:
        loop.add_reader(sys.stdin, ended.set)
    await ended.wait()


class Upstream:
    """The server as a process of its own: `with Upstream() as upstream: … upstream.url`.

    It may be stopped and started again, at the same address.
    """

    def __init__(self) -> None:
        self.process: subprocess.Popen | None = None
        self.url = ""

    def start(self) -> Self:
        """Starts the process and waits until it listens."""
        port = urlsplit(self.url).port or 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.upstream", "--with-parent", "--port", str(port)],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the upstream server ended with {self.process.wait()}")
        self.url = line.split()[-1]
        return self

    def stop(self) -> None:
        """Ends the process; its connections are cut."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def requests(self) -> list[dict]:
        """Every request to answer so far: id, body, authorization, connection, status,
        tokens_sent, and finished: "done", "client_closed", "cut", or None while it runs."""
        return self._call("GET", "/_requests")

    def clear(self) -> None:
        """Forgets the requests so far."""
        self._call("DELETE", "/_requests")

    def hang_up(self) -> None:
        """Closes the connections on which nothing is asked, as a server does after a while."""
        self._call("DELETE", "/_connections")

    def answer(self, answers: dict[str, dict]) -> None:
        """Lets these questions be answered as these directives say."""
        self._call("PUT", "/_answers", content=answers)

    def release(self, gate: str) -> None:
        """Opens a gate, for good, whether or not an answer has reached it."""
        self._call("POST", f"/_gates/{gate}")

    def wait_requests(self, count: int, timeout: float = 10) -> list[dict]:
        """The requests, as soon as there are `count`. Raises `TimeoutError` after `timeout` s."""
        return self._call("GET", f"/_requests/wait?count={count}&timeout={timeout}", timeout)

    def wait_started(self, id: int, timeout: float = 10) -> dict:
        """The request `id`, as soon as a token is out. Raises `TimeoutError`."""
        return self._call("GET", f"/_requests/{id}/wait?until=started&timeout={timeout}", timeout)

    def wait_closed(self, id: int, timeout: float = 10) -> dict:
        """The request `id`, as soon as it has finished in any way. Raises `TimeoutError`."""
        return self._call("GET", f"/_requests/{id}/wait?until=closed&timeout={timeout}", timeout)

    def _call(self, method: str, path: str, timeout: float = 10, content: object = None) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=timeout + 5)
        try:
            connection.request(method, path, content and json.dumps(content))
            response = connection.getresponse()
            content = json.loads(response.read())
        finally:
            connection.close()
        if response.status == 408:
            raise TimeoutError(f"{path}: {content}")
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {content}")
        return content


def main() -> None:
    parser = argparse.ArgumentParser(description="A model server that fails on demand.")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--with-parent", action="store_true", help="end with standard input")
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.with_parent))


if __name__ == "__main__":
    main()
