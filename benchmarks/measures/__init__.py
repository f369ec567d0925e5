"""What is measured of a server. Each measure returns its rows: a name, and a number in its unit."""

from collections.abc import Awaitable, Callable

from benchmarks.model import Model
from benchmarks.servers import Server

from .conversations import history, listing, opening
from .effort import FULL, QUICK, Effort
from .replies import first, flat, long, paced, wire
from .storage import storage
from .streams import held, latency
from .tabs import memory, reconnect

__all__ = ["EACH_ROUND", "FULL", "ONCE", "QUICK", "Effort"]

Measure = Callable[[Server, Model, Effort], Awaitable[dict[str, float]]]


def named(*measures: Measure) -> dict[str, Measure]:
    return {measure.__name__: measure for measure in measures}


# In this order; those of the second kind come once, after all rounds.
EACH_ROUND = named(paced, first, latency, flat)
ONCE = named(long, wire, history, memory, storage, held, opening, listing, reconnect)
