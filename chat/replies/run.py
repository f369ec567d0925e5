import asyncio
import logging

from chat import flows, llm
from chat.llm.base import LLMError, Usage, estimate_tokens
from chat.models import Ending, Message

from .accept import Task
from .live import LiveReply, ReplyFull

logger = logging.getLogger("chat.replies")


async def run(live: LiveReply, task: Task) -> None:
    """Run the flow of one reply to whatever end it comes to; never raises."""
    reply = task.reply
    shared = flows.shared(task.messages, keep_last=task.keep_last)
    live.log.tell_phase("waiting")
    error = ""
    try:
        flow = flows.build(reply.assistant, llm=llm.get(model=reply.model), emit=live)
        await flow.run_async(shared)
    except ReplyFull:
        shared["finish_reason"] = "length"
    except asyncio.CancelledError:
        error = live.cancelled_for
    except LLMError as failure:
        error = failure.code
        logger.warning("reply %s: %s", reply.id, failure.code)
    except Exception:
        # A flow's author finds the traceback here; the reader gets a sentence.
        error = "flow_error"
        logger.exception("reply %s: its flow %s failed", reply.id, reply.assistant)
    if not error and not live.length:
        error = "upstream_empty"
    live.end(_ending(live, task, shared, error))


def _ending(live: LiveReply, task: Task, shared: dict, error: str) -> Ending:
    usage = shared.get("usage")
    estimated = usage is None
    if usage is None:
        prompt = shared.get("prompt", task.messages)
        usage = Usage(
            sum(estimate_tokens(message["content"]) for message in prompt),
            live.estimated_tokens(),
        )
    lost = error in {"restart", "lost_worker"}
    if not error:
        status = Message.Status.DONE
    elif live.length or lost:
        status = Message.Status.INTERRUPTED
    else:
        status = Message.Status.ERROR
    return Ending(
        status=status,
        finish_reason="" if error else shared.get("finish_reason") or "stop",
        error=error,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        usage_estimated=estimated,
    )
