"""`{% flow_graph flow path %}`: a flow as a picture, with the path that was taken."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from chat.flows.graph import Graph
from chat.flows.layout import Place, layout, shown
from chat.flows.lines import Line, lines

register = template.Library()

NAMED = 12  # nodes of a path that are told by name


class Visit(Protocol):
    """A run of a node: its place in the graph, the action it chose, and why it failed, if it did;
    `chat.models.NodeRun` is such a one."""

    node: int
    action: str
    error: str


@dataclass(frozen=True, slots=True)
class Box:
    """A node as it is drawn."""

    name: str
    place: Place
    count: int
    failed: bool

    @property
    def shown(self) -> str:
        return shown(self.name)

    @property
    def state(self) -> str:
        return "failed" if self.failed else "taken" if self.count else "left"

    @property
    def x(self) -> str:
        return f"{self.place.x - self.place.box / 2:.1f}"

    @property
    def corner(self) -> str:
        return f"{self.place.x + self.place.box / 2:.1f}"


@dataclass(frozen=True, slots=True)
class Way:
    """A line of the picture, and whether the flow went along it."""

    line: Line
    taken: bool

    @property
    def enters(self) -> bool:
        """Whether it leads into a flow that is a node."""
        return self.line.edges[0].action is None


@register.inclusion_tag("chat/_flow_graph.html")
def flow_graph(flow: object, path: Iterable[Visit] = ()) -> dict:
    """Any PocketFlow flow, or a `Graph`, as SVG; `path` is the nodes that were run, in order."""
    graph = flow if isinstance(flow, Graph) else Graph.of(flow)
    visits = list(path)
    drawn = layout(graph)
    counts = Counter(visit.node for visit in visits)
    failed = {visit.node for visit in visits if visit.error}
    boxes = [
        Box(name, place, counts[node], node in failed)
        for node, (name, place) in enumerate(zip(graph.names, drawn.nodes, strict=True))
    ]
    taken = {(visit.node, visit.action) for visit in visits if visit.action}
    # A flow that is a node was entered where its first node was run.
    taken |= {(edge.source, None) for edge in graph.edges if edge.target in counts}
    ways = [
        Way(line, any((edge.source, edge.action) in taken for edge in line.edges))
        for line in lines(drawn)
    ]
    names = [graph.names[visit.node] for visit in visits if visit.node < len(graph.names)]
    return {
        "boxes": boxes,
        "ways": sorted(ways, key=lambda way: way.taken),  # what was taken lies above
        "width": round(drawn.width),
        "height": round(drawn.height),
        "label": _("The flow: %(nodes)s") % {"nodes": ", ".join(graph.names)},
        "path": list(_told(names)),
    }


def _told(names: list[str]) -> Iterator[str]:
    """The path in words."""
    yield from names[:NAMED]
    more = len(names) - NAMED
    if more > 0:
        yield ngettext("%(n)d more", "%(n)d more", more) % {"n": more}
