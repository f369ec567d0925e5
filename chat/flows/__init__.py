"""What happens inside one reply: PocketFlow graphs, named in `settings.CHAT_FLOWS`."""

from django.conf import settings
from django.utils.module_loading import import_string
from pocketflow import AsyncFlow

from chat.llm.base import LLM

from .contract import Emit


def names() -> list[str]:
    """The flows that this site offers; the first is what a new conversation gets."""
    return list(settings.CHAT_FLOWS)


def build(name: str, *, llm: LLM, emit: Emit) -> AsyncFlow:
    """The flow `name`, made for one reply. A name that is no longer offered (a conversation may be
    older than the settings) is answered by the first."""
    path = settings.CHAT_FLOWS.get(name) or settings.CHAT_FLOWS[names()[0]]
    return import_string(path)(llm=llm, emit=emit)
