"""The words by which a text is found, what a person asks for, and where in a text that is.

A word is a run of letters and digits, folded: without case, marks, and width. Where a script puts
no spaces between its words (Chinese, Japanese, Thai, …) each character is a word, and so is a
symbol (😀), so that any part of such a text is a row of words. Nobody else decides what a word is:
the databases get words with a space between them.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from .text import clean

ASKED = 200  # characters of a request
WORD = 100  # characters of a word; the rest of a longer one does not count
MARKS = 30  # of one character; no language has as many
BYTES = 1_000_000  # of the words of one text: PostgreSQL takes little more

# Scripts without spaces, Hangul for its compounds: Thai and Lao, Myanmar, Khmer, kana, Han.
UNSPACED = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x3005, 0x3007),
    (0x3040, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x9FFF),
    (0xAC00, 0xD7A3),
    (0x20000, 0x3FFFF),
)
UNASSIGNED = ("Cn", "Co")  # characters that are none, and those of one's own making
QUOTES = re.compile('["“”„«»]')
WIDE = 4  # times what is shown is read for it
BLOCK = 256  # characters that are folded at once to find a place

Pieces = list[tuple[str, bool]]


class _Fold(dict):
    """What each character is folded to, by its code point: its part of a word, a word of its own
    between spaces, or a space. Each is worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        if unicodedata.category(character) in UNASSIGNED:
            return f" {character} "  # and is forgotten: there are a million of them
        self[code] = folded = _fold(character)
        return folded


def _fold(character: str) -> str:
    if unicodedata.category(character) == "Cf":  # joiners, soft hyphens, directions
        return ""
    plain = unicodedata.normalize("NFKD", character).casefold()
    kept = (one for one in unicodedata.normalize("NFKD", plain) if not _is_mark(one))
    return "".join(map(_placed, unicodedata.normalize("NFC", "".join(kept))))


def _is_mark(character: str) -> bool:
    """Accents and points; not the vowels of Indic scripts (class 0) or kana's voicing (8), which
    make another letter."""
    selects = "\ufe00" <= character <= "\ufe0f" or unicodedata.category(character) == "Me"
    return selects or unicodedata.combining(character) >= 10


def _placed(character: str) -> str:
    if character.isascii():
        return character if character.isalnum() else " "
    kind, code = unicodedata.category(character), ord(character)
    if kind[0] == "S" or any(a <= code <= z for a, z in UNSPACED):
        return f" {character} "
    return character if kind[0] in "LNM" else " "


FOLD = _Fold()


def composed(text: str) -> str:
    """`text` in NFC. Of the marks of a character, only the first MARKS: to put them in order takes
    the square of their number, in which no other thread of the process runs."""
    if unicodedata.is_normalized("NFC", text):
        return text
    kept, marks = [], 0
    for character in text:
        # By what it is made of: some stand for two marks, and are none themselves.
        is_mark = unicodedata.combining(unicodedata.normalize("NFD", character)[0])
        marks = marks + 1 if is_mark else 0
        if marks <= MARKS:
            kept.append(character)
    return unicodedata.normalize("NFC", "".join(kept))


def words(text: str) -> list[str]:
    """The words of `text`, in order."""
    folded = composed(text).translate(FOLD).split()
    return [word[:WORD] for word in folded]


