"""Who is asking for a page, and for what."""

from uuid import UUID

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.models import AbstractBaseUser
from django.http import Http404, HttpRequest

from chat import protocol
from chat.models import Profile

# Programs that look at pages without a person behind them: they get no guest of their own.
ROBOTS = ("bot", "crawl", "spider", "slurp", "preview", "monitor", "curl", "wget", "python-")


def person(request: HttpRequest, *, may_be_new: bool) -> AbstractBaseUser | None:
    """Who is asking, None if they must sign in first. Where guests are welcome, a person's first
    page makes them one, if it is a page that one who is new can see."""
    if request.user.is_authenticated:
        return request.user
    agent = request.headers.get("User-Agent", "").lower()
    is_person = request.method == "GET" and agent and not any(robot in agent for robot in ROBOTS)
    if not settings.GUESTS or not is_person or not may_be_new:
        return None
    guest = Profile.objects.make_guest()
    login(request, guest.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return guest.user


def signed_in(request: HttpRequest) -> AbstractBaseUser:
    """Who is asking; Http404 if nobody is: what is someone's own is not there for others."""
    if not request.user.is_authenticated:
        raise Http404(protocol.REFUSALS["not_found"])
    return request.user


def uuid_or_none(text: str) -> UUID | None:
    """The id that an address or a form names, if it is one."""
    try:
        return UUID(text)
    except ValueError:
        return None
