"""The palette and the help."""

from tests.screenshots import script
from tests.screenshots.scene import scene


def _palette(stage):
    stage.ada()
    stage.ask(script.SHORT)
    stage.page.keyboard.press("Control+k")
    stage.visible("[role=option][aria-selected=true]")


@scene("[data-part=palette-dialog][open]")
def palette(stage):
    """Commands and conversations, before anything is typed."""
    _palette(stage)


@scene("[data-part=palette-dialog][open]")
def palette_found(stage):
    """What fits what is typed."""
    _palette(stage)
    stage.page.keyboard.type("le")


@scene("[data-part=palette-dialog][open]")
def palette_nothing(stage):
    """Nothing fits: the search is left."""
    _palette(stage)
    stage.page.keyboard.type("zzzz")


@scene("[data-part=help][open]")
def shortcuts(stage):
    """The keyboard shortcuts."""
    stage.ada()
    stage.page.keyboard.press("Control+/")
    stage.visible("[data-part=shortcut]")
