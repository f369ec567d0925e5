"""What a reader sees of Markdown, as plain text: near enough for a line or two of it."""

import re

# In this order. Each match ends within its line and is short: no text makes them slow.
_MARKS = [
    (re.compile(r"^[ \t>]*(?:`{3,}|~{3,})[^`\n]*$", re.M), ""),  # fences
    (
        re.compile(r"^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t:|-]*)?$", re.M),
        "",
    ),  # rules
    (re.compile(r"^[ \t]*(?:>[ \t]?)+", re.M), ""),
    (re.compile(r"^[ \t]*#{1,6}[ \t]+", re.M), ""),
    (re.compile(r"^[ \t]*[-*+][ \t]+(?:\[[ xX]\][ \t]+)?", re.M), ""),
    (re.compile(r"^[ \t]*\|[ \t]*|[ \t]*\|[ \t]*$", re.M), ""),
    (re.compile(r"[ \t]+\|[ \t]+"), " · "),
    (re.compile(r"\[\^[^\]\n]{1,40}\]:?[ \t]?"), ""),  # footnotes
    (re.compile(r"!?\[([^\]\n]{0,300})\]\([^)\n]{0,600}\)"), r"\1"),
    (re.compile(r"(\*{1,3}|~~)(?=\S)([^*~\n]{1,600})(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<!\w)(_{1,3})(?=\S)([^_\n]{1,600})(?<=\S)\1(?!\w)"), r"\2"),
    (re.compile(r"(`+)[ ]?([^`\n]{1,600}?)[ ]?\1"), r"\2"),
    (re.compile(r"\\([!-/:-@\[-`{-~])"), r"\1"),
    (re.compile(r"\n\s*\n"), "\n"),
]


def plain(markdown: str) -> str:
    """`markdown` without the marks of its blocks, links, stress, and code."""
    for mark, instead in _MARKS:
        markdown = mark.sub(instead, markdown)
    return markdown.strip()
