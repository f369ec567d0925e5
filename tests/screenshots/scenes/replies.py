"""A reply while it is written, and then."""

from tests.hands import ASKED, REPLY
from tests.screenshots import script
from tests.screenshots.scene import scene


def _asked(stage, question, length=0):
    stage.ada()
    stage.send(script.held(question))
    if length:
        stage.until_length(length)


@scene("article[data-status=running] [data-part=waiting]:not([hidden])")
def waiting(stage):
    """Nothing has come yet."""
    stage.ada()
    stage.hold_clock()
    stage.send(script.held(script.WAIT))
    stage.visible("[data-part=waiting]")


@scene("article[data-status=running]")
def streaming(stage):
    """A reply is being written."""
    stage.ada()
    stage.ask(script.SHORT)
    stage.send(script.held(script.TIDE))
    stage.until_length(380)


@scene("article[data-status=running] figure.code")
def streaming_code(stage):
    """Code that is not closed yet."""
    _asked(stage, script.CODE, 300)


@scene("article[data-status=running] .table")
def streaming_table(stage):
    """A table that is not whole yet."""
    _asked(stage, script.TABLE, 100)


@scene("[data-part=reasoning][open]", "article[data-status=running]")
def reasoning_open(stage):
    """The model reasons, and one reads along."""
    _asked(stage, script.REASONED)
    stage.visible("[data-part=reasoning]")
    stage.page.click("[data-part=reasoning]:visible summary")


@scene("[data-part=reasoning]:not([open])", "article[data-status=done]")
def reasoning_folded(stage):
    """The reasoning is folded above its reply."""
    stage.ada()
    stage.ask(script.REASONED)


def _plan(stage):
    stage.ada()
    stage.page.click("[data-part=picker-button]")
    stage.page.get_by_role("menuitemradio", name="Plan").click()
    stage.page.keyboard.press("Escape")


@scene('.step[data-status="running"]')
def steps(stage):
    """A flow with steps is at its first."""
    _plan(stage)
    stage.hold_clock()
    stage.send(script.held(script.PLANNED))
    stage.visible(".step")


@scene('.step[data-status="done"] [open]')
def steps_open(stage):
    """What a step did."""
    _plan(stage)
    stage.ask(script.PLANNED)
    stage.page.click(".step summary")


@scene("article[data-status=done] [data-part=actions]:not([hidden])")
def done(stage):
    """A reply is whole: what can be done with it."""
    stage.ada()
    stage.ask(script.TIDE)
    stage.ask(script.SHORT)


@scene(".footnotes", "math", ".t-key", ".task")
def rich(stage):
    """Headings, lists, a quote, a table: the beginning of a long reply."""
    _rich(stage)
    stage.page.locator("[data-part=thread]").evaluate("(thread) => (thread.scrollTop = 0)")


@scene(".footnotes", "math", ".t-key", ".image")
def rich_end(stage):
    """Formulas, code, an image, footnotes: its end."""
    _rich(stage)
    return lambda: stage.page.locator("[data-part=thread]").evaluate(
        "(thread) => (thread.scrollTop = thread.scrollHeight)"
    )


def _rich(stage):
    stage.ada()
    stage.ask(script.RICH)
    stage.page.locator(".t-key").first.wait_for()
    stage.page.locator("math").first.wait_for(state="attached")


@scene("article[data-folded]")
def folded(stage):
    """A long question is folded."""
    stage.ada()
    stage.ask(script.LONG_QUESTION)


@scene("message-editor")
def editing(stage):
    """A question is written anew, in its place."""
    stage.ada()
    stage.ask(script.TIDE)
    stage.act("edit", ASKED)
    stage.page.fill(f"{ASKED} textarea", "Why are there two tides a day, and in some places one?")


@scene(f"{REPLY} [data-part=branches]:not([hidden])")
def versions(stage):
    """The second of three versions of a reply."""
    stage.ada()
    stage.ask(script.SHORT)
    for count in (2, 3):
        stage.act("retry")
        stage.page.locator(f"{REPLY} [data-part=place]", has_text=f"{count} / {count}").wait_for()
        stage.until_status("done")
    stage.act("previous")
    stage.page.locator(f"{REPLY} [data-part=place]", has_text="2 / 3").wait_for()


@scene("[data-part=retry-models]:popover-open")
def retry_menu(stage):
    """The same question for another model."""
    stage.ada()
    stage.ask(script.SHORT)

    def again():
        stage.page.keyboard.press("Escape")
        stage.act("retry-with")
        stage.visible("[data-part=retry-models]")

    return again


@scene("[data-part=thread][data-away]")
def away(stage):
    """Scrolled up, with the way back to the end."""
    _rich(stage)

    def up():
        stage.page.locator("[data-part=thread]").hover()
        stage.page.mouse.wheel(0, -400)
        stage.page.locator("[data-part=thread][data-away]").wait_for()
        stage.page.locator(".to-end").evaluate(
            "(button) => Promise.all(button.getAnimations().map((a) => a.finished))"
        )

    return up
