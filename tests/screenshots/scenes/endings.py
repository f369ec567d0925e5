"""What may become of a reply or a message."""

from tests.hands import BOX
from tests.screenshots import script
from tests.screenshots.scene import scene


@scene("article[data-status=stopped]")
def stopped(stage):
    """Stopped by the person."""
    stage.ada()
    stage.send(script.held(script.TIDE))
    stage.until_length(300)
    stage.page.click("[data-part=stop]")
    stage.until_status("stopped")


@scene("article[data-status=interrupted]", "[data-part=thread]:not([data-away])")
def interrupted(stage):
    """The connection to the model broke off."""
    stage.ada()
    stage.ask(script.CUT, "interrupted")
    return stage.at_end


@scene("article[data-status=interrupted]")
def server_died(stage):
    """The server was killed while it wrote."""
    stage.ada()
    stage.send(script.held(script.TIDE))
    stage.until_length(300)
    stage.server.kill()
    stage.server.start()
    stage.page.evaluate("dispatchEvent(new Event('online'))")
    stage.until_status("interrupted")


@scene("article[data-status=error]")
def failed(stage):
    """The model’s server refuses."""
    stage.ada()
    stage.ask(script.REFUSED, "error")


@scene("article[data-status=running] [data-part=waiting]:not([hidden])")
def retrying(stage):
    """The model’s server is busy, and is asked again."""
    stage.ada()
    stage.send(script.BUSY)
    stage.page.locator("[data-part=phase]", has_text="Trying again").wait_for()


@scene("[data-part=queued]:not([hidden])", 'article[data-status="queued"]')
def rate_limited(stage):
    """More messages in a minute than the site takes: it is sent by itself."""
    stage.guest("strict")
    stage.ask(script.SHORT)
    stage.send(script.WAIT)
    stage.page.locator("[data-part=queued]", has_text="s)").wait_for()


@scene("[data-part=count]:not(:empty)")
def tokens_left(stage):
    """Little is left of what the person may use in a day."""
    stage.guest("thrifty")
    stage.ask(script.SHORT)


@scene("[data-part=refusal]:not([hidden])")
def budget(stage):
    """Too little is left for another reply: the message is back in its box."""
    stage.guest("thrifty")
    stage.ask(script.TIDE)
    stage.send(script.SHORT)
    stage.visible("[data-part=refusal]")


@scene("[data-part=refusal]:not([hidden])")
def refused(stage):
    """A message that was not taken is back in its box."""
    stage.ada()
    stage.ask(script.SHORT)
    stage.page.fill(BOX, "Written with care, while another tab was asking.")
    # A page that is at work draws late: it does not know yet that a reply is being written.
    stage.page.evaluate(
        "() => { window.draw = []; window.frame = requestAnimationFrame;"
        " requestAnimationFrame = (act) => draw.push(act); }"
    )
    second = stage.open(stage.page.url.removeprefix(stage.server.url))
    stage.send(script.held(script.WAIT), second)
    second.locator("[data-part=stop]:visible").wait_for()
    stage.page.wait_for_function("() => window.draw.length")
    stage.page.press(BOX, "Enter")
    stage.page.evaluate("() => { requestAnimationFrame = frame; draw.forEach((each) => each()); }")
    stage.visible("[data-part=refusal]")
