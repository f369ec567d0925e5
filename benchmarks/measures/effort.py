from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    rounds: int
    replies: int  # of each of the 20 streams
    firsts: int  # questions of the one user
    window: float  # seconds for which streams are watched
    attempts: int  # to watch them while the model is in time
    most: int  # streams that are tried
    precision: float  # of the number of streams held: 0.1 = to a tenth
    repeats: int  # of what is opened and fetched


FULL = Effort(5, 3, 20, 5.0, 3, 800, 0.06, 40)
QUICK = Effort(1, 2, 8, 3.0, 2, 400, 0.15, 20)
