"""What a flow did for a reply, as an operator sees it: its nodes and its calls on one scale.

Four queries for any number of replies. What a node returned, and what was sent, is only loaded for
one who may read what was said.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from uuid import UUID

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.flows.graph import DEFAULT, Graph
from chat.models import Call, Message, NodeRun, Run, Step

from . import facts
from .sent import Entry, Texts, Tree

SCALE = 1000  # how wide a bar's picture is
LEAST = 3  # what took any time at all is seen
NOTABLE_MS = 0.1
SCROLLS = 30  # more nodes than that have a box of their own to scroll in
PARTS = ("prep", "exec", "post")  # of a node's work, as PocketFlow calls them


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time as a part of the picture."""

    kind: str
    x: int
    width: int


@dataclass(frozen=True)
class CallView:
    """One call of a model."""

    call: Call
    bars: list[Bar]
    sent: list[Entry]

    @property
    def took(self) -> str:
        return facts.milliseconds(self.call.ms)

    @property
    def facts(self) -> list[tuple[str, str]]:
        call = self.call
        first = "" if call.first_ms is None else facts.milliseconds(call.first_ms)
        heat = "" if call.temperature is None else facts.number(call.temperature, 2)
        most = "" if call.max_tokens is None else facts.number(call.max_tokens)
        known = [
            (_("First token"), first),
            (_("Tokens"), facts.read_and_written(call.prompt_tokens, call.completion_tokens)),
            (_("Finish"), call.finish_reason),
            (_("Tries"), facts.number(call.tries) if call.tries > 1 else ""),
            (_("At most"), most and _("%(count)s tokens") % {"count": most}),
            (_("Temperature"), heat),
        ]
        return [(name, value) for name, value in known if value]

    @property
    def error(self) -> str:
        if self.call.error == "cancelled":
            return _("The rest of the answer was not wanted any more.")
        return facts.sentence(self.call.error)


@dataclass(frozen=True)
class NodeView:
    """One run of a node, with what it told and asked."""

    run: NodeRun
    bars: list[Bar]
    skipped: int  # runs before it that are not kept
    steps: list[Step] = field(default_factory=list)
    calls: list[CallView] = field(default_factory=list)
    readable: bool = False
    failed_within: bool = False  # it is a flow, and the failure is of one of its nodes

    @property
    def depth(self) -> int:
        return min(self.run.depth, 4)

    @property
    def took(self) -> str:
        return facts.milliseconds(sum(ms for _name, ms in _parts(self.run)))

    @property
    def parts(self) -> list[tuple[str, str]]:
        """Which parts of its work took any time, and how much."""
        return [(name, facts.milliseconds(ms)) for name, ms in _parts(self.run) if ms >= NOTABLE_MS]

    @property
    def chosen(self) -> str:
        """The transition that it chose, where it chose one."""
        return "" if self.run.action == DEFAULT else self.run.action

    @property
    def notes(self) -> list[str]:
        """What is notable about it, in words."""
        run, notes = self.run, []
        if run.retries:
            said = ngettext(
                "%(n)d retry after %(raised)s",
                "%(n)d retries, the last after %(raised)s",
                run.retries,
            )
            notes.append(said % {"n": run.retries, "raised": run.raised})
        if self.readable and run.returned:
            said = _("It returned “%(action)s”, which leads nowhere: the flow ends here.")
            notes.append(said % {"action": run.returned})
        return notes

    @property
    def error(self) -> str:
        run = self.run
        if run.error and self.failed_within:
            return _("A node of this flow did not come to its end.")
        if run.error == "flow_error":
            said = _("It raised %(raised)s in %(part)s. The server's log has the traceback.")
            return said % {"raised": run.raised, "part": _parts(run)[-1][0]}
        if run.error == "length":
            return _("The reply reached its greatest length.")
        if run.error == "cancelled":
            return _("It was cut off here: the reply was ended from outside.")
        return facts.sentence(run.error)


