"""Daphne learns to wait.

By itself it reads whatever browsers say and takes whatever they are told, and keeps both in memory
until somebody has heard it. Here, as uvicorn does, it reads no more from a socket that is not heard
yet, and lets who tells wait for a browser that does not read.
"""

import asyncio

from daphne.server import Server
from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import reactor

# So many frames of a socket may wait to be heard; when there are more, it is looked again so soon
# (seconds) whether there still are.
UNHEARD = 4
LOOK = 0.02
# How long a socket may wait for its turn to come in (seconds): longer than the chat lets it.
COMING = 10


class _Outlet:
    """What Twisted calls when the buffer to a browser is full, and when that has taken it all."""

    def __init__(self, transport) -> None:
        self.free = asyncio.Event()
        self.free.set()
        self._transport = transport

    def pauseProducing(self) -> None:
        self.free.clear()

    def resumeProducing(self) -> None:
        self.free.set()
        if self._transport.disconnecting:  # which waits for this, too
            self._transport.unregisterProducer()

    def stopProducing(self) -> None:
        self.free.set()  # the socket is gone


def teach_daphne() -> None:
    """Before a server is made."""
    opened, heard = WebSocketProtocol.onOpen, WebSocketProtocol.onMessage
    ran, replied = Server.run, Server.handle_reply

    def run(self: Server) -> None:
        self.websocket_connect_timeout = self.websocket_handshake_timeout = COMING
        ran(self)

    def on_open(self: WebSocketProtocol) -> None:
        self.outlet = _Outlet(self.transport)
        self.transport.unregisterProducer()  # the HTTP that it was before
        self.transport.registerProducer(self.outlet, True)
        opened(self)

    def on_message(self: WebSocketProtocol, payload: bytes, is_binary: bool) -> None:
        heard(self, payload, is_binary)
        if self.application_queue.qsize() == UNHEARD + 1:
            self.transport.pauseProducing()
            reactor.callLater(LOOK, read_on, self)

    def read_on(self: WebSocketProtocol) -> None:
        if self.application_queue.qsize() > UNHEARD and self in self.server.connections:
            reactor.callLater(LOOK, read_on, self)
        else:
            self.transport.resumeProducing()  # nothing, if it is gone

    async def handle_reply(self: Server, protocol: object, message: dict) -> None:
        if message["type"] == "websocket.send":
            await protocol.outlet.free.wait()
        await replied(self, protocol, message)

    WebSocketProtocol.onOpen = on_open
    WebSocketProtocol.onMessage = on_message
    Server.run, Server.handle_reply = run, handle_reply
