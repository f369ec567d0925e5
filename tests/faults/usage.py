"""What a server's process uses of the machine, as the system counts it."""

import os
from pathlib import Path

from tests.server import Server

MIB = 1024  # KiB


def memory(server: Server) -> int:
    """What of its memory is resident, in KiB."""
    for line in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError("the server is gone")


def seconds(server: Server) -> float:
    """The processor's time that all its threads took so far: others on the machine do not count."""
    stat = Path(f"/proc/{server.process.pid}/stat").read_text()
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
