import asyncio
import logging

from chat import flows, llm, logs
from chat.flows.contract import ReplyFull
from chat.flows.trace import Trace
from chat.llm.base import LLMError, Usage
from chat.models import Ending, Message
from chat.text import clean, estimate_tokens

from . import trace
from .accept import Task
from .live import LiveReply
from .prompt import system_prompt

logger = logging.getLogger("chat.replies")


async def run(live: LiveReply, task: Task) -> None:
    """Run the flow of one reply to whatever end it comes to; never raises."""
    reply = task.reply
    logs.bind(conversation=reply.conversation_id, reply=reply.id)
    try:
        ending = await _run(live, task)
    except Exception:  # what a flow leaves may be anything, and a reply without an end never ends
        logger.exception("a flow cannot be accounted for", **logs.fields(flow=reply.assistant))
        ending = Ending(_status("flow_error", live.length), error="flow_error")
    live.end(ending)


async def _run(live: LiveReply, task: Task) -> Ending:
    reply = task.reply
    system = system_prompt(task.instructions)
    shared = flows.shared(task.messages, model=reply.model, system=system, keep_last=task.keep_last)
    live.log.tell_phase("waiting")
    error, finish_reason, is_whole, traced = "", "", False, Trace()
    try:
        with traced.recording():
            flow = flows.build(reply.assistant, llm=llm.named(reply.model), emit=live)
            traced.watch(flow)
            await flow.run_async(shared)
        finish_reason, is_whole = str(shared.get("finish_reason") or "stop")[:64], True
    except ReplyFull:
        finish_reason = "length"
    except asyncio.CancelledError:
        error = live.cancelled_for
    except LLMError as failure:
        error = failure.code
        logger.warning("a reply failed", **logs.fields(code=failure.code))
    except Exception:
        # A flow's author finds the traceback here; the reader gets a sentence.
        error = "flow_error"
        logger.exception("a flow failed", **logs.fields(flow=reply.assistant))
    if not error and not live.length:
        error = "upstream_empty"
    reported = _reported(shared)
    is_counted = is_whole and reported is not None
    tokens = reported if is_counted else _estimated(shared, task, live, reported)
    try:
        live.trace = trace.rows(traced, task, system=system, first_token=live.first_seen())
    except Exception:  # it is made of what anybody's flow and model left, and the reply is not
        logger.exception("a reply has no trace")
    return Ending(
        status=_status(error, live.length),
        finish_reason="" if error else clean(finish_reason),
        error=error,
        prompt_tokens=tokens.prompt_tokens,
        completion_tokens=tokens.completion_tokens,
        usage_estimated=not is_counted,
    )


def _status(error: str, length: int) -> str:
    if not error:
        return Message.Status.DONE
    if length or error in {"restart", "lost_worker"}:
        return Message.Status.INTERRUPTED
    return Message.Status.ERROR


def _reported(shared: dict) -> Usage | None:
    """The usage that the flow has left, if it is one: a flow is anybody's code."""
    usage = shared.get("usage")
    return usage if isinstance(usage, Usage) and usage.is_possible else None


def _estimated(shared: dict, task: Task, live: LiveReply, earlier: Usage | None) -> Usage:
    """About what a reply cost whose flow did not say all of it: the answer that was under way, and
    those of which it knew (`earlier`), as that to its plan."""
    prompt = shared.get("prompt")
    is_one = isinstance(prompt, list) and all(isinstance(message, dict) for message in prompt)
    messages = prompt if is_one else task.messages
    sent = sum(estimate_tokens(str(message.get("content", ""))) for message in messages)
    told = Usage(sent, live.estimated_tokens())
    known = earlier or Usage(0, 0)
    both = Usage(
        known.prompt_tokens + told.prompt_tokens, known.completion_tokens + told.completion_tokens
    )
    return both if both.is_possible else told
