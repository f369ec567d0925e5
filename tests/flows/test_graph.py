"""A flow's graph, and where it is drawn."""

import itertools
import random
import re

from django.template import Context, Template
from django.test import SimpleTestCase
from pocketflow import AsyncFlow, AsyncNode

from chat.flows.graph import Edge, Graph
from chat.flows.layout import Layout, Place, layout
from chat.flows.lines import lines
from chat.flows.trace import NodeRun
from tests import traced
from tests.scripted import Scripted, Told


def drawn(*edges: tuple, nodes: int = 0) -> Graph:
    """A graph with these transitions."""
    count = max([nodes - 1, *(end for edge in edges for end in edge[:2])]) + 1
    return Graph(
        tuple(f"Node{number}" for number in range(count)),
        tuple(Edge(*edge, *["default"][len(edge) - 2 :]) for edge in edges),
    )


def tangle(seed: int) -> Graph:
    """Twenty nodes with transitions all over."""
    chance = random.Random(seed)
    edges = {(node, node + 1, "default") for node in range(19)}
    edges |= {
        (chance.randrange(20), chance.randrange(20), f"action {number}") for number in range(14)
    }
    return drawn(*sorted(edges))


GRAPHS = {
    "one node": drawn(nodes=1),
    "a chain": drawn((0, 1), (1, 2), (2, 3)),
    "a branch": drawn((0, 1, "yes"), (0, 2, "no"), (1, 3), (2, 3)),
    "a loop": drawn((0, 1, "search"), (1, 0), (0, 2, "answer")),
    "a node to itself": drawn((0, 0, "again"), (0, 0, "once more"), (0, 1)),
    "two ways to the same": drawn((0, 1, "left"), (0, 1, "right")),
    "a long way": drawn((0, 1), (1, 2), (2, 3), (0, 3, "skip"), (3, 0, "anew")),
    **{f"tangle {seed}": tangle(seed) for seed in range(5)},
}


def places(one: Layout) -> list[Place]:
    """All that takes up room: nodes, and lines on their way."""
    return [*one.nodes, *(place for track in one.tracks.values() for place in track[1:-1])]


def overlap(one: Place, other: Place) -> bool:
    beside = abs(one.x - other.x) >= (one.width + other.width) / 2 - 0.01
    return not beside and one.y < other.bottom and other.y < one.bottom


class GraphTests(SimpleTestCase):
    def test_the_graph_of_a_flow(self):
        flow = traced.agent(llm=Scripted(), emit=Told())
        graph = Graph.of(flow)
        self.assertEqual(graph.names, ("Decide", "Search", "Note", "Trim", "Reply"))
        ways = [(edge.source, edge.target, edge.action) for edge in graph.edges]
        self.assertEqual(
            ways,
            [
                (0, 1, "search"),
                (0, 2, "answer"),
                (1, 0, "default"),
                (2, 3, "done"),
                (3, 4, "default"),
            ],
        )
        self.assertEqual(Graph.from_data(graph.as_data()), graph)

    def test_a_flow_within_is_entered(self):
        graph = Graph.of(traced.broken(llm=Scripted(), emit=Told()))
        self.assertIn(Edge(0, 1, None), graph.edges)
        self.assertEqual(graph.names[:2], ("AsyncFlow", "Decide"))

    def test_nodes_of_one_class_are_numbered_and_no_nodes_are_no_graph(self):
        first = AsyncNode()
        first >> AsyncNode()
        self.assertEqual(Graph.of(AsyncFlow(start=first)).names, ("AsyncNode", "AsyncNode 2"))
        self.assertEqual(Graph.of(AsyncFlow()), Graph())


class LayoutTests(SimpleTestCase):
    def test_nothing_overlaps_and_everything_is_within(self):
        for name, graph in GRAPHS.items():
            with self.subTest(name):
                one = layout(graph)
                for pair in itertools.combinations(places(one), 2):
                    self.assertFalse(overlap(*pair), pair)
                for place in places(one):
                    self.assertGreaterEqual(place.left, 0)
                    self.assertLessEqual(place.x + place.width / 2, one.width)
                    self.assertLessEqual(place.bottom, one.height)

    def test_every_transition_is_drawn_and_named_once(self):
        for name, graph in GRAPHS.items():
            with self.subTest(name):
                drawn = lines(layout(graph))
                edges = [edge for line in drawn for edge in line.edges]
                self.assertCountEqual(edges, graph.edges)
                named = {edge.action for edge in edges} - {"default"}
                self.assertLessEqual(
                    named, set(", ".join(line.label for line in drawn).split(", "))
                )

    def test_what_follows_stands_below(self):
        one = layout(GRAPHS["a branch"])
        tops = [node.y for node in one.nodes]
        self.assertEqual(tops[1], tops[2])
        self.assertLess(tops[0], tops[1])
        self.assertLess(tops[2], tops[3])

    def test_a_line_goes_from_node_to_node_and_its_head_shows_where(self):
        for name, graph in GRAPHS.items():
            one = layout(graph)
            for line in lines(one):
                [edge, *_] = line.edges
                if edge.source == edge.target:
                    continue
                with self.subTest(name, edge=edge):
                    tip_x, tip_y = map(float, re.match(r"M([\d.]+) ([\d.]+)", line.head).groups())
                    target = one.nodes[edge.target]
                    self.assertLess(abs(tip_x - target.x), target.box / 2)
                    sides = [abs(tip_y - side) for side in (target.y, target.bottom)]
                    self.assertLess(min(sides), 0.1)


class TagTests(SimpleTestCase):
    def render(self, flow: object, *path: NodeRun) -> str:
        template = Template("{% load flow_graph %}{% flow_graph flow path %}")
        return template.render(Context({"flow": flow, "path": path}))

    def visit(self, node: int, action: str = "default", error: str = "") -> NodeRun:
        return NodeRun(0, node, "", 0, 0.0, action=action, error=error)

    def test_any_flow_is_drawn(self):
        page = self.render(traced.agent(llm=Scripted(), emit=Told()))
        for words in ('role="img"', "The flow: Decide, Search, Note, Trim, Reply", ">search<"):
            self.assertIn(words, page)
        self.assertEqual(page.count('class="graph-node graph-left"'), 5)
        self.assertNotIn("style=", page)
        self.assertNotIn("Path:", page)

    def test_the_path_is_marked_and_told_in_words(self):
        graph = GRAPHS["a loop"]
        path = [self.visit(0, "search"), self.visit(1), self.visit(0, "", "flow_error")]
        page = self.render(graph, *path)
        self.assertIn("Node0 → Node1 → Node0</bdi>", page)
        self.assertIn(">×2<", page)
        for state in ("failed", "taken", "left"):
            self.assertEqual(page.count(f'class="graph-node graph-{state}"'), 1, state)
        self.assertEqual(page.count('class="graph-way graph-taken"'), 2)

    def test_a_long_path_is_cut(self):
        page = self.render(GRAPHS["a loop"], *[self.visit(0)] * 40)
        self.assertIn("28 more", page)

    def test_a_name_is_text(self):
        page = self.render(Graph(("<b>",), ()))
        self.assertNotIn("<b>", page)
        self.assertIn("&lt;b&gt;", page)
