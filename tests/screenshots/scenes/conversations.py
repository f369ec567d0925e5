"""The list of conversations."""

from tests.hands import ASKED, ENTRY
from tests.screenshots import script
from tests.screenshots.looks import DESKTOP, PHONE
from tests.screenshots.scene import scene

OPEN = ".topbar [popovertarget=sidebar]"


def _drawer(stage):
    stage.ada()
    stage.ask(script.SHORT)
    stage.on_phone()
    stage.page.click(OPEN)
    stage.visible("[data-part=drawer]:popover-open")


@scene("[data-key=pinned]", looks=DESKTOP)
def sections(stage):
    """Sections, a pinned one, one with a reply being written, one with a new reply."""
    stage.ada()
    for question in (script.SHORT, script.TIDE):
        stage.send(script.held(question))
        stage.until_length(40)
        stage.page.goto(f"{stage.server.url}/")
    stage.upstream.release("short")
    stage.page.locator("[data-part=unread]:visible").wait_for()
    stage.page.locator("[data-part=live]:visible").wait_for()


@scene("[data-part=drawer]:popover-open", looks=PHONE)
def drawer(stage):
    """The list on a phone."""
    _drawer(stage)


@scene("[data-part=menu]:popover-open", looks=DESKTOP)
def conversation_menu(stage):
    """What can be done with a conversation."""
    stage.ada()
    stage.open_menu("Letter to the landlord")


@scene("[data-part=menu]:popover-open", looks=PHONE)
def drawer_menu(stage):
    """The same on a phone."""
    _drawer(stage)
    stage.page.locator(ENTRY).nth(2).locator("[data-action=menu]").click()
    stage.visible("[data-part=menu]")


@scene("[data-part=rename]", looks=DESKTOP)
def rename(stage):
    """A title is written anew, in its place."""
    stage.ada()
    stage.choose("rename", "Letter to the landlord")
    stage.page.fill("[data-part=rename-input]", "A kind letter")


@scene("[data-part=toast]:popover-open", looks=DESKTOP)
def undo(stage):
    """A conversation was deleted, and can be had back."""
    stage.ada()
    stage.ask(script.SHORT)
    stage.choose("delete", "What the harbour lights mean")
    stage.page.locator("[data-part=toast]").hover()


@scene("[data-part=toast]:popover-open", looks=PHONE)
def undo_in_drawer(stage):
    """The same on a phone."""
    _drawer(stage)
    stage.page.locator(ENTRY, has_text="harbour lights").locator("[data-action=menu]").click()
    stage.page.locator("[data-part=menu] [data-action=delete]").click()
    stage.visible("[data-part=toast]")
    stage.page.locator("[data-part=toast] button").focus()


@scene("[data-part=gone]:not([hidden])")
def deleted(stage):
    """The conversation that is shown was deleted."""
    stage.ada()
    stage.ask(script.TIDE)
    stage.choose("delete", script.TIDE)
    stage.visible("[data-part=gone]")
    stage.page.locator("[data-part=toast] button").focus()


@scene(".elsewhere")
def other_version(stage):
    """A search found a message that stands in another version of its conversation."""
    stage.ada()
    stage.ask(script.TIDE)
    stage.act("edit", ASKED)
    stage.page.fill(f"{ASKED} textarea", script.SHORT)
    stage.page.press(f"{ASKED} textarea", "Enter")
    stage.until_text(script.SHORT_ANSWER)
    stage.until_status("done")
    stage.page.goto(f"{stage.server.url}/search/?q=bulges")
    stage.page.locator(".found-excerpt", has=stage.page.locator(".found-version")).click()
    stage.page.locator(".elsewhere").wait_for()


@scene("[data-list-closed]", looks=DESKTOP)
def list_hidden(stage):
    """Without the list."""
    stage.ada()
    stage.ask(script.TIDE)
    stage.page.keyboard.press("Control+Shift+S")


@scene("[data-part=no-conversations]:not([hidden])", looks=PHONE)
def drawer_empty(stage):
    """The list of somebody new."""
    stage.guest()
    stage.on_phone()
    stage.page.click(OPEN)


@scene("[data-part=me-menu]:popover-open", looks=DESKTOP)
def me_menu(stage):
    """The person's menu."""
    stage.ada()
    stage.page.click(".me")


@scene("[data-part=me-menu]:popover-open", looks=PHONE)
def me_menu_in_drawer(stage):
    """A guest's, on a phone."""
    stage.guest()
    stage.on_phone()
    stage.page.click(OPEN)
    stage.page.click(".me")


@scene("[data-part=failure]:popover-open")
def change_failed(stage):
    """A change that the server did not take."""
    stage.ada()
    stage.ask(script.SHORT)
    with stage.server.locked():
        stage.choose("pin", "Letter to the landlord")
        stage.visible("[data-part=failure]")
