"""Measures this project beside the floor and the comparison, and prints one table.

python -m benchmarks.run [--quick] [--only paced,first,…] [--servers relay,…] [--markdown FILE]
"""

import argparse
import asyncio
import os
import signal
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import uvloop

from . import measures
from .clients import Failed
from .model import Model
from .servers import Server, all_servers
from .table import Results, table


async def measure(
    servers: list[Server], chosen: list[str], effort: measures.Effort, core: int
) -> Results:
    """All chosen measures of all servers, interleaved, so that a slow minute strikes each."""
    results: Results = defaultdict(list)
    for number in signal.SIGINT, signal.SIGTERM:
        # Cancelled, it still ends the servers.
        asyncio.get_running_loop().add_signal_handler(number, asyncio.current_task().cancel)
    every = measures.EACH_ROUND | measures.ONCE
    in_turn = [name for name in measures.EACH_ROUND if name in chosen] * effort.rounds
    async with Model() as model:
        try:
            for server in servers:
                await server.start(model, core)
            for name in in_turn + [name for name in measures.ONCE if name in chosen]:
                for server in servers:
                    try:
                        rows = await every[name](server, model, effort)
                    except (Failed, OSError) as error:
                        print(f"{name}  {server.name} failed: {error}", flush=True)
                        await server.restart()
                        continue
                    said = ", ".join(f"{key} {value:.1f}" for key, value in rows.items())
                    if said:
                        print(f"{name}  {server.name}: {said}", flush=True)
                    for key, value in rows.items():
                        results[key, server.name].append(value)
        finally:
            for server in servers:
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
