from django.test import SimpleTestCase
from hypothesis import example, given
from hypothesis import strategies as st

from chat.text import Cleaner, clean

# Any string that Python can hold, rich in what has to be replaced or joined.
HALVES = st.sampled_from(["\ud83d", "\udc4d", "\ud800", "\udbff", "\udc00", "\udfff", "\0"])
TEXTS = st.lists(st.one_of(st.characters(), HALVES), max_size=30).map("".join)
THUMB = "\ud83d\udc4d"  # the two halves of 👍, as JavaScript has it


def cut(text: str, places: list[int]) -> list[str]:
    """`text` in pieces, cut at `places`."""
    ends = sorted(place % (len(text) + 1) for place in places)
    return [text[a:b] for a, b in zip([0, *ends], [*ends, len(text)], strict=True)]


def pushed(pieces: list[str]) -> str:
    cleaner = Cleaner()
    return "".join([*map(cleaner.push, pieces), cleaner.rest()])


class CleanTest(SimpleTestCase):
    def test_ordinary_text_stays_as_it_is(self):
        for text in ("", "a", "é", "e\u0301", "👍🏽", "\u202eabc", "\r\n\t", "\u2028", "\ufeff"):
            with self.subTest(text):
                self.assertEqual(clean(text), text)

    def test_a_nul_is_replaced(self):
        self.assertEqual(clean("ab\0cd"), "ab\ufffdcd")
        self.assertEqual(clean("é\0"), "é\ufffd")

    def test_a_lone_half_is_replaced(self):
        for text in ("\ud83d", "\udc4d", "\udc4d\ud83d", "a\ud800b", "\ud800\ud800"):
            with self.subTest(ascii(text)):
                lone = sum("\ud800" <= letter <= "\udfff" for letter in text)
                self.assertEqual(clean(text).count("\ufffd"), lone)
                self.assertEqual(len(clean(text)), len(text))

    def test_two_halves_are_joined(self):
        self.assertEqual(clean(THUMB), "👍")
        self.assertEqual(clean(f"a{THUMB}\ud83db"), "a👍\ufffdb")

    @given(TEXTS)
    def test_the_result_can_be_stored_and_sent(self, text: str):
        result = clean(text)
        self.assertEqual(result.encode().decode(), result)
        self.assertNotIn("\0", result)
        self.assertEqual(clean(result), result)


class CleanerTest(SimpleTestCase):
    @given(TEXTS, st.lists(st.integers(0, 100), max_size=6))
    @example(THUMB, [1])
    @example(f"a{THUMB}", [2, 2, 2])
    @example("\ud83d\ud83d\udc4d", [1, 2])
    @example("\ud83d\0", [1])
    def test_pieces_come_out_as_the_whole(self, text: str, places: list[int]):
        pieces = cut(text, places)
        self.assertEqual("".join(pieces), text)
        self.assertEqual(pushed(pieces), clean(text))

    @given(TEXTS)
    def test_what_is_out_is_never_taken_back(self, text: str):
        cleaner = Cleaner()
        out = ""
        for number, letter in enumerate(text, 1):
            out += cleaner.push(letter)
            self.assertTrue(clean(text).startswith(out), (text[:number], out))

    def test_half_a_pair_waits_for_the_other(self):
        cleaner = Cleaner()
        self.assertEqual(cleaner.push("a\ud83d"), "a")
        self.assertEqual(cleaner.push(""), "")
        self.assertEqual(cleaner.push("\udc4db"), "👍b")
        self.assertEqual(cleaner.rest(), "")

    def test_a_half_that_is_left_over_is_given_once(self):
        cleaner = Cleaner()
        self.assertEqual(cleaner.push("a\ud83d"), "a")
        self.assertEqual(cleaner.rest(), "\ufffd")
        self.assertEqual(cleaner.rest(), "")
        self.assertEqual(cleaner.push("\udc4d"), "\ufffd")
