"""The cluster of compose.yaml on this machine: nginx, two workers, PostgreSQL, and Redis.

    make cluster                                            until Ctrl-C
    .venv/bin/python -m tests.cluster createsuperuser       manage.py, beside the running cluster

It stands among the tests because they run this very class: what `make cluster` starts is what they
hold. The workers are started by the command of the Dockerfile, behind the nginx.conf and template
that compose.yaml uses, with secrets in files as there.
"""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import unittest
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from django.core.exceptions import ImproperlyConfigured

from chatproject.environment import count, text
from tests.proxy import Proxy
from tests.server import ROOT, free_port, listens
from tests.services import Postgres, Redis, wait_for

WORKERS = 2
# How long a worker may take to end beyond its drain (seconds).
PATIENCE = 15


def image_command() -> list[str]:
    """What a container of the image runs: CMD of the Dockerfile."""
    found = re.search(r"^CMD (\[.*?\])$", (ROOT / "Dockerfile").read_text(), re.M | re.S)
    return json.loads(found[1].replace("\\\n", ""))


def is_ready(port: int) -> bool:
    """Whether the worker there says that it can serve people."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


class Worker:
    """One uvicorn process of the cluster. It may be restarted, or killed and started again."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.port = free_port()
        self.log = folder / f"{name}.log"
        self.environment = environment
        self.process: subprocess.Popen | None = None

    def start(self) -> Self:
        at = ["--host", "127.0.0.1", "--port", str(self.port)]  # the last one said counts
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *image_command(), *at],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,  # Ctrl-C is for the cluster
            )
        return self

    def ready(self) -> None:
        """Wait until it can serve people."""
        wait_for(self.port, self.process, self.log)
        deadline = time.monotonic() + PATIENCE
        while not is_ready(self.port):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} is not ready:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.1)

    def terminate(self) -> None:
        """SIGTERM: drain, then end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """The exit code, once the replies have ended. Raises TimeoutExpired."""
        return self.process.wait(float(self.environment.get("DRAIN_SECONDS", 10)) + PATIENCE)

    def restart(self) -> None:
        """As an upgrade does: let the replies end, then start anew."""
        self.terminate()
        code = self.wait()
        if code:
            raise RuntimeError(f"{self.name} ended with {code}:\n{self.log.read_text()[-2000:]}")
        self.start().ready()

    def kill(self) -> None:
        """`kill -9`."""
        self.process.kill()
        self.process.wait()


class Cluster:
    """`with Cluster(folder, "127.0.0.1:8000", settings) as cluster: …`; what is kept is in folder.

    `settings` is the whole environment of the workers, but for what makes them a cluster.
    """

    def __init__(self, folder: Path, listen: str, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.listen = listen
        self.url = f"http://{listen}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "secrets").mkdir(mode=0o700, exist_ok=True)
        # First of all whether everything is installed.
        self.redis = Redis()
        self.postgres = Postgres(folder / "postgres", self._secret("database_password"))
        self._secret("secret_key")
        self.environment = {
            **settings,
            "DEBUG": "0",
            "HTTPS": "0",  # nobody but this machine comes in, and without certificates
            "TRUSTED_PROXIES": "127.0.0.1",
            "DATA_DIR": str(folder),  # one for all workers of a machine: it has their locks
            "STATIC_ROOT": str(folder / "static"),
            "REDIS_URL": self.redis.url,
            "SECRET_KEY_FILE": str(folder / "secrets" / "secret_key"),
            "DATABASE_URL_FILE": str(folder / "secrets" / "database_url"),
        }
        names = [f"worker-{number}" for number in range(1, WORKERS + 1)]
        self.workers = [Worker(name, folder, self.environment) for name in names]
        addresses = [f"127.0.0.1:{worker.port}" for worker in self.workers]
        self.proxy = Proxy(folder / "nginx", listen, addresses, folder / "static")

    @property
    def database_url(self) -> str:
        return self.postgres.address("chat")

    def manage(self, *arguments: str) -> int:
        """`manage.py` with the environment of the workers; the exit code."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.environment
        ).returncode

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.redis)
            stack.enter_context(self.postgres)
            self._prepare()
            stack.callback(self._stop_workers)
            for worker in self.workers:
                worker.start()
            for worker in self.workers:
                worker.ready()
            stack.enter_context(self.proxy)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def keep(self) -> None:
        """Start again whatever worker ends, for ever, as a container's `restart` does."""
        while True:
            time.sleep(1)
            for worker in self.workers:
                if worker.process.poll() is not None:
                    worker.start()
                    again = f"{worker.name} ended and was started again: pid {worker.process.pid}"
                    print(again, flush=True)

    def _prepare(self) -> None:
        """What the `migrate` service of compose.yaml does."""
        if not self.postgres.execute("SELECT 1 FROM pg_database WHERE datname = 'chat'"):
            self.postgres.url("chat")
        self._keep_secret("database_url", self.database_url)
        for command in (["migrate"], ["collectstatic", "--noinput"]):
            if self.manage(*command, "--verbosity=0"):
                raise RuntimeError(f"manage.py {command[0]} failed")

    def _stop_workers(self) -> None:
        """All at once: each lets its replies end."""
        running = [worker for worker in self.workers if worker.process is not None]
        try:
            for worker in running:
                worker.terminate()
            for worker in running:
                worker.wait()
        finally:
            for worker in running:
                worker.kill()

    def _secret(self, name: str) -> str:
        """A secret that is made once and kept, readable by its owner alone."""
        path = self.folder / "secrets" / name
        return path.read_text() if path.exists() else self._keep_secret(name, _random())

    def _keep_secret(self, name: str, value: str) -> str:
        path = self.folder / "secrets" / name
        path.touch(mode=0o600)
        path.write_text(value)
        return value


