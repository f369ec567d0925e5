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


# Some weeks of an office, as they are kept when each is over.
WEEKS = """
from datetime import timedelta
from django.utils import timezone
from chat.models import Message
from chat.models.day import Day, Figures
today = timezone.localdate()
first = Message.objects.order_by("created").values("id")[:1]
Message.objects.filter(id=first).update(created=timezone.now() - timedelta(days=30))
for ago in range(1, 30):
    at = today - timedelta(days=ago)
    busy = 14 if at.weekday() > 4 else 90 + (ago * 37) % 50
    figures = {}
    for model, share in (("harbour-large", 3), ("harbour-mini", 1)):
        of = Figures()
        for n in range(busy * share // 4):
            failed = n % 41 == ago % 7
            first = 380 * share / 2 + (n * 61 + ago * 17) % 500
            error = "upstream_rate" if n % 2 else "upstream_timeout"
            status, first = ("error", None) if failed else ("done", first)
            of.count(status, error, 900 * share, 260, first)
        figures[model] = of.stored()
    Day.objects.update_or_create(date=at, defaults={"people": 4 + busy // 9, "figures": figures})
"""


@scene(".chat-charts rect", ".chat-periods [aria-current]")
def admin_overview(stage):
    """What the last month came to."""
    _chat(stage)
    stage.server.shell(WEEKS)
    stage.administrator("/admin/chat/day/?days=30")


@scene(".chat-excerpt mark")
def admin_search(stage):
    """Words that were said, found where the operator has said why."""
    _open(stage, _chat(stage))
    stage.page.goto(f"{stage.server.url}/admin/chat/conversation/?q=tide")


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
    _open(stage, conversation)
    page = stage.page
    for unfolds in page.locator(".chat-assistant .chat-trace").locator("..").all():
        unfolds.locator("summary").click()
    page.locator(".chat-trace:visible").wait_for()
    return lambda: page.locator(".chat-trace").evaluate("trace => trace.scrollIntoView()")


@scene(".chat-beside .chat-chip-done >> nth=1", ".chat-copies")
def admin_beside(stage):
    """A reply, and beside it the one of another model."""
    stage.guest("office")
    stage.ask(script.TABLE)
    _open(stage, stage.page.url.split("/c/")[1].strip("/"))
    page = stage.page
    page.locator(".chat-retry summary").click()
    page.select_option(".chat-retry [name=model]", "harbour-mini")
    page.click(".chat-retry [type=submit]")
    page.wait_for_url("**/beside/")
    page.locator(".chat-beside .chat-chip-done").nth(1).wait_for()


@scene(".chat-export", ".chat-format")
def admin_export(stage):
    """One of them, to take along."""
    conversation = _chat(stage)
    _open(stage, conversation)
    stage.page.goto(f"{stage.server.url}/admin/chat/conversation/{conversation}/export/")
