"""What the README says, held against the code."""

import ast
import re
from pathlib import Path

from django.test import SimpleTestCase

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
READERS = {
    *("text", "words", "switch", "count", "seconds", "database", "choice", "address", "mail"),
    "networks",
}


def settings_read(source: str) -> dict[str, object]:
    """The name and, where it is a plain value, the default of every setting that is read."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in READERS:
            name, *rest = node.args
            plain = rest and isinstance(rest[0], ast.Constant)
            found[name.value] = rest[0].value if plain else None
    return found


class SettingsTableTests(SimpleTestCase):
    def setUp(self) -> None:
        self.table = dict(re.findall(r"^\| `([A-Z_]+)` \|([^|]*)\|", README, re.MULTILINE))
        self.read = settings_read((ROOT / "chatproject" / "settings.py").read_text())
        self.assertIn("OPENAI_API_KEY", self.read, "the settings are not found any more")

    def test_the_table_names_every_setting_and_no_other(self):
        self.assertEqual(set(self.table), set(self.read))

    def test_the_table_has_the_defaults(self):
        for name, default in self.read.items():
            if isinstance(default, int | float) and not isinstance(default, bool):
                self.assertEqual(self.table[name].strip(), str(default), name)


class WhereThingsAreTests(SimpleTestCase):
    def test_every_path_that_is_named_exists(self):
        named = re.findall(r"(?:^|[\s`(])((?:chat|chatproject|docs|benchmarks)/[\w/.]*)", README)
        self.assertGreater(len(named), 10, "the paths are not found any more")
        for path in named:
            self.assertTrue((ROOT / path).exists(), path)

    def test_every_test_that_the_documents_name_exists(self):
        named = {
            path
            for document in (ROOT / "docs").glob("*.md")
            for path in re.findall(r"`(tests/[\w/]+\.\w+)`", document.read_text())
        }
        self.assertGreater(len(named), 10, "the tests are not found any more")
        for path in named:
            self.assertTrue((ROOT / path).exists(), path)
