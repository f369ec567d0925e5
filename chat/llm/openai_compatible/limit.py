import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Limit:
    """The latest moment, in the loop's time, for what is being awaited. One timer serves a whole
    reply: an `asyncio.timeout` for each chunk would cost as much as reading it."""

    def __init__(self, loop: AbstractEventLoop, at: float) -> None:
        self._loop = loop
        self._task: asyncio.Task | None = None
        self._passed = False
        self._timer: asyncio.TimerHandle | None = None
        self.until(at)

    def until(self, at: float) -> None:
        """Moves the limit."""
        self.at = at
        if self._timer is None or at < self._timer.when():
            self.close()
            self._timer = self._loop.call_at(at, self._look)

    async def hold(self, awaitable: Awaitable[T]) -> T:
        """Awaits. Raises `TimeoutError` at the limit, having cancelled what it awaited."""
        task = self._task = asyncio.current_task()
        cancelled = task.cancelling()
        if self._timer is None:
            self.until(self.at)
        try:
            return await awaitable
        except asyncio.CancelledError:
            if self._passed and task.uncancel() <= cancelled:
                raise TimeoutError from None
            raise
        finally:
            self._task = None

    def close(self) -> None:
        """Stops the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._task is None:
            return  # nothing is awaited; `hold` starts the timer again
        if self._loop.time() < self.at:
            self.until(self.at)
        else:
            self._passed = True
            self._task.cancel()
