"""For administrators."""

from tests.screenshots import script
from tests.screenshots.scene import scene


def _chat(stage):
    """Some conversations of a guest; gives the id of the last."""
    stage.guest("office")
    for question in (script.RICH, script.SHORT):
        stage.ask(question)
        stage.page.goto(f"{stage.server.url}/")
    stage.ask(script.TIDE)
    stage.ask(script.CUT, "interrupted")
    stage.ask(script.REFUSED, "error")
    return stage.page.url.split("/c/")[1].strip("/")


@scene("#result_list")
def admin_list(stage):
    """The conversations."""
    _chat(stage)
    stage.administrator("/admin/chat/conversation/")


@scene(".chat-message")
def admin_transcript(stage):
    """One of them, as it was."""
    conversation = _chat(stage)
    stage.administrator(f"/admin/chat/conversation/{conversation}/change/")


@scene(".chat-timeline", ".graph svg")
def admin_trace(stage):
    """How a reply came to be: its nodes and calls, the flow's graph, and what was sent."""
    stage.guest("office")
    stage.page.click("[data-part=picker-button]")
    stage.page.get_by_role("menuitemradio", name="Plan").click()
    stage.ask(script.TIDE)
    conversation = stage.page.url.split("/c/")[1].strip("/")
    stage.administrator(f"/admin/chat/conversation/{conversation}/change/")
    for unfolds in stage.page.locator(".chat-more > summary").all():
        unfolds.click()
