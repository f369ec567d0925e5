import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import Error as DatabaseError

from chat import logs, protocol
from chat.models import Conversation
from chat.protocol import Frame, MessageObject, Refused

from . import snapshot
from .hub import Hub
from .log import Log

logger = logging.getLogger("chat.replies")

# A follower remembers the ids of so many messages at the end of what it told.
KNOWN = 100
# So many requests for a conversation may wait for a slow socket; of more, the oldest is dropped.
WAITING = 8


@dataclass(frozen=True, slots=True)
class _Request:
    """The wish to see a conversation; `frame` is what the client said, for a refusal's answer."""

    conversation: UUID | None
    have: dict[UUID, int]
    frame: dict[str, Any]
    known: snapshot.Snapshot | None = None  # all of it, if that is known


@dataclass(slots=True)
class _Place:
    """How far the active reply was told: cursors, steps, phase; and how far it was seen."""

    log: Log
    text: int
    reasoning: int
    seen: int
    seen_reasoning: int
    steps: int = 0
    phase: tuple | None = None
    held_since: float | None = None

    @property
    def room(self) -> int:
        """How many code points more may be sent before some are acknowledged."""
        sent = self.text - self.seen + self.reasoning - self.seen_reasoning
        return max(protocol.WINDOW - sent, 0)


class TooSlow(Exception):
    """The socket takes nothing, or its client acknowledges nothing, for too long."""


