"""What happens inside one reply: PocketFlow graphs, named in `settings.CHAT_FLOWS`."""

from django.conf import settings
from django.utils.module_loading import import_string
from pocketflow import AsyncFlow

from chat.llm.base import LLM

from .contract import Emit, Shared


def names() -> list[str]:
    """The flows that this site offers; the first is what a new conversation gets."""
    return list(settings.CHAT_FLOWS)


def build(name: str, *, llm: LLM, emit: Emit) -> AsyncFlow:
    """The flow `name`, made for one reply. A name that is no longer offered (a conversation may be
    older than the settings) is answered by the first."""
    path = settings.CHAT_FLOWS.get(name) or settings.CHAT_FLOWS[names()[0]]
    return import_string(path)(llm=llm, emit=emit)


def shared(messages: list[dict], *, system: str | None = None, keep_last: int = 1) -> Shared:
    """What a flow is run over: `messages`, and the options as the settings have them."""
    return {
        "messages": messages,
        "options": {
            "system": settings.SYSTEM_PROMPT if system is None else system,
            "context_tokens": settings.CONTEXT_TOKENS,
            "keep_last": keep_last,
        },
    }
