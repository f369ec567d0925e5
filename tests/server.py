"""This project as a process of its own, as an operator would run it."""

import contextlib
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parent.parent
KINDS = ("daphne", "uvicorn")
START_SECONDS = 30
# The first port of the tests' own, and how many each of up to 32 processes has: below 32,768, from
# where on the system gives them to whoever asks for any.
FIRST_PORT = 12_000
PORTS = 640
SECRET_KEY = "a secret of the tests, long enough for Django's own check of its length and variety"


def environment(data: Path, **settings: object) -> dict[str, str]:
    """A clean environment for a process of the project: nothing of the tester's own settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    static = {"STATIC_ROOT": str(_static())} if settings.get("DEBUG", 0) == 0 else {}
    own = {
        "DATA_DIR": str(data),
        "DEBUG": "0",
        "SECRET_KEY": SECRET_KEY,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "HTTPS": "0",
        "GUESTS": "1",
        "LIMIT_PER_MINUTE": "1000",
        "LIMIT_ACTIVE": "100",
        "LIMIT_SOCKETS": "1000",
        "LIMIT_TOKENS": "0",
        # All the people of the tests come from one address.
        "LIMIT_ADDRESS_PER_MINUTE": "0",
        "LIMIT_ADDRESS_TOKENS": "0",
        "LIMIT_ADDRESS_PEOPLE": "0",
        "LIMIT_ADDRESS_SOCKETS": "0",
        "TITLES": "0",  # a test that counts what the model is asked says so where it wants one
        **static,
    }
    return kept | own | {name: str(value) for name, value in settings.items()}


def manage(data: Path, *arguments: str, **settings: object) -> subprocess.CompletedProcess[str]:
    """`manage.py` with these arguments, to its end; it may fail."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(data, **settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


class Server:
    """A server under daphne, uvicorn, or runserver, on a free port, with its own data folder.

    `with Server("uvicorn", OPENAI_BASE_URL=…) as server: … server.url`. It may be killed and
    started again: port and data stay. With `probe` it can be asked what it holds:
    `tests/probe.py`. `flags` are more words for its command line.
    """

    def __init__(
        self,
        kind: str = "uvicorn",
        *,
        probe: bool = False,
        flags: Sequence[str] = (),
        **settings: object,
    ) -> None:
        self.kind = kind
        self.flags = flags
        self.application = "tests.probe:application" if probe else "chatproject.asgi:application"
        self.settings = settings
        self.folder = tempfile.TemporaryDirectory(prefix="chat-")
        self.data = Path(self.folder.name)
        self.port = free_port()
        self.process: subprocess.Popen | None = None
        self.log = self.data / "server.log"
        shutil.copy(_migrated(), self.data / "chat.sqlite3")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Self:
        """Start the process and wait until it listens."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self._command(),
                cwd=ROOT,
                env=environment(self.data, PORT=self.port, **self.settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_SECONDS
        while not listens(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{self.log.read_text()}")
            time.sleep(0.02)
        return self

    def kill(self) -> None:
        """`kill -9`."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
        self.folder.cleanup()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Another program holds SQLite's lock: all can read, nobody can write."""
        database = sqlite3.connect(self.data / "chat.sqlite3", isolation_level=None)
        database.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            database.execute("ROLLBACK")
            database.close()

    def manage(self, *arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
        """A management command beside the running server."""
        return manage(self.data, *arguments, **self.settings, **more)

    def shell(self, code: str) -> str:
        """What Python prints that is run beside the server as one of its programs."""
        return _must(self.manage("shell", "-v0", "-c", code)).stdout

    def make_superuser(self, name: str, password: str) -> None:
        """Somebody who may do everything in the admin."""
        account = ("createsuperuser", "--noinput", f"--username={name}", "--email=a@a.example")
        _must(self.manage(*account, DJANGO_SUPERUSER_PASSWORD=password))

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _command(self) -> list[str]:
        python, at = [sys.executable, "-m"], [str(self.port), self.application]
        match self.kind:
            case "daphne":
                return [*python, "daphne", *self.flags, "-b", "127.0.0.1", "-p", *at]
            case "uvicorn":
                options = ["--ws-per-message-deflate", "false", "--no-proxy-headers"]
                options += ["--host", "127.0.0.1"]
                return [*python, "uvicorn", *options, *self.flags, "--port", *at]
            case "runserver":
                return [sys.executable, "manage.py", "runserver", "--noreload"]
        raise ValueError(self.kind)


def free_port() -> int:
    """A port of the loopback interface that nothing uses now. Each of the processes that share the
    tests has ports of its own."""
    first = FIRST_PORT + PORTS * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    for port in random.sample(range(first, first + PORTS), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def listens(port: int) -> bool:
    """Whether something accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@cache
def _session_folder() -> Path:
    """A folder for the whole run of the tests, removed with this process."""
    folder = tempfile.TemporaryDirectory(prefix="chat-tests-")
    _session_folder.keep = folder
    return Path(folder.name)


@cache
def _migrated() -> Path:
    """A migrated database to copy: migrating takes longer than most tests."""
    data = _session_folder() / "migrated"
    data.mkdir()
    _must(manage(data, "migrate", "--verbosity=0", DEBUG=1))
    # What is in the write-ahead log belongs to the file that is copied.
    with sqlite3.connect(data / "chat.sqlite3") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return data / "chat.sqlite3"


@cache
def _static() -> Path:
    """The collected static files, as a production server has them."""
    data = _session_folder() / "collected"
    data.mkdir()
    static = data / "static"
    _must(
        subprocess.run(
            [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"],
            cwd=ROOT,
            env=environment(data, DEBUG=1) | {"DEBUG": "0", "STATIC_ROOT": str(static)},
            capture_output=True,
            text=True,
        )
    )
    return static


def _must(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    if done.returncode:
        raise RuntimeError(f"{done.args} failed:\n{done.stdout}{done.stderr}")
    return done
