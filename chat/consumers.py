import asyncio
import logging
import random
import secrets
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import Error as DatabaseError

from chat import events, logs, protocol
from chat.models import Profile, may_inspect
from chat.protocol import Refused
from chat.replies import process
from chat.replies.database import in_database
from chat.replies.follow import Follower, TooSlow
from chat.replies.guard import Visit
from chat.replies.line import Party
from chat.replies.snapshot import Operator
from chat.session import address_of, is_own_origin, key_of, user_of

logger = logging.getLogger("chat.socket")

# A client that sends so many frames that are none within this time (seconds) is not this page.
MISTAKES = 6
MISTAKES_WITHIN = 10
# When a request that the database could not take may be sent again (seconds).
RETRY_AFTER = 2
# What is sent in this time is counted (seconds).
FLOOD_WITHIN = 10
# What a socket costs that comes, and each frame and character that it says, beside the database
# (seconds of the event loop); and for how much of it the socket pays at once.
ARRIVAL = 0.003
FRAME, CHARACTER = 0.0001, 2e-8
OWED = 0.001
# How long a socket that comes waits for its turn (seconds): the page gives up after ten, and who is
# gone must not be served. Those who came at once do not go at once.
PATIENCE = 5, 8
# How long somebody waits to hear that there is no room: who comes again at once comes no faster.
NO_ROOM = 1
# When a socket that was closed for a limit may come again (seconds).
COME_AGAIN = {protocol.CLOSE_TOO_MANY: 30, protocol.CLOSE_FLOODING: 10}
LIMITS_TOLD = ("characters", "per_minute", "active", "sockets", "tokens")


class SocketGone(Exception):
    """The browser is not there any more; `disconnect` follows."""


