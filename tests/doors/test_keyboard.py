"""Everything by the keyboard alone: the shortcuts, the palette, and the main path. The focus is
always somewhere that is seen."""

import re
from pathlib import Path

from tests.doors.test_page import ASKED, REPLY
from tests.doors.test_sidebar import SidebarCase
from tests.replies.case import asks
from tests.upstream import numbered

BOX = "composer-input"
PALETTE = "[data-part=palette-dialog]"
HELP = "[data-part=help]"
CHOSEN = f"{PALETTE} [role=option][aria-selected=true]"


class KeyboardCase(SidebarCase):
    settings = {"OPENAI_MODEL": "numbered", "SIGN_UP": 1}

    def setUp(self) -> None:
        super().setUp()
        self.person.grant_permissions(["clipboard-read", "clipboard-write"])

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def until_at(self, selector: str) -> None:
        """Wait until the focus is on, or within, what this selects."""
        self.page.wait_for_function(
            "selector => document.activeElement.closest(selector)", arg=selector
        )

    def until_copied(self, text: str) -> None:
        self.page.wait_for_function(
            "async text => await navigator.clipboard.readText() === text", arg=text
        )

    def until_chosen(self, text: str) -> None:
        self.page.locator(CHOSEN).filter(has_text=text).wait_for()


class ShortcutTests(KeyboardCase):
    def test_a_new_chat_and_the_composer(self):
        self.say("First")
        self.press("Control+Shift+O")
        self.page.wait_for_url(f"{self.server.url}/")
        self.page.locator("[data-part=send]").wait_for()
        self.page.locator("[data-part=link]").focus()
        self.press("Shift+Escape")
        self.until_at(f"[data-part={BOX}]")

    def test_the_last_reply_and_its_last_code(self):
        code = "print('tide')"
        text = f"Before.\n\n```python\nprint(1)\n```\n\n```python\n{code}\n```\n\nAfter."
        self.press("Control+Shift+C")
        self.page.get_by_role("status").get_by_text("nothing to copy").wait_for(state="attached")
        self.send(asks(text=text))
        self.until_status("done")
        self.press("Control+Shift+C")
        self.until_copied(text)
        self.page.get_by_role("status").get_by_text("Copied").wait_for(state="attached")
        self.press("Control+Shift+;")
        self.until_copied(code)

    def test_escape_stops_from_wherever_one_is_but_closes_first(self):
        self.send(asks(tokens=1000, rate=50))
        self.until_text(numbered(2))
        self.press("Control+/")
        self.page.locator(HELP).wait_for()
        self.press("Escape")
        self.page.locator(HELP).wait_for(state="hidden")
        self.page.locator(".me").focus()
        self.press("Enter")
        self.page.locator(".me-menu").wait_for()
        self.press("Escape")
        self.page.locator(".me-menu").wait_for(state="hidden")
        self.assertEqual(self.page.locator(f"{REPLY}[data-status=running]").count(), 1)
        self.press("Escape")
        self.until_status("stopped")

    def test_the_messages_one_by_one(self):
        self.say("First")
        self.send("Second " + asks(tokens=1))
        self.page.locator(f"{REPLY}[data-status=done]").nth(1).wait_for()
        self.until_at(f"[data-part={BOX}]")
        roles = []
        for key in ("Alt+ArrowUp", "Alt+ArrowUp", "Alt+ArrowUp", "Alt+ArrowDown"):
            self.press(key)
            roles.append(
                self.page.evaluate(
                    "[...document.querySelectorAll('article')].indexOf(document.activeElement)"
                )
            )
        self.assertEqual(roles, [3, 2, 1, 2])
        self.press("Tab")
        self.until_at(f"{ASKED} [data-action]")

    def test_the_list_is_hidden_and_stays_so(self):
        hidden = self.page.locator("[data-part=drawer]")
        self.page.locator("[data-part=hide-list]").focus()
        self.press("Control+Shift+S")
        hidden.wait_for(state="hidden")
        self.until_at("[data-part=show-list]")
        blind = self.open("/")
        blind.route("**/*.js", lambda route: route.abort())
        blind.reload()
        self.assertFalse(blind.locator("[data-part=drawer]").is_visible())  # as the server drew it
        blind.close()
        self.press("Enter")
        hidden.wait_for()
        self.until_at("[data-part=hide-list]")
        self.page.reload()
        self.assertTrue(hidden.is_visible())
        self.page.set_viewport_size({"width": 390, "height": 800})
        hidden.wait_for(state="hidden")
        self.press("Control+Shift+S")
        hidden.wait_for()
        self.press("Control+Shift+S")
        hidden.wait_for(state="hidden")

    def test_the_help_has_every_shortcut_and_a_character_that_is_typed_is_text(self):
        self.page.locator(f"[data-part={BOX}]").focus()
        self.type("?")
        self.assertEqual(self.page.input_value(f"[data-part={BOX}]"), "?")
        self.page.locator(".me").focus()
        self.press("Enter")
        self.page.locator(".me-menu").get_by_text("Keyboard shortcuts").focus()
        self.press("Enter")
        self.page.locator(HELP).wait_for()
        self.page.get_by_role("term").filter(has_text="Copy the last reply").wait_for()
        self.press("Escape")
        self.page.locator(HELP).wait_for(state="hidden")
        self.until_at(".me")
        self.page.locator("[data-part=new-chat]").focus()
        self.press("?")
        self.page.locator(HELP).wait_for()
        self.press("Enter")  # on Close
        self.until_at("[data-part=new-chat]")

    def test_the_readme_has_the_table(self):
        self.press("Control+/")
        self.page.locator(f"{HELP} dt").first.wait_for()
        shown = self.page.evaluate(
            """() => [...document.querySelectorAll("[data-part=shortcut]")].map((row) => [
              row.querySelector("dt").textContent,
              [...row.querySelectorAll("dd > kbd")].map((keys) =>
                [...keys.children].map((key) => `<kbd>${key.textContent}</kbd>`).join(" ")
              ).join(", or "),
            ])"""
        )
        readme = (Path(__file__).parents[2] / "docs" / "keyboard.md").read_text()
        table = re.findall(r"^\| (.+?) \| (<kbd>.+?) \|$", readme, re.MULTILINE)
        self.assertEqual([[name, keys] for name, keys in table], shown)


