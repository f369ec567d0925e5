import asyncio
import contextlib
import logging
from typing import Protocol
from uuid import UUID

from django.conf import settings

from chat.models import Conversation, Message

from . import snapshot
from .database import in_database
from .log import Log

logger = logging.getLogger("chat.replies")


class Reader(Protocol):
    """One who looks: a socket's follower."""

    user_id: int
    shows: UUID | None
    revision: int  # of the conversation that is shown, as it was last told

    def wake(self) -> None: ...

    def news(self) -> None:
        """The conversation shown has changed."""

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
        self._heard = asyncio.Event()
        self._look_now = asyncio.Event()

    # Readers

    def join(self, reader: Reader) -> None:
        self.readers.add(reader)

    def leave(self, reader: Reader) -> None:
        self.readers.discard(reader)

    def hear(self, conversation: UUID) -> None:
        """The bell: `conversation` has changed."""
        for reader in self.readers:
            if reader.shows == conversation:
                reader.news()
        self._changed.add(conversation)
        self._heard.set()

    async def say_bye(self, code: int) -> None:
        """Close every socket."""
        byes = [reader.bye(code) for reader in self.readers]
        for failed in await asyncio.gather(*byes, return_exceptions=True):
            if failed is not None:
                logger.info("a socket was gone before its bye: %s", type(failed).__name__)

    # Logs

    def write(self, log: Log) -> None:
        """This process writes the reply of `log`; readers find it here."""
        self._logs[log.id] = log

    def follow(self, reply: Message, reader: Reader) -> Log:
        """The log of an active reply, for `reader` to follow until it unfollows."""
        log = self._logs.get(reply.id)
        if log is None:
            log = self._logs[reply.id] = Log(
                reply.id,
                reply.conversation_id,
                length=reply.length,
                reasoning_length=reply.reasoning_length,
                local=False,
            )
            self._look_now.set()  # it may have ended since its row was read
        log.readers.add(reader)
        return log

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
            for owner, entry in await in_database(snapshot.entries_by_owner, changed):
                for reader in self.readers:
                    if reader.user_id == owner:
                        reader.tell_entry(entry)

    async def look(self) -> None:
        """Each second, find out what no bell told."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look_now.wait(), settings.CHAT_TIMES["poll"])
            self._look_now.clear()
            for reader in list(self.readers):
                reader.check()
            await self._look_at_conversations()
            await self._look_at_replies()

    async def _look_at_conversations(self) -> None:
        shown = {reader.shows for reader in self.readers if reader.shows}
        found = await in_database(Conversation.objects.revisions, shown)
        for reader in self.readers:
            if reader.shows in shown and found.get(reader.shows) != reader.revision:
                reader.news()

    async def _look_at_replies(self) -> None:
        followed = [log for log in self._logs.values() if not log.local and not log.final]
        if not followed:
            return
        known = [(log.id, log.length, log.reasoning_length) for log in followed]
        grown = await in_database(_grown, known)
        for log in followed:
            row = grown.get(log.id)
            if row is None:
                log.vanish()
            elif isinstance(row, dict):
                log.finish(row)
            else:
                text, reasoning, steps = row
                log.grow(text, reasoning, steps)


def _grown(known: list[tuple[UUID, int, int]]) -> dict:
    """What has come to each reply since its known lengths; a final one's whole object."""
    found = {}
    rows = Message.objects.in_bulk([id for id, _, _ in known])
    for id, length, reasoning_length in known:
        row = rows.get(id)
        if row is not None and row.is_final:
            found[id] = snapshot.one(id)
        elif row is not None:
            steps = tuple(snapshot.step_object(step) for step in row.steps.all())
            found[id] = (row.text[length:], row.reasoning[reasoning_length:], steps)
    return found
