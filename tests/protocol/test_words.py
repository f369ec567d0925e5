"""What counts as a word, and where in a text it is."""

from unicodedata import normalize

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from chat.words import BYTES, FOLD, Query, asked, composed, excerpt, indexed, marked, words

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def joined(pieces) -> str:
    return "".join(text for text, _ in pieces)


def hits(pieces) -> list[str]:
    return [text for text, hit in pieces if hit]


class WordsTests(SimpleTestCase):
    def test_what_a_person_takes_for_the_same_word_is_the_same(self):
        for one, other in (
            ("Straße", "STRASSE"),
            ("Übung", "ubung"),
            ("e\u0301cole", "école"),
            ("Ὀδυσσεύς", "οδυσσευσ"),
            ("ПРИВЕТ", "привет"),
            ("ёлка", "елка"),
            ("مُحَمَّد", "محمد"),
            ("İstanbul", "istanbul"),
            ("ﬁn", "FIN"),
            ("ＡＢＣ１２", "abc12"),
            ("co\u00adop", "coop"),
            ("か\u3099", "が"),
            ("한\u200b국", "한국"),
        ):
            self.assertEqual(words(one), words(other), one)

    def test_what_is_another_letter_stays_one(self):
        for one, other in (("か", "が"), ("कि", "की"), ("o", "ø")):
            self.assertNotEqual(words(one), words(other))

    def test_code_and_hyphens_are_rows_of_words(self):
        for text in ("foo_bar", "foo.bar", "foo-bar", "foo/bar()", "«foo», bar!"):
            self.assertEqual(words(text), ["foo", "bar"], text)

    def test_without_spaces_each_character_is_a_word_and_so_is_a_symbol(self):
        self.assertEqual(words("中文abc"), ["中", "文", "abc"])
        self.assertEqual(words("東京で"), ["東", "京", "で"])
        self.assertEqual(words("ok👍🏽x"), ["ok", "👍", "🏽", "x"])

    def test_the_index_gets_no_more_than_it_can_take(self):
        long = indexed("क" * 50 + " " + " ".join(f"शब्द{n}" for n in range(200_000)))
        self.assertLessEqual(len(long.encode()), BYTES + 2)
        self.assertEqual(max(map(len, indexed("a" * 5_000).split())), 100)
        self.assertEqual(indexed(""), "  ")

    def test_marks_without_an_end_hold_up_nobody(self):
        # Out of order, each would be carried past all that stand before it.
        marks = "\u0301\u0316" * 200_000
        self.assertEqual(words(f"a{marks} b"), ["a", "b"])
        query = asked("b ")
        self.assertEqual(hits(excerpt(f"a{marks} b", query)), ["b"])
        self.assertEqual(hits(marked(f"\u0f73{marks} b", query)), ["b"])
        few = "a" + "\u0301\u0316" * 10
        self.assertEqual(composed(few), normalize("NFC", few))

    def test_characters_that_are_none_are_not_kept(self):
        private = "".join(map(chr, range(0xF0000, 0xF1000)))
        known = len(FOLD)
        self.assertEqual(words(private), list(private))
        self.assertEqual(len(FOLD), known)

    @given(TEXT)
    def test_a_word_is_never_syntax(self, text):
        self.assertFalse(set("\"'\\*:()@&|!<>^+- ") & set("".join(words(text))))


class AskedTests(SimpleTestCase):
    def test_words_phrases_and_the_beginning_of_a_word(self):
        self.assertEqual(asked("Foo b_r"), Query((("foo",), ("b", "r")), open=True))
        self.assertEqual(asked('"foo bar" baz '), Query((("foo", "bar"), ("baz",))))
        self.assertEqual(asked("„foo bar“"), Query((("foo", "bar"),)))
        self.assertEqual(asked('say "foo ba'), Query((("say",), ("foo", "ba")), open=True))
        self.assertEqual(asked("?! --"), Query(()))

    def test_one_letter_finds_nothing_yet(self):
        self.assertTrue(asked("a").is_too_short)
        self.assertTrue(asked("a b").is_too_short)
        self.assertFalse(asked("中").is_too_short)
        self.assertFalse(asked("😀").is_too_short)
        self.assertEqual(asked("docker c"), Query((("docker",),)))
        self.assertEqual(asked("vitamin c "), Query((("vitamin",), ("c",))))


class PlacesTests(SimpleTestCase):
    def test_what_matches_is_marked_as_it_was_written(self):
        for text, sought, found in (
            ("Die STRASSE, die Straße", "straße", ["STRASSE", "Straße"]),
            ("E\u0301cole 1", "ecole", ["École"]),
            ("我们说中文吗", "中文", ["中文"]),
            ("call foo_bar() now", "foo.bar", ["foo_bar"]),
            ("ﬁnal", "fi", ["ﬁ"]),
            ("👍🏽 good", "👍", ["👍"]),
            ("<b>bold</b>", "b", ["b", "b", "b"]),
            ("nothing", "thing", []),
        ):
            self.assertEqual(hits(marked(text, asked(sought))), found, text)

    def test_an_excerpt_shows_the_place_however_far_back(self):
        text = "é word\n" * 50_000 + "the Nadel, here" + " tail" * 500
        pieces = excerpt(text, asked("nadel"))
        self.assertEqual(hits(pieces), ["Nadel"])
        self.assertLess(len(joined(pieces)), 260)
        self.assertEqual((pieces[0], pieces[-1]), (("…", False), ("…", False)))

    def test_without_the_place_it_is_the_beginning(self):
        self.assertEqual(excerpt("short", asked("else")), [("short", False)])
        self.assertEqual(excerpt("", asked("else")), [])

    @given(TEXT, TEXT)
    def test_nothing_is_added_or_lost(self, text, sought):
        query = asked(sought)
        self.assertEqual(joined(marked(text, query)), normalize("NFC", text))
        excerpt(text, query)

    @given(TEXT, st.data())
    def test_every_word_of_a_text_is_found_in_it(self, text, data):
        there = words(text)
        if there:
            word = data.draw(st.sampled_from(there))
            self.assertTrue(hits(marked(text, Query(((word,),), open=True))))
