"""A TCP proxy of our own that does to connections what networks do.

    with Wire(server.port) as wire: … wire.url

It runs in a thread of its own, for tests that are async and tests that are not. What it does may be
changed at any time, and for each way by itself: `wire.up` to the server, `wire.down` from it.
"""

import asyncio
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Self

from tests.server import free_port

READ = 1 << 12  # bytes that are read at once
QUEUED = 64  # such pieces that are under way: a slow way holds up its sender
POLL = 0.01  # how often it looks whether it is still told to wait (seconds)


@dataclass
class Way:
    """One direction of every connection. As it is made, it does nothing to what passes."""

    delay: float = 0  # seconds that each byte is under way
    slice: int = READ  # bytes in one write
    rate: int = 0  # bytes a second; 0: as fast as it can
    stalls: float = 0  # the probability that a write waits for `stall` seconds
    stall: float = 0.05
    dice: Random = field(default_factory=Random)  # with the test's own seed
    blocked: bool = False  # nothing passes, not even the end
    cut_at: int | None = None  # the next connection that has come so far (bytes) is cut there
    cut_before: bytes = b""  # the next connection is cut where these bytes begin
    passed: int = 0  # bytes of all connections so far
    tape: bytearray | None = None  # what passes, if it is to be kept

    def cut_in(self, piece: bytes, passed: int, before: bytes) -> int | None:
        """How much of `piece` still passes; None if it is not cut. `passed` bytes of the
        connection went before it, `before` are the last of them."""
        ends = []
        if self.cut_at is not None and passed + len(piece) >= self.cut_at:
            ends.append(self.cut_at - passed)
        if self.cut_before and (found := (before + piece).find(self.cut_before)) >= 0:
            ends.append(found - len(before))
        return max(min(ends), 0) if ends else None


class Connection:
    """A client's connection, and the one to the server that was made for it."""

    def __init__(self, wire: "Wire", client: tuple, server: tuple) -> None:
        self._wire = wire
        self._writers: tuple[asyncio.StreamWriter, ...] = (client[1], server[1])
        up, down = asyncio.Queue(QUEUED), asyncio.Queue(QUEUED)
        work = (
            self._take(wire.up, client[0], up),
            self._give(wire.up, up, server[1]),
            self._take(wire.down, server[0], down),
            self._give(wire.down, down, client[1]),
        )
        self._tasks = [asyncio.create_task(each) for each in work]

    async def carry(self) -> None:
        """Both ways, to the end of both."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()

    def cut(self, *, reset: bool) -> None:
        """End it here, by RST or by FIN."""
        for writer in self._writers:
            if reset:
                linger = struct.pack("ii", 1, 0)
                with suppress(OSError):  # it is closed
                    to = writer.get_extra_info("socket")
                    to.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            else:
                writer.close()
        for task in self._tasks:
            task.cancel()

    async def _take(self, way: Way, reader: asyncio.StreamReader, pieces: asyncio.Queue) -> None:
        data = b"?"
        while data:
            try:
                data = await reader.read(READ)
            except ConnectionError:  # what one side does, the other feels
                await self._while_blocked(way)
                self.cut(reset=True)
            await pieces.put((asyncio.get_running_loop().time(), data))

    async def _give(self, way: Way, pieces: asyncio.Queue, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(high=0)  # `drain` waits until all is out
        passed, before, data = 0, b"", b"?"
        while data:
            since, data = await pieces.get()
            await asyncio.sleep(max(since + way.delay - asyncio.get_running_loop().time(), 0))
            rest = data
            while rest:
                piece = rest[: min(way.slice, way.rate // 20 or 1) if way.rate else way.slice]
                rest = rest[len(piece) :]
                end = way.cut_in(piece, passed, before)
                await self._write(way, writer, piece[:end])
                if end is not None:
                    way.cut_at, way.cut_before = None, b""
                    self._wire.cuts += 1
                    self.cut(reset=self._wire.resets)
                passed, before = passed + len(piece), (before + piece)[-100:]
        await self._while_blocked(way)
        with suppress(OSError):
            writer.write_eof()

    async def _write(self, way: Way, writer: asyncio.StreamWriter, piece: bytes) -> None:
        if way.dice.random() < way.stalls:
            await asyncio.sleep(way.stall)
        await self._while_blocked(way)
        try:
            writer.write(piece)
            await writer.drain()
        except ConnectionError:
            self.cut(reset=True)
        way.passed += len(piece)
        if way.tape is not None:
            way.tape += piece
        await asyncio.sleep(len(piece) / way.rate if way.rate else 0)

    async def _while_blocked(self, way: Way) -> None:
        while way.blocked:
            await asyncio.sleep(POLL)


class Wire:
    """Between any client and what listens on `port`."""

    def __init__(self, port: int) -> None:
        self.server_port = port
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.up, self.down = Way(), Way()
        self.resets = True  # whether a cut at a place is an RST; else a FIN
        self.cuts = 0  # how many connections were cut
        self._connections: set[Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire", daemon=True)
        self._listening: asyncio.Server | None = None

    def heal(self) -> None:
        """Do nothing any more to what passes."""
        for way in (self.up, self.down):
            vars(way).update(vars(Way(passed=way.passed, tape=way.tape)))

    def cut(self, *, reset: bool = True) -> None:
        """End every connection now."""
        self._run(self._cut(reset))

    def accept(self) -> None:
        """Whoever comes gets through."""
        self._run(self._listen())

    def refuse(self) -> None:
        """Nobody new gets through."""
        self._run(self._deafen())

    def __enter__(self) -> Self:
        self._thread.start()
        self.accept()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _listen(self) -> None:
        self._listening = await asyncio.start_server(
            self._connect, "127.0.0.1", self.port, limit=READ, backlog=1024
        )

    async def _deafen(self) -> None:
        self._listening.close()

    async def _cut(self, reset: bool) -> None:
        for connection in list(self._connections):
            self.cuts += 1
            connection.cut(reset=reset)
        while self._connections:
            await asyncio.sleep(POLL)

    async def _connect(self, *client: asyncio.StreamReader | asyncio.StreamWriter) -> None:
        try:
            server = await asyncio.open_connection("127.0.0.1", self.server_port, limit=READ)
        except OSError:
            client[1].transport.abort()
            return
        connection = Connection(self, client, server)
        self._connections.add(connection)
        try:
            await connection.carry()
        finally:
            self._connections.discard(connection)
