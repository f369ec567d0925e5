import asyncio
from typing import ClassVar

from tests.replies.case import ServerCase

from .aftermath import Peace, untold


class FaultCase(ServerCase):
    """A fault against a real server. After each test, when everybody has left, the process holds
    what it held before, and nobody was told what is the operator's."""

    probe = True
    settings: ClassVar[dict] = {"OPENAI_API_KEY": "sk-canary"}

    def setUp(self) -> None:
        super().setUp()
        self.tabs = []
        self.peace = asyncio.run(Peace.of(self.server))

    def tearDown(self) -> None:
        asyncio.run(self.peace.returned())
        untold(self.server, *self.tabs)
        super().tearDown()
