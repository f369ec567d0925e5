"""Who is asking for a page, and for what."""

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import AbstractBaseUser
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from chat import protocol
from chat.models import Arrival, Profile, address_token

# Programs that look at pages without a person behind them: they get no guest of their own.
ROBOTS = ("bot", "crawl", "spider", "slurp", "preview", "monitor", "curl", "wget", "python-")

CROWDED = _(
    "Many people are new here from your network. Sign in if you have an account, or come again in "
    "an hour."
)


# In the session of a guest: the month in which it was last prolonged.
PROLONGED = "prolonged"


def person(request: HttpRequest, *, may_be_new: bool) -> AbstractBaseUser | None:
    """Who is asking, None if they must sign in first. Where guests are welcome, a person's first
    page makes them one, if it is a page that one who is new can see."""
    if request.user.is_authenticated:
        if not request.user.has_usable_password():
            _prolong(request)
        return request.user
    if not settings.GUESTS or not may_be_new or not _is_person(request):
        return None
    address = address_token(request.META.get("REMOTE_ADDR"))
    if not admit(address):
        messages.warning(request, CROWDED)
        return None
    guest = Profile.objects.make_guest(address)
    login(request, guest.user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    _prolong(request)
    return guest.user


def _is_person(request: HttpRequest) -> bool:
    agent = request.headers.get("User-Agent", "").lower()
    if request.method != "GET" or not agent or any(robot in agent for robot in ROBOTS):
        return False
    # Another site's page could ask for this one as a picture, until nobody of the network is new.
    return request.headers.get("Sec-Fetch-Dest", "document") == "document"


def _prolong(request: HttpRequest) -> None:
    """A guest has no other way to what is theirs than the session: it ends only if they stay
    away."""
    month = f"{timezone.now():%Y-%m}"
    if request.session.get(PROLONGED) != month:
        request.session[PROLONGED] = month


def admit(address: UUID | None) -> bool:
    """Whether one more person may be new from there now, who is counted then."""
    return Arrival.objects.admit(address, most=settings.CHAT_LIMITS["address_people"])


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
