"""What a process costs, as the kernel counts it: it and all that it started."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """What they have used so far, all threads, in user and kernel mode, those that ended too."""
    return _sum(pid, _ticks) / TICKS


def memory_kib(pid: int) -> int:
    """What of their memory is resident, in KiB."""
    return _sum(pid, lambda folder: _number(folder / "status", "VmRSS:"))


def written_bytes(pid: int) -> int:
    """What they have had written to a disk; a file system in memory does not count."""
    return _sum(pid, lambda folder: _number(folder / "io", "write_bytes:"))


def thread_seconds(pid: int) -> dict[int, float]:
    """What each thread of this one process has used so far."""
    seconds = {}
    for folder in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = (folder / "schedstat").read_text().split()
            seconds[int(folder.name)] = int(fields[0]) / 1e9
    return seconds


def _sum(pid: int, of: Callable[[Path], int]) -> int:
    total = 0
    for one in _family(pid):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended since
            total += of(Path(f"/proc/{one}"))
    return total


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        with suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, Path(f"/proc/{one}/task/{one}/children").read_text().split())
    return found


def _ticks(folder: Path) -> int:
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))  # its own, and those of children that ended


def _number(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0