@dataclass(frozen=True)
class TraceView:
    """What is known of how one reply was made; without a `run`, nothing but its steps."""

    message: Message
    run: Run | None
    nodes: list[NodeView]
    calls: list[CallView]  # all of them
    elsewhere: list[CallView]  # those that no node that is kept has made
    steps: list[Step]  # as above
    parts = PARTS

    @property
    def took(self) -> str:
        return facts.milliseconds(self.run.ms)

    @cached_property
    def graph(self) -> Graph:
        return Graph.from_data(self.run.graph)

    @property
    def path(self) -> list[NodeRun]:
        return [node.run for node in self.nodes]

    @property
    def count(self) -> int:
        return self.nodes[-1].run.position if self.nodes else 0

    @property
    def is_long(self) -> bool:
        return len(self.nodes) > SCROLLS

    @property
    def call_count(self) -> int:
        return self.calls[-1].call.position if self.calls else 0

    @property
    def failed(self) -> bool:
        return any(node.run.error not in ("", "cancelled", "length") for node in self.nodes)

    @property
    def failed_chip(self) -> SafeString:
        return facts.chip(Message.Status.ERROR)

    @property
    def missing(self) -> str:
        """Why there is none."""
        if not self.message.is_final:
            return _("What its flow does is written down when the reply ends.")
        if self.message.error == "lost_worker":
            return _(
                "What its flow did is not known: it is written down when a reply ends, and its "
                "worker was lost before that."
            )
        return _("What its flow did was not written down.")

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What belongs beside the reply."""
        if self.run is None:
            return []
        first = self.run.first_token_ms
        retries = sum(view.call.tries - 1 for view in self.calls)
        retries += sum(view.run.retries for view in self.nodes)
        return [
            (_("First token"), "" if first is None else facts.milliseconds(first)),
            (_("Retries"), facts.number(retries) if retries else ""),
        ]


def read(
    messages: Sequence[Message], tree: Tree, *, readable: bool, whole: bool = False
) -> dict[UUID, TraceView]:
    """The traces of these messages of one conversation, of which `tree` has all, and whose runs are
    selected with them; with `whole`, the texts of what was sent, too."""
    replies = [message for message in messages if message.is_reply]
    ids = [reply.id for reply in replies]
    nodes = NodeRun.objects.filter(message__in=ids)
    calls = Call.objects.filter(message__in=ids)
    steps = Step.objects.filter(message__in=ids)
    if not readable:
        nodes, calls = nodes.defer("returned"), calls.defer("sent")
        steps = steps.defer("label", "detail")
    found = list(calls)
    texts = Texts(tree, found, whole=whole) if readable else None
    of_nodes, of_calls, of_steps = map(_by_message, (nodes, found, steps))
    views = {}
    for reply in replies:
        run = getattr(reply, "run", None)
        told = [
            CallView(
                call, _call_bars(call, _scale(run)), texts.entries(call, reply) if texts else []
            )
            for call in of_calls[reply.id]
        ]
        views[reply.id] = _view(reply, run, of_nodes[reply.id], told, of_steps[reply.id], readable)
    return views


def _by_message(rows: Iterable) -> dict[UUID, list]:
    found = defaultdict(list)
    for row in rows:
        found[row.message_id].append(row)
    return found


def _view(
    reply: Message,
    run: Run | None,
    nodes: list[NodeRun],
    calls: list[CallView],
    steps: list[Step],
    readable: bool,
) -> TraceView:
    scale = _scale(run)
    views: dict[int, NodeView] = {}
    before = 0
    for at, node in enumerate(nodes):
        skipped = node.position - before - 1
        views[node.position] = NodeView(
            node,
            _node_bars(node, scale),
            skipped,
            readable=readable,
            failed_within=any(inner.error for inner in _within(node, nodes[at + 1 :])),
        )
        before = node.position
    elsewhere, other_steps = [], []
    for call in calls:
        asker = views.get(call.call.node)
        (asker.calls if asker else elsewhere).append(call)
    for step in steps:
        teller = views.get(step.node)
        (teller.steps if teller else other_steps).append(step)
    return TraceView(reply, run, list(views.values()), calls, elsewhere, other_steps)


def _within(flow: NodeRun, later: list[NodeRun]) -> Iterator[NodeRun]:
    """The runs of nodes that a flow, if it is one, has made."""
    return takewhile(lambda run: run.depth > flow.depth, later)


def _scale(run: Run | None) -> float:
    """How much of the picture a millisecond is."""
    return SCALE / max(run.ms, 0.001) if run else 0.0


def _node_bars(run: NodeRun, scale: float) -> list[Bar]:
    bars, at = [], run.started
    for kind, ms in _parts(run):
        if ms:
            bars.append(_bar(kind, at, ms, scale))
            at += ms
    return bars


def _parts(run: NodeRun) -> list[tuple[str, float]]:
    """What it came to of its work, and what that took."""
    times = zip(PARTS, (run.prep_ms, run.exec_ms, run.post_ms), strict=True)
    return [(name, ms) for name, ms in times if ms is not None]


def _call_bars(call: Call, scale: float) -> list[Bar]:
    waited = call.ms if call.first_ms is None else call.first_ms
    bars = [_bar("waits", call.started, waited, scale)]
    if call.ms > waited:
        bars.append(_bar("writes", call.started + waited, call.ms - waited, scale))
    return bars


def _bar(kind: str, start: float, ms: float, scale: float) -> Bar:
    width = max(round(ms * scale), LEAST)
    return Bar(kind, min(round(start * scale), SCALE - width), min(width, SCALE))
