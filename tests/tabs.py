"""A person at a browser, as far as the server can tell: HTTP with cookies, and sockets."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Self
from urllib.parse import quote
from uuid import uuid4

import aiohttp

from tests.reducer import Client

AGENT = {"User-Agent": "Mozilla/5.0 (tests)"}
SECONDS = 15


class Person:
    """A guest of one browser: `async with Person(server.url) as alice: tab = await alice.tab()`.
    `headers` are what a proxy between adds."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self.url = url
        self.headers = AGENT | (headers or {})
        self.tabs: list[Tab] = []

    async def __aenter__(self) -> Self:
        jar = aiohttp.CookieJar(unsafe=True)  # "unsafe" admits cookies of an IP address
        self.http = aiohttp.ClientSession(cookie_jar=jar, headers=self.headers)
        async with self.http.get(f"{self.url}/") as response:
            assert response.status == 200, await response.text()
        return self

    async def __aexit__(self, *_: object) -> None:
        for tab in self.tabs:
            await tab.close()
        await self.http.close()

    async def tab(self, *, origin: str | None = None, seen: bool = True) -> "Tab":
        """A new tab, welcomed. `seen=False`: one that acknowledges nothing."""
        tab = Tab(self, origin or self.url, seen)
        await tab.connect()
        return tab

    async def get(self, path: str) -> dict:
        async with self.http.get(f"{self.url}{path}") as response:
            response.raise_for_status()
            return await response.json()

    async def listed(self) -> list[str]:
        """The ids of all conversations, page after page."""
        page = await self.get("/conversations/")
        ids = [entry["id"] for entry in page["conversations"]]
        while page["next"]:
            page = await self.get(f"/conversations/?before={quote(page['next'])}")
            ids += [entry["id"] for entry in page["conversations"]]
        return ids

    async def post(self, path: str, **fields: str) -> int:
        """The status that a form's POST gets."""
        return await self._ask("POST", path, data=fields)

    async def change(self, conversation: str, **fields: object) -> int:
        """The status of giving a conversation a `title`, or of having it `pinned`."""
        return await self._ask("PATCH", f"/conversations/{conversation}/", json=fields)

    async def delete(self, conversation: str) -> int:
        return await self._ask("DELETE", f"/conversations/{conversation}/")

    async def restore(self, conversation: str) -> int:
        return await self._ask("POST", f"/conversations/{conversation}/restore/")

    async def _ask(self, method: str, path: str, **body: object) -> int:
        token = {cookie.key: cookie.value for cookie in self.http.cookie_jar}["csrftoken"]
        headers = {"X-CSRFToken": token, "Origin": self.url}
        async with self.http.request(
            method, f"{self.url}{path}", headers=headers, **body
        ) as response:
            return response.status