class Follower:
    """Tells one socket all that there is to tell of the conversation it shows, in one order:
    a `state`, then the active reply to its `end`, then new messages by `seq`, then, if the shown
    branch is another by now, a `state` again.

    It is level-triggered: being woken means only that there may be news, and what to tell is the
    difference between what was told and what is committed. So a lost or doubled wake-up does no
    harm, and a slow socket gets fewer, longer deltas instead of a queue.
    """

    def __init__(
        self,
        hub: Hub,
        ask: Callable[..., Awaitable[Any]],
        user: AbstractBaseUser,
        send: Callable[[Frame], Awaitable[None]],
        close: Callable[[int], Awaitable[None]],
    ) -> None:
        self.user_id = user.pk
        self.shows: UUID | None = None
        self.revision: int | None = 0
        self._hub = hub
        self._ask = ask  # the database, in its turn
        self._user = user
        self.bye = close
        self._deliver = send
        self._woken = asyncio.Event()
        self._requests: deque[_Request] = deque()
        self._entries: dict[str, dict] = {}
        self._news = False
        self._gone = False  # what it shows is deleted
        self._known: snapshot.Snapshot | None = None
        self._last_seq = 0
        self._branch: list[str] = []  # the ids of what the socket shows, as far as it was told
        self._place: _Place | None = None

    # What the socket asks

    def open(self, conversation: UUID | None, have: dict[UUID, int], frame: dict) -> None:
        """Show `conversation` (None: none) from now on."""
        self._request(_Request(conversation, have, frame))

    def sent_into(self, conversation: UUID, news: snapshot.Snapshot | None) -> None:
        """The client has sent into `conversation`, and so shows it. `news` came of that."""
        coming = self._requests[-1].conversation if self._requests else self.shows
        if coming != conversation:
            is_all = news is not None and news.last_seq == len(news.messages)
            self._request(_Request(conversation, {}, {}, known=news if is_all else None))
        elif self._requests:
            self.news(news)  # the answer that is under way may have been read before

    def _request(self, request: _Request) -> None:
        if self._requests and self._requests[-1].conversation == request.conversation:
            self._requests.pop()  # one answer to both
        self._requests.append(request)
        if len(self._requests) > WAITING:
            del self._requests[0]  # nobody would look at its answer
        self.wake()

    def seen(self, message: UUID, offset: int, reasoning: int) -> None:
        """The client has received so much of the reply `message`."""
        place = self._place
        if place is not None and place.log.id == message:
            place.seen = max(place.seen, min(offset, place.text))
            place.seen_reasoning = max(place.seen_reasoning, min(reasoning, place.reasoning))
            place.held_since = None
            self.wake()

    # What the hub says

    def wake(self) -> None:
        self._woken.set()

    def news(self, known: snapshot.Snapshot | None = None) -> None:
        self._news = True
        self._known = known
        self.wake()

    def tell_entry(self, entry: dict) -> None:
        self._entries[entry["id"]] = entry
        self.wake()

    def check(self) -> None:
        if self._news or self._requests or (self._place and self._place.held_since):
            self.wake()

    # The one task of the socket

    async def run(self) -> None:
        """Tell until cancelled."""
        self._hub.join(self)
        try:
            while True:
                await self._woken.wait()
                self._woken.clear()
                try:
                    await self._tell()
                except DatabaseError as error:
                    # Whatever was not told is told at the next look, a second later.
                    known = logs.fields(error=type(error).__name__)
                    logger.warning("following waits for the database", **known)
                    self._news = True
        finally:
            self._forget()
            self._hub.leave(self)

    async def _tell(self) -> None:
        while self._requests:
            request = self._requests[0]
            await self._show(request)
            if self._requests and self._requests[0] is request:
                del self._requests[0]
        while self._entries:
            await self._send(protocol.conversation(self._entries.pop(next(iter(self._entries)))))
        while self.shows is not None:
            if self._place is not None and not await self._tell_reply(self._place):
                return
            if not self._news:
                return
            self._news = False
            try:
                await self._tell_news()
            except Refused:
                await self._wait_for_return()

    async def _show(self, request: _Request) -> None:
        """Answer an `open`: the conversation as it is now, or why not."""
        self._forget()
        if request.conversation is None:
            return
        try:
            now = request.known or await self._ask(
                snapshot.shown, self._user, request.conversation, request.have
            )
        except Refused as refused:
            await self._send(protocol.error(refused, request.frame))
            return
        self.shows = request.conversation
        await self._tell_state(now)

    async def _tell_state(self, now: snapshot.Snapshot) -> None:
        self._leave_reply()
        self._gone = False
        self.revision = now.revision
        self._last_seq = now.last_seq
        self._branch = [message["id"] for message in now.messages]
        await self._send(protocol.state(conversation=now.entry, messages=now.messages))
        self._enter_reply(now)

    async def _tell_news(self) -> None:
        """What came since the last look: new messages, or another branch."""
        known = self._known
        if known is not None and not self._gone and known.revision == self.revision + 1:
            now = known  # nothing else has changed
        else:
            now = await self._ask(snapshot.since, self._user, self.shows, self._last_seq)
        self.revision = now.revision
        for message in now.messages:
            if self._gone or not self._joins(message):
                break
            await self._tell_message(message)
        else:
            self._last_seq = now.last_seq
            self._enter_reply(now)
            last = [str(now.last_shown)] if now.last_shown else []
            if not self._gone and self._branch[-1:] == last:
                return
        await self._tell_state(await self._ask(snapshot.shown, self._user, self.shows))

    async def _wait_for_return(self) -> None:
        """It is deleted, as the list's entry says; if it is restored, its revision rises."""
        self._leave_reply()
        self._gone, before = True, self.revision
        found = await self._ask(Conversation.objects.revisions, [self.shows])
        self.revision = found.get(self.shows)
        self._news = self.revision != before  # look once more: it may be back since

    def _joins(self, message: MessageObject) -> bool:
        """Whether the socket shows what `message` follows: another branch may have been selected
        since it was told, or it may know only the end of a long one."""
        return message["parent"] is None or message["parent"] in self._branch

    async def _tell_message(self, message: MessageObject) -> None:
        above = self._branch.index(message["parent"]) + 1 if message["parent"] else 0
        self._branch[above:] = [message["id"]]
        del self._branch[:-KNOWN]
        await self._send(protocol.message(str(self.shows), message))

    async def _tell_reply(self, place: _Place) -> bool:
        """What is committed of the active reply and not told yet; True once all of it is."""
        log, id = place.log, str(place.log.id)
        if log.gone:
            self._leave_reply()
            return True
        if place.text < log.base or place.reasoning < log.reasoning_base:
            # The log begins after what was told: read the row again, unless another is wanted now.
            if not self._requests:
                self.open(self.shows, {}, {})
            return False
        if log.phase != place.phase and not log.final:
            place.phase = log.phase
            await self._send(protocol.status(id, *log.phase))
        for change, step in sorted(log.steps.values(), key=lambda known: known[0]):
            if change > place.steps:
                place.steps = change
                await self._send(protocol.step(id, step))
        if text := log.reasoning[place.reasoning - log.reasoning_base :][: place.room]:
            start, place.reasoning = place.reasoning, place.reasoning + len(text)
            await self._send(protocol.reasoning(id, start, text))
        if text := log.text[place.text - log.base :][: place.room]:
            start, place.text = place.text, place.text + len(text)
            await self._send(protocol.delta(id, start, text))
        if place.text < log.length or place.reasoning < log.reasoning_length:
            await self._hold(place)
            return False
        if log.final is None:
            return False
        await self._send(protocol.end(log.final))
        self._leave_reply()
        return True

    async def _hold(self, place: _Place) -> None:
        """The window is full, or more came while this was told."""
        if place.room:
            self.wake()
            return
        now = asyncio.get_running_loop().time()
        place.held_since = place.held_since or now
        if now - place.held_since > settings.CHAT_TIMES["slow"]:
            raise TooSlow

    def _enter_reply(self, now: snapshot.Snapshot) -> None:
        """Follow the active reply from where `now` has told it."""
        reply = now.active
        if reply is None:
            return
        lengths = reply.length, reply.reasoning_length
        self._place = _Place(self._hub.follow(reply, self), *lengths, *lengths)
        self.wake()

    async def _send(self, frame: Frame) -> None:
        """Where the server's buffer for this socket is full, this waits until there is room."""
        try:
            async with asyncio.timeout(settings.CHAT_TIMES["slow"]):
                await self._deliver(frame)
        except TimeoutError:
            raise TooSlow from None

    def _leave_reply(self) -> None:
        if self._place is not None:
            self._hub.unfollow(self._place.log, self)
            self._place = None

    def _forget(self) -> None:
        """Show nothing."""
        self._leave_reply()
        self.shows = None
        self._news = False
