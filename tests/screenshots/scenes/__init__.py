"""The scenes, a module for each chapter of the index."""

from importlib import import_module

from tests.screenshots.scene import SCENES

CHAPTERS = (
    *("start", "replies", "endings", "connection", "conversations", "dialogs", "pages"),
    *("administration", "eyes"),
)
for chapter in CHAPTERS:
    import_module(f"{__name__}.{chapter}")

__all__ = ["SCENES"]
