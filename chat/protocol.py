"""The words of the chat socket: what a browser may say, what the server answers.

Every frame is one JSON object with a `type`. `docs/protocol.md` says what each means and when it
is sent; this module only parses and builds them, and knows neither Django nor sockets. Offsets and
lengths count code points, as Python's `len` does.
"""

import json
from typing import Annotated, Any, Literal, NotRequired, TypedDict
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from chat.codes import (  # noqa: F401 - the words of the socket are read from here
    CLOSE_CROWDED,
    CLOSE_DETAILS,
    CLOSE_FLOODING,
    CLOSE_FOREIGN_ORIGIN,
    CLOSE_PROTOCOL,
    CLOSE_RESTART,
    CLOSE_SESSION_ENDED,
    CLOSE_SESSION_MOVED,
    CLOSE_TOO_MANY,
    CLOSE_TOO_SLOW,
    REFUSALS,
    REPLY_ERRORS,
    Refused,
)
from chat.text import clean

VERSION = 1

# At most so many code points of a reply are sent and not yet acknowledged by `seen`.
WINDOW = 65_536

# Client → server


def _uuid(value: object) -> UUID:
    if not isinstance(value, str) or len(value) != 36 or value != str(UUID(value)):
        raise ValueError("not a UUID in lower case with hyphens")
    return UUID(value)


Id = Annotated[UUID, BeforeValidator(_uuid)]
Offset = Annotated[int, Field(ge=0, le=2**53)]
# Counted before each is looked at: a frame has room for fifty thousand wrong ones.
_few = TypeAdapter(Annotated[dict, Field(max_length=100)]).validate_python


