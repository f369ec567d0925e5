"""The trace of a reply as rows."""

import math
import time
from uuid import UUID

from django.db import transaction

from chat.flows.trace import NodeRun, Trace, TracedCall
from chat.llm.base import TOKENS
from chat.models import Call, Conversation, Message, Run
from chat.models import NodeRun as NodeRow
from chat.models import Trace as Rows
from chat.text import clean

from .accept import Task
from .sent import Sent


def rows(trace: Trace, task: Task, *, system: str, first_token: float | None) -> Rows:
    """What there is to keep of a run that has ended; `first_token` is in seconds."""
    reply = task.reply
    sent = Sent(reply.conversation_id, task.messages, task.ids, system)
    now = time.monotonic()
    run = Run(
        message_id=reply.id,
        graph=trace.graph.as_data(),
        ms=_ms(now - trace.began),
        first_token_ms=None if first_token is None else _ms(first_token),
    )
    nodes = [_node(reply, one, trace.began, now) for one in trace.nodes]
    calls = [_call(reply, one, trace.began, now, sent) for one in trace.calls]
    return Rows(run, nodes, calls, sent.prompts)


@transaction.atomic
def save(trace: Rows, conversation: UUID, worker: str) -> None:
    """Keep the trace of a reply that somebody else ended, if that is still there."""
    # Who deletes a conversation holds it, too, and has found all that goes with it.
    Conversation.objects.hold(conversation)
    ended = Message.objects.written_by([worker]).filter(id=trace.run.message_id, run=None)
    if ended.exists():
        Run.objects.save_all([trace])


def _node(reply: Message, run: NodeRun, began: float, now: float) -> NodeRow:
    ended = run.ended or now
    prepared, executed = run.prepared, run.executed
    return NodeRow(
        message=reply,
        position=run.position,
        node=run.node,
        name=clean(run.name)[:64],
        depth=run.depth,
        started=_ms(run.began - began),
        prep_ms=_ms((prepared or ended) - run.began),
        exec_ms=None if prepared is None else _ms((executed or ended) - prepared),
        post_ms=None if executed is None else _ms(ended - executed),
        action=clean(run.action)[:64],
        returned=clean(run.returned)[:64],
        retries=max(run.retries, 0),
        error=run.error,
        raised=clean(run.raised)[:64],
    )


def _call(reply: Message, traced: TracedCall, began: float, now: float, sent: Sent) -> Call:
    call, usage = traced.call, traced.call.usage
    return Call(
        message=reply,
        position=traced.position,
        node=traced.node,
        model=clean(str(call.model))[:200],
        max_tokens=_count(call.max_tokens),
        temperature=_finite(call.temperature),
        sent=sent.entries(call.messages),
        started=_ms(call.began - began),
        first_ms=None if call.first is None else _ms(call.first - call.began),
        ms=_ms((call.ended or now) - call.began),
        tries=_count(call.tries) or 1,
        finish_reason=clean(str(call.finish))[:64],
        prompt_tokens=usage and _count(usage.prompt_tokens),
        completion_tokens=usage and _count(usage.completion_tokens),
        error=call.error,
    )


def _ms(seconds: float) -> float:
    return round(max(seconds, 0) * 1000, 3)


def _finite(number: object) -> float | None:
    is_number = isinstance(number, int | float) and math.isfinite(number)
    return float(number) if is_number else None


def _count(number: object) -> int | None:
    """A count that a database can hold: a flow and a backend are anybody's code."""
    return number if type(number) is int and 0 <= number <= TOKENS else None
