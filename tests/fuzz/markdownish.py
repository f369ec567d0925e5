"""Texts that a model might write, and that somebody who means ill might make it write, in the
pieces in which they come."""

import json
from pathlib import Path

from hypothesis import strategies as st

from tests.page.hostile import PAYLOADS
from tests.page.site import corpus

FOUND = Path(__file__).parent / "found.json"
LONG = 12_000  # characters of a text that repeats itself

MARKS = [
    *("*", "**", "***", "_", "__", "~", "~~", "`", "``", "```", "````", "~~~", "\\", "==", "|"),
    *("\n", "\n\n", "\n\n\n", "  \n", "\\\n", "\r", "\r\n", "\t", " ", "    ", "\n    "),
    *("\n\t", "\n- ", "\n* ", "\n+ ", "\n1. ", "\n7) ", "\n- [ ] ", "\n- [x] ", "\n  - ", "\n   "),
    *("\n> ", "\n>", "\n> > ", "\n# ", "\n###### ", "\n---\n", "\n***\n", "\n===\n"),
    *("\n```js\n", "\n```\n", "\n~~~ info\n", "\n~~~\n", "\n> ```\n", "\n- ```\n"),
    *("| a | b |\n|---|:-:|\n", "\n| c |", " | ", "[", "]", "(", ")", "](", "[]", "()", "!["),
    *("[x](y)", "[a][b]", "\n[b]: /c 'd'\n", "<", ">", "[^1]", "\n[^1]: ", "[^", "[^a]"),
    *("\n[^a]: b\n\n  c\n", "https://a.example/b", "www.a.example", "a@b.example", "mailto:"),
    *("<https://c.example>", "$", "$$", "\\(", "\\)", "\\[", "\\]", "\n$$\n", "\\frac{1}{2}"),
    *("\\def\\a{\\a}", "^{", "_{", "}", "<b>", "</b>", "<br>", "<sub>", "</sub>", "<!--", "-->"),
    *("<div>", "</div>", "<?", "<![CDATA[", "]]>", "<script>", "</script>", "<pre>", "&amp;"),
    *("&#x", "&#0;", "&", ";", "\\*", "\\`", "\\[x\\]", "javascript:", "data:", "//", "/\\"),
]
WORDS = [
    *("a", "b c", "word", "1", "10.", "é", "字", "שלום", "👍🏽", "constructor", "__proto__"),
    *("toString", "\u202e", "\u200b", "\xa0", "\0", "\x0b", "\u2028", "\ufeff", "\u0661", "ſ", "İ"),
]
ODD = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
FRAGMENTS = st.one_of(
    st.sampled_from(MARKS),
    st.sampled_from(MARKS),
    st.sampled_from(WORDS),
    ODD,
    st.tuples(st.sampled_from(MARKS), st.integers(2, 40)).map(lambda made: made[0] * made[1]),
)
SHORT_PAYLOADS = [payload for payload in PAYLOADS if len(payload) < 200]
DOCUMENTS = [document["text"] for document in corpus() if "corpus/" in document["name"]]


@st.composite
def excerpts(draw: st.DrawFn) -> str:
    """A few lines of a document."""
    text = draw(st.sampled_from(DOCUMENTS))
    start = draw(st.integers(0, len(text) - 1))
    return text[start : start + draw(st.integers(1, 200))]


@st.composite
def repetitions(draw: st.DrawFn) -> str:
    """A long text of few fragments: what makes a parser slow."""
    parts = ["".join(draw(st.lists(FRAGMENTS, min_size=1, max_size=3))) for _ in range(3)]
    first, middle, last = parts
    longest = LONG // max(len(middle), 1)
    return first + middle * draw(st.integers(1, max(longest, 1))) + last


TEXTS = st.lists(
    st.one_of(FRAGMENTS, FRAGMENTS, FRAGMENTS, st.sampled_from(SHORT_PAYLOADS), excerpts()),
    max_size=40,
).map("".join)


@st.composite
def arrivals(draw: st.DrawFn) -> list[str]:
    """A text in its pieces: letter by letter, or cut anywhere."""
    text = draw(TEXTS)
    if len(text) < 400 and draw(st.booleans()):
        return list(text)
    return cut(text, draw(st.lists(st.integers(0, len(text)), max_size=30)))


@st.composite
def long_arrivals(draw: st.DrawFn) -> list[str]:
    text = draw(repetitions())
    return cut(text, draw(st.lists(st.integers(0, len(text)), max_size=6)))


def cut(text: str, places: list[int]) -> list[str]:
    """`text` in pieces, cut at `places`."""
    ends = [0, *sorted(places), len(text)]
    return [text[a:b] for a, b in zip(ends, ends[1:], strict=False) if a < b]


def found() -> list[list[str]]:
    """What a fuzzer once found, in its pieces."""
    return json.loads(FOUND.read_text())
