"""Markdown as a reader of one line sees it."""

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from chat.plain import plain
from chat.words import asked, excerpt

EXAMPLES = (
    ("## A heading\n\nand text", "A heading\nand text"),
    ("**strong**, *stressed*, ~~gone~~, _so_, and `code`", "strong, stressed, gone, so, and code"),
    ("a [link](https://example.org) and ![a boat](boat.jpg)", "a link and a boat"),
    ("> - [x] done\n> - [ ] not yet", "done\nnot yet"),
    ("| A | B |\n|:--|--:|\n| 1 | 2 |", "A · B\n1 · 2"),
    ("```python\nprint(1)\n```", "print(1)"),
    ("so it is.[^1]\n\n[^1]: A note.", "so it is.\nA note."),
    ("1 \\* 2", "1 * 2"),
)
NO_MARKS = ("2 * 3 * 4", "snake_case_name", "1. one", "C# and #1", "[x]", "--flag", "a|b")


class PlainTests(SimpleTestCase):
    def test_marks_go_and_words_stay(self):
        for markdown, seen in EXAMPLES:
            self.assertEqual(plain(markdown), seen)

    def test_what_is_no_mark_stays(self):
        for text in NO_MARKS:
            self.assertEqual(plain(text), text)

    @given(st.text(alphabet="*_`[]()|#>-~\\ \nab", max_size=400))
    def test_no_letter_is_lost_or_added(self, text):
        # But for the address of a link, the name of a note, and what stands after a fence.
        if not any(mark in text for mark in ("](", "```", "~~~", "[^")):
            letters = [letter for letter in text if letter in "ab"]
            self.assertEqual([letter for letter in plain(text) if letter in "ab"], letters)


class ExcerptTests(SimpleTestCase):
    def seen(self, text: str, sought: str) -> str:
        return "".join(piece for piece, _ in excerpt(text, asked(sought), read=plain))

    def test_an_excerpt_is_read_without_marks(self):
        self.assertEqual(self.seen("## The **tide** turns", "tide"), "The tide turns")

    def test_one_from_the_middle_begins_and_ends_with_dots(self):
        text = "- *before*\n" * 200 + "the **needle** here\n" + "- *after*\n" * 200
        self.assertRegex(self.seen(text, "needle"), r"(?s)^…before.*the needle here\nafter.*…$")

    def test_what_is_found_in_a_mark_is_shown_as_it_stands(self):
        text = "a [link](https://needle.example) here"
        self.assertEqual(self.seen(text, "needle"), text)
