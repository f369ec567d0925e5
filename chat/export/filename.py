"""The name of a file, which every file system takes."""

import unicodedata
from datetime import datetime

from django.utils.translation import gettext_lazy

UNTITLED = gettext_lazy("Untitled")
TITLE_BYTES = 120
# What Windows refuses, and what a shell or a path reads as something else.
_FORBIDDEN = str.maketrans(dict.fromkeys('/\\:*?"<>|', " "))


def filename(title: str, date: datetime, suffix: str, *, number: int = 1) -> str:
    """ "2026-11-22 The title.md": that begins with a date, it is no reserved name and not hidden.

    `number` tells apart what would be called the same.
    """
    again = f" ({number})" if number > 1 else ""
    return f"{date:%Y-%m-%d} {_plain(title) or UNTITLED}{again}.{suffix}"


def _plain(title: str) -> str:
    # NFC, as most file systems keep it; without control characters, and without those that turn
    # the direction of what follows and so could hide the suffix.
    composed = unicodedata.normalize("NFC", title).translate(_FORBIDDEN)
    visible = "".join(c if unicodedata.category(c)[0] not in "CZ" else " " for c in composed)
    short = " ".join(visible.split()).encode()[:TITLE_BYTES].decode(errors="ignore")
    return short.strip(" .")
