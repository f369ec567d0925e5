from . import figures
from .soak import SOAK


def pytest_terminal_summary(terminalreporter) -> None:
    """A soak ends with its figures, to be pasted into docs/reliability.md."""
    if not SOAK:
        return
    for outcome, what in (("passed", "tests"), ("failed", "violations"), ("error", "violations")):
        reports = terminalreporter.stats.get(outcome, [])
        figures.count(what, sum("tests/faults/" in report.nodeid for report in reports))
    terminalreporter.section("figures")
    for line in figures.table():
        terminalreporter.write_line(line)
