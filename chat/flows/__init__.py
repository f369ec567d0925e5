"""What happens inside one reply: PocketFlow graphs, named in `settings.CHAT_FLOWS`."""

import inspect
from collections.abc import Callable

from django.conf import settings
from django.utils.module_loading import import_string
from pocketflow import AsyncFlow

from chat.llm.base import LLM

from .contract import Emit, Shared


def names() -> list[str]:
    """The flows that this site offers; the first is what a new conversation gets."""
    return list(settings.CHAT_FLOWS)


def offered(name: str) -> str:
    """The flow that answers for `name`: itself, or the first where it is no longer offered (a
    conversation may be older than the settings)."""
    return name if name in settings.CHAT_FLOWS else names()[0]


def label(name: str) -> str:
    """What people are told that the flow is called."""
    return name.replace("_", " ").capitalize()


def description(name: str) -> str:
    """What people are told that the flow does: the first line of its `build`'s docstring."""
    return (inspect.getdoc(_builder(name)) or "").partition("\n")[0]


def build(name: str, *, llm: LLM, emit: Emit) -> AsyncFlow:
    """The flow that answers for `name`, made for one reply."""
    return _builder(offered(name))(llm=llm, emit=emit)


def _builder(name: str) -> Callable[..., AsyncFlow]:
    return import_string(settings.CHAT_FLOWS[name])


def shared(
    messages: list[dict], *, model: str = "", system: str | None = None, keep_last: int = 1
) -> Shared:
    """What a flow is run over: `messages`, and the options as the settings have them."""
    return {
        "messages": messages,
        "options": {
            "model": model,
            "system": settings.SYSTEM_PROMPT if system is None else system,
            "context_tokens": settings.CONTEXT_TOKENS,
            "keep_last": keep_last,
        },
    }
