"""Before the first message."""

from tests.hands import BOX
from tests.screenshots import script
from tests.screenshots.scene import scene


@scene(".demo", "chat-app[data-guest]")
def first_run(stage):
    """The first visit: a guest, and the demo model."""
    stage.guest("demo")


@scene("chat-app[data-empty]")
def empty(stage):
    """A new chat of somebody who has chatted before, with a choice of models."""
    stage.ada()


@scene("[data-part=choices]:popover-open")
def picker(stage):
    """Who answers: the models and the assistants."""
    stage.ada()
    stage.page.click("[data-part=picker-button]")
    return lambda: _again(stage)


def _again(stage):
    # Another width closes nothing, but moves the button that the menu stands beside.
    stage.page.keyboard.press("Escape")
    stage.page.click("[data-part=picker-button]")
    stage.visible("[data-part=choices]")


@scene("[data-part=choices]:popover-open", "[data-part=fallback]:not([hidden])")
def picker_withdrawn(stage):
    """The model that the conversation had is offered no more."""
    stage.ada()
    stage.page.click("[data-part=picker-button]")
    stage.page.get_by_role("menuitemradio", name="harbour-mini").click()
    stage.page.keyboard.press("Escape")
    stage.ask(script.SHORT)
    offered = stage.server.settings["OPENAI_MODEL"]

    def offer(models):
        stage.server.kill()
        stage.server.settings["OPENAI_MODEL"] = models
        stage.server.start()

    offer("harbour-large")
    stage.later(lambda: offer(offered))
    stage.page.reload()
    return lambda: _again(stage)


@scene()
def written(stage):
    """Some lines are written, not sent."""
    stage.ada()
    stage.page.fill(BOX, "Compare these three for a family of four:\n\n- Harwich\n- Wells\n- Amble")


@scene("[data-part=count][data-over]")
def too_long(stage):
    """A message that is longer than the site takes."""
    stage.guest("strict")
    stage.page.fill(BOX, "The wind has backed to the south, and it rains. " * 9)
