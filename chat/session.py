"""Whose browser is at the other end of a socket."""

from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host

from chat.models import address_token, users_of


def key_of(scope: dict) -> str:
    """The key of the session that the socket's cookie names, "" if it names none."""
    return parse_cookie(_header(scope, b"cookie")).get(settings.SESSION_COOKIE_NAME, "")


def user_of(scope: dict) -> AbstractBaseUser | None:
    """The active user whose session the socket's cookie names; None if there is none.

    Not Channels' AuthMiddleware: where the secret key was rotated (SECRET_KEY_FALLBACKS) that one
    flushes the session and so signs the user out everywhere. This one only reads.
    """
    key = key_of(scope)
    return users_of([key]).get(key) if key else None


def address_of(scope: dict) -> UUID | None:
    """Where the socket comes from, as a token."""
    return address_token((scope.get("client") or [None])[0])


def is_own_origin(scope: dict) -> bool:
    """Whether the page that opened the socket is this site's: its origin is the host that it asks
    for, or one of SITE_ORIGINS. A browser always says; who says nothing is refused."""
    origin = _header(scope, b"origin").lower()
    if origin in {allowed.lower().rstrip("/") for allowed in settings.SITE_ORIGINS}:
        return True
    try:
        parts = urlsplit(origin)
        port = {"http": 80, "https": 443}[parts.scheme]
        port = parts.port or port
    except (KeyError, ValueError):
        return False
    if settings.SESSION_COOKIE_SECURE and parts.scheme != "https":
        return False
    host, host_port = split_domain_port(_header(scope, b"host").lower())
    if not validate_host(host, settings.ALLOWED_HOSTS):
        return False
    default = "443" if parts.scheme == "https" else "80"
    return _bracketed(parts.hostname) == host and str(port) == (host_port or default)


def _bracketed(host: str | None) -> str | None:
    return f"[{host}]" if host and ":" in host else host


def _header(scope: dict, name: bytes) -> str:
    return dict(scope["headers"]).get(name, b"").decode("latin-1")
