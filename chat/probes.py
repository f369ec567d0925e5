"""The doors for what watches a process: `/healthz`, `/readyz`, and `/metrics`.

They stand before Django: no session, no cookie, no redirect, and no look at the `Host`, which a
load balancer sets to an address, a name of its own, or nothing. No link is made of it here, so a
forged one gains nothing.
"""

import hmac
import json
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from django.conf import settings

from . import metrics
from .replies import health

Send = Callable[[dict], Awaitable[None]]
# Parts without which the chat works: in worse ways, but for everybody who comes.
DISPENSABLE = {"bus"}
# What a proxy says of whom it asks for. Where one is on this machine, everybody comes from here.
FORWARDED = {b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via"}
LOCAL_NAMES = {"localhost", "127.0.0.1", "[::1]"}
HEADERS = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]


def before(pages: Callable) -> Callable:
    """The ASGI application `pages`, with these doors before it."""
    doors = {"/healthz": healthz, "/readyz": readyz, "/metrics": figures}

    async def application(scope: dict, receive: Callable, send: Send) -> None:
        door = doors.get(scope["path"])
        if door is None or scope["method"] not in {"GET", "HEAD"}:
            await pages(scope, receive, send)
        else:
            await door(scope, send)

    return application


async def healthz(scope: dict, send: Send) -> None:
    """The process lives, and its event loop turns: nothing else is asked."""
    await _answer(scope, send, 200, {"status": "ok"})


async def readyz(scope: dict, send: Send) -> None:
    """It can serve people now: 200, or 503. The body says which part cannot."""
    parts = await health.parts()
    bad = {name for name, said in parts.items() if said not in {health.OK, "none"}}
    status = "degraded" if bad else "ready"
    if bad - DISPENSABLE:
        status = "not ready"
    await _answer(scope, send, 503 if status == "not ready" else 200, {"status": status, **parts})


async def figures(scope: dict, send: Send) -> None:
    """The metrics, for whom they are; nobody else learns that there are any."""
    if metrics.figures is None or not _may_read(scope):
        await _answer(scope, send, 404, {"status": "not found"})
        return
    body, kind = metrics.figures.page()
    await _send(scope, send, 200, kind, body)


def _may_read(scope: dict) -> bool:
    """Whoever has the token; where there is none, this machine itself."""
    headers = dict(scope["headers"])
    if settings.METRICS_TOKEN:
        said = headers.get(b"authorization", b"")
        return hmac.compare_digest(said, f"Bearer {settings.METRICS_TOKEN}".encode())
    host = headers.get(b"host", b"").decode("latin-1").lower()
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    return _is_loopback(scope) and name in LOCAL_NAMES and not FORWARDED & headers.keys()


def _is_loopback(scope: dict) -> bool:
    try:
        return ip_address((scope.get("client") or [""])[0]).is_loopback
    except ValueError:
        return False


async def _answer(scope: dict, send: Send, status: int, said: dict[str, str]) -> None:
    await _send(scope, send, status, "application/json", json.dumps(said).encode() + b"\n")


async def _send(scope: dict, send: Send, status: int, kind: str, body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    headers = [(b"content-type", kind.encode()), length, *HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else body
    await send({"type": "http.response.body", "body": body})
