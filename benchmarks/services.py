"""PostgreSQL and Redis for a server that wants them, on the servers' core.

Not the tests' ones: those do not wait for the disk, and what a commit costs is measured here.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from . import processes

START_SECONDS = 30
# PostgreSQL refuses to run as root.
USER = "postgres" if os.geteuid() == 0 else None


class Services:
    """Both, new and empty with each start, and as they come: PostgreSQL waits for the disk."""

    def __init__(self) -> None:
        self.folder: tempfile.TemporaryDirectory | None = None
        self.running: list[subprocess.Popen] = []
        self.address = ""
        self.environment: dict[str, str] = {}

    @staticmethod
    def missing() -> str:
        """Which program is not there; empty if all are."""
        needed = ("initdb", "postgres", "redis-server")
        return next((name for name in needed if _path(name) is None), "")

    def start(self, core: int) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="benchmark-services-")
        if USER:
            shutil.chown(self.folder.name, USER)
        data = f"{self.folder.name}/data"
        make = [_path("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd="/", user=USER)
        port, redis = free_port(), free_port()
        postgres = ["-D", data, "-k", self.folder.name, "-h", "127.0.0.1", "-p", str(port)]
        self._run(core, port, _path("postgres"), *postgres)
        plain = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._run(core, redis, _path("redis-server"), "--port", str(redis), *plain)
        self.address = f"postgres://postgres@127.0.0.1:{port}/postgres"
        self.environment = {
            "DATABASE_URL": self.address,
            "REDIS_URL": f"redis://127.0.0.1:{redis}/0",
        }

    def stop(self) -> None:
        """At once: nothing of it is needed any more."""
        for process in self.running:
            process.send_signal(signal.SIGQUIT)
            process.wait()
        self.running.clear()
        if self.folder is not None:
            self.folder.cleanup()

    def cpu_seconds(self) -> float:
        return sum(processes.cpu_seconds(process.pid) for process in self.running)

    def log_bytes(self) -> int:
        """How far PostgreSQL's write-ahead log is."""
        import psycopg  # what the servers do without, the clients need not have

        with psycopg.connect(self.address) as connection:
            return int(connection.execute("SELECT pg_current_wal_lsn() - '0/0'").fetchone()[0])

    def _run(self, core: int, port: int, *command: str) -> None:
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder.name,
            user=USER,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
        self.running.append(process)
        deadline = time.monotonic() + START_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} did not start")
            time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _path(name: str) -> str | None:
    folders = sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *folders]))