def _random() -> str:
    return secrets.token_urlsafe(48)


def main(arguments: list[str]) -> None:
    try:
        listen = f"{text('BIND', '127.0.0.1')}:{count('PORT', 8000, most=65_535)}"
        folder = Path(text("DATA_DIR", str(ROOT / "data"))).resolve() / "cluster"
        # Guests may chat, as with `make run`: whoever reaches this machine's loopback is its user.
        cluster = Cluster(folder, listen, {"GUESTS": "1", **os.environ})
        sys.exit(beside(cluster, arguments) if arguments else run(cluster))
    except (ImproperlyConfigured, RuntimeError, unittest.SkipTest, AssertionError) as error:
        sys.exit(str(error))  # the last two: a program is missing


def run(cluster: Cluster) -> None:
    port = int(cluster.listen.rpartition(":")[2])
    if listens(port):
        raise RuntimeError(f"Port {port} is in use. Choose another: PORT={port + 10} make cluster")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        print("Starting PostgreSQL, Redis, two workers, and nginx …", flush=True)
        with cluster:
            print(box(cluster), flush=True)
            try:
                cluster.keep()
            except KeyboardInterrupt:
                print("\nLetting the replies end. Ctrl-C again: at once.", flush=True)
    except KeyboardInterrupt:
        print("Stopped.")


def beside(cluster: Cluster, arguments: list[str]) -> int:
    """`manage.py` in the cluster that another process runs."""
    if not listens(int(cluster.listen.rpartition(":")[2])):
        raise RuntimeError(f"The cluster is not running at {cluster.url}. Start it: make cluster")
    return cluster.manage(*arguments)


def box(cluster: Cluster) -> str:
    rows = [
        ("Chat", f"{cluster.url}/"),
        *((worker.name.capitalize(), f"pid {worker.process.pid}") for worker in cluster.workers),
        ("Data", str(cluster.folder)),
        ("Admin", "make one: .venv/bin/python -m tests.cluster createsuperuser"),
    ]
    lines = [f"{name:<9} {value}" for name, value in rows]
    width = max(map(len, lines))
    edge = "─" * (width + 2)
    return "\n".join([f"╭{edge}╮", *(f"│ {line:<{width}} │" for line in lines), f"╰{edge}╯"])


if __name__ == "__main__":
    main(sys.argv[1:])
