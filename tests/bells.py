import asyncio
import threading
from typing import Self
from uuid import UUID

from chat.replies.bus import CHANGED, ENDED, STOPPED, Bus


class Bells:
    """A running loop that hears the bell, as a server's process does:
    `with Bells() as bells: …; bells.heard()`."""

    def __enter__(self) -> Self:
        self._heard: list[tuple[str, UUID]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def heard(self) -> list[tuple[str, UUID]]:
        """What was rung so far, in order."""
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self._loop).result()
        return list(self._heard)

    async def _listen(self) -> None:
        ears = {kind: self._ear(kind) for kind in (CHANGED, ENDED, STOPPED)}
        Bus("tests", ears)

    def _ear(self, kind: str):
        return lambda id: self._heard.append((kind, id))
