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
