"""What docs/flows.md says is so: its example runs, and its tables name all that there is."""

import re
import sys
import unittest
from pathlib import Path
from types import ModuleType
from typing import get_type_hints

from django.conf import settings
from django.test import SimpleTestCase, override_settings

from chat.flows.contract import Emit, Options, Shared

DOCS = Path(__file__).resolve().parent.parent.parent / "docs/flows.md"


def blocks() -> list[str]:
    """The Python in the page: the flow, its line in the settings, its test."""
    return re.findall(r"^```python\n(.*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL)


def module(name: str, source: str) -> ModuleType:
    made = ModuleType(name)
    exec(compile(source, name, "exec"), made.__dict__)
    return made


def table(title: str) -> set[str]:
    """The words in backticks of the first column of the table with this title."""
    rows = re.search(rf"^\| `{title}` \| \|\n\|---\|---\|\n((?:\|.*\n)+)", DOCS.read_text(), re.M)
    return {re.match(r"\| `(.*?)` \|", row)[1] for row in rows[1].splitlines()}


class ExampleTest(SimpleTestCase):
    def test_the_example_passes_its_own_test(self):
        flow, line, test = blocks()
        sys.modules["chat.flows.notes"] = module("chat.flows.notes", flow)
        self.addCleanup(sys.modules.pop, "chat.flows.notes")
        case = module("notes_test", test).NotesTest
        result = unittest.TestResult()
        with override_settings(CHAT_FLOWS=module("line", line).CHAT_FLOWS):
            unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
        self.assertGreaterEqual(result.testsRun, 2)
        self.assertEqual([trace for _, trace in result.failures + result.errors], [])

    def test_the_line_adds_to_what_the_site_offers(self):
        _, line, _ = blocks()
        offered = module("line", line).CHAT_FLOWS
        self.assertEqual(offered.pop("notes"), "chat.flows.notes.build")
        self.assertEqual(list(offered.items()), list(settings.CHAT_FLOWS.items()))


class TableTest(SimpleTestCase):
    def test_all_that_is_shared_is_named(self):
        self.assertEqual(table("shared"), set(get_type_hints(Shared)))
        self.assertEqual(table("options"), set(get_type_hints(Options)))

    def test_all_that_can_be_emitted_is_named(self):
        named = {re.search(r"emit\.(\w+)\(", call)[1] for call in table("emit")}
        self.assertEqual(named, {name for name in vars(Emit) if not name.startswith("_")})
