"""Many conversations as one ZIP file that is made while it is sent."""

from collections.abc import Iterable, Iterator
from types import ModuleType
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.utils import timezone

from chat.models import Conversation

from .filename import filename


class _Outlet:
    """A file that only grows, and whose bytes are taken from it: zipfile then never goes back."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Zipfile asks for it."""

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def archive(conversations: Iterable[Conversation], form: ModuleType) -> Iterator[bytes]:
    """The bytes of the archive: a file of each conversation in the format `form`, and an index.

    What is kept until the end is a name and a title of each, never what was said.
    """
    outlet, names, listed = _Outlet(), {}, []
    with ZipFile(outlet, "w", ZIP_DEFLATED) as archive:
        for one in conversations:
            name = _unused(one, form.SUFFIX, names)
            listed.append((name, one))
            yield from _file(archive, outlet, name, one.updated, form.conversation(one))
        about = form.index(listed)
        yield from _file(archive, outlet, f"index.{form.SUFFIX}", timezone.now(), about)
    yield outlet.take()


def _file(archive, outlet, name, changed, texts: Iterator[str]) -> Iterator[bytes]:
    entry = ZipInfo(name, changed.timetuple()[:6])
    entry.compress_type = ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    with archive.open(entry, "w") as file:
        for text in texts:
            file.write(text.encode())
            yield outlet.take()


def _unused(one: Conversation, suffix: str, names: dict[str, int]) -> str:
    """A name that no file has yet, not in capitals either: some file systems know none. `names`
    has the number that each was last given: there may be thousands of one title."""
    first = filename(one.title, one.created, suffix).casefold()
    number = names.get(first, 0)
    while True:
        number += 1
        name = filename(one.title, one.created, suffix, number=number)
        if name.casefold() not in names:
            names[name.casefold()] = 1
            names[first] = number
            return name
