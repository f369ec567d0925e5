"""Measures the page in a real Chromium, and prints its tables.

python -m benchmarks.page [--quick] [--only streaming,conversation] [--markdown FILE]
"""

import argparse
import asyncio
import os
from pathlib import Path

from benchmarks.model import Model
from benchmarks.servers import all_servers

from .measures import FULL, QUICK, Effort, Measures
from .rows import tables
from .tab import chromium

MEASURES = ("streaming", "conversation")
SERVER = "this uvicorn"


async def measure(chosen: list[str], effort: Effort) -> str:
    """The tables of the chosen measures."""
    server = next(server for server in all_servers() if server.name == SERVER)
    core = min(os.sched_getaffinity(0))
    async with Model() as model, chromium() as browser:
        try:
            await server.start(model, core)
            measures = Measures(browser, server, model, effort)
            for name in chosen:
                await getattr(measures, name)()
        finally:
            server.stop()
    return tables(measures.results)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the page in a real browser.")
    parser.add_argument("--quick", action="store_true", help="a shorter reply, fewer times")
    parser.add_argument("--only", default=",".join(MEASURES), help=f"of {', '.join(MEASURES)}")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file too")
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(MEASURES):
        parser.error(f"--only knows no {', '.join(sorted(unknown))}")
    said = asyncio.run(measure(chosen, QUICK if options.quick else FULL))
    print(f"\n{said}")
    if options.markdown:
        options.markdown.write_text(f"{said}\n")


if __name__ == "__main__":
    main()
