"""The servers under measurement: each a process of its own, all on one core."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from . import processes
from .clients import ChatClient, Client, PlainClient
from .model import Model
from .services import Services, free_port

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30
STOP_SECONDS = 10
LOG_CHARACTERS = 2_000

UVICORN = ["-m", "uvicorn", "--no-access-log", "--log-level", "warning"]
DAPHNE = ["-m", "daphne", "-v", "0"]
CHAT_UVICORN = ["--ws-max-size", "524288", "--ws-per-message-deflate", "false"]
TWO_WORKERS = ["--workers", "2"]
# What each worker of this project logs when it is ready.
READY = "worker started"


@dataclass
class Server:
    """One server. `arguments` are Python's, but for the port; `client` is who talks to it."""

    name: str
    arguments: list[str]
    client: type[Client] = PlainClient
    workers: int = 1
    services: Services | None = None
    process: subprocess.Popen | None = None
    port: int = 0
    cookies: list[str] = field(default_factory=list)  # guests, to be used again
    settings: dict[str, str] = field(default_factory=dict)  # instead of the usual ones
    _folder: tempfile.TemporaryDirectory | None = None
    _started_with: tuple = ()

    @property
    def is_chat(self) -> bool:
        """Whether it is this project."""
        return self.client is ChatClient

    async def start(self, model: Model, core: int) -> Self:
        """Start on `core` as new, and give the first answer, which imports and connects."""
        self._started_with = model, core
        self._folder = tempfile.TemporaryDirectory(prefix="benchmark-")
        if self.services:
            self.services.start(core)
        if self.is_chat:
            self._python("manage.py", "migrate", "-v0")
            self._python("manage.py", "collectstatic", "--noinput", "-v0")
        self.port = free_port()
        await self.run()
        for _ in range(self.workers):
            async with self.clients(1) as [client]:
                await client.chat(model.stream(20, 0))
        return self

    async def run(self) -> None:
        """The process itself, with the data that is there, until it listens."""
        port = ["--port" if "uvicorn" in self.arguments else "-p", str(self.port)]
        core = self._started_with[1]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.arguments, *port],
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )
        for _ in range(START_SECONDS * 20):
            if self.process.poll() is not None:
                said = self._log.read_text()[-LOG_CHARACTERS:]
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}: {said}")
            if await self._listens():
                return
            await asyncio.sleep(0.05)
        raise RuntimeError(f"{self.name} does not listen")

    def kill(self) -> None:
        """`kill -9`, its workers too."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it, and forget its data."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
            self.kill()
            said = self._log.read_text()
            if "ERROR" in said or "Traceback" in said:
                print(f"    {self.name} had errors, at last:\n{said[-LOG_CHARACTERS:]}", flush=True)
            self.process = None
        if self.services:
            self.services.stop()
        if self._folder is not None:
            self._folder.cleanup()
        self.cookies.clear()

    async def restart(self) -> None:
        """As new: what was too much for it is forgotten."""
        self.stop()
        await self.start(*self._started_with)

    @asynccontextmanager
    async def clients(self, count: int, cookies: Sequence[str] = ()) -> AsyncIterator[list[Client]]:
        """So many clients, each a person of its own where the server knows persons: the ones with
        these `cookies`, or any."""
        clients = [self.client(self.port) for _ in range(count)]
        if self.is_chat:
            if not cookies and count > len(self.cookies):
                self.cookies += [guest["cookie"] for guest in self.seed(count - len(self.cookies))]
            for client, cookie in zip(clients, cookies or self.cookies, strict=False):
                client.cookie = cookie
        try:
            for client in clients:
                await client.connect()
            yield clients
        finally:
            for client in clients:
                client.close()

    def seed(
        self, people: int, conversations: int = 0, messages: int = 0, *characters: int
    ) -> list[dict]:
        """New guests with so much each; of each the `cookie`, and its `conversations`."""
        size = map(str, (people, conversations, messages, *characters))
        return json.loads(self._python("-m", "benchmarks.seed", *size))

    def cpu_seconds(self) -> float:
        """What it has used so far, its database too."""
        return processes.cpu_seconds(self.process.pid) + self.database_seconds()

    def database_seconds(self) -> float:
        """What of that PostgreSQL and Redis have; SQLite is a part of the server."""
        return self.services.cpu_seconds() if self.services else 0.0

    def memory_kib(self) -> int:
        """What of its processes is resident, without PostgreSQL and Redis."""
        return processes.memory_kib(self.process.pid)

    def written_bytes(self) -> int:
        """What it has written to the disk: SQLite's all, of PostgreSQL its write-ahead log."""
        if self.services:
            return self.services.log_bytes()
        return processes.written_bytes(self.process.pid)

    @property
    def _log(self) -> Path:
        """What the process says."""
        return Path(self._folder.name) / "server.log"

    def _python(self, *arguments: str) -> str:
        """Another process of the project beside the server; what it says."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self._environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    @property
    def _environment(self) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")
        return (
            {key: os.environ[key] for key in kept if key in os.environ}
            | {
                "OPENAI_API_KEY": "none",
                "OPENAI_BASE_URL": self._started_with[0].url,
                "OPENAI_MODEL": "bench",
                "DEBUG": "0",
                "SECRET_KEY": "only-for-this-benchmark-" + "x" * 40,
                "ALLOWED_HOSTS": "127.0.0.1",
                "HTTPS": "0",
                "GUESTS": "1",
                "DATA_DIR": self._folder.name,
                "DATABASE_URL": f"sqlite:///{self._folder.name}/chat.sqlite3",
                "REDIS_URL": "",
                "LIMIT_PER_MINUTE": "100000",
                "LIMIT_ACTIVE": "100000",
                "LIMIT_SOCKETS": "100000",
                "LIMIT_FRAMES": "100000",
                "LIMIT_TOKENS": "0",
                "LIMIT_ADDRESS_PER_MINUTE": "0",
                "LIMIT_ADDRESS_TOKENS": "0",
                "LIMIT_ADDRESS_PEOPLE": "0",
                "LIMIT_ADDRESS_SOCKETS": "0",
                "CONTEXT_TOKENS": "1000000",
                "TITLES": "0",  # the others write none
            }
            | (self.services.environment if self.services else {})
            | self.settings
        )

    async def _listens(self) -> bool:
        if self.workers > 1 and self._log.read_text().count(READY) < self.workers:
            return False
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionRefusedError:
            return False
        writer.close()
        return True


def all_servers() -> list[Server]:
    """The floor, the comparison, and this project."""
    chat = "chatproject.asgi:application"
    servers = [
        Server("relay uvicorn", [*UVICORN, "benchmarks.relay:application"]),
        Server("relay daphne", [*DAPHNE, "benchmarks.relay:application"]),
        Server("FastAPI", [*UVICORN, "benchmarks.fastapi_server:app"]),
        Server("this uvicorn", [*UVICORN, *CHAT_UVICORN, chat], ChatClient),
        Server("this daphne", [*DAPHNE, chat], ChatClient),
    ]
    if missing := Services.missing():
        print(f"There is no {missing}, so PostgreSQL with two workers is left out.", flush=True)
        return servers
    two = [*UVICORN, *CHAT_UVICORN, *TWO_WORKERS, chat]
    return [*servers, Server("this PostgreSQL × 2", two, ChatClient, 2, Services())]
