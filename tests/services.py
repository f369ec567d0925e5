"""Real Redis and real PostgreSQL, each a process of the tests' own on the loopback interface."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Self

from tests.server import free_port, listens

SECONDS = 30


def _need(name: str, *folders: str) -> str:
    """The path of a program; its absence skips the test, and fails it in CI."""
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *folders]))
    if path is None:
        reason = f"There is no {name}. On Debian: apt install redis-server postgresql"
        if os.environ.get("CI"):
            raise AssertionError(reason)
        raise unittest.SkipTest(reason)
    return path


def _wait_for(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + SECONDS
    while not listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{process.args[0]} did not start")
        time.sleep(0.02)


class Redis:
    """`with Redis() as redis: … redis.url`. It may be killed, frozen, and started again."""

    def __init__(self) -> None:
        self.program = _need("redis-server")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen | None = None

    def start(self) -> Self:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly"]
        self.process = subprocess.Popen(
            [self.program, *options, "no"], stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir()
        )
        _wait_for(self.port, self.process)
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def command(self, *words: str) -> str:
        """Say one command (`FLUSHALL`); returns the answer's first line."""
        said = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(said.encode())
            return connection.makefile().readline().strip()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.thaw()
        self.kill()


class Postgres:
    """`with Postgres() as postgres: … postgres.url("name")`, a new database each."""

    def __init__(self) -> None:
        versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        folders = [str(version) for version in versions]
        self.initdb = _need("initdb", *folders)
        self.postgres = _need("postgres", *folders)
        self.port = free_port()
        self.folder = tempfile.TemporaryDirectory(prefix="chat-postgres-")
        self.process: subprocess.Popen | None = None
        # PostgreSQL refuses to run as root.
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self._as:
            shutil.chown(self.folder.name, "postgres")

    def start(self) -> Self:
        data = f"{self.folder.name}/data"
        if not Path(data).exists():
            self._run(self.initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8")
        options = ["-k", self.folder.name, "-h", "127.0.0.1", "-p", str(self.port)]
        # The tests' machine will not lose its power; what a commit costs is measured elsewhere.
        self.process = subprocess.Popen(
            [*self._as, self.postgres, "-D", data, *options, "-c", "fsync=off"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder.name,
        )
        _wait_for(self.port, self.process)
        return self

    def stop(self) -> None:
        """As its operator would: connections are cut, what was committed is kept."""
        pid = int((Path(self.folder.name) / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGINT)
        self.process.wait()

    def url(self, name: str) -> str:
        """The address of a new, empty database."""
        self.execute(f'CREATE DATABASE "{name}"')
        return f"postgres://postgres@127.0.0.1:{self.port}/{name}"

    def execute(self, sql: str) -> list[tuple]:
        """One statement in the maintenance database, for what it gives back."""
        import psycopg

        address = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                with psycopg.connect(address, autocommit=True) as connection:
                    answer = connection.execute(sql)
                    return answer.fetchall() if answer.description else []
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.stop()
        self.folder.cleanup()

    def _run(self, *command: str) -> None:
        subprocess.run([*self._as, *command], check=True, capture_output=True, cwd="/")
