"""What is measured stands in docs/performance.md, and is held to what stands there."""

import re
from math import inf
from pathlib import Path

from django.test import SimpleTestCase

from benchmarks import measures
from benchmarks.page import rows as page
from benchmarks.table import TABLE, Row

DOCUMENT = (Path(__file__).parent.parent / "docs" / "performance.md").read_text()


class PerformanceDocumentTests(SimpleTestCase):
    def test_it_has_every_row_and_its_bound(self):
        lines = [line.strip("|").split("|") for line in DOCUMENT.splitlines() if line[:1] == "|"]
        told = {cells[0].strip(): cells[-1].strip() for cells in lines}
        for row in [*TABLE, *page.REPLY, *page.CONVERSATION]:
            self.assertEqual(told.get(row.title), row.bound(), row.title)

    def test_it_says_how_each_measure_is_made_and_of_no_other(self):
        named = re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE)
        self.assertEqual(sorted(named), sorted(measures.EACH_ROUND | measures.ONCE))


class PageTableTests(SimpleTestCase):
    def test_a_cell_is_beside_the_naive_page_or_the_short_conversation(self):
        row = page.Row("cpu", "CPU", 1, at_most=2)
        results = {("cpu", page.NAIVE): [8.0], ("cpu", page.THIS): [1.0, 5.0, 2.0]}
        self.assertEqual(row.cell(results, page.NAIVE), "8.0")
        self.assertEqual(row.cell(results, page.THIS), "2.0 (0.25)")
        results["cpu", page.THIS] = [4.0]
        self.assertEqual(row.cell(results, page.THIS), "**4.0 (0.50)** ✗")
        self.assertEqual(row.cell(results, page.LONG), "")


class TableTests(SimpleTestCase):
    def test_the_keys_and_titles_are_each_one_row(self):
        self.assertEqual(len({row.key for row in TABLE}), len(TABLE))
        self.assertEqual(len({row.title for row in TABLE}), len(TABLE))

    def test_a_cell_is_a_median_beside_the_comparison(self):
        row = Row("cpu", "CPU", 1, (0.5, 0.5), relative=True)
        results = {("cpu", "FastAPI"): [4.0], ("cpu", "this uvicorn"): [1.0, 3.0, 2.0]}
        self.assertEqual(row.cell(results, "FastAPI"), "4.0")
        self.assertEqual(row.cell(results, "this uvicorn"), "2.0 (0.50)")
        results["cpu", "this uvicorn"] = [3.0]
        self.assertEqual(row.cell(results, "this uvicorn"), "**3.0 (0.75)** ✗")
        self.assertEqual(row.cell(results, "this daphne"), "")

    def test_what_has_no_comparison_is_beside_its_smaller_one(self):
        row = Row("big", "big", beside="small")
        results = {("small", "this uvicorn"): [2.0], ("big", "this uvicorn"): [6.0]}
        self.assertEqual(row.cell(results, "this uvicorn"), "6 (3.00)")

    def test_what_never_ended_is_infinite_and_a_miss(self):
        row = Row("back", "back", at_most=(30, 30))
        self.assertEqual(row.cell({("back", "this daphne"): [inf]}, "this daphne"), "**∞** ✗")
