"""The log: one line a record, that says what happened by ids, times, sizes, and codes.

What people write, and what opens doors, is kept out here at the end, whoever logs. Our own modules
log sentences of their own, and what belongs to them by `fields`; what other libraries say is cut
down to what cannot hold a person's words.
"""

import json
import logging
import re
import traceback
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime

_bound: ContextVar[Mapping[str, object]] = ContextVar("log", default={})  # noqa: B039 — never changed

OURS = "chat"
# Whatever would end a line, or be drawn as another.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# A value that needs no quotes in a line of text.
PLAIN = re.compile(r"[\w.:/+-]+")
HIDDEN = "[hidden]"
# So short a secret is a word that may stand anywhere.
SHORTEST_SECRET = 8
# What opens doors, and what people search for, wherever it stands in a text.
SECRETS = (
    r"\bsk-[\w-]{8,}",
    r"\b(?:proxy-)?authorization\b[\"']?\s*[:=,]\s*b?[\"']?[^\"'\r\n]+",
    r"\b(?:set-)?cookie\b[\"']?\s*[:=,]\s*b?[\"']?[^\"'\r\n]+",
    r"\b(?:x-)?api[-_]key\b[\"']?\s*[:=,]\s*b?[\"']?[^\s\"',;]+",
    r"\bbearer\s+[\w.~+/=-]+",
    r"\b(?:sessionid|csrftoken)=[^\s\"';]+",
    r"(?<=://)[^\s/@\"']+(?=@)",
    r"(?<=/password/)[^\s/\"']+/[^\s/\"']+",
    r"(?<=[\w/])\?[^\s\"'<>]+",
)
# Exceptions whose own words are Python's, the system's, or the database server's. What the others
# say may be what a person said.
SPEAKING = {
    *("AttributeError", "ImportError", "NameError", "TypeError", "OSError"),
    *("ImproperlyConfigured", "InterfaceError", "OperationalError"),
}
# Among them those that name whom a mail is for.
SILENT = {"SMTPException"}


def bind(**ids: object) -> None:
    """Have every record of this task, and of what it spawns, carry these ids, too."""
    _bound.set({**_bound.get(), **ids})


def bound() -> Mapping[str, object]:
    """The ids that the records of this task carry."""
    return _bound.get()


def fields(**known: object) -> dict[str, dict]:
    """What a record says beside its sentence: `logger.info("…", **fields(reply=…))`."""
    return {"extra": {"fields": known}}


class Ours(logging.Filter):
    """Our own records, and others' where something is wrong: at lower levels libraries tell what
    they send and are sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING or record.name.split(".")[0] == OURS


class Formatter(logging.Formatter):
    """What all lines have in common. `secrets` are values that are never written; `frank` lets
    exceptions speak, which is for a laptop."""

    def __init__(self, *, secrets: Iterable[str] = (), frank: bool = False) -> None:
        super().__init__()
        values = sorted({one for one in secrets if len(one) >= SHORTEST_SECRET}, key=len)
        patterns = [*map(re.escape, reversed(values)), *SECRETS]
        self._secret = re.compile("|".join(patterns), re.IGNORECASE)
        self._frank = frank

    def format(self, record: logging.LogRecord) -> str:
        known = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self._safe(self._message(record)),
        }
        known |= {name: self._value(value) for name, value in self._fields(record).items()}
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            known["error"] = type(error).__name__
            known["traceback"] = self._safe("".join(self._traceback(error)))
        return self._line(known)

    def _line(self, known: dict[str, object]) -> str:
        raise NotImplementedError

    def _fields(self, record: logging.LogRecord) -> dict[str, object]:
        known = {**bound(), **getattr(record, "fields", {})}
        request = getattr(record, "request", None)
        user = getattr(request, "_cached_user", None)  # to ask for it could be a query
        if user is not None and user.pk is not None:
            known["user"] = user.pk
        if request is not None and hasattr(record, "status_code"):
            known |= {"method": request.method, "status": record.status_code}
        return known

    def _message(self, record: logging.LogRecord) -> str:
        if self._frank or record.name.split(".")[0] == OURS:
            return _said(record, record.args)
        args, request = record.args, getattr(record, "request", None)
        if isinstance(args, Mapping):
            args = {name: _harmless(arg, request) for name, arg in args.items()}
        elif args:
            args = tuple(_harmless(arg, request) for arg in args)
        # asyncio's first line says what happened, and those below it with which objects.
        return _said(record, args).partition("\n")[0]

    def _value(self, value: object) -> object:
        return (
            value if value is None or isinstance(value, bool | int | float) else self._safe(value)
        )

    def _safe(self, text: object) -> str:
        return self._secret.sub(HIDDEN, str(text))

    def _traceback(self, error: BaseException, depth: int = 0) -> Iterable[str]:
        """The frames, of its causes too; and what it says only where that is nobody's words."""
        cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if cause is not None and depth < 5:
            yield from self._traceback(cause, depth + 1)
            yield "after which:\n"
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(error.__traceback__)
        yield f"{said_by(error, frank=self._frank)}\n"
        if isinstance(error, BaseExceptionGroup) and depth < 5:
            for one in error.exceptions:
                yield from self._traceback(one, depth + 1)


class JSONFormatter(Formatter):
    """A line of JSON for programs."""

    def _line(self, known: dict[str, object]) -> str:
        return json.dumps(known)  # which escapes everything but printable ASCII


class TextFormatter(Formatter):
    """A line for a person's eyes; a traceback stands below it, further in."""

    def _line(self, known: dict[str, object]) -> str:
        frames = str(known.pop("traceback", "")).splitlines()
        head = [known.pop(name) for name in ("time", "level", "logger", "message")]
        line = "{} {} {}: {}".format(*map(_one_line, head))
        line += "".join(f" {name}={_quoted(value)}" for name, value in known.items())
        return "\n".join([line, *(f"    {_one_line(frame)}" for frame in frames)])


def said_by(error: BaseException, *, frank: bool = False) -> str:
    """The name of an exception, and what it says where that is known to be nobody's words."""
    names = {kind.__name__ for kind in type(error).__mro__}
    if not frank and (not names & SPEAKING or names & SILENT):
        return type(error).__name__
    said = str(error) if frank else str(error).partition("\n")[0]
    return f"{type(error).__name__}: {said}"


def _said(record: logging.LogRecord, args: object) -> str:
    try:
        return str(record.msg) % args if args else str(record.msg)
    except Exception:
        return str(record.msg)  # logging itself would print all of it


def _harmless(arg: object, request: object) -> object:
    """What another library puts into its sentence, unless it may be a person's words."""
    if isinstance(arg, BaseException):
        return said_by(arg)
    if arg is not None and arg == getattr(request, "path", None):
        match = getattr(request, "resolver_match", None)
        return f"/{match.route}" if match else "a page that is not there"
    if isinstance(arg, str | int | float | None):
        return arg
    return type(arg).__name__


def _one_line(text: object) -> str:
    return CONTROL.sub(lambda found: repr(found[0])[1:-1], str(text))


def _quoted(value: object) -> str:
    text = str(value)
    return text if PLAIN.fullmatch(text) else json.dumps(text)
