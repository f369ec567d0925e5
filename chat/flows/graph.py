"""The shape of a flow: its nodes and where their actions lead, as plain data."""

from dataclasses import dataclass
from typing import Self

from pocketflow import BaseNode, Flow

from chat.text import clean

DEFAULT = "default"  # what PocketFlow takes an empty action for


@dataclass(frozen=True, slots=True)
class Edge:
    """A transition. Without an `action` it leads into the first node of a flow that is a node."""

    source: int
    target: int
    action: str | None


@dataclass(frozen=True, slots=True)
class Graph:
    """`names` of the nodes, the first one first; edges refer to their places in it."""

    names: tuple[str, ...] = ()
    edges: tuple[Edge, ...] = ()

    @classmethod
    def of(cls, flow: Flow) -> Self:
        """The graph of any PocketFlow flow, flows within it too."""
        nodes = nodes_of(flow)
        places = {id(node): place for place, node in enumerate(nodes)}
        edges = (
            Edge(places[id(node)], places[id(after)], action)
            for node in nodes
            for action, after in _ways(node)
        )
        return cls(_names(nodes), tuple(edges))

    @classmethod
    def from_data(cls, data: dict) -> Self:
        """What `as_data` made."""
        return cls(tuple(data["names"]), tuple(Edge(*edge) for edge in data["edges"]))

    def as_data(self) -> dict:
        """As JSON can hold it."""
        return {
            "names": [*self.names],
            "edges": [[edge.source, edge.target, edge.action] for edge in self.edges],
        }


def nodes_of(flow: Flow) -> list[BaseNode]:
    """Every node that the flow can reach, in the order of their first transitions."""
    found: dict[int, BaseNode] = {}
    left = [getattr(flow, "start_node", None)]  # what can be run need not be a PocketFlow's
    while left:
        node = left.pop()
        if isinstance(node, BaseNode) and id(node) not in found:
            found[id(node)] = node
            left.extend(after for _, after in reversed(_ways(node)))
    return list(found.values())


def _ways(node: BaseNode) -> list[tuple[str | None, BaseNode]]:
    """Where it goes on from a node: into a flow first, then by its actions."""
    inside = [(None, node.start_node)] if isinstance(node, Flow) else []
    named = ((clean(str(action))[:64], after) for action, after in node.successors.items())
    ways = [*inside, *named]
    return [(action, after) for action, after in ways if isinstance(after, BaseNode)]


def _names(nodes: list[BaseNode]) -> tuple[str, ...]:
    """The nodes' classes; several of one class are numbered."""
    names: list[str] = []
    seen: dict[str, int] = {}
    for node in nodes:
        name = type(node).__name__[:60]
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return tuple(names)