class PaletteTests(KeyboardCase):
    def palette(self, text: str = "") -> None:
        self.press("Control+k")
        self.page.locator(PALETTE).wait_for()
        self.type(text)

    def test_another_conversation_by_a_little_of_its_title(self):
        for title in ("Harbour lights", "A plan for the week"):
            self.say(title)
        self.palette()
        self.until_chosen("Harbour lights")  # the latest that is not shown
        self.type("har")
        self.until_chosen("Harbour lights")
        self.press("Enter")
        self.page.locator("[data-part=page-title]", has_text="Harbour lights").wait_for()

    def test_the_arrows_go_round_and_the_box_keeps_the_focus(self):
        self.say("Only")
        self.palette()
        self.until_chosen("New chat")
        self.press("ArrowUp")
        self.until_chosen("Search everything")
        self.press("ArrowDown", "ArrowDown")
        self.until_chosen("Rename this conversation")
        self.until_at("[data-part=palette-input]")
        active = self.page.get_attribute("[data-part=palette-input]", "aria-activedescendant")
        self.assertEqual(self.page.locator(CHOSEN).get_attribute("id"), active)
        self.press("Control+k")
        self.page.locator(PALETTE).wait_for(state="hidden")
        self.until_at(f"[data-part={BOX}]")

    def test_what_is_not_there_is_searched_for_everywhere(self):
        self.say("Only")
        self.palette("sea & tide")
        self.until_chosen("Search everything for “sea & tide”")
        self.press("Enter")
        self.page.wait_for_url("**/search/?q=sea%20%26%20tide")
        self.assertEqual(self.page.input_value("[data-part=input]"), "sea & tide")

    def test_what_cannot_be_done_now_is_not_offered(self):
        self.palette("delete")
        self.until_chosen("Search everything")
        self.press("Escape")
        self.say("Only")
        self.palette("pin this")
        self.until_chosen("Pin this conversation")
        self.press("Enter")
        self.page.locator("[data-key=pinned]").wait_for()
        self.palette("pin this")
        self.until_chosen("Unpin this conversation")

    def test_rename_and_delete_and_undo(self):
        self.say("Only")
        self.press("Control+Shift+S")  # the list comes back to show the title that is typed
        self.palette("rename")
        self.press("Enter")
        self.until_at("[data-part=rename-input]")
        self.type("Renamed")
        self.press("Enter")
        self.until_titles("Renamed")
        self.press("Shift+Escape")
        self.palette("delete")
        self.press("Enter")
        self.page.locator("[data-part=gone]").wait_for()
        self.until_at("[data-part=gone]")
        self.press("Enter")  # on Undo
        self.until_titles("Renamed")
        self.until_at(f"[data-part={BOX}]")

    def test_by_touch(self):
        person = self.browser.person(
            viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True
        )
        self.addCleanup(person.close)
        page = person.new_page()
        page.goto(f"{self.server.url}/")
        page.tap(".topbar [popovertarget=sidebar]")
        page.tap("[data-action=palette]")
        page.locator(f"{PALETTE} [role=option]", has_text="Keyboard shortcuts").tap()
        page.locator(HELP).wait_for()
        page.tap(f"{HELP} [aria-label=Close]")
        page.locator(HELP).wait_for(state="hidden")
        page.wait_for_function("document.activeElement.matches('.topbar [popovertarget=sidebar]')")

    def test_beside_it_one_leaves_it(self):
        self.palette()
        self.page.mouse.click(20, 700)
        self.page.locator(PALETTE).wait_for(state="hidden")

    def test_an_input_method_keeps_its_enter(self):
        self.palette("new")
        self.page.evaluate(
            """() => document.activeElement.dispatchEvent(
              new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true })
            )"""
        )
        self.assertTrue(self.page.locator(PALETTE).is_visible())