def indexed(text: str) -> str:
    """The words of `text` as a search index keeps them: a space before, between, and after."""
    joined = " ".join(words(text))
    return f" {joined.encode()[:BYTES].decode(errors='ignore')} "


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: every one of `phrases`, each some words in a row. The last word of the
    last one is the beginning of a word if `open`."""

    phrases: tuple[tuple[str, ...], ...]
    open: bool = False

    @property
    def is_too_short(self) -> bool:
        """Whether it would find nearly everything: single letters."""
        return all(map(_is_letter, self.phrases))

    def parts(self) -> list[tuple[tuple[str, ...], bool]]:
        """Each phrase, and whether its last word is only the beginning of one."""
        last = len(self.phrases) - 1
        return [(phrase, self.open and at == last) for at, phrase in enumerate(self.phrases)]


def asked(text: str) -> Query:
    """What a person who wrote `text` is looking for: all of the words, and the “quoted phrases” as
    they stand. The word that is still being typed is the beginning of one."""
    text = clean(text)[:ASKED]
    phrases = []
    for number, part in enumerate(QUOTES.split(text)):
        within = number % 2 == 1
        phrases += [words(part)] if within else map(words, part.split())
    phrases = [tuple(phrase) for phrase in phrases if phrase]
    typing = text.translate(FOLD)[-1:].strip() != ""  # a mark belongs to the letter before it
    if typing and len(phrases) > 1 and _is_letter(phrases[-1]):
        # Everything has a word that begins with one letter: it tells nothing yet.
        return Query(tuple(phrases[:-1]))
    return Query(tuple(phrases), open=typing and bool(phrases))


def _is_letter(phrase: tuple[str, ...]) -> bool:
    """A single one, and not a character that is a word."""
    return len(phrase) == len(phrase[0]) == 1 and FOLD[ord(phrase[0])] == phrase[0]


def marked(text: str, query: Query) -> Pieces:
    """`text` in pieces, each with whether it is something that the query looks for."""
    text = composed(text)
    folded, origins = [], []
    for place, character in enumerate(text):
        part = FOLD[ord(character)]
        folded.append(part)
        origins += [place] * len(part)
    folded = "".join(folded)
    hits = [False] * len(text)
    for pattern in map(_pattern, query.parts()):
        for match in pattern.finditer(folded):
            start, end = origins[match.start()], origins[match.end() - 1] + 1
            while end < len(text) and not FOLD[ord(text[end])]:
                end += 1  # a mark belongs to the letter before it
            hits[start:end] = [True] * (end - start)
    pieces = []
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or hits[end] != hits[start]:
            pieces.append((text[start:end], hits[start]))
            start = end
    return pieces


def excerpt(
    text: str,
    query: Query,
    *,
    before: int = 60,
    after: int = 180,
    read: Callable[[str], str] | None = None,
) -> Pieces:
    """What stands around the first place where `text` has the longest phrase of the query; its
    beginning if it does not. `read` gives what is seen of a text that is written with marks."""
    text = composed(text)
    place = _place(text, query)
    if read is not None:
        # Far more than is shown, from the beginning of a line on where there is one.
        first, last = max(0, (place or 0) - WIDE * before), (place or 0) + WIDE * after
        first = text.find("\n", first, place) + 1 or first if first else 0
        near = composed(read(text[first:last]))
        seen = _place(near, query)
        if (seen is None) == (place is None):  # else what was found is in a mark
            cut, rest = first > 0, last < len(text)
            return _around(near, seen or 0, query, before, after, cut=cut, rest=rest)
    return _around(text, place or 0, query, before, after)


def _place(text: str, query: Query) -> int | None:
    """Where `text` has the longest phrase of the query."""
    parts = sorted(query.parts(), key=lambda part: sum(map(len, part[0])))
    match = _pattern(parts[-1]).search(text.translate(FOLD)) if parts else None
    return _origin(text, match.start()) if match else None


def _around(
    text: str,
    place: int,
    query: Query,
    before: int,
    after: int,
    *,
    cut: bool = False,
    rest: bool = False,
) -> Pieces:
    """The text around a place. `cut` and `rest`: whether there is more before it and after it."""
    start = _at_a_gap(text, max(0, place - before), place) if place > before else 0
    end = min(len(text), place + after)
    pieces = marked(text[start:end], query)
    pieces = [("…", False), *pieces] if start or cut else pieces
    return [*pieces, ("…", False)] if end < len(text) or rest else pieces


def _pattern(part: tuple[tuple[str, ...], bool]) -> re.Pattern:
    """Finds a phrase in folded text."""
    phrase, is_open = part
    row = r"\s+".join(map(re.escape, phrase))
    return re.compile(rf"(?<!\S){row}" + ("" if is_open else r"(?!\S)"))


def _origin(text: str, place: int) -> int:
    """Where in `text` the character stands that was folded to `place`."""
    for start in range(0, len(text), BLOCK):
        block = text[start : start + BLOCK]
        length = len(block.translate(FOLD))
        if place < length:
            lengths = range(len(block))
            found = bisect_right(lengths, place, key=lambda end: len(block[:end].translate(FOLD)))
            return start + found - 1
        place -= length
    return 0


def _at_a_gap(text: str, start: int, end: int) -> int:
    """The first place from `start` on, before `end`, that follows a space; `start` else."""
    gap = re.compile(r"\s").search(text, start, end)
    return gap.end() if gap else start