class Tab:
    """One socket and what its page would show: every frame goes through the client's rules."""

    path = "/ws/chat/"

    def __init__(self, person: Person, origin: str, seen: bool) -> None:
        self.person = person
        self.origin = origin
        self.acknowledges = seen
        self.client = Client()
        self.frames: list[dict] = []
        self.closed: int | None = None
        self.socket: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task | None = None
        self._changed = asyncio.Condition()

    async def connect(self) -> None:
        url = f"{self.person.url.replace('http', 'ws')}{self.path}"
        self.socket = await self.person.http.ws_connect(
            url, headers={"Origin": self.origin}, max_msg_size=0
        )
        self.closed = None
        self._reading = asyncio.create_task(self._read())
        self.person.tabs.append(self)
        await self.until(lambda: self.closed or self.count("welcome"), "a welcome")

    async def reconnect(self) -> None:
        """As a page does: a new socket, then `open` with what it holds."""
        await self.close()
        self.frames.clear()
        await self.connect()
        if self.client.conversation:
            await self.open(self.client.conversation, have=self.client.have())

    async def insist(self, holds: Callable[[], object], what: str, **request: object) -> None:
        """Wait until `holds()` as a page does: however often the socket is lost meanwhile, it comes
        again, and then says the request again."""
        while not holds():
            if self.socket is None or self.closed:
                with suppress(aiohttp.ClientError, OSError):
                    await self.reconnect()
                    if request:
                        await self.say(**request)
            if self.socket is not None:
                await self.until(lambda: self.closed or holds(), what)

    async def close(self) -> None:
        if self.socket is not None:
            await self.socket.close()
            await asyncio.gather(self._reading, return_exceptions=True)

    # Saying

    async def say(self, **frame: object) -> None:
        await self.socket.send_str(json.dumps(frame))

    async def open(self, conversation: str | None, have: dict | None = None) -> None:
        states = self.count("state")
        await self.say(type="open", conversation=conversation, have=have or {})
        if conversation:
            await self.until(lambda: self.count("state") > states, "a state")

    async def send(self, text: str, conversation: str = "", **fields: object) -> dict:
        """A message at the end of the shown branch, or as `fields` say; returns the ack."""
        fields.setdefault("cid", str(uuid4()))
        if "parent" not in fields:
            shown = self.client.shown()
            fields["parent"] = shown[-1]["id"] if shown else None
        conversation = conversation or self.client.conversation or str(uuid4())
        return await self.request(type="send", conversation=conversation, text=text, **fields)

    async def ask(self, text: str, **fields: object) -> dict:
        """Send, and wait for the reply's end; returns the reply as it is shown."""
        ack = await self.send(text, **fields)
        return await self.ended(ack["reply"])

    async def again(self, type: str, message: str) -> dict:
        """`regenerate` or `continue` a reply; returns the ack."""
        return await self.request(type=type, cid=str(uuid4()), message=message)

    async def request(self, **frame: object) -> dict:
        """Say what is answered by an `ack` or an `error` with the same cid; returns that."""

        def answers() -> list[dict]:
            kinds = ("ack", "error")
            return [f for f in self.frames if f["type"] in kinds and f.get("cid") == frame["cid"]]

        before = len(answers())
        await self.say(**frame)
        await self.until(lambda: len(answers()) > before, f"an answer to {frame['cid']}")
        return answers()[-1]

    # Hearing

    async def error(self) -> dict:
        """The next refusal."""
        before = self.count("error")
        await self.until(lambda: self.count("error") > before, "an error")
        return self.all("error")[-1]

    async def ended(self, message: str) -> dict:
        """The reply, once it is shown as final."""

        def final() -> bool:
            return any(m["id"] == message and m["status"] != "running" for m in self.shown())

        await self.until(final, f"the end of {message}")
        return self.message(message)

    async def text_of(self, message: str, length: int) -> str:
        """The text of a reply, once at least `length` of it is shown."""
        await self.until(
            lambda: len((self.message(message) or {"text": ""})["text"]) >= length,
            f"{length} characters of {message}",
        )
        return self.message(message)["text"]

    async def until(self, holds: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
        """Wait until `holds()`; fails with what came instead."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self._failed() or holds())
        except TimeoutError:
            last = [json.dumps(frame)[:200] for frame in self.frames[-8:]]
            raise AssertionError(f"no {what} within {seconds} s; last frames: {last}") from None
        self._failed()

    def shown(self) -> list[dict]:
        """The messages that the page shows, oldest first."""
        return self.client.shown()

    def message(self, id: str) -> dict | None:
        return next((message for message in self.shown() if message["id"] == id), None)

    def all(self, type: str) -> list[dict]:
        return [frame for frame in self.frames if frame["type"] == type]

    def count(self, type: str) -> int:
        return len(self.all(type))

    def _failed(self) -> bool:
        if self._reading.done() and not self._reading.cancelled() and self._reading.exception():
            raise self._reading.exception()
        return False

    async def _read(self) -> None:
        try:
            async for received in self.socket:
                frame = json.loads(received.data)
                self.frames.append(frame)
                self.client.hear(frame)
                if self.acknowledges and frame["type"] in ("delta", "reasoning"):
                    await self._seen(frame["message"])
                await self._tell()
        finally:
            self.closed = self.socket.close_code or 1006
            await self._tell()

    async def _seen(self, message: str) -> None:
        offset, reasoning = self.client.cursors(message)
        with suppress(ConnectionError):  # it is closed already
            await self.say(type="seen", message=message, offset=offset, reasoning=reasoning)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
