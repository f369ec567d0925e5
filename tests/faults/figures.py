"""Numbers that the fault tests gather on their way; `make soak` ends with a table of them.

figures.count("kills")
figures.took("stop to end", seconds)
figures.took("memory of a flood", mebibytes, "MiB")
"""

from collections import Counter, defaultdict

counts: Counter[str] = Counter()
taken: defaultdict[tuple[str, str], list[float]] = defaultdict(list)


def count(what: str, more: int = 1) -> None:
    """So many more of it."""
    counts[what] += more


def took(what: str, number: float, unit: str = "s") -> None:
    """It took so much this time."""
    taken[what, unit].append(number)


def table() -> list[str]:
    """The lines of a Markdown table: what was counted, then what was measured."""
    lines = ["| | times | middle | p99 | most |", "|---|---|---|---|---|"]
    lines += [f"| {what} | {number:,} | | | |" for what, number in sorted(counts.items())]
    for (what, unit), numbers in sorted(taken.items()):
        numbers.sort()
        last = len(numbers) - 1
        told = (f"{numbers[round(part * last)]:.2f} {unit}" for part in (0.5, 0.99, 1))
        lines.append(f"| {what} | {len(numbers):,} | {' | '.join(told)} |")
    return lines
