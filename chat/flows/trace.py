"""What a flow did: each run of a node, and each call of a model, while they happen.

Any PocketFlow flow is traced, without a line of its author's: the nodes that a flow can reach get a
class of their own between them and their author's, which notes when `prep`, `exec`, and `post` end.
PocketFlow runs copies of nodes, and a copy keeps its class.
"""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Generic, TypeVar

from pocketflow import AsyncNode, BaseNode, Flow

from chat.llm.base import LLMError
from chat.llm.record import Call, recorder

from .contract import ReplyFull
from .graph import DEFAULT, Graph, nodes_of

T = TypeVar("T")

# A flow that runs in circles has its first and its last remembered, and the rest counted.
FIRST, LAST = 150, 50


@dataclass(slots=True)
class NodeRun:
    """One run of one node. Times are `time.monotonic()`; those it did not come to are None."""

    position: int  # from 1, in the order of beginning
    node: int  # its place in the graph
    name: str
    depth: int  # 0, or how many flows it is within
    began: float
    prepared: float | None = None
    executed: float | None = None
    ended: float | None = None
    action: str = ""  # the transition that it chose
    returned: str = ""  # what it returned instead, where that leads nowhere
    retries: int = 0
    error: str = ""  # a code of `LLMError`, "flow_error", "length", or "cancelled"
    raised: str = ""  # the class of the last exception of its own

    def fail(self, error: BaseException) -> None:
        """It ended by `error`."""
        match error:
            case LLMError():
                self.error = error.code
            case ReplyFull():
                self.error = "length"
            case Exception():
                self.error, self.raised = "flow_error", type(error).__name__
            case _:
                self.error = "cancelled"

    def end(self, action: object, successors: dict) -> None:
        """It returned `action`."""
        chosen = action or DEFAULT
        if not isinstance(chosen, str):
            return
        if chosen in successors:
            self.action = chosen
        elif action:
            self.returned = chosen


class Kept(Generic[T]):
    """The first and the last of what may be many."""

    def __init__(self) -> None:
        self.count = 0
        self._first: list[T] = []
        self._last: deque[T] = deque(maxlen=LAST)

    def add(self, one: T) -> None:
        self.count += 1
        (self._first if self.count <= FIRST else self._last).append(one)

    def __iter__(self) -> Iterator[T]:
        yield from self._first
        yield from self._last


@dataclass(slots=True)
class TracedCall:
    """A call of a model, and the run of a node that made it."""

    position: int
    node: int | None  # the run's position
    call: Call


class Trace:
    """What one run of a flow did so far."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.graph = Graph()
        self.nodes: Kept[NodeRun] = Kept()
        self.calls: Kept[TracedCall] = Kept()
        self._places: dict[object, int] = {}

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Whatever is run in here, and whichever model is asked for in here, belongs to it."""
        before, recording = _trace.set(self), recorder.set(self._call)
        try:
            yield
        finally:
            _trace.reset(before)
            recorder.reset(recording)

    def watch(self, flow: Flow) -> None:
        """Note what the nodes of `flow` do."""
        self.graph = Graph.of(flow)
        for place, node in enumerate(nodes_of(flow)):
            if not isinstance(node, _Traced):
                try:
                    node.__class__ = _traced(type(node))
                except Exception:  # a class that may not be derived from: its runs are not seen
                    continue
                node._trace_key = object()  # a copy, which is what runs, keeps it
            self._places[node._trace_key] = place

    def begin(self, node: "_Traced") -> NodeRun | None:
        """A run of `node` begins; None if it is not one of this flow's."""
        place = self._places.get(node._trace_key)
        if place is None:
            return None
        outer = _node.get()
        depth = 0 if outer is None else outer.depth + 1
        position, name = self.nodes.count + 1, self.graph.names[place]
        run = NodeRun(position, place, name, depth, time.monotonic())
        self.nodes.add(run)
        return run

    def _call(self, call: Call) -> None:
        self.calls.add(TracedCall(self.calls.count + 1, at_work(), call))


_trace: ContextVar[Trace | None] = ContextVar("trace", default=None)
_node: ContextVar[NodeRun | None] = ContextVar("node", default=None)


def at_work() -> int | None:
    """The position of the run of a node that is at work in this context."""
    run = _node.get()
    return None if run is None else run.position


class _Traced:
    """A node that is watched; what PocketFlow calls goes through here to the author's."""

    _trace_key: object = None
    _trace_run: NodeRun | None = None

    @contextmanager
    def _traced_run(self) -> Iterator[NodeRun | None]:
        trace = _trace.get()
        run = self._trace_run = None if trace is None else trace.begin(self)
        if run is None:
            yield None
            return
        before = _node.set(run)
        try:
            yield run
        except BaseException as error:
            run.fail(error)
            raise
        finally:
            run.ended = time.monotonic()
            _node.reset(before)

    def _trace_prepared(self) -> None:
        if self._trace_run is not None:
            self._trace_run.prepared = time.monotonic()

    def _trace_executed(self) -> None:
        if self._trace_run is not None:
            self._trace_run.executed = time.monotonic()

    def _trace_failed(self, error: Exception) -> None:
        if self._trace_run is not None:
            self._trace_run.retries += 1
            self._trace_run.raised = type(error).__name__

    def _trace_gave_up(self) -> None:
        if self._trace_run is not None:
            self._trace_run.retries -= 1  # that was the last try, which no other followed


class _TracedSync(_Traced):
    def _run(self, shared):
        with self._traced_run() as run:
            action = super()._run(shared)
            if run is not None:
                run.end(action, self.successors)
        return action

    def prep(self, shared):
        prepared = super().prep(shared)
        self._trace_prepared()
        return prepared

    def exec(self, prepared):
        try:
            return super().exec(prepared)
        except Exception as error:
            self._trace_failed(error)
            raise

    def exec_fallback(self, prepared, error):
        self._trace_gave_up()
        return super().exec_fallback(prepared, error)

    def post(self, shared, prepared, result):
        self._trace_executed()
        return super().post(shared, prepared, result)


class _TracedAsync(_Traced):
    async def _run_async(self, shared):
        with self._traced_run() as run:
            action = await super()._run_async(shared)
            if run is not None:
                run.end(action, self.successors)
        return action

    async def prep_async(self, shared):
        prepared = await super().prep_async(shared)
        self._trace_prepared()
        return prepared

    async def exec_async(self, prepared):
        try:
            return await super().exec_async(prepared)
        except Exception as error:
            self._trace_failed(error)
            raise

    async def exec_fallback_async(self, prepared, error):
        self._trace_gave_up()
        return await super().exec_fallback_async(prepared, error)

    async def post_async(self, shared, prepared, result):
        self._trace_executed()
        return await super().post_async(shared, prepared, result)


def _traced(node: type[BaseNode]) -> type[BaseNode]:
    """The class of such a node when it is watched: made once, and gone with it."""
    made = vars(node).get("_traced_class")
    if made is None:
        hooks = _TracedAsync if issubclass(node, AsyncNode) else _TracedSync
        names = ("__module__", "__qualname__", "__doc__")
        made = type(node.__name__, (hooks, node), {name: getattr(node, name) for name in names})
        node._traced_class = made
    return made
