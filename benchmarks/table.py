"""The table of results: its rows, what they are held to, and how they read in Markdown."""

from dataclasses import dataclass
from math import isinf
from statistics import median

COMPARISON = "FastAPI"
HELD_TO = ("this uvicorn", "this daphne")
Results = dict[tuple[str, str], list[float]]  # (row, server): one number for each round


@dataclass(frozen=True)
class Row:
    """A line of the table. The bounds are for the servers in HELD_TO."""

    key: str
    title: str
    digits: int = 0
    at_most: tuple[float, float] | None = None
    at_least: tuple[float, float] | None = None
    relative: bool = False  # the bounds are multiples of the comparison's number
    beside: str = ""  # the row that it is compared with, instead of the comparison's number

    def bound(self) -> str:
        """The bounds in words."""
        bounds = self.at_most or self.at_least
        if not bounds:
            return ""
        sign, unit = "≤" if self.at_most else "≥", " ×" if self.relative else ""
        return " / ".join(f"{sign} {bound:g}{unit}" for bound in dict.fromkeys(bounds))

    def misses(self, name: str, value: float, base: float | None) -> bool:
        """Whether the `value` of the server `name` is out of bounds."""
        bounds = self.at_most or self.at_least
        if not bounds or name not in HELD_TO or (self.relative and not base):
            return False
        bound = bounds[HELD_TO.index(name)]
        value = value / base if self.relative else value
        return value > bound if self.at_most else value < bound

    def cell(self, results: Results, name: str) -> str:
        """The median of the server `name`, and what it is beside another."""
        if (self.key, name) not in results:
            return ""
        value = median(results[self.key, name])
        compared = (self.beside, name) if self.beside else (self.key, COMPARISON)
        base = median(results[compared]) if compared in results else None
        cell = "∞" if isinf(value) else f"{value:,.{self.digits}f}"
        if base and not isinf(value + base) and (self.beside or name != COMPARISON):
            cell += f" ({value / base:.2f})"
        return f"**{cell}** ✗" if self.misses(name, value, base) else cell


def latencies(count: int) -> list[Row]:
    streams = "1 stream" if count == 1 else f"{count} streams"
    return [
        Row(f"p50 {count}", f"{streams} of 50 tokens/s: added latency p50, ms", 1),
        Row(f"p99 {count}", f"{streams}: p99, ms", 1),
        Row(f"jitter {count}", f"{streams}: jitter, ms", 1),
    ]


TABLE = [
    Row("cpu", "replies of 200 tokens: CPU s / M tokens", 0, (0.35, 0.5), relative=True),
    Row("cpu database", "of which PostgreSQL and Redis"),
    Row("cpu long", "replies of 1,000 tokens: CPU s / M tokens"),
    Row("first", "one user: added time to first token, ms", 1, (12, 12)),
    *latencies(1),
    *latencies(50),
    *latencies(200),
    Row("held", "streams held, p99 < 100 ms", at_least=(300, 200)),
    Row("flat", "50 streams, flat out: tokens/s", at_least=(8, 8), relative=True),
    Row("wire", "wire bytes over text bytes, at 50 tokens/s", 1, (1.5, 1.5)),
    Row("wire fast", "wire bytes over text bytes, at 1,000 tokens/s", 1, (1.5, 1.5)),
    Row("wire flat", "wire bytes over text bytes, flat out", 1, (1.5, 1.5)),
    Row("start", "memory after the first answer, MiB"),
    Row("socket", "memory per idle socket, KiB", 0, (60, 60)),
    Row("early", "added time to first token, 1st message, ms", 1),
    Row("late", "added time to first token, 200th message, ms", 1),
    Row("history", "the 200th less the 1st, ms", 1, (3, 3)),
    Row("open 50", "opening 50 messages, ms", 1),
    Row("open 5000", "opening 5,000 messages, ms", 1, beside="open 50"),
    Row("open cpu 50", "opening 50 messages: CPU, ms", 1),
    Row("open cpu 5000", "opening 5,000 messages: CPU, ms", 1, beside="open cpu 50"),
    Row("page 10", "the page with 10 conversations, ms", 1),
    Row("page 10000", "the page with 10,000 conversations, ms", 1, beside="page 10"),
    Row("list 10", "the list of 10 conversations, ms", 1),
    Row("list 10000", "the list of 10,000 conversations, ms", 1, beside="list 10"),
    Row("back", "500 tabs reconnect at once: the last is told after, s", 1, (30, 30)),
    Row("back cpu", "500 tabs reconnect at once: CPU of each, ms", 1),
    Row("written 200", "written for a reply of 200 tokens, KiB"),
    Row("written 1000", "written for a reply of 1,000 tokens, KiB"),
]


def table(results: Results, names: list[str]) -> str:
    """The medians as Markdown. ✗ is out of bounds."""
    lines = [["", *names, "to hold"], ["---", *["---:"] * len(names), "---"]]
    for row in TABLE:
        cells = [row.cell(results, name) for name in names]
        if any(cells):
            lines.append([row.title, *cells, row.bound()])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
