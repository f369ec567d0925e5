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
class Bar:
    """A rectangle of a chart; `kind` names its colour."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """Points that are joined, and those that have no neighbour and stand alone."""

    kind: str
    paths: list[str]
    dots: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Day:
    """The whole height of a day, to point at, and what is said of it there."""

    x: float
    width: float
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    headline: str
    legend: list[tuple[str, str]]  # kind and word
    top: str
    middle: str
    bars: list[Bar]
    lines: list[Line]
    days: list[Day]


Series = tuple[str, str, Sequence[float | None]]  # kind, word, a value for each day


def stacked(
    title: str, headline: str, series: list[Series], says: list[str], spell: Callable[[float], str]
) -> Chart:
    """Each day's values upon each other; `says` is what a day's bar is called."""
    columns = list(zip(*(values for _, _, values in series), strict=True))
    top = max(2, scale(max(map(sum, columns), default=0)))  # its half is a whole number
    width = WIDTH / max(len(columns), 1)
    bars = []
    for number, column in enumerate(columns):
        below = 0.0
        for (kind, _, _), value in zip(series, column, strict=True):
            height = HEIGHT * value / top
            if height:
                x = (number + (1 - BAR) / 2) * width
                bars.append(Bar(kind, x, HEIGHT - below - height, BAR * width, height))
            below += height
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
    bars: Sequence[Bar] = (),
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
        days=[Day(number * width, width, word) for number, word in enumerate(says)],
    )
