"""A flood of frames that the chat never hears: pings, pongs, and pieces of messages.

The servers answer and gather these by themselves: in the time of everybody else, the answers in a
buffer that who asked need not empty, the pieces until the last has come. No page sends many.
"""

from time import monotonic

from daphne.ws_protocol import WebSocketProtocol
from django.conf import settings
from uvicorn.protocols.websockets import websockets_sansio_impl as sansio
from websockets.exceptions import ProtocolError

WITHIN = 10  # seconds
# Whoever says more than LIMIT_FRAMES is told bye: this is for those who do not hear it.
TIMES = 2
CONTROL = 8  # the first opcode of what is no piece of a message (RFC 6455, 5.2)


class Flood(ProtocolError):
    """More frames than any page sends."""


class Count:
    """The frames of one socket, of whatever kind, and the pieces of a message that goes on."""

    def __init__(self, within: float = WITHIN) -> None:
        self._within = within
        self._frames, self._since, self._pieces = 0, 0.0, 0

    def is_flood(self, opcode: int, is_last: bool) -> bool:
        """Whether this frame is one too many; counted in windows, which costs nothing."""
        now = monotonic()
        if now - self._since > self._within:
            self._frames, self._since = 0, now
        self._frames += 1
        if opcode < CONTROL:  # a ping may come between two pieces
            self._pieces = 0 if is_last else self._pieces + 1
        return max(self._frames, self._pieces) > TIMES * settings.CHAT_LIMITS["frames"]


class Counting(sansio.ServerProtocol):
    """What reads frames for uvicorn: one after the other, and no more after a flood."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.count = Count()

    def recv_frame(self, frame) -> None:
        if self.count.is_flood(frame.opcode, frame.fin):
            raise Flood
        super().recv_frame(frame)


def count_frames() -> None:
    """Before a server is made: a socket that sends a flood of frames is cut off."""
    opened, begun = WebSocketProtocol.onOpen, WebSocketProtocol.onFrameBegin
    failed = sansio.WebSocketsSansIOProtocol.handle_parser_exception
    received = sansio.WebSocketsSansIOProtocol.data_received
    gathered = sansio.WebSocketsSansIOProtocol.send_receive_event_to_app

    def handle_parser_exception(self: sansio.WebSocketsSansIOProtocol) -> None:
        # Nothing can be told before the handshake, and a flood is not told: it may read nothing.
        if isinstance(self.conn.parser_exc, Flood) or self.conn.close_sent is None:
            self.transport.abort()
        else:
            failed(self)

    def data_received(self: sansio.WebSocketsSansIOProtocol, data: bytes) -> None:
        received(self, data)
        # What is no handshake is answered by nobody, and would be kept for ever.
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.abort()

    def send_receive_event_to_app(self: sansio.WebSocketsSansIOProtocol) -> None:
        # A text that is none is an error in uvicorn's log, as often as a stranger likes.
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self.transport.abort()
                return
        gathered(self)

    def on_open(self: WebSocketProtocol) -> None:
        self.count = Count()
        opened(self)

    def on_frame_begin(self: WebSocketProtocol) -> None:
        if self.count.is_flood(self.current_frame.opcode, self.current_frame.fin):
            self.dropConnection(abort=True)
        else:
            begun(self)

    sansio.ServerProtocol = Counting
    sansio.WebSocketsSansIOProtocol.handle_parser_exception = handle_parser_exception
    sansio.WebSocketsSansIOProtocol.data_received = data_received
    sansio.WebSocketsSansIOProtocol.send_receive_event_to_app = send_receive_event_to_app
    WebSocketProtocol.onOpen, WebSocketProtocol.onFrameBegin = on_open, on_frame_begin
