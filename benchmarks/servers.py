"""The servers under measurement: each a process of its own on a core of its own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from .clients import ChatClient, Client, PlainClient

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30
STOP_SECONDS = 10
LOG_CHARACTERS = 2_000
TICKS = os.sysconf("SC_CLK_TCK")

UVICORN = ["-m", "uvicorn", "--no-access-log", "--log-level", "warning"]
DAPHNE = ["-m", "daphne", "-v", "0"]
CHAT_UVICORN = ["--ws-max-size", "262144", "--ws-per-message-deflate", "false"]


@dataclass
class Server:
    """One server. `arguments` are Python's, but for the port; `client` is who talks to it."""

    name: str
    arguments: list[str]
    client: type[Client] = PlainClient
    process: subprocess.Popen | None = None
    port: int = 0
    cookies: list[str] = field(default_factory=list)  # guests, to be used again
    _folder: tempfile.TemporaryDirectory | None = None
    _started_with: tuple = ()

    @property
    def is_chat(self) -> bool:
        """Whether it is this project."""
        return self.client is ChatClient

    async def start(self, model_url: str, core: int) -> Self:
        """Start on `core` and wait until it listens."""
        self._started_with = model_url, core
        self._folder = tempfile.TemporaryDirectory(prefix="benchmark-")
        environment = self._environment(model_url)
        if self.is_chat:
            for command in ["migrate", "-v0"], ["collectstatic", "--noinput", "-v0"]:
                subprocess.run(
                    [sys.executable, "manage.py", *command],
                    cwd=ROOT,
                    env=environment,
                    check=True,
                    stdout=subprocess.DEVNULL,
                )
        self.port = _free_port()
        port = ["--port" if "uvicorn" in self.arguments else "-p", str(self.port)]
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.arguments, *port],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
                preexec_fn=lambda: os.sched_setaffinity(0, {core}),
            )
        await self._listening()
        return self

    def stop(self) -> None:
        """End the process, and forget its data."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        said = self._log.read_text()
        if "ERROR" in said or "Traceback" in said:
            print(f"    {self.name} had errors, at last:\n{said[-LOG_CHARACTERS:]}", flush=True)
        self._folder.cleanup()
        self.cookies.clear()

    async def restart(self) -> None:
        """As new: what was too much for it is forgotten."""
        self.stop()
        await self.start(*self._started_with)

    async def connect(self, count: int) -> list[Client]:
        """So many clients, each a person of its own where the server knows persons."""
        clients = []
        for number in range(count):
            client = self.client(self.port)
            if self.is_chat and number < len(self.cookies):
                client.cookie = self.cookies[number]
            await client.connect()
            if self.is_chat and number >= len(self.cookies):
                self.cookies.append(client.cookie)
            clients.append(client)
        return clients

    def cpu_seconds(self) -> float:
        """What the process has used so far, all its threads, in user and kernel mode."""
        line = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = line.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_kib(self) -> int:
        """What of its memory is resident, in KiB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RuntimeError(f"{self.name} is gone")

    @property
    def _log(self) -> Path:
        """What the process says."""
        return Path(self._folder.name) / "server.log"

    def _environment(self, model_url: str) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "VIRTUAL_ENV")
        return {key: os.environ[key] for key in kept if key in os.environ} | {
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": model_url,
            "OPENAI_MODEL": "bench",
            "DEBUG": "0",
            "SECRET_KEY": "only-for-this-benchmark-" + "x" * 40,
            "ALLOWED_HOSTS": "127.0.0.1",
            "GUESTS": "1",
            "DATA_DIR": self._folder.name,
            "DATABASE_URL": f"sqlite:///{self._folder.name}/chat.sqlite3",
            "REDIS_URL": "",
            "LIMIT_PER_MINUTE": "100000",
            "LIMIT_ACTIVE": "100000",
            "LIMIT_SOCKETS": "100000",
            "CONTEXT_TOKENS": "1000000",
        }

    async def _listening(self) -> None:
        for _ in range(START_SECONDS * 20):
            if self.process.poll() is not None:
                said = self._log.read_text()[-LOG_CHARACTERS:]
                raise RuntimeError(f"{self.name} ended with {self.process.returncode}: {said}")
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
        raise RuntimeError(f"{self.name} does not listen")


def all_servers() -> list[Server]:
    """The floor, the comparison, and this project."""
    chat = "chatproject.asgi:application"
    return [
        Server("relay uvicorn", [*UVICORN, "benchmarks.relay:application"]),
        Server("relay daphne", [*DAPHNE, "benchmarks.relay:application"]),
        Server("FastAPI", [*UVICORN, "benchmarks.fastapi_server:app"]),
        Server("this uvicorn", [*UVICORN, *CHAT_UVICORN, chat], ChatClient),
        Server("this daphne", [*DAPHNE, chat], ChatClient),
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
