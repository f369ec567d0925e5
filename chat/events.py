"""What happens that an operator wants to know: each a line of the log, or a figure, or both.

Who calls one says it in a line, and knows of neither. Ids, times, sizes, and codes, never words.
"""

import logging
from collections.abc import Iterable

from . import metrics
from .logs import fields

sockets = logging.getLogger("chat.socket")
replies = logging.getLogger("chat.replies")
upstream = logging.getLogger("chat.llm")

# A browser may close with any number: these are told apart, as are all of our own (4400 and up).
CLOSE_CODES = {1000, 1001, 1005, 1006, 1009, 1011, 1012}


# Sockets


def socket_opened() -> None:
    sockets.info("socket opened")
    if metrics.figures:
        metrics.figures.sockets.inc()


def socket_closed(code: int, seconds: float) -> None:
    sockets.info("socket closed", **fields(code=code, seconds=round(seconds, 3)))
    if metrics.figures:
        metrics.figures.sockets.dec()
        known = code if code in CLOSE_CODES or 4000 <= code < 4100 or 4400 <= code < 4430 else 0
        metrics.figures.sockets_closed.labels(known or "other").inc()


def socket_refused(code: int) -> None:
    sockets.info("socket refused", **fields(code=code))
    if metrics.figures:
        metrics.figures.sockets_closed.labels(code).inc()


# Requests


def accepted(conversation: object, reply: object, *, duplicate: bool) -> None:
    known = {"conversation": conversation, "reply": reply}
    sockets.info("message accepted", **fields(**known, duplicate=duplicate))
    if metrics.figures and not duplicate:
        metrics.figures.accepted.inc()


def refused(code: str) -> None:
    sockets.info("refused", **fields(code=code))
    if metrics.figures:
        metrics.figures.refused.labels(code).inc()


# Replies


def reply_begun() -> None:
    if metrics.figures:
        metrics.figures.active.inc()


def first_token(seconds: float) -> None:
    if metrics.figures:
        metrics.figures.first_token.observe(seconds)


def committed(seconds: float, pieces: Iterable[tuple[int, float]]) -> None:
    """One commit, that took so long: the characters of each piece, and how long it had waited."""
    if metrics.figures:
        metrics.figures.commit.observe(seconds)
        for characters, waited in pieces:
            metrics.figures.characters.inc(characters)
            metrics.figures.added.observe(waited)


def reply_ended(
    ids: dict,
    *,
    model: str,
    status: str,
    code: str,
    seconds: float,
    first_token: float | None,
    length: int,
    usage: dict | None,
) -> None:
    """`usage` as a message object has it; None where nothing is known of it."""
    first = None if first_token is None else round(first_token * 1000)
    told = {"status": status, "code": code, "model": model, "length": length, **(usage or {})}
    times = {"first_token_ms": first, "seconds": round(seconds, 3)}
    replies.info("reply ended", **fields(**ids, **told, **times))
    if metrics.figures:
        metrics.figures.active.dec()
        metrics.figures.replies.labels(status, code).inc()
        metrics.figures.reply_seconds.observe(seconds)
        known = usage or {}
        _spent(model, known.get("prompt_tokens", 0), known.get("completion_tokens", 0))


def title_ended(model: str, *, prompt: int, completion: int) -> None:
    """A model was asked for a title, which cost so many tokens."""
    if metrics.figures:
        _spent(model, prompt, completion)


def _spent(model: str, prompt: int, completion: int) -> None:
    metrics.figures.tokens.labels("prompt", model).inc(prompt)
    metrics.figures.tokens.labels("completion", model).inc(completion)


def reply_left() -> None:
    """A reply of this process is written here no more, and not by its own end."""
    if metrics.figures:
        metrics.figures.active.dec()


def settled(reply: object, conversation: object) -> None:
    known = {"reply": reply, "conversation": conversation}
    replies.warning("reply was left by its worker: interrupted", **fields(**known))
    if metrics.figures:
        metrics.figures.settled.inc()


def upstream_failed(
    code: str, *, status: int | None, error: str, attempt: int, finished: bool
) -> None:
    """A request to the model's server failed; `finished`: after all of the answer had come."""
    level = logging.INFO if finished else logging.WARNING
    known = {"code": code, "status": status, "error": error, "attempt": attempt}
    upstream.log(level, "the model's server failed", **fields(**known, finished=finished))
    if metrics.figures and not finished:
        metrics.figures.upstream_failures.labels(code).inc()


# The process


def started(worker: str) -> None:
    replies.info("worker started", **fields(worker=worker))


def drain_began(active: int) -> None:
    replies.info("draining", **fields(active=active))


def drained(seconds: float, unfinished: int) -> None:
    known = {"seconds": round(seconds, 3), "unfinished": unfinished}
    replies.info("drained", **fields(**known))


def bus_lost(error: str) -> None:
    replies.warning("a bell was lost", **fields(error=error))
    if metrics.figures:
        metrics.figures.bus_up.set(0)


def bus_back() -> None:
    replies.info("the bus is back")


def bell_returned(seconds: float) -> None:
    if metrics.figures:
        metrics.figures.bus_up.set(1)
        metrics.figures.bus_lag.observe(seconds)
