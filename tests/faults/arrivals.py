import asyncio
import statistics
from itertools import pairwise
from time import monotonic
from typing import Self

from tests.tabs import Tab

# Less than the second between two looks.
BY_LOOKING = 0.8


class Arrivals:
    """When the deltas of a tab come: `async with Arrivals(tab) as arrivals: …; arrivals.gaps()`."""

    def __init__(self, tab: Tab) -> None:
        self.tab = tab
        self.enough = BY_LOOKING
        self.times: list[float] = []

    def gaps(self) -> list[float]:
        """The seconds from each to the next, and from the last until now."""
        return [later - earlier for earlier, later in pairwise([*self.times, monotonic()])]

    def usual(self) -> float:
        return statistics.median(self.gaps())

    def longest(self) -> float:
        return max(self.gaps())

    async def fast(self, seconds: float = 60) -> None:
        """Wait until they come as often as a bell makes them come: the latest eleven with gaps of
        at most 0.2 s in the middle, or twice what it was the first time on a machine so slow."""
        begin = len(self.times)

        def latest() -> list[float]:
            return self.gaps()[max(begin, len(self.times) - 11) : -1]

        def is_fast() -> bool:
            return len(latest()) >= 10 and statistics.median(latest()) <= self.enough

        await self.tab.until(is_fast, "deltas as often as before", seconds=seconds)
        if self.enough == BY_LOOKING:
            self.enough = min(max(0.2, 2 * statistics.median(latest())), BY_LOOKING)

    async def __aenter__(self) -> Self:
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watching.cancel()

    async def _watch(self) -> None:
        while True:
            known = self.tab.count("delta")
            await self.tab.until(
                lambda known=known: self.tab.count("delta") > known, "a delta", seconds=600
            )
            self.times.append(monotonic())
