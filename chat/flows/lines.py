"""The transitions of a flow that is laid out, as SVG paths."""

from dataclasses import dataclass

from .graph import Edge
from .layout import LOOP, Layout, Place, label_of, text_width


@dataclass(frozen=True, slots=True)
class Line:
    """A transition as it is drawn, or all from a node to itself: SVG paths of the line and of its
    arrow's head, and where its action's name stands."""

    edges: list[Edge]
    path: str
    head: str
    label: str
    x: float
    y: float


def lines(drawn: Layout) -> list[Line]:
    """Every transition of it."""
    along = [
        _line(edge, track, backward=track[0] is not drawn.nodes[edge.source])
        for edge, track in drawn.tracks.items()
    ]
    return along + [_loop(edges, drawn.nodes[node]) for node, edges in drawn.loops.items()]


def _line(edge: Edge, track: list[Place], backward: bool) -> Line:
    """A transition along its track. Lines leave and reach a node side by side."""
    start = _port(track[0], track[0].below, track[1]), track[0].bottom
    end = _port(track[-1], track[-1].above, track[-2]), track[-1].y
    # Where it leaves and reaches a layer, and how steeply.
    stops = [(*start, 0.0)]
    for before, place, after in zip(track, track[1:], track[2:], strict=False):
        slant = 0.0 if place.height else (after.x - before.x) / (after.y - before.bottom)
        stops += [(place.x, place.y, slant), (place.x, place.bottom, slant)]
    stops.append((*end, 0.0))
    path = [f"M{start[0]:.1f} {start[1]:.1f}"]
    path += map(_curve, stops, stops[1:])
    head = _head(*start, up=True) if backward else _head(*end, up=False)
    named = next((place for place in track if place.label), None)
    at = (named.x, named.middle) if named else (0.0, 0.0)
    return Line([edge], "".join(path), head, named.label if named else "", *at)


def _port(node: Place, others: list[Place], other: Place) -> float:
    """Where on a node's side the line to `other` begins: in the order of where they lead."""
    ports = sorted(others, key=lambda place: place.x)
    step = min(18.0, 60.0 / len(ports))
    place = next(at for at, one in enumerate(ports) if one is other)
    return node.x + (place - (len(ports) - 1) / 2) * step


def _curve(one: tuple[float, float, float], other: tuple[float, float, float]) -> str:
    """The line from a stop to the next below it; nothing where that is the same."""
    (x, y, slant), (to_x, to_y, to_slant) = one, other
    half = (to_y - y) / 2
    if not half:
        return ""
    if x == to_x and not slant and not to_slant:
        return f"V{to_y:.1f}"
    bend, to_bend = x + slant * half, to_x - to_slant * half
    return f"C{bend:.1f} {y + half:.1f} {to_bend:.1f} {to_y - half:.1f} {to_x:.1f} {to_y:.1f}"


def _head(x: float, y: float, *, up: bool) -> str:
    """An arrow's head whose point is at (x, y)."""
    back = 7 if up else -7
    return f"M{x:.1f} {y:.1f}l-4 {back}h8z"


def _loop(edges: list[Edge], node: Place) -> Line:
    """The transitions from a node to itself, as one line at its right."""
    label = label_of(edges)
    x, y = node.x + node.box / 2, node.middle
    path = f"M{x:.1f} {y - 7:.1f}c{LOOP} -9 {LOOP} 23 0 14"
    head = f"M{x:.1f} {y + 7:.1f}l6 -5l2 7z"
    return Line(edges, path, head, label, x + LOOP + text_width(label) / 2, y)