class _Frame(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Open(_Frame):
    type: Literal["open"]
    conversation: Id | None
    have: Annotated[dict[Id, Offset], BeforeValidator(_few)] = {}


class Send(_Frame):
    type: Literal["send"]
    cid: Id
    conversation: Id
    text: str
    parent: Id | None = None
    assistant: Annotated[str, Field(max_length=64)] | None = None
    model: Annotated[str, Field(max_length=200)] | None = None

    @property
    def names_parent(self) -> bool:
        """Whether the frame says what it follows; if not, it follows the shown branch."""
        return "parent" in self.model_fields_set


class Regenerate(_Frame):
    type: Literal["regenerate"]
    cid: Id
    message: Id
    model: Annotated[str, Field(max_length=200)] | None = None


class Continue(_Frame):
    type: Literal["continue"]
    cid: Id
    message: Id


class Select(_Frame):
    type: Literal["select"]
    message: Id


class Stop(_Frame):
    type: Literal["stop"]
    message: Id


class Seen(_Frame):
    type: Literal["seen"]
    message: Id
    offset: Offset
    reasoning: Offset = 0


class Ping(_Frame):
    type: Literal["ping"]
    n: Offset


ClientFrame = Open | Send | Regenerate | Continue | Select | Stop | Seen | Ping
# By these a client knows what it has said.
NAMES = ("cid", "message", "conversation")
TYPES = frozenset({"open", "send", "regenerate", "continue", "select", "stop", "seen", "ping"})
_CLIENT_FRAME = TypeAdapter(Annotated[ClientFrame, Field(discriminator="type")])


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def load(text: str) -> dict[str, Any]:
    """The JSON object in `text`; `Refused("bad_json")` for anything else."""
    try:
        frame = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused("bad_json") from None
    if not isinstance(frame, dict):
        raise Refused("bad_json")
    return frame


def parse(frame: dict[str, Any]) -> ClientFrame:
    """The client's frame; `Refused("bad_type")` or `Refused("bad_field")` if it is none."""
    kind = frame.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        raise Refused("bad_type")
    try:
        return _CLIENT_FRAME.validate_python(frame)
    except ValidationError:
        raise Refused("bad_field") from None


def read(text: str | None) -> tuple[dict[str, str], ClientFrame | Refused]:
    """What a refusal says again of the frame in `text`, and the frame, or why it is none.

    Nothing else of it is kept: what was made of its text may have twenty times the size, and who
    sent it may have the answer wait.
    """
    if text is None:
        return {}, Refused("bad_frame")
    names: dict[str, str] = {}
    try:
        frame = load(text)
        said = ((key, frame.get(key)) for key in ("type", *NAMES))
        names = {key: name for key, name in said if isinstance(name, str) and len(name) <= 36}
        return names, parse(frame)
    except Refused as refused:
        return names, Refused(refused.code)  # a new one: the other's traceback has the frame


# Server → client


class ReplyError(TypedDict):
    code: str
    detail: str
    retryable: bool


class Usage(TypedDict):
    prompt_tokens: int
    completion_tokens: int
    estimated: bool


# A key that is absent rather than null is NotRequired.
class Step(TypedDict):
    id: str
    name: str
    status: str
    label: str
    started: str
    ms: NotRequired[int]
    detail: NotRequired[str]


MessageObject = TypedDict(
    "MessageObject",
    {
        "id": str,
        "seq": int,
        "parent": str | None,
        "role": str,
        "status": str,
        "text": str,
        "from": int,
        "length": int,
        "kept": NotRequired[int],
        "reasoning": NotRequired[str],
        "reasoning_length": NotRequired[int],
        "model": str,
        "assistant": str,
        "created": str,
        "cid": NotRequired[str],
        "finish_reason": NotRequired[str],
        "usage": NotRequired[Usage],
        "error": NotRequired[ReplyError],
        "siblings": list[str],
        "steps": NotRequired[list[Step]],
    },
)
Frame = dict[str, Any]


def reply_error(code: str) -> ReplyError:
    """The error object of a reply that ended with `code`."""
    detail, retryable = REPLY_ERRORS[code]
    return {"code": code, "detail": detail, "retryable": retryable}


def welcome(*, user: dict, limits: dict, heartbeat: float) -> Frame:
    about = {"user": user, "limits": limits, "heartbeat": heartbeat}
    return {"type": "welcome", "v": VERSION} | about


def state(*, conversation: dict, messages: list[MessageObject]) -> Frame:
    return {"type": "state", "conversation": conversation, "messages": messages}


def ack(
    *,
    cid: UUID,
    duplicate: bool,
    conversation: UUID,
    message: UUID,
    reply: UUID,
    left: dict[str, int] | None = None,
) -> Frame:
    ids = {"conversation": str(conversation), "message": str(message), "reply": str(reply)}
    frame = {"type": "ack", "cid": str(cid), "duplicate": duplicate} | ids
    return frame if left is None else frame | {"left": left}


def message(conversation: str, body: MessageObject) -> Frame:
    return {"type": "message", "conversation": conversation, "message": body}


def delta(message: str, start: int, text: str) -> Frame:
    return {"type": "delta", "message": message, **_piece(start, text)}


def reasoning(message: str, start: int, text: str) -> Frame:
    return {"type": "reasoning", "message": message, **_piece(start, text)}


def _piece(start: int, text: str) -> dict:
    return {"from": start, "to": start + len(text), "text": text}


def step(message: str, body: Step) -> Frame:
    return {"type": "step", "message": message, "step": body}


def status(message: str, phase: str, n: int | None = None) -> Frame:
    return {"type": "status", "message": message, "phase": phase} | ({} if n is None else {"n": n})


def end(body: MessageObject) -> Frame:
    """The last word on a reply, from its final message object."""
    kept = ("status", "length", "reasoning_length", "finish_reason", "usage", "error")
    return {"type": "end", "message": body["id"]} | {key: body[key] for key in kept if key in body}


def conversation(entry: dict) -> Frame:
    return {"type": "conversation", "conversation": entry}


def error(refused: Refused, frame: dict[str, Any] | None = None) -> Frame:
    """The refusal of `frame`, with the names by which the client knows it."""
    said = frame or {}
    answer: Frame = {
        "type": "error",
        "code": refused.code,
        "detail": REFUSALS[refused.code],
        "re": said["type"] if isinstance(said.get("type"), str) and said["type"] in TYPES else "",
    }
    for key in NAMES:
        if isinstance(said.get(key), str) and len(said[key]) == 36:
            answer[key] = clean(said[key])
    if refused.retry_after is not None:
        answer["retry_after"] = refused.retry_after
    return answer


def pong(n: int) -> Frame:
    return {"type": "pong", "n": n}


def bye(code: int, *, retry_after: float | None = None) -> Frame:
    frame = {"type": "bye", "code": code, "detail": CLOSE_DETAILS[code]}
    return frame if retry_after is None else frame | {"retry_after": retry_after}


encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
