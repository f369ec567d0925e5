"""Where the nodes and transitions of a graph are drawn: in layers, from the top down.

A transition runs in the gaps between layers, and through the layers that it passes it has a place
of its own, as a node has. So nothing overlaps by construction: neither nodes, nor the actions'
names, which stand in such places, too.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from .graph import DEFAULT, Edge, Graph

# Pixels; a name is set in a monospaced font of 12, an action in one of 11.
NODE_CHARACTER, ACTION_CHARACTER = 7.25, 6.7
NODE_HEIGHT, ACTION_HEIGHT, GAP = 32, 20, 18
PADDING, APART, MARGIN = 14, 22, 10
LOOP = 22
LONGEST_NAME, LONGEST_ACTION = 26, 20
SWEEPS = 12


@dataclass(slots=True)
class Place:
    """Something that takes up room in a layer: a node, or a transition on its way (`node` is None).

    `x` is its middle, `y` its top; `box` is how wide the node itself is.
    """

    layer: int
    width: float
    height: float
    node: int | None = None
    label: str = ""
    box: float = 0.0
    x: float = 0.0
    y: float = 0.0
    above: list["Place"] = field(default_factory=list)
    below: list["Place"] = field(default_factory=list)

    @property
    def left(self) -> float:
        return self.x - self.width / 2

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Layout:
    nodes: list[Place]  # in the order of the graph's
    tracks: dict[Edge, list[Place]]  # what each transition goes through, from the top down
    loops: dict[int, list[Edge]]  # of each node, the transitions to itself
    width: float
    height: float


@lru_cache(64)
def layout(graph: Graph) -> Layout:
    """Where everything of a graph is drawn."""
    order, backward = _walk(graph)
    loops: dict[int, list[Edge]] = defaultdict(list)
    for edge in graph.edges:
        if edge.source == edge.target:
            loops[edge.source].append(edge)
    nodes = _nodes(graph, _layers(graph, order, backward), loops)
    tracks = {
        edge: _track(nodes, edge, edge in backward)
        for edge in graph.edges
        if edge.source != edge.target
    }
    layers = _ordered([*(nodes[node] for node in order), *_passing(tracks.values())])
    _spread(layers)
    _straighten(layers, tracks.values())
    height = _stack(layers)
    left = min((place.left for row in layers for place in row), default=0)
    for row in layers:
        for place in row:
            place.x += MARGIN - left
    right = max((place.x + place.width / 2 for row in layers for place in row), default=0)
    return Layout(nodes, tracks, loops, right + MARGIN, height + MARGIN)


def shown(name: str, longest: int = LONGEST_NAME) -> str:
    """A name as there is room for it."""
    return name if len(name) <= longest else f"{name[: longest - 1]}…"


def _walk(graph: Graph) -> tuple[list[int], set[Edge]]:
    """The nodes in the order of a walk into the depth, and the transitions that lead back."""
    ways = defaultdict(list)
    for edge in graph.edges:
        ways[edge.source].append(edge)
    order: list[int] = []
    backward: set[Edge] = set()
    done: set[int] = set()
    for start in range(len(graph.names)):
        if start in done or start in order:
            continue
        order.append(start)
        path = [(start, iter(ways[start]))]
        while path:
            node, left = path[-1]
            edge = next(left, None)
            if edge is None:
                done.add(node)
                path.pop()
            elif edge.target not in order:
                order.append(edge.target)
                path.append((edge.target, iter(ways[edge.target])))
            elif edge.target not in done:
                backward.add(edge)
    return order, backward


def _layers(graph: Graph, order: Sequence[int], backward: set[Edge]) -> list[int]:
    """Each node's layer: below everything that leads forward to it. Between two stands one for the
    names of actions."""
    forward = [edge for edge in graph.edges if edge not in backward]
    forward += [Edge(e.target, e.source, e.action) for e in backward if e.source != e.target]
    layers = [0] * len(graph.names)
    for _ in order:  # as long as anything moves; no path is longer than there are nodes
        moved = False
        for edge in forward:
            if edge.source != edge.target and layers[edge.target] < layers[edge.source] + 2:
                layers[edge.target] = layers[edge.source] + 2
                moved = True
        if not moved:
            break
    return layers


def _nodes(graph: Graph, layers: list[int], loops: dict[int, list[Edge]]) -> list[Place]:
    places = []
    for node, name in enumerate(graph.names):
        width = len(shown(name)) * NODE_CHARACTER + 2 * PADDING
        place = Place(layers[node], width, NODE_HEIGHT, node, box=width)
        if node in loops:  # as much room on either side, so that the node stays in its middle
            place.width += 2 * (LOOP + text_width(label_of(loops[node])))
        places.append(place)
    return places


def label_of(edges: Sequence[Edge]) -> str:
    """What stands beside a line of these transitions; the usual action needs no name."""
    named = [edge.action for edge in edges if edge.action not in (None, DEFAULT)]
    return shown(", ".join(named), LONGEST_ACTION)


def text_width(label: str) -> float:
    """How wide an action's name is, with some room."""
    return len(label) * ACTION_CHARACTER + 10 if label else 0


