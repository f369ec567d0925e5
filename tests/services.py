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
PACKAGES = "nginx-light postgresql redis-server"


def need(name: str, *folders: str) -> str:
    """The path of a program; its absence skips the test, and fails it in CI."""
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *folders]))
    if path is None:
        reason = f"There is no {name}. On Debian: apt install {PACKAGES}"
        if os.environ.get("CI"):
            raise AssertionError(reason)
        raise unittest.SkipTest(reason)
    return path


def wait_for(port: int, process: subprocess.Popen, log: Path | None = None) -> None:
    """Wait until the process listens; if it will not, its log says why."""
    deadline = time.monotonic() + SECONDS
    while not listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            if log is None:
                raise RuntimeError(f"{process.args[0]} did not start")
            raise RuntimeError(f"{log.stem} did not start:\n{log.read_text()[-2000:]}")
        time.sleep(0.02)


class Redis:
    """`with Redis() as redis: … redis.url`. It may be killed, frozen, and started again."""

    def __init__(self) -> None:
        self.program = need("redis-server")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.process: subprocess.Popen | None = None

    def start(self) -> Self:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly"]
        self.process = subprocess.Popen(
            [self.program, *options, "no"],
            stdout=subprocess.DEVNULL,
            cwd=tempfile.gettempdir(),
            process_group=0,  # Ctrl-C is for whoever started it
        )
        wait_for(self.port, self.process)
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
    """`with Postgres() as postgres: … postgres.url("name")`, a new database each.

    In a folder of its own that goes with it, or in one that stays: then every commit is on the
    disk, and whoever asks needs the password.
    """

    def __init__(self, folder: Path | None = None, password: str = "") -> None:
        versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        folders = [str(version) for version in versions]
        self.initdb = need("initdb", *folders)
        self.postgres = need("postgres", *folders)
        self.port = free_port()
        self.stays = folder is not None
        self.password = password
        if folder is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="chat-postgres-")
            folder = Path(self._temporary.name)
        self.folder = folder
        self.log = folder / "postgres.log"
        self.process: subprocess.Popen | None = None
        # PostgreSQL refuses to run as root.
        self._as = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def start(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._as:
            shutil.chown(self.folder, "postgres")
        data = self.folder / "data"
        if not data.exists():
            self._make(data)
        options = ["-k", "", "-h", "127.0.0.1", "-p", str(self.port)]
        if not self.stays:
            # The tests' machine will not lose its power; what a commit costs is measured elsewhere.
            options += ["-c", "fsync=off"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*self._as, self.postgres, "-D", str(data), *options],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                process_group=0,
            )
        wait_for(self.port, self.process, self.log)
        return self

    def stop(self) -> None:
        """As its operator would: connections are cut, what was committed is kept."""
        os.kill(self._first(), signal.SIGINT)
        self.process.wait()

    def freeze(self) -> None:
        """All of its processes stand still."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)
        self.process.send_signal(signal.SIGCONT)  # runuser stands still with its child

    def url(self, name: str) -> str:
        """The address of a new, empty database."""
        self.execute(f'CREATE DATABASE "{name}"')
        return self.address(name)

    def address(self, name: str) -> str:
        """The address of a database that is there."""
        word = f":{self.password}" if self.password else ""
        return f"postgres://postgres{word}@127.0.0.1:{self.port}/{name}"

    def execute(self, sql: str, name: str = "postgres") -> list[tuple]:
        """One statement in a database, that of maintenance by default, for what it gives back."""
        import psycopg

        deadline = time.monotonic() + SECONDS
        while True:
            try:
                with psycopg.connect(self.address(name), autocommit=True) as connection:
                    answer = connection.execute(sql)
                    return answer.fetchall() if answer.description else []
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _signal(self, number: int) -> None:
        """To the first process, then to those that it has started, of which each is a group."""
        first = self._first()
        os.kill(first, number)
        for child in Path(f"/proc/{first}/task/{first}/children").read_text().split():
            os.kill(int(child), number)

    def _first(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.stop()
        if not self.stays:
            self._temporary.cleanup()

    def _make(self, data: Path) -> None:
        """A new, empty cluster of databases."""
        command = [*self._as, self.initdb, "-D", str(data), "-U", "postgres", "-E", "UTF8"]
        word = self.folder / "password"
        try:
            if self.password:
                word.touch(mode=0o600)
                word.write_text(self.password)
                if self._as:
                    shutil.chown(word, "postgres")
                command += ["-A", "scram-sha-256", f"--pwfile={word}"]
            else:
                command += ["-A", "trust"]
            done = subprocess.run(command, capture_output=True, text=True, cwd="/")
        finally:
            word.unlink(missing_ok=True)
        if done.returncode:
            raise RuntimeError(f"PostgreSQL cannot be set up in {data}:\n{done.stderr}")
