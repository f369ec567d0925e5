"""A conversation as JSON, with all of its branches: `docs/export.md` tells other programs of it."""

import json
from collections.abc import Iterable, Iterator

from django.utils import timezone

from chat.models import Conversation, Message, Step
from chat.protocol import reply_error

from .rows import in_order, steps_of

SUFFIX = "json"
CONTENT_TYPE = "application/json"
VERSION = 1


def conversation(found: Conversation) -> Iterator[str]:
    """The whole tree, a message in a line."""
    about = _head("pocketflow-chat/conversation") | {"conversation": _conversation(found)}
    yield from _listed(about, "messages", map(_message, in_order(found.messages.all())))


def conversations(found: Iterable[Conversation]) -> Iterator[str]:
    """Several as one document, each as `conversation` has it and with its owner, who is selected
    with it."""
    yield f"{_json(_head('pocketflow-chat/conversations'))[:-1]}, "
    yield '"conversations": ['
    comma = ""
    for one in found:
        yield f"{comma}\n"
        about = {"conversation": {"owner": one.owner.get_username()} | _conversation(one)}
        yield from _listed(about, "messages", map(_message, in_order(one.messages.all())))
        comma = ","
    yield "]}\n"


def index(found: Iterable[tuple[str, Conversation]]) -> Iterator[str]:
    """Which file has which conversation."""
    files = ({"file": name} | _conversation(one) for name, one in found)
    yield from _listed(_head("pocketflow-chat/index"), "conversations", files)


def _head(kind: str) -> dict:
    return {"format": kind, "version": VERSION, "exported": timezone.now().isoformat()}


def _listed(about: dict, name: str, items: Iterable[dict]) -> Iterator[str]:
    """An object of `about` and of a list, whose items come one by one."""
    yield f"{_json(about)[:-1]}, {_json(name)}: ["
    comma = ""
    for item in items:
        yield f"{comma}\n{_json(item)}"
        comma = ","
    yield "\n]}\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _conversation(found: Conversation) -> dict:
    return {
        "id": str(found.id),
        "title": found.title,
        "assistant": found.assistant,
        "model": found.model,
        "pinned": found.pinned,
        "created": found.created.isoformat(),
        "updated": found.updated.isoformat(),
    }


def _message(row: Message) -> dict:
    return {
        "id": str(row.id),
        "seq": row.seq,
        "parent": str(row.parent_id) if row.parent_id else None,
        "shown": row.shown,
        "role": row.role,
        "status": row.status,
        "text": row.text,
        "kept": row.kept,
        "reasoning": row.reasoning,
        "steps": [_step(step) for step in steps_of(row)],
        "assistant": row.assistant,
        "model": row.model,
        "created": row.created.isoformat(),
        "ended": row.ended.isoformat() if row.ended else None,
        "finish_reason": row.finish_reason,
        "error": reply_error(row.error) if row.error else None,
        "usage": {
            "prompt_tokens": row.prompt_tokens,
            "completion_tokens": row.completion_tokens,
            "estimated": row.usage_estimated,
        },
    }


def _step(step: Step) -> dict:
    return {
        "id": str(step.id),
        "position": step.position,
        "name": step.name,
        "label": step.label,
        "status": step.status,
        "started": step.started.isoformat(),
        "ms": step.ms,
        "detail": step.detail,
    }