class ChatConsumer(AsyncWebsocketConsumer):
    """One browser tab.

    It says what the browser asks for to the process, and the socket's follower tells the browser
    what there is to tell. It has no channel layer of its own, so that Redis may come and go without
    closing a socket.
    """

    channel_layer_alias = "none of a consumer's"
    follower: Follower | None = None  # once it was welcomed, until it is told bye
    telling: asyncio.Task | None = None
    opened_at: float | None = None  # once it was welcomed
    code = 1006  # with which it was closed
    may: Callable[[AbstractBaseUser], bool] | None = None  # what one must to come in, and to stay

    async def __call__(self, scope, receive, send) -> None:
        logs.bind(connection=secrets.token_hex(4))
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Not every end of a socket comes as `disconnect`. While the server drains, daphne
            # ends the consumer but not its socket, which goes on reading and is told bye later.
            if self.telling is not None and not self.process.draining:
                self.telling.cancel()
            if self.opened_at is not None:
                events.socket_closed(self.code, time.monotonic() - self.opened_at)

    async def dispatch(self, message: dict) -> None:
        """Without Channels' look after the one database thread that consumers share, at each frame:
        nothing of this one's runs there."""
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        self.mistakes: deque[float] = deque(maxlen=MISTAKES)
        self.frames = 0
        self.counted_from = 0.0
        self.owed = 0.0  # for what it said (seconds)
        self.process = await process.current()
        with suppress(SocketGone):
            code = await self.come()
            if code is not None:
                events.socket_refused(code)
                await self.bye(code)

    async def come(self) -> int | None:
        """Take the socket in its turn and welcome it; or the close code that says why not."""
        address, line = address_of(self.scope), self.process.line
        code, profile = None, None
        if self.process.draining:
            code = protocol.CLOSE_RESTART
        elif not self.process.guard.has_room(address, line.waiting_at(address)):
            await asyncio.sleep(NO_ROOM)
            code = protocol.CLOSE_TOO_MANY
        elif not is_own_origin(self.scope):
            await line.pay(Party(address), ARRIVAL)
            code = protocol.CLOSE_FOREIGN_ORIGIN
        else:
            try:
                async with line.turn(Party(address), ARRIVAL, random.uniform(*PATIENCE)):
                    profile = await in_database(self.profile)
            except TimeoutError:
                code = protocol.CLOSE_CROWDED
            except DatabaseError as error:
                logger.warning("nobody is welcomed now", **logs.fields(error=type(error).__name__))
                code = protocol.CLOSE_RESTART
        await self.accept()
        if code is not None:
            return code
        return protocol.CLOSE_SESSION_ENDED if profile is None else await self.greet(profile)

    def profile(self) -> Profile | None:
        """Whose browser it is; None if nobody is signed in there who may come in."""
        user = user_of(self.scope)
        if user is None or (self.may is not None and not self.may(user)):
            return None
        return Profile.objects.of(user)

    async def greet(self, profile: Profile) -> int | None:
        """Welcome the browser and begin to tell it; or the close code that says why not."""
        self.user = profile.user
        if self.process.draining:
            return protocol.CLOSE_RESTART
        visit = Visit(
            key_of(self.scope),
            self.user.pk,
            profile.id,
            profile.guest,
            address_of(self.scope),
            self.bye,
            self.may,
        )
        if not self.process.guard.admit(visit):
            return protocol.CLOSE_TOO_MANY
        self.party = visit.party
        limits = {key: settings.CHAT_LIMITS[key] for key in LIMITS_TOLD}
        heartbeat = settings.CHAT_TIMES["heartbeat"]
        person = profile.as_person()
        try:
            await self.send_frame(protocol.welcome(user=person, limits=limits, heartbeat=heartbeat))
        except SocketGone:
            self.process.guard.leave(visit)
            raise
        self.opened_at = time.monotonic()
        logs.bind(user=self.user.pk)
        events.socket_opened()
        reader = self.reader()
        self.follower = self.process.follower(self.party, reader, self.send_frame, self.bye)
        self.telling = self.process.spawn(self.follower.run())
        self.telling.add_done_callback(self.told)
        self.telling.add_done_callback(lambda _: self.process.guard.leave(visit))
        return None

    def reader(self) -> AbstractBaseUser | Operator:
        """As whom they read."""
        return self.user

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.follower is None:
            return  # it was told bye
        if len(text_data or "") > settings.FRAME_BYTES:
            # A server that was told of no limit takes far more, which is costly to read.
            await self.bye(protocol.CLOSE_PROTOCOL)
            return
        if self.is_flooding():
            await self.bye(protocol.CLOSE_FLOODING)
            return
        self.owed += FRAME + CHARACTER * len(text_data or bytes_data or "")
        if self.owed > OWED:
            # Until its turn nothing more is read of it.
            owed, self.owed = self.owed, 0.0
            await self.process.line.pay(self.party, owed)
            if self.follower is None:
                return
        with suppress(SocketGone):
            await self.hear(text_data)

    def is_flooding(self) -> bool:
        """Whether this frame is one too many; counted in windows, which costs nothing."""
        now = asyncio.get_running_loop().time()
        if now - self.counted_from > FLOOD_WITHIN:
            self.frames, self.counted_from = 0, now
        self.frames += 1
        return self.frames > settings.CHAT_LIMITS["frames"]

    async def hear(self, text: str | None) -> None:
        """Answer one frame, or say why not; whatever it was, the socket lives on."""
        names, said = {}, None
        try:
            names, said = protocol.read(text)
            if isinstance(said, Refused):
                raise said
            await self.answer(said, names)
        except Refused as refused:
            await self.refuse(refused, names)
            if refused is said:
                await self.count_mistake()
        except DatabaseError as error:
            logger.warning("refused as unavailable", **logs.fields(error=type(error).__name__))
            await self.refuse(Refused("unavailable", retry_after=RETRY_AFTER), names)
        except SocketGone:
            raise
        except Exception:
            logger.exception("a frame failed")
            await self.refuse(Refused("unavailable", retry_after=RETRY_AFTER), names)

    async def answer(self, said: protocol.ClientFrame, names: dict[str, str]) -> None:
        match said:
            case protocol.Send() | protocol.Regenerate() | protocol.Continue():
                accepted = await self.process.request(self.party, self.user, said)
                duplicate = accepted.task is None
                events.accepted(accepted.conversation, accepted.reply, duplicate=duplicate)
                await self.send_frame(
                    protocol.ack(
                        cid=said.cid,
                        duplicate=duplicate,
                        conversation=accepted.conversation,
                        message=accepted.message,
                        reply=accepted.reply,
                        left=accepted.left,
                    )
                )
                if self.follower is not None:  # else it was told bye meanwhile
                    self.follower.sent_into(accepted.conversation, accepted.news)
            case protocol.Open(conversation=conversation, have=have):
                self.follower.open(conversation, have, names)
            case protocol.Select(message=message):
                await self.process.select(self.party, self.user, message)
            case protocol.Stop(message=message):
                await self.process.stop(self.party, self.user, message)
            case protocol.Seen(message=message, offset=offset, reasoning=reasoning):
                self.follower.seen(message, offset, reasoning)
            case protocol.Ping(n=n):
                await self.send_frame(protocol.pong(n))

    async def refuse(self, refused: Refused, names: dict[str, str]) -> None:
        events.refused(refused.code)
        await self.send_frame(protocol.error(refused, names))

    async def count_mistake(self) -> None:
        now = asyncio.get_running_loop().time()
        self.mistakes.append(now)
        if len(self.mistakes) == MISTAKES and now - self.mistakes[0] < MISTAKES_WITHIN:
            await self.bye(protocol.CLOSE_PROTOCOL)

    async def send_frame(self, frame: protocol.Frame) -> None:
        try:
            await self.send(text_data=protocol.encode(frame))
        except Exception as error:
            # Each server has a class of its own for this.
            logger.debug("a socket is gone", **logs.fields(error=type(error).__name__))
            raise SocketGone from None

    async def bye(self, code: int) -> None:
        """Say why, then close: a browser learns nothing from a refused handshake."""
        self.follower, self.code = None, code
        if self.telling is not None:
            self.telling.cancel()
        with suppress(SocketGone):
            await self.send_frame(protocol.bye(code, retry_after=COME_AGAIN.get(code)))
            await self.close(code)

    def told(self, telling: asyncio.Task) -> None:
        """The follower's task is over: cancelled with its socket, or that is gone, or too slow."""
        if telling.cancelled() or isinstance(telling.exception(), SocketGone):
            return
        code = protocol.CLOSE_TOO_SLOW
        if not isinstance(telling.exception(), TooSlow):
            code = protocol.CLOSE_RESTART
            logger.error("a socket is told no more", exc_info=telling.exception())
        # The page connects again, and is told everything anew.
        self.process.spawn(self.bye(code))

    async def disconnect(self, code: int) -> None:
        if self.follower is not None:  # else it was told bye
            self.code = code
        if self.telling is not None:
            self.telling.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self.telling


class InspectionConsumer(ChatConsumer):
    """A transcript in the admin: it shows a conversation of anybody's to an operator, who may read
    it and do nothing else here. Who may not is told what one is told whose session has ended."""

    may = staticmethod(may_inspect)

    def reader(self) -> Operator:
        return Operator(self.user)

    async def answer(self, said: protocol.ClientFrame, names: dict[str, str]) -> None:
        if not isinstance(said, protocol.Open | protocol.Seen | protocol.Ping):
            raise Refused("not_found")
        await super().answer(said, names)
