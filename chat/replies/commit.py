"""One commit of the writer: what it adds to its replies, and what came of it."""

from dataclasses import dataclass, replace

from django.conf import settings
from django.db import transaction

from chat.models import Append, Charge, Message, Run, Step
from chat.protocol import MessageObject

from . import snapshot
from .live import Write


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one write. `usage` is about what the reply cost that was ended from outside,
    whose row does not say it."""

    write: Write
    written: bool
    final: MessageObject | None = None
    gone: bool = False
    usage: dict | None = None


def commit(writes: list[Write], worker: str) -> list[Outcome]:
    """One transaction for all of `writes`; then, of those that are final or did not match, what
    the row says."""
    lease = settings.CHAT_TIMES["lease"]
    with transaction.atomic():
        matched = Message.objects.append(
            [write.append for write in writes], worker=worker, lease=lease
        )
        mine = [write for write in writes if write.append.id in matched]
        Step.objects.save_all([step for write in mine for step in write.steps])
        for write in mine:
            if write.ending:
                Message.objects.end(write.append.id, write.ending)
            if write.refused:  # how its steps ended was given up with the rest
                Message(id=write.append.id).end_steps()
        traces = [write.trace for write in mine if write.trace]
        if traces:
            Run.objects.save_all(traces)
    return [_outcome(write, write.append.id in matched, worker) for write in writes]


def _outcome(write: Write, matched: bool, worker: str) -> Outcome:
    if matched and write.refused:  # its readers are told of the steps, too
        return Outcome(write, written=True, final=snapshot.one(write.append.id))
    if matched:
        return Outcome(write, written=True, final=_final(write) if write.ending else None)
    row = snapshot.one(write.append.id)
    if row is None:
        return Outcome(write, written=False, gone=True)
    written = _stands(write.append, worker)
    write = replace(write, trace=None)  # perhaps it was not this that ended it
    if row["status"] == Message.Status.RUNNING:
        return Outcome(write, written)
    usage = None if "usage" in row else Charge.objects.usage(write.append.id)
    return Outcome(write, written, row, usage=usage)


def _final(write: Write) -> MessageObject:
    """What the row says now that `write` has ended it, as far as an end tells it."""
    append, ending = write.append, write.ending
    length = append.length + len(append.text)
    reasoning_length = append.reasoning_length + len(append.reasoning)
    return {
        "id": str(append.id),
        "status": ending.status,
        "text": "",
        "from": length,
        "length": length,
        **({"reasoning_length": reasoning_length} if reasoning_length else {}),
        **snapshot.outcome(ending),
    }


def _stands(append: Append, worker: str) -> bool:
    """Whether the row is as `append` left it: it was committed, and only the answer was lost."""
    return Message.objects.filter(
        id=append.id,
        worker=worker,
        length=append.length + len(append.text),
        reasoning_length=append.reasoning_length + len(append.reasoning),
        steps_changed=append.steps_changed,
    ).exists()
