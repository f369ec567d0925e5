"""Text as every database, socket, and browser can take it."""

import re

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def clean(text: str) -> str:
    """`text` as every database and every browser can take it: surrogate pairs joined, a lone
    surrogate or NUL as U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    if _UNSTORABLE.search(text) is None:
        return text
    joined = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return joined.replace("\0", "\ufffd")


def estimate_tokens(text: str) -> int:
    """About how many tokens `text` has."""
    return tokens_of(len(text.encode("utf-8", "surrogatepass")))


def tokens_of(size: int) -> int:
    """About how many tokens so many bytes of UTF-8 are: a quarter of them, rounded up."""
    return -(-size // 4)


class Cleaner:
    """`clean` for text that comes in pieces: half of a surrogate pair waits for the other half."""

    def __init__(self) -> None:
        self._held = ""

    def push(self, text: str) -> str:
        """The clean text that is certain after `text`."""
        if self._held:
            text, self._held = self._held + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        return clean(text)

    def rest(self) -> str:
        """What is left at the end: U+FFFD for a half that never found its other."""
        held, self._held = self._held, ""
        return clean(held)
