"""Measures this project beside the floor and the comparison, and prints one table.

python -m benchmarks.run [--quick] [--only paced,first,…] [--servers relay,…] [--markdown FILE]
"""

import argparse
import asyncio
import os
import signal
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import uvloop

from . import measures
from .model import Model
from .servers import Server, all_servers

COMPARISON = "FastAPI"


@dataclass(frozen=True)
class Row:
    """A line of the table; `holds` are the bounds for this project under uvicorn and daphne."""

    key: str
    title: str
    digits: int = 0
    at_most: tuple[float, float] | None = None
    at_least: tuple[float, float] | None = None
    relative: bool = False  # the bounds are multiples of the comparison's number

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
        if not bounds or not name.startswith("this") or (self.relative and not base):
            return False
        bound = bounds[name.endswith("daphne")]
        value = value / base if self.relative else value
        return value > bound if self.at_most else value < bound


TABLE = [
    Row(
        "cpu",
        "20 × 50 tokens/s, replies of 200: CPU s / M tokens",
        0,
        (0.35, 0.5),
        relative=True,
    ),
    Row("p50", "the same: added latency p50, ms", 1),
    Row("p99", "the same: added latency p99, ms", 1),
    Row("cpu long", "20 × 50 tokens/s, replies of 1,000: CPU s / M tokens", 0),
    Row("first", "one user: added time to first token, ms", 1, (12, 12)),
    Row("flat", "50 streams, flat out: tokens/s", 0, at_least=(8, 8), relative=True),
    Row("held", "streams of 50 tokens/s held, p99 added < 100 ms", 0, at_least=(300, 200)),
    Row("early", "one conversation: added time to first token, 1st message, ms", 1),
    Row("late", "the same, 200th message, ms", 1),
    Row("history", "the 200th less the 1st, ms", 1, (3, 3)),
    Row("memory", "memory per idle socket, KiB", 0, (60, 60)),
    Row("wire", "wire bytes over text bytes, 5,000 at 50 tokens/s", 1, (1.5, 1.5)),
    Row("wire fast", "the same at 1,000 tokens/s", 1, (1.5, 1.5)),
    Row("wire flat", "the same flat out", 1, (1.5, 1.5)),
]

Results = dict[tuple[str, str], list[float]]  # (row, server): one number for each round


def table(results: Results, names: list[str]) -> str:
    """The medians as Markdown. In parentheses what they are beside the comparison; ✗ is out of
    bounds."""
    lines = [["", *names, "to hold"], ["---", *["---:"] * len(names), "---"]]
    for row in TABLE:
        base = median(results[row.key, COMPARISON]) if (row.key, COMPARISON) in results else None
        cells = []
        for name in names:
            if (row.key, name) not in results:
                cells.append("")
                continue
            value = median(results[row.key, name])
            cell = f"{value:,.{row.digits}f}"
            if base and name != COMPARISON:
                cell += f" ({value / base:.2f})"
            cells.append(f"**{cell}** ✗" if row.misses(name, value, base) else cell)
        if any(cells):
            lines.append([row.title, *cells, row.bound()])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


async def measure(
    servers: list[Server], chosen: list[str], effort: measures.Effort, core: int
) -> Results:
    """All chosen measures of all servers, interleaved, so that a slow minute strikes each."""
    results: Results = defaultdict(list)
    for number in signal.SIGINT, signal.SIGTERM:
        # Cancelled, it still ends the servers.
        asyncio.get_running_loop().add_signal_handler(number, asyncio.current_task().cancel)
    async with Model() as model:
        try:
            for server in servers:
                await server.start(model.url, core)
                await measures.warm(server, model)
            for round in range(1, effort.rounds + 1):
                todo = measures.EACH_ROUND | (measures.ONCE if round == 1 else {})
                for name in (name for name in todo if name in chosen):
                    for server in servers:
                        rows = await todo[name](server, model, effort)
                        said = ", ".join(f"{key} {value:.1f}" for key, value in rows.items())
                        print(f"round {round}  {server.name}: {said}", flush=True)
                        for key, value in rows.items():
                            results[key, server.name].append(value)
        finally:
            for server in servers:
                if server.process is not None:
                    server.stop()
    return results


def main() -> None:
    every = [*measures.EACH_ROUND, *measures.ONCE]
    parser = argparse.ArgumentParser(description="Measures this project beside others.")
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--only", default=",".join(every), help=f"of {', '.join(every)}")
    parser.add_argument("--servers", default="", help="only those whose name has one of these")
    parser.add_argument("--rounds", type=int, help="how often the noisy measures are repeated")
    parser.add_argument("--markdown", type=Path, help="write the table to this file too")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(every):
        parser.error(f"--only knows no {', '.join(sorted(unknown))}")
    effort = measures.QUICK if options.quick else measures.FULL
    if options.rounds:
        effort = replace(effort, rounds=options.rounds)
    parts = options.servers.lower().split(",")
    servers = [
        server for server in all_servers() if any(part in server.name.lower() for part in parts)
    ]
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        parser.error("the server and the clients need a core each")
    os.sched_setaffinity(0, {cores[1]})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(measure(servers, chosen, effort, cores[0]))
    said = table(results, [server.name for server in servers])
    print(f"\n{said}")
    if options.markdown:
        options.markdown.write_text(f"{said}\n")


if __name__ == "__main__":
    main()
