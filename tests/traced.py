"""Flows that a developer might write, and replies of theirs, made by the code that makes any."""

import asyncio

from django.test import override_settings
from pocketflow import AsyncFlow, AsyncNode, Node

from chat.flows.contract import Emit, Shared
from chat.flows.reply import Reply
from chat.flows.trim import Trim
from chat.llm.base import LLM
from chat.models import Message
from chat.replies.accept import Task
from chat.replies.commit import commit
from chat.replies.live import LiveReply
from chat.replies.log import Log
from chat.replies.run import run
from tests.scripted import Scripted


class Decide(AsyncNode):
    """Searches until it has found enough."""

    async def exec_async(self, prepared) -> None:
        await asyncio.sleep(0)

    async def post_async(self, shared: Shared, prepared, result) -> str:
        found = shared.setdefault("found", [])
        return "search" if len(found) < 2 else "answer"


class Search(AsyncNode):
    def __init__(self, *, emit: Emit, failures: int = 0) -> None:
        super().__init__(max_retries=2)
        self.emit, self.failures = emit, [ConnectionError] * failures

    async def exec_async(self, prepared) -> str:
        if self.failures:
            raise self.failures.pop()
        async with self.emit.step("search", "Searching the library") as step:
            step.detail = "3 books about the sea"
        return step.detail

    async def post_async(self, shared: Shared, prepared, found: str) -> str:
        shared["found"].append(found)
        return "default"


class Note(Node):
    """A node that is not async, and returns what leads nowhere."""

    def post(self, shared: Shared, prepared, result) -> str:
        found = "\n".join(shared["found"])
        shared["options"] = {
            **shared["options"],
            "system": f"{shared['options']['system']}\n\nAnswer from what was found:\n{found}",
        }
        return "done"


class Broken(AsyncNode):
    async def exec_async(self, prepared) -> None:
        raise KeyError("a secret key")


def agent(*, llm: LLM, emit: Emit) -> AsyncFlow:
    """Decides, searches in a circle, and answers; its first search fails once."""
    decide, search, note, trim = Decide(), Search(emit=emit, failures=1), Note(), Trim()
    decide - "search" >> search >> decide
    decide - "answer" >> note
    note - "done" >> trim >> Reply(llm=llm, emit=emit)
    return AsyncFlow(start=decide)


def broken(*, llm: LLM, emit: Emit) -> AsyncFlow:
    """A flow within a flow, in which a node fails."""
    decide, search = Decide(), Search(emit=emit)
    decide - "search" >> search >> decide
    decide - "answer" >> Broken()
    research, trim = AsyncFlow(start=decide), Trim()
    research >> trim >> Reply(llm=llm, emit=emit)
    return AsyncFlow(start=research)


def checked(*, llm: LLM, emit: Emit) -> AsyncFlow:
    """Answers, and fails when it looks at what it has said."""
    trim, reply = Trim(), Reply(llm=llm, emit=emit)
    trim >> reply >> Broken()
    return AsyncFlow(start=trim)


def lost(*, llm: LLM, emit: Emit) -> AsyncFlow:
    """A flow that ends early, for a node returns what nobody waits for."""

    class Confused(AsyncNode):
        async def post_async(self, shared: Shared, prepared, result) -> str:
            await emit.text("So far.")
            return "zanzibar-canary"

    confused = Confused()
    confused >> Trim()
    return AsyncFlow(start=confused)


FLOWS = {name: f"tests.traced.{name}" for name in ("agent", "broken", "checked", "lost")} | {
    "chat": "chat.flows.chat.build",
    "plan": "chat.flows.plan.build",
}


def answer(
    reply: Message, model: Scripted, *, keep_last: int = 1, extra: tuple[dict, ...] = ()
) -> LiveReply:
    """Have the flow of a running reply write it, and commit that. `extra` follows what was said."""
    history = reply.conversation.messages.history(10_000)
    task = Task(reply, [*history.values(), *extra], keep_last, tuple(history))
    log = Log(reply.id, reply.conversation_id, length=reply.length, reasoning_length=0, local=True)
    live = LiveReply(log, model=reply.model, wake_writer=lambda live: None)
    with override_settings(CHAT_FLOWS=FLOWS, LLMS=model.as_setting()):
        asyncio.run(run(live, task))
    commit([live.take()], reply.worker)
    reply.refresh_from_db()
    return live
