"""A WebSocket client that costs little, so that the servers are what is measured."""

import asyncio
import base64
import os
from collections.abc import Callable

TEXT, CLOSE, PING, PONG = 0x81, 0x88, 0x89, 0x8A


class Socket(asyncio.Protocol):
    """One connection. Calls `heard` with each text frame; counts every byte that came."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        self.received_bytes = 0
        self.open = False
        self.opened: asyncio.Future = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future = asyncio.get_running_loop().create_future()
        self._heard = heard
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    async def connect(
        self, port: int, path: str, headers: dict[str, str], source: str | None = None
    ) -> None:
        """Open the socket, from the address `source`. Raises `ConnectionError` if the server
        refuses it."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_connection(
            lambda: self, "127.0.0.1", port, local_addr=(source, 0) if source else None
        )
        headers = {
            "Host": f"127.0.0.1:{port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
        } | headers
        lines = [f"GET {path} HTTP/1.1", *(f"{key}: {value}" for key, value in headers.items())]
        self._transport.write("\r\n".join([*lines, "", ""]).encode())
        await self.opened

    def send(self, text: str) -> None:
        """One text frame. Its mask is zero, which leaves the text as it is."""
        self._send(TEXT, text.encode())

    @property
    def unsent(self) -> int:
        """The bytes that the server has not taken yet."""
        return self._transport.get_write_buffer_size()

    def read_nothing(self) -> None:
        """From now on."""
        self._transport.pause_reading()

    def close(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._send(CLOSE, b"\x03\xe8")
            self._transport.close()

    def _send(self, kind: int, data: bytes) -> None:
        size = len(data)
        if size < 126:
            head = bytes([kind, 0x80 | size])
        elif size < 65_536:
            head = bytes([kind, 0x80 | 126]) + size.to_bytes(2, "big")
        else:
            head = bytes([kind, 0x80 | 127]) + size.to_bytes(8, "big")
        self._transport.write(head + b"\0\0\0\0" + data)

    def data_received(self, data: bytes) -> None:
        self.received_bytes += len(data)
        if self._buffer:
            data = self._buffer + data
        if not self.open:
            head, found, rest = data.partition(b"\r\n\r\n")
            if not found:
                self._buffer = data
                return
            if not head.startswith(b"HTTP/1.1 101"):
                self.opened.set_exception(ConnectionError(head.split(b"\r\n")[0].decode()))
                self._transport.close()
                return
            self.open, data = True, rest
            self.opened.set_result(None)
        at = 0
        while (end := self._frame_end(data, at)) is not None:
            start, stop = end
            self._take(data[at], data[start:stop])
            at = stop
        self._buffer = data[at:]

    @staticmethod
    def _frame_end(data: bytes, at: int) -> tuple[int, int] | None:
        """Where the payload of the frame at `at` begins and ends; None if it is not all there."""
        if len(data) < at + 2:
            return None
        size, start = data[at + 1], at + 2
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(data) < start + width:
                return None
            size, start = int.from_bytes(data[start : start + width], "big"), start + width
        return (start, start + size) if len(data) >= start + size else None

    def _take(self, kind: int, payload: bytes) -> None:
        if kind == TEXT:
            self._heard(payload)
        elif kind == PING:
            self._send(PONG, payload)
        elif kind == CLOSE:
            self._transport.close()
        elif kind != PONG:
            raise ConnectionError(f"a frame of the kind {kind:#x}")

    def connection_lost(self, error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("the handshake was cut"))
        self.closed.set_result(None)
