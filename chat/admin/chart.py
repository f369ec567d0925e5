"""Figures of days as charts: where the bars and lines of an SVG stand, on a field of 1000 × 100
that the page stretches; the words beside it are text of the page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, log10

WIDTH = 1000
HEIGHT = 100
BAR = 0.72  # of a day's width
HIGHEST = (1, 2, 4, 6, 8, 10)  # a scale ends with one of these, times a power of ten


@dataclass(frozen=True, slots=True)
class Bars:
    """Rectangles of a chart as one path, for a year has hundreds; `kind` names their colour."""

    kind: str
    path: str


@dataclass(frozen=True, slots=True)
class Line:
    """Points that are joined, and those that have no neighbour and stand alone."""

    kind: str
    paths: list[str]
    dots: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Day:
    """The whole height of a day, to point at, and what is said of it there."""

    x: str
    width: str
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    headline: str
    legend: list[tuple[str, str]]  # kind and word
    top: str
    middle: str
    bars: list[Bars]
    lines: list[Line]
    days: list[Day]


Series = tuple[str, str, Sequence[float | None]]  # kind, word, a value for each day


def stacked(
    title: str, headline: str, series: list[Series], says: list[str], spell: Callable[[float], str]
) -> Chart:
    """Each day's values upon each other; `says` is what a day's bar is called."""
    values = [values for _, _, values in series]
    top = max(2, scale(max(map(sum, zip(*values, strict=True)), default=0)))
    width = WIDTH / max(len(says), 1)
    below = [0.0] * len(says)
    bars = []
    for kind, _, values in series:
        path = ""
        for number, value in enumerate(values):
            if height := HEIGHT * value / top:
                x = (number + (1 - BAR) / 2) * width
                y = HEIGHT - below[number]
                path += f"M{x:.2f} {y:.2f}v-{height:.2f}h{BAR * width:.2f}v{height:.2f}z"
                below[number] += height
        if path:
            bars.append(Bars(kind, path))
    return _chart(title, headline, series, says, spell, top, bars=bars)


def lines(
    title: str, headline: str, series: list[Series], says: list[str], spell: Callable[[float], str]
) -> Chart:
    """A line for each series, broken where a day has no value."""
    top = scale(max((v for _, _, values in series for v in values if v is not None), default=0))
    width = WIDTH / max(len(says), 1)
    drawn = []
    for kind, _, values in series:
        runs: list[list[tuple[float, float]]] = [[]]
        for number, value in enumerate(values):
            if value is None:
                runs.append([])
            else:
                runs[-1].append(((number + 0.5) * width, HEIGHT * (1 - value / top)))
        paths = [" ".join(f"{x:.2f},{y:.2f}" for x, y in run) for run in runs if len(run) > 1]
        drawn.append(Line(kind, paths, [run[0] for run in runs if len(run) == 1]))
    return _chart(title, headline, series, says, spell, top, lines=drawn)


def scale(highest: float) -> float:
    """Where a scale ends that holds this value: a round number."""
    if highest <= 0:
        return 1
    power = 10 ** floor(log10(highest))
    return next(step * power for step in HIGHEST if step * power >= highest)


def _chart(
    title: str,
    headline: str,
    series: list[Series],
    says: list[str],
    spell: Callable[[float], str],
    top: float,
    *,
    bars: Sequence[Bars] = (),
    lines: Sequence[Line] = (),
) -> Chart:
    width = WIDTH / max(len(says), 1)
    return Chart(
        title=title,
        headline=headline,
        legend=[(kind, word) for kind, word, _ in series],
        top=spell(top),
        middle=spell(top / 2),
        bars=list(bars),
        lines=list(lines),
        days=[
            Day(f"{number * width:.2f}", f"{width:.2f}", word) for number, word in enumerate(says)
        ],
    )
