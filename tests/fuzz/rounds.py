"""How long is fuzzed: `make test` tries the same few cases each time, `FUZZ_SECONDS=…` ever new
ones for as long, in each of the fuzzers."""

import os
from collections.abc import Callable
from time import monotonic

from hypothesis import HealthCheck, Phase, settings

SECONDS = float(os.environ.get("FUZZ_SECONDS") or 0)
SHORT, LONG = 40, 500  # cases of a round
# A case that fails is made small; hypothesis keeps no folder of its own.
ROUND = settings(
    max_examples=LONG if SECONDS else SHORT,
    derandomize=not SECONDS,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def rounds(one: Callable[[], None]) -> None:
    """One round, or as many as there is time for."""
    until = monotonic() + SECONDS
    one()
    while monotonic() < until:
        one()
