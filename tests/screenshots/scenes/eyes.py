"""Other eyes."""

from tests.screenshots import script
from tests.screenshots.looks import DESKTOP
from tests.screenshots.scene import scene


@scene("article[data-status=error]")
def forced_colours(stage):
    """With the colours of the system alone."""
    stage.ada()
    stage.ask(script.CODE)
    stage.ask(script.REFUSED, "error")
    stage.page.emulate_media(forced_colors="active")


@scene()
def right_to_left(stage):
    """Arabic, in a page that is not."""
    stage.ada()
    stage.ask(script.RTL)


@scene("noscript")
def no_script(stage):
    """Without JavaScript: a conversation is read."""
    stage.ada()
    stage.ask(script.RICH)
    path = stage.page.url.removeprefix(stage.server.url)
    stage.ada(path, java_script_enabled=False)


@scene("article[data-status=done]", looks=DESKTOP[:1])
def printed(stage):
    """On paper."""
    stage.ada()
    stage.ask(script.RICH)
    stage.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    stage.page.emulate_media(media="print")
