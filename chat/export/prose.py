"""Text as a part of a Markdown document that ends where the text ends, whatever is in it.

A reply that was stopped within a block of code, or that speaks of `<details>`, would else take what
follows it along. HTML is written so that it is shown and not obeyed: so did the page show it.
"""

import re
from dataclasses import dataclass

# A backtick cannot stand in the information after a fence of backticks.
_FENCE = re.compile(r"(?P<mark>`{3,}(?=[^`]*$)|~{3,})")
# Of a longer line it is not worked out what is code: each run of backticks looks for its end in all
# of the rest, and nobody else is served meanwhile.
LINE = 10_000
_LINE_END = re.compile(r"\r\n?")
# The beginning of a tag, comment, or declaration. A link in angle brackets is none of them.
_HTML = re.compile(r"<(?=[A-Za-z][A-Za-z0-9-]*(?:[\s/>]|$)|[/!?])")
_ESCAPE_CODE_OR_HTML = re.compile(rf"\\.|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)|{_HTML.pattern}")
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~&!$])")


def line(text: str) -> str:
    """Text that means nothing but itself within a line, such as a title."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def quoted(text: str) -> str:
    """Plain text as a quotation that keeps its lines."""
    shown = _shown(text)
    if shown.doubtful:
        return fenced(text)
    # Two spaces keep a line from flowing into the next.
    lines = (f"> {one}  " if one.strip() else ">" for one in shown.lines)
    return "\n".join(lines).rstrip()


def whole(text: str) -> str:
    """Markdown as it is, if it closes every block that it opens; else in a fence of its own."""
    shown = _shown(text)
    return fenced(text) if shown.doubtful or shown.open else "\n".join(shown.lines)


def fenced(text: str) -> str:
    """Text in a block of code, the fence longer than any in it."""
    text = _LINE_END.sub("\n", text)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}markdown\n{text}\n{fence}"


@dataclass(frozen=True, slots=True)
class _Shown:
    lines: list[str]
    open: bool  # whether a fence is, at the end
    doubtful: bool  # whether lists, indents, or length make it uncertain what is code


def _shown(text: str) -> _Shown:
    """The lines of Markdown, with the HTML outside of code made text."""
    lines, fence, doubtful = [], None, False
    for one in _LINE_END.sub("\n", text).split("\n"):
        indent, rest = _split(one)
        if fence is None:
            if opening := _FENCE.match(rest):
                fence = indent, opening["mark"]
            elif len(one) > LINE and "`" in one:
                doubtful = True
            else:
                one = _ESCAPE_CODE_OR_HTML.sub(_as_text, one)
        elif rest and indent < fence[0]:
            doubtful = True
        elif _closes(rest, fence[1]):
            doubtful = doubtful or indent != fence[0]
            fence = None
        lines.append(one)
    return _Shown(lines, fence is not None, doubtful)


def _split(line: str) -> tuple[int, str]:
    rest = line.lstrip(" \t")
    return len(line[: len(line) - len(rest)].expandtabs(4)), rest


def _closes(rest: str, mark: str) -> bool:
    bare = rest.rstrip(" \t")
    return len(bare) >= len(mark) and set(bare) == {mark[0]}


def _as_text(found: re.Match) -> str:
    return "&lt;" if found[0] == "<" else found[0]
