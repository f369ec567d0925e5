"""Whose sockets these are, and still are: a session may end, or its user may, while one is open.

It is level-triggered, as everything that hears a bell: to be rung means only to look again who is
signed in. Without a bell it looks at everyone each minute.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from chat import logs, protocol
from chat.models import Profile, token_of, users_of

from . import bus
from .database import in_database
from .line import Party, party_of

logger = logging.getLogger("chat.replies")

# Who has signed in or out is given the new cookie by an answer that is still on its way when the
# bell rings (seconds): a tab that came again before it would come as who they were.
ON_ITS_WAY = 0.5


@dataclass(eq=False, slots=True)
class Visit:
    """One socket: the session that opened it, whose that was, and how to close it."""

    session: str
    user_id: int
    person: UUID
    guest: bool
    address: UUID | None
    close: Callable[[int], Awaitable[None]]
    may: Callable[[AbstractBaseUser], bool] | None = None  # more than to be signed in
    token: UUID = field(init=False)
    moved: bool = field(init=False, default=False)  # its session goes on under another key

    def __post_init__(self) -> None:
        self.token = token_of(self.session)

    @property
    def party(self) -> Party:
        """As whom it waits in line."""
        return party_of(self.user_id, self.guest, self.address)


class Guard:
    """Closes the sockets whose session is not their user's any more."""

    def __init__(self, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task]) -> None:
        self._spawn = spawn
        self._visits: set[Visit] = set()
        # How many of them are whose: after a restart hundreds come in a second.
        self._people: Counter[int] = Counter()
        self._addresses: Counter[UUID | None] = Counter()
        self._doubted: set[Visit] = set()
        self._rung = asyncio.Event()

    def has_room(self, address: UUID | None, waiting: int = 0) -> bool:
        """Whether one more socket may come from this address, where so many wait for their turn."""
        most = settings.CHAT_LIMITS["address_sockets"] if address else 0
        return not most or self._addresses[address] + waiting < most

    def admit(self, visit: Visit) -> bool:
        """Whether there is room for one more socket of this person, and of this address; it is
        counted then."""
        limits = settings.CHAT_LIMITS
        if self._people[visit.user_id] >= limits["sockets"] or not self.has_room(visit.address):
            return False
        self._visits.add(visit)
        self._people[visit.user_id] += 1
        self._addresses[visit.address] += 1
        return True

    def leave(self, visit: Visit) -> None:
        if visit not in self._visits:
            return
        self._visits.discard(visit)
        for counter, key in ((self._people, visit.user_id), (self._addresses, visit.address)):
            counter[key] -= 1
            if not counter[key]:
                del counter[key]

    def hear_doubt(self, person: UUID) -> None:
        """The bell: a person may be signed out, or may not sign in any more."""
        self._doubt({visit for visit in self._visits if visit.person == person})

    def hear_move(self, token: UUID) -> None:
        """The bell: the session of this token goes on under another key."""
        moved = {visit for visit in self._visits if visit.token == token}
        for visit in moved:
            visit.moved = True
        self._doubt(moved)

    def _doubt(self, visits: set[Visit]) -> None:
        if visits:
            self._doubted |= visits
            self._rung.set()

    # The task of the process

    async def look(self) -> None:
        """Look at those whom there is doubt about, and now and then at everyone."""
        loop = asyncio.get_running_loop()
        look_at_all = loop.time() + settings.CHAT_TIMES["session"]
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(look_at_all):
                    await self._rung.wait()
            await asyncio.sleep(ON_ITS_WAY)
            self._rung.clear()
            if loop.time() >= look_at_all:
                self._doubted |= self._visits
                look_at_all = loop.time() + settings.CHAT_TIMES["session"]
            doubted, self._doubted = self._doubted & self._visits, set()
            try:
                await self._look_at(doubted)
            except DatabaseError as error:
                known = logs.fields(error=type(error).__name__)
                logger.warning("who is signed in is looked at later", **known)
                self._doubt(doubted)
                await asyncio.sleep(settings.CHAT_TIMES["poll"])

    async def _look_at(self, doubted: set[Visit]) -> None:
        over = await in_database(_over, doubted)
        for visit in over & self._visits:
            self.leave(visit)
            moved, ended = protocol.CLOSE_SESSION_MOVED, protocol.CLOSE_SESSION_ENDED
            self._spawn(visit.close(moved if visit.moved else ended))


def _over(visits: set[Visit]) -> set[Visit]:
    """Those whose session is not their user's any more, or who may no more what they came for."""
    users = users_of({visit.session for visit in visits})

    def goes_on(visit: Visit) -> bool:
        user = users.get(visit.session)
        if user is None or user.pk != visit.user_id:
            return False
        return visit.may is None or visit.may(user)

    return {visit for visit in visits if not goes_on(visit)}


# Who rings, whichever door an account is changed by: the page, the admin, a command.


@receiver(post_save, sender=settings.AUTH_USER_MODEL)
def _account_changed(instance: AbstractBaseUser, created: bool, update_fields, **_: object) -> None:
    if created or update_fields == {"last_login"}:
        return
    for person in Profile.objects.filter(user=instance).values_list("id", flat=True):
        ring_doubt(person)


@receiver(m2m_changed, sender=f"{settings.AUTH_USER_MODEL}_groups")
@receiver(m2m_changed, sender=f"{settings.AUTH_USER_MODEL}_user_permissions")
def _permissions_changed(instance: Model, action: str, reverse: bool, **_: object) -> None:
    """What a group itself may is looked at with everyone."""
    if action.startswith("post_") and not reverse:
        _account_changed(instance, created=False, update_fields=None)


@receiver(post_delete, sender=Profile)
def _person_deleted(instance: Profile, **_: object) -> None:
    ring_doubt(instance.id)


def ring_doubt(person: UUID) -> None:
    """Once all this is committed, have every socket of the person looked at."""
    transaction.on_commit(lambda: bus.ring(bus.DOUBTED, person))


def ring_move(session: str) -> None:
    """Once all this is committed, have every socket that `session` opened come again."""
    token = token_of(session)
    transaction.on_commit(lambda: bus.ring(bus.MOVED, token))
