"""How thorough the fault tests are: `make test` is short, `SOAK=1` is whole."""

import os
from typing import TypeVar

T = TypeVar("T")

SOAK = os.environ.get("SOAK") == "1"


def whole(short: T, long: T) -> T:
    """The one for `make test`, or the other for a soak."""
    return long if SOAK else short