def _track(nodes: list[Place], edge: Edge, backward: bool) -> list[Place]:
    """The places that a transition goes through, from the top down."""
    first, last = nodes[edge.source], nodes[edge.target]
    if backward:
        first, last = last, first
    track, label = [first], label_of([edge])
    # The name stands next to where the transition begins.
    named = last.layer - 1 if backward else first.layer + 1
    for layer in range(first.layer + 1, last.layer):
        here = label if layer == named else ""
        place = Place(layer, max(text_width(here), 8), ACTION_HEIGHT if here else 0, label=here)
        track.append(place)
    track.append(last)
    for upper, lower in zip(track, track[1:], strict=False):
        upper.below.append(lower)
        lower.above.append(upper)
    return track


def _passing(tracks) -> list[Place]:
    return [place for track in tracks for place in track[1:-1]]


def _ordered(places: list[Place]) -> list[list[Place]]:
    """The layers, each in an order in which few lines cross."""
    layers: list[list[Place]] = [
        [] for _ in range(max((place.layer for place in places), default=-1) + 1)
    ]
    for place in places:
        layers[place.layer].append(place)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        for row in layers if down else reversed(layers):
            at = {id(place): at for layer in layers for at, place in enumerate(layer)}
            middles = {}
            for place in row:
                others = place.above if down else place.below
                middles[id(place)] = (
                    sum(at[id(other)] for other in others) / len(others)
                    if others
                    else at[id(place)]
                )
            row.sort(key=lambda place: middles[id(place)])
    return layers


def _spread(layers: list[list[Place]]) -> None:
    """Give each place its x: near the middle of what it is joined to, without overlaps."""
    for row in layers:
        _settle(row, [0.0] * len(row))
    for sweep in range(3 * SWEEPS):
        for row in layers if sweep % 2 == 0 else reversed(layers):
            _settle(row, list(map(_wanted, row)))


def _straighten(layers: list[list[Place]], tracks: Iterable[list[Place]]) -> None:
    """Bring the places of each line below each other, as far as their neighbours let them."""
    beside: dict[int, tuple[Place | None, Place | None]] = {}
    for row in layers:
        for left, place, right in zip([None, *row], row, [*row[1:], None], strict=False):
            beside[id(place)] = left, right
    for track in sorted(tracks, key=len, reverse=True):
        inner = track[1:-1]
        middle = sum(place.x for place in inner) / len(inner)
        for place in inner:
            left, right = beside[id(place)]
            least = left.x + (left.width + place.width) / 2 + APART if left else -math.inf
            most = right.x - (right.width + place.width) / 2 - APART if right else math.inf
            place.x = max(least, min(middle, most))


def _wanted(place: Place) -> float:
    """The middle of what a place is joined to. Lines pull at each other the most: a long one is
    straight then."""
    pulls = [(other, _pull(place, other)) for other in (*place.above, *place.below)]
    total = sum(pull for _, pull in pulls)
    return sum(other.x * pull for other, pull in pulls) / total if total else place.x


def _pull(one: Place, other: Place) -> int:
    return (1, 2, 8)[(one.node is None) + (other.node is None)]


def _settle(row: list[Place], wanted: list[float]) -> None:
    """Put a row's places as near to where they want to be as their order and widths allow: those
    that would overlap stand together, around the middle of what they want."""
    groups: list[tuple[list[int], list[float], float]] = []  # who, their offsets, their first's x
    for at in range(len(row)):
        who, offsets = [at], [0.0]
        start = wanted[at]
        while groups:
            others, before, begin = groups[-1]
            last = row[others[-1]]
            step = (last.width + row[who[0]].width) / 2 + APART
            if begin + before[-1] + step <= start:
                break
            groups.pop()
            offsets = [*before, *(before[-1] + step + offset for offset in offsets)]
            who = [*others, *who]
            start = sum(wanted[w] - o for w, o in zip(who, offsets, strict=True)) / len(who)
        groups.append((who, offsets, start))
    for who, offsets, start in groups:
        for one, offset in zip(who, offsets, strict=True):
            row[one].x = start + offset


def _stack(layers: list[list[Place]]) -> float:
    """Give each place its y; the height of all."""
    y = float(MARGIN)
    for row in layers:
        height = max(place.height for place in row)
        for place in row:
            place.y, place.height = y, height
        y += height + GAP
    return y - GAP if layers else 0.0
