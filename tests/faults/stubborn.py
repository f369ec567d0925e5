"""The project's settings with a flow that, when it is told to stop, holds up everything."""

import asyncio
import time

from pocketflow import AsyncFlow, AsyncNode

from chatproject.settings import *  # noqa: F403

CHAT_FLOWS = {"chat": "tests.faults.stubborn.build"}
TEXT = "It is held up."
FOR_EVER = 3600


class Stubborn(AsyncNode):
    def __init__(self, emit) -> None:
        super().__init__()
        self.emit = emit

    async def exec_async(self, prepared) -> None:
        try:
            await self.emit.text(TEXT)
            await asyncio.sleep(FOR_EVER)
        finally:
            time.sleep(FOR_EVER)


def build(*, llm, emit):
    return AsyncFlow(start=Stubborn(emit))
