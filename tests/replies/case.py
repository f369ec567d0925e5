import json
from typing import ClassVar
from uuid import uuid4

from django.test import SimpleTestCase

from tests.server import Server, manage
from tests.services import Postgres, Redis
from tests.tabs import Person, Tab
from tests.upstream import Upstream


def asks(question: str = "count", **directive: object) -> str:
    """A question that tells the model server how to answer it."""
    return f"{question} !!{json.dumps(directive)}"


class ServerCase(SimpleTestCase):
    """Tests that look at a running server through sockets, HTTP, and commands alone."""

    kind = "uvicorn"
    probe = False
    flags: ClassVar[list[str]] = []
    settings: ClassVar[dict] = {}
    application = ""  # another than the project's

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.upstream = Upstream().start()
        cls.addClassCleanup(cls.upstream.stop)
        cls.server = cls.start_server()
        cls.servers = [cls.server]

    @classmethod
    def start_server(cls) -> Server:
        settings = {"OPENAI_BASE_URL": cls.upstream.url, "OPENAI_MODEL": "numbered", **cls.settings}
        server = Server(cls.kind, probe=cls.probe, flags=cls.flags, **settings)
        server.application = cls.application or server.application
        cls.addClassCleanup(server.stop)
        return server.start()

    def setUp(self) -> None:
        self.upstream.clear()


class WorkersCase(SimpleTestCase):
    """Two workers of one site, on PostgreSQL and Redis."""

    kind = "uvicorn"
    probe = False
    flags: ClassVar[list[str]] = []
    settings: ClassVar[dict] = {}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.upstream = cls.enterClassContext(Upstream())
        cls.redis = cls.enterClassContext(Redis())
        cls.postgres = cls.enterClassContext(Postgres())
        cls.database = uuid4().hex
        settings = {
            "OPENAI_BASE_URL": cls.upstream.url,
            "OPENAI_MODEL": "numbered",
            "DATABASE_URL": cls.postgres.url(cls.database),
            "REDIS_URL": cls.redis.url,
            **cls.settings,
        }
        cls.workers = [
            Server(cls.kind, probe=cls.probe, flags=cls.flags, **settings) for _ in range(2)
        ]
        cls.servers = cls.workers
        made = manage(cls.workers[0].data, "migrate", "--verbosity=0", **settings)
        assert made.returncode == 0, made.stderr
        for worker in cls.workers:
            cls.addClassCleanup(worker.stop)
            worker.start()

    def setUp(self) -> None:
        self.upstream.clear()

    async def tabs_of(self, person: Person) -> tuple[Tab, Tab]:
        """A tab of the person's on each worker."""
        tabs = []
        for worker in self.workers:
            person.url = worker.url
            tabs.append(await person.tab())
        return tabs[0], tabs[1]
