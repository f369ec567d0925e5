import asyncio
import contextlib
import logging
from dataclasses import dataclass
from time import monotonic
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db import Error as DatabaseError

from chat import logs
from chat.models import Conversation, Message
from chat.protocol import MessageObject, Step

from . import bus, snapshot
from .database import in_database
from .log import Log

logger = logging.getLogger("chat.replies")

# A process that follows a reply says so at each look; after so many without, it is believed gone.
INTEREST = 3
# How long a socket may take to be told bye (seconds): who reads nothing holds up no restart.
BYE = 1


class Reader(Protocol):
    """One who looks: a socket's follower."""

    user_id: int
    shows: UUID | None
    revision: int | None  # of the conversation that is shown, as it was last told

    def wake(self) -> None: ...

    def news(self, known: snapshot.Snapshot | None = None) -> None:
        """The conversation shown has changed; `known` is what to tell of it, if that is known."""

    def tell_entry(self, entry: dict) -> None:
        """An entry of the user's list has changed."""

    def check(self) -> None:
        """A second has passed."""

    async def bye(self, code: int) -> None:
        """Close, and say why."""


class Hub:
    """Who looks at what in this process, and the logs of the replies that are looked at.

    It hears the bell, and each second it looks for itself: at the revision of every conversation
    that is shown, and at every reply that is followed here but written elsewhere.
    """

    def __init__(self) -> None:
        self.readers: set[Reader] = set()
        self._logs: dict[UUID, Log] = {}
        self._changed: set[UUID] = set()
        self._active: set[UUID] = set()
        self._heard = asyncio.Event()
        self._look_now = asyncio.Event()

    # Readers

    def join(self, reader: Reader) -> None:
        self.readers.add(reader)

    def leave(self, reader: Reader) -> None:
        self.readers.discard(reader)

    def tell(self, conversation: UUID, news: snapshot.Snapshot, *, owner: int) -> None:
        """What was added to `conversation` here: its readers need not read it."""
        for reader in self.readers:
            if reader.user_id == owner:
                reader.tell_entry(news.entry)
            if reader.shows == conversation:
                reader.news(news)

    def hear_change(self, conversation: UUID) -> None:
        """The bell: there is something new in `conversation`."""
        for reader in self.readers:
            if reader.shows == conversation:
                reader.news()
        self.hear_end(conversation)

    def hear_end(self, conversation: UUID) -> None:
        """The bell: the reply in `conversation` has ended, or another begun."""
        if any(log.conversation == conversation for log in self._remote()):
            self._look_now.set()
        self._tell_entry(conversation)

    def _tell_entry(self, conversation: UUID) -> None:
        self._changed.add(conversation)
        self._heard.set()

    def hear_growth(self, reply: UUID) -> None:
        """The bell: a reply that is written elsewhere has grown."""
        log = self._logs.get(reply)
        if log is not None and not log.local:
            self._look_now.set()

    def hear_interest(self, reply: UUID) -> None:
        """The bell: a reply is followed elsewhere."""
        log = self._logs.get(reply)
        if log is not None and log.local:
            log.followed_elsewhere_until = monotonic() + INTEREST * settings.CHAT_TIMES["poll"]

    def is_followed_elsewhere(self, log: Log) -> bool:
        return log.followed_elsewhere_until > monotonic()

    async def say_bye(self, code: int) -> None:
        """Close every socket."""
        byes = [asyncio.wait_for(reader.bye(code), BYE) for reader in self.readers]
        for failed in await asyncio.gather(*byes, return_exceptions=True):
            if failed is not None:
                known = logs.fields(error=type(failed).__name__)
                logger.info("a socket was gone before its bye", **known)

    # Logs

    def write(self, reply: Message) -> Log:
        """The log of a reply that this process writes from now on."""
        log = self._log(reply)
        log.local = True
        return log

    def follow(self, reply: Message, reader: Reader) -> Log:
        """The log of an active reply, for `reader` to follow until it unfollows."""
        known = reply.id in self._logs
        log = self._log(reply)
        if not known:
            bus.ring(bus.FOLLOWED, reply.id)
            self._look_now.set()  # it may have ended since its row was read
        log.readers.add(reader)
        return log

    def _log(self, reply: Message) -> Log:
        """The one log of a reply: a reader may come to it before its writer does."""
        if reply.id not in self._logs:
            self._logs[reply.id] = Log(
                reply.id,
                reply.conversation_id,
                length=reply.length,
                reasoning_length=reply.reasoning_length,
                local=False,
            )
        return self._logs[reply.id]

    def unfollow(self, log: Log, reader: Reader) -> None:
        log.readers.discard(reader)
        if not log.readers and not log.local:
            self._logs.pop(log.id, None)

    def close(self, log: Log) -> None:
        """The reply of `log` is written no more."""
        if self._logs.get(log.id) is log:
            del self._logs[log.id]

    # Tasks of the process

    async def tell_entries(self) -> None:
        """Tell every tab of a user what has changed in their list."""
        while True:
            await self._heard.wait()
            self._heard.clear()
            changed, self._changed = self._changed, set()
            try:
                entries = await in_database(snapshot.entries_by_owner, changed)
            except DatabaseError:
                self._changed |= changed  # they are told once it is back
                self._heard.set()
                raise
            for owner, entry in entries:
                for reader in self.readers:
                    if reader.user_id == owner:
                        reader.tell_entry(entry)

    async def look(self) -> None:
        """Find out what is new: of replies that are written elsewhere when a bell says so, and of
        everything each second."""
        while True:
            next_look = monotonic() + settings.CHAT_TIMES["poll"]
            for reader in list(self.readers):
                reader.check()
            for log in self._remote():
                bus.ring(bus.FOLLOWED, log.id)
            await self._look_at_conversations()
            await self._look_at_activity()
            await self._look_at_replies()
            while (left := next_look - monotonic()) > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(left):
                        await self._look_now.wait()
                    self._look_now.clear()
                    await self._look_at_replies()

    def _remote(self) -> list[Log]:
        """The replies that are followed here and written elsewhere."""
        return [log for log in self._logs.values() if not log.local and not log.final]

    async def _look_at_conversations(self) -> None:
        shown = {reader.shows for reader in self.readers if reader.shows}
        found = await in_database(Conversation.objects.revisions, shown)
        for reader in self.readers:
            if reader.shows in shown and found.get(reader.shows) != reader.revision:
                reader.news()
                self._tell_entry(reader.shows)

    async def _look_at_activity(self) -> None:
        """In the lists, where replies have begun or ended since the last look."""
        active = await in_database(_active_conversations) if self.readers else set()
        for conversation in active ^ self._active:
            self._tell_entry(conversation)
        self._active = active

    async def _look_at_replies(self) -> None:
        followed = self._remote()
        if not followed:
            return
        known = [Known(log.id, log.length, log.reasoning_length) for log in followed]
        grown = await in_database(_grown, known)
        for log in followed:
            if log.local:  # taken over by the writer here meanwhile
                continue
            growth = grown.get(log.id)
            if growth is None:
                log.vanish()
            elif growth.final is not None:
                log.finish(growth.final)
                self._tell_entry(log.conversation)
            else:
                log.grow(growth.text, growth.reasoning, growth.steps)


@dataclass(frozen=True, slots=True)
class Known:
    """How far a reply is known."""

    id: UUID
    length: int
    reasoning_length: int


@dataclass(frozen=True, slots=True)
class Growth:
    """What has come since: more, or the end."""

    text: str = ""
    reasoning: str = ""
    steps: tuple[Step, ...] = ()
    final: MessageObject | None = None


def _active_conversations() -> set[UUID]:
    """Those in which a reply is being written."""
    return set(Message.objects.active().values_list("conversation_id", flat=True))


def _grown(replies: list[Known]) -> dict[UUID, Growth]:
    """What has come to each reply; one whose row is no more is left out."""
    found = {}
    rows = Message.objects.progress([known.id for known in replies])
    for known in replies:
        row = rows.get(known.id)
        if row is None:
            continue
        if row.is_final:
            found[known.id] = Growth(final=snapshot.one(known.id))
            continue
        text, reasoning = "", ""
        if (row.length, row.reasoning_length) != (known.length, known.reasoning_length):
            text, reasoning = Message.objects.tail(known.id, known.length, known.reasoning_length)
        steps = row.steps.all() if row.steps_changed else ()
        found[known.id] = Growth(text, reasoning, tuple(map(snapshot.step_object, steps)))
    return found
