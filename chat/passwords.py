"""Passwords that are tried: at the door, and by who is asked for theirs once more."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from weakref import WeakValueDictionary

from django.contrib.auth import authenticate
from django.http import HttpRequest

from chat.models import network_of

_turns: WeakValueDictionary[str, Lock] = WeakValueDictionary()
_making = Lock()


@contextmanager
def turn(request: HttpRequest) -> Iterator[None]:
    """One try of an address at a time, in each process. Each is counted before the next is looked
    at: of many at once all would be, and each costs a core a third of a second."""
    with _making:
        mine = _turns.setdefault(str(network_of(request.META.get("REMOTE_ADDR"))), Lock())
    with mine:
        yield


def is_own(request: HttpRequest, password: str) -> bool:
    """Whether it is the password of who is signed in. A wrong one counts as at the door: whoever
    has found a browser open there may not try them all."""
    with turn(request):
        found = authenticate(request, username=request.user.get_username(), password=password)
    return found is not None and found.pk == request.user.pk
