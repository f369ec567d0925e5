import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from tests.replies.case import ServerCase, WorkersCase
from tests.server import Server
from tests.tabs import Person

from .aftermath import Peace, untold


class Aftermath:
    """What is looked at after each test, when everybody has left: each process holds what it held
    before, and nobody was told what is the operator's. Who is down then is started again."""

    probe = True
    failures: tuple[str, ...] = ()  # what the log may name with a traceback, as said by the test

    @classmethod
    def setUpClass(cls) -> None:
        cls.settings = {"OPENAI_API_KEY": "sk-canary", **cls.settings}
        super().setUpClass()

    def setUp(self) -> None:
        super().setUp()
        self.people: list[Person] = []
        self.logged = {server: len(server.log.read_text()) for server in self.servers}
        watched = self.servers if self.probe else []
        self.peace = [asyncio.run(Peace.of(server)) for server in watched]
        self.upstream.clear()

    def tearDown(self) -> None:
        for server in self.servers:
            if server.process.poll() is not None:
                server.start()
        for peace in self.peace:
            asyncio.run(peace.returned())
        tabs = [tab for person in self.people for tab in person.tabs]
        for server in self.servers:
            untold(server, *tabs, since=self.logged[server], failures=self.failures)
        super().tearDown()

    def person(self) -> Person:
        """Somebody at a browser, whose tabs are looked at afterwards."""
        self.people.append(Person(self.servers[0].url))
        return self.people[-1]


class FaultCase(Aftermath, ServerCase):
    """A fault against a real server."""

    settings: ClassVar[dict] = {}


class WorkersFaultCase(Aftermath, WorkersCase):
    """A fault against two workers on PostgreSQL and Redis."""

    settings: ClassVar[dict] = {}


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    """The process stands still meanwhile, as a machine does that sleeps or swaps."""
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)
