"""The pictures of the page: the folder, its index, and the scenes agree, and none is lacking."""

import re
from pathlib import Path

from django.test import SimpleTestCase

from chat.models import Message
from tests.screenshots import album
from tests.screenshots.scenes import SCENES

ROOT = Path(__file__).parent.parent
MARKS = " ".join(mark for scene in SCENES for mark in scene.marks)
NAMES = {scene.name for scene in SCENES}
FOLDER_BYTES = 5 * 1024 * 1024


class AlbumTests(SimpleTestCase):
    def test_the_index_is_of_these_scenes(self):
        self.assertEqual(album.INDEX.read_text(), album.index(SCENES), "Run: make screenshots")

    def test_every_picture_that_is_listed_is_there_and_no_other(self):
        listed = re.findall(r'src="([^"]+)"', album.INDEX.read_text())
        there = [path.name for path in album.FOLDER.iterdir() if path != album.INDEX]
        self.assertCountEqual(listed, there)

    def test_the_folder_is_small(self):
        self.assertLess(sum(path.stat().st_size for path in album.FOLDER.iterdir()), FOLDER_BYTES)

    def test_no_two_scenes_have_one_name(self):
        self.assertEqual(len(NAMES), len(SCENES))


class CompleteTests(SimpleTestCase):
    """A new state of the page wants a scene."""

    def test_every_status_of_a_message(self):
        for status in (*Message.Status.values, "queued"):
            self.assertIn(f"data-status={status}]", MARKS.replace('"', ""))

    def test_every_state_of_the_search(self):
        view = (ROOT / "chat" / "views" / "search.py").read_text()
        states = set(re.findall(r'"(empty|found|nothing|short|unclear)"', view))
        self.assertEqual(len(states), 5, "the states are not found any more")
        for state in states:
            self.assertIn(f"[data-state={state}]", MARKS)

    def test_everything_that_opens_above_the_page(self):
        templates = "".join(path.read_text() for path in ROOT.glob("templates/chat/*.html"))
        tags = re.findall(r"<[^>]*\bpopover(?:=manual)?[ >][^>]*|<dialog[^>]*", templates)
        parts = {re.search(r'data-part="([^"]+)"', tag)[1] for tag in tags}
        self.assertGreater(len(parts), 6, "they are not found any more")
        for part in parts:
            self.assertRegex(MARKS, rf"\[data-part={part}\](:popover-open|\[open\])")

    def test_every_page(self):
        pages = [
            *(ROOT / "templates").glob("*.html"),
            *(ROOT / "templates" / "chat").glob("[!_]*.html"),
            *(ROOT / "templates" / "chat" / "accounts").glob("*.html"),
        ]
        names = {page.stem for page in pages} - {"base", "sheet"}
        self.assertGreater(len(names), 10, "they are not found any more")
        for name in names:
            self.assertIn(PICTURED.get(name, name.replace("_", "-")), NAMES)


# The templates whose pictures have other names.
PICTURED = {
    "403": "forbidden",
    "403_csrf": "csrf",
    "404": "not-found",
    "500": "server-error",
    "page": "done",
    "preferences": "settings",
    "delete": "delete-account",
}
