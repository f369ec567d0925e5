import os
import random
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def chance() -> Iterator[random.Random]:
    """Random numbers that can be had again: a failure names its seed, for `SEED=… pytest …`."""
    seed = int(os.environ.get("SEED") or random.randrange(10**9))
    print(f"SEED={seed}")
    try:
        yield random.Random(seed)
    except BaseException as error:
        error.add_note(f"SEED={seed} gives the same random numbers")
        raise
