"""What a person may ask for: counted from rows, in the transaction that accepts. So it is exact
over any number of workers, and needs nothing but the database."""

import math
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from chat.models import Charge, Pool, Profile
from chat.models.charge import ChargeQuerySet, Spent
from chat.protocol import Refused

from .prompt import prompt_tokens

EVERYBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Share:
    """One limit, and those whose requests count for it. 0 is no limit."""

    charges: ChargeQuerySet
    messages: int  # in a minute
    tokens: int  # in 24 hours
    spent: Spent

    def check(self, tokens: int) -> None:
        """Refused unless one more request, of so many tokens, is within the limit."""
        if self.messages and self.spent.messages >= self.messages:
            raise Refused("rate", retry_after=_wait(self.charges.message_leaves(self.messages)))
        over = self.spent.tokens + tokens - self.tokens
        if self.tokens and over > 0:
            raise Refused("budget", retry_after=_wait(self.charges.tokens_leave(over)))


class Allowance:
    """What is left of a person's limits, which nobody else changes until the transaction ends if
    the person's row is locked."""

    def __init__(self, person: Profile) -> None:
        self._person = person
        self._shares = list(self._limits())

    def check(self) -> None:
        """Refused("rate" or "budget") if not even the smallest request may be made."""
        for share in self._shares:
            share.check(tokens=1)

    def reserve(
        self, reply: UUID, messages: list[dict], *, keep_last: int, instructions: str
    ) -> dict:
        """Write down what `reply` to these messages may cost at most, before its model is asked,
        which is sent at least the last `keep_last`; Refused("budget") if that is more than is
        left. Returns what is left then, as an `ack` tells it."""
        prompt = prompt_tokens(messages, keep_last=keep_last, instructions=instructions)
        tokens = prompt + settings.CHAT_LIMITS["reply_tokens"]
        for share in self._shares:
            share.check(tokens)
        person = self._person
        Charge.objects.create(
            reply=reply, user=person.user, address=person.address, prompt=prompt, tokens=tokens
        )
        return self.left(messages=1, tokens=tokens)

    def left(self, messages: int = 0, tokens: int = 0) -> dict:
        """The requests of this minute and the tokens of this day that are left after so many."""
        found = {}
        for share in self._shares:
            if share.messages:
                rest = max(share.messages - share.spent.messages - messages, 0)
                found["messages"] = min(rest, found.get("messages", rest))
            if share.tokens:
                rest = max(share.tokens - share.spent.tokens - tokens, 0)
                found["tokens"] = min(rest, found.get("tokens", rest))
        return found

    def _limits(self):
        limits, charges, person = settings.CHAT_LIMITS, Charge.objects, self._person
        yield _share(charges.filter(user=person.user_id), limits["per_minute"], limits["tokens"])
        if person.guest and person.address:
            # Who empties their cookies is a new guest of the same address.
            Pool.objects.lock(person.address)
            mine = charges.filter(address=person.address)
            yield _share(mine, limits["address_per_minute"], limits["address_tokens"])
        if limits["all_tokens"]:
            Pool.objects.lock(EVERYBODY)
            yield _share(charges.all(), 0, limits["all_tokens"])


def _share(charges: ChargeQuerySet, messages: int, tokens: int) -> Share:
    return Share(charges, messages, tokens, charges.spent())


def _wait(until: datetime | None) -> int:
    """The whole seconds until then, at least one; a day where it is never."""
    if until is None:
        return 86_400
    return max(math.ceil((until - timezone.now()).total_seconds()), 1)
