"""The folder of pictures and its index."""

from itertools import groupby
from pathlib import Path

from .scene import Scene

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "screenshots"
INDEX = FOLDER / "README.md"
COVER = DOCS / "screenshot.png"

HEAD = """\
# Every state of the page

Each reached by its real cause (a model server that fails, a killed server, a second tab), at a desk
and on a phone, in light and dark. `make screenshots` takes them all,
`make screenshots ONLY=offline,palette` some. What blinks or pulses stands still here, as for who
asks for less motion.
"""


def index(scenes: list[Scene]) -> str:
    """The page that lists the pictures of these scenes."""
    lines = [HEAD]
    for chapter, members in groupby(scenes, lambda scene: scene.chapter):
        lines += [f"## {chapter}", ""]
        for scene in members:
            pictures = " ".join(
                f'<img src="{file}" height="240" alt="{look.device}, {look.theme}">'
                for file, look in zip(scene.files(), scene.looks, strict=True)
            )
            lines += [f"**{scene.says}**", "", pictures, ""]
    return "\n".join(lines)


def stale(scenes: list[Scene]) -> set[str]:
    """The pictures in the folder that belong to no scene."""
    there = {path.name for path in FOLDER.glob("*.webp")}
    return there - {file for scene in scenes for file in scene.files()}
