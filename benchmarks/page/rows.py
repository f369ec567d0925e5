"""The tables of results: their columns and rows, and what they are held to."""

from dataclasses import dataclass
from statistics import median

NAIVE, THIS = "naive", "this"
SHORT, LONG, ALL = "50", "long", "long, all loaded"


def slower(name: str, throttle: int) -> str:
    """The column of a computer that is slower by a factor."""
    return name if throttle == 1 else f"{name}, {throttle} × slower"


STREAMING = [slower(name, throttle) for throttle in (1, 4) for name in (NAIVE, THIS)]
# The column that each is compared with.
BESIDE = {slower(THIS, throttle): slower(NAIVE, throttle) for throttle in (1, 4)}
BESIDE |= {LONG: SHORT, ALL: SHORT}


@dataclass(frozen=True)
class Row:
    """A line of a table. What it is held to, is the page on this computer."""

    key: str
    title: str
    digits: int = 0
    at_most: float | None = None

    def bound(self) -> str:
        return "" if self.at_most is None else f"≤ {self.at_most:g}"

    def cell(self, results: dict, column: str) -> str:
        """The median, and what it is beside another column's."""
        if (self.key, column) not in results:
            return ""
        value = median(results[self.key, column])
        cell = f"{value:,.{self.digits}f}"
        base = median(results.get((self.key, BESIDE.get(column, "")), [0]))
        if base:
            cell += f" ({value / base:.2f})"
        held = self.at_most is not None and column in (THIS, SHORT, LONG, ALL)
        return f"**{cell}** ✗" if held and value > self.at_most else cell


REPLY = [
    Row("stream took", "from the question to the end, s", 1),
    Row("stream cpu", "main thread: CPU, s", 1),
    Row("stream script", "of which scripts", 1),
    Row("stream layout", "of which styles and layout", 1),
    Row("stream flushes", "pieces drawn"),
    Row("stream flush p50", "a piece drawn: p50, ms", 2),
    Row("stream flush p99", "a piece drawn: p99, ms", 2, at_most=4),
    Row("stream long frames", "frames of over 50 ms", at_most=0),
    Row("stream worst frame", "the longest frame, ms"),
    Row("stream long tasks", "tasks of over 50 ms", at_most=0),
    Row("stream key p50", "a key until it is shown: p50, ms"),
    Row("stream key p99", "a key until it is shown: p99, ms"),
    Row("stream written", "elements and texts written"),
    Row("stream elements", "elements in the page at the end"),
    Row("stream heap", "JavaScript's memory at the end, MiB", 1),
]
CONVERSATION = [
    Row("open drawn", "opened until the newest message is drawn, ms"),
    Row("open bytes", "the page, KiB"),
    Row("open elements", "elements in the page"),
    Row("open heap", "JavaScript's memory, MiB", 1),
    Row("up took", "to the top by the wheel, with all older pages, s", 1),
    Row("up cpu", "to the top: main thread's CPU, s", 1),
    Row("up long frames", "to the top: frames of over 50 ms"),
    Row("up frames", "to the top: frames"),
    Row("up worst frame", "to the top: the longest frame, ms"),
    Row("up elements", "at the top: elements in the page"),
    Row("up heap", "at the top: JavaScript's memory, MiB", 1),
    Row("find", "the browser's search, to the end, ms"),
    Row("select", "all messages selected and read, ms"),
    Row("reply cpu", "while a reply comes: main thread's CPU, s a second", 2),
    Row("reply key p50", "while a reply comes: a key until it is shown, p50, ms"),
    Row("reply key p99", "while a reply comes: a key until it is shown, p99, ms"),
    Row("reply long frames", "while a reply comes: frames of over 50 ms"),
    Row("reply written", "while a reply comes: elements and texts written"),
    Row("reply heap", "after the reply: JavaScript's memory, MiB", 1),
    Row("editor", "Edit until the editor is filled, ms"),
    Row("edit first", "an edit sent until its reply begins, ms"),
]
TABLES = [("a reply", STREAMING, REPLY), ("messages", [SHORT, LONG, ALL], CONVERSATION)]


def tables(results: dict) -> str:
    """The medians as Markdown; what is in brackets is beside the naive page, or beside 50. ✗ is out
    of bounds."""
    return "\n\n".join(
        table for name, columns, rows in TABLES if (table := _table(name, columns, rows, results))
    )


def _table(name: str, columns: list[str], rows: list[Row], results: dict) -> str:
    lines = [[name, *columns, "to hold"], ["---", *["---:"] * len(columns), "---"]]
    for row in rows:
        cells = [row.cell(results, column) for column in columns]
        if any(cells):
            lines.append([row.title, *cells, row.bound()])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) if len(lines) > 2 else ""
