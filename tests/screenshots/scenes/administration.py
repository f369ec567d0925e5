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


def _open(stage, conversation):
    """The administrator says why, and reads it."""
    stage.administrator(f"/admin/chat/conversation/{conversation}/change/")
    stage.page.fill("[name=reason]", "A complaint: the tides are wrong")
    stage.page.press("[name=reason]", "Enter")
    stage.page.locator(".chat-text").first.wait_for()


@scene(".chat-reason")
def admin_reason(stage):
    """Before it is read."""
    stage.administrator(f"/admin/chat/conversation/{_chat(stage)}/change/")


@scene(".chat-message", ".chat-tag", ".chat-note", ".chat-chip-flagged")
def admin_transcript(stage):
    """One of them, as it was, and what operators say of it."""
    _open(stage, _chat(stage))
    page = stage.page
    page.fill(".chat-add-tag [name=tag]", "wrong facts")
    page.press(".chat-add-tag [name=tag]", "Enter")
    page.click("[name=on]")
    page.locator(".chat-marks summary").click()
    page.fill(".chat-marks textarea", "The times are those of another harbour.")
    page.click(".chat-marks [type=submit]")
    page.locator(".chat-note").wait_for()
    page.goto(page.url.partition("#")[0])


@scene("#result_list")
def admin_readings(stage):
    """Who has read what, and why."""
    _open(stage, _chat(stage))
    stage.page.goto(f"{stage.server.url}/admin/chat/access/")


@scene(".reading")
def readers(stage):
    """The same, as the owner sees it."""
    conversation = _chat(stage)
    owner = stage.page
    _open(stage, conversation)
    stage.page = owner
    owner.goto(f"{stage.server.url}/settings/readers/")


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
