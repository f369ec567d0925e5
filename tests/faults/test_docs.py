"""The table of cases in docs/reliability.md, held against the tests."""

import re
from pathlib import Path

from django.test import SimpleTestCase

HERE = Path(__file__).parent
DOCS = HERE.parent.parent / "docs" / "reliability.md"
ROW = re.compile(r"^\| (\d+) \|.*\| (?:`(\w+)`|–) \|$", re.MULTILINE)
TEST = re.compile(r"^ +(?:async )?def test_(\d+)_", re.MULTILINE)


class CasesTests(SimpleTestCase):
    def test_every_case_has_a_test_where_it_says_and_every_test_a_case(self):
        told = {int(number): room for number, room in ROW.findall(DOCS.read_text())}
        self.assertEqual(sorted(told), [*range(1, 41)])
        rooms = {path.stem.removeprefix("test_"): path for path in HERE.glob("test_*.py")}
        found = {
            (int(number), room)
            for room, path in rooms.items()
            for number in TEST.findall(path.read_text())
        }
        self.assertEqual(found, {(number, room) for number, room in told.items() if room})
