"""The plain chat: cut the history to the budget, then stream the reply."""

from pocketflow import AsyncFlow

from chat.llm.base import LLM

from .contract import Emit
from .reply import Reply
from .trim import Trim


def build(*, llm: LLM, emit: Emit) -> AsyncFlow:
    """Answers at once."""
    trim = Trim()
    trim >> Reply(llm=llm, emit=emit)
    return AsyncFlow(start=trim)
