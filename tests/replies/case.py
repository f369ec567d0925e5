import json
from typing import ClassVar

from django.test import SimpleTestCase

from tests.server import Server
from tests.upstream import Upstream


def asks(question: str = "count", **directive: object) -> str:
    """A question that tells the model server how to answer it."""
    return f"{question} !!{json.dumps(directive)}"


class ServerCase(SimpleTestCase):
    """Tests that look at a running server through sockets, HTTP, and commands alone."""

    kind = "uvicorn"
    probe = False
    settings: ClassVar[dict] = {}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.upstream = Upstream().start()
        cls.addClassCleanup(cls.upstream.stop)
        cls.server = cls.start_server()

    @classmethod
    def start_server(cls) -> Server:
        settings = {"OPENAI_BASE_URL": cls.upstream.url, "OPENAI_MODEL": "numbered", **cls.settings}
        server = Server(cls.kind, probe=cls.probe, **settings)
        cls.addClassCleanup(server.stop)
        return server.start()

    def setUp(self) -> None:
        self.upstream.clear()
