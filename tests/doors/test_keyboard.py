"""Everything by the keyboard alone: the shortcuts and the main path. The focus is always somewhere
that is seen."""

import re
from pathlib import Path

from tests.doors.test_page import ASKED, REPLY
from tests.doors.test_sidebar import SidebarCase
from tests.replies.case import asks
from tests.upstream import numbered
from tests.visitor import PASSWORD

BOX = "composer-input"
HELP = "[data-part=help]"
CODE = "```python\nprint('tide')\n```"
# What has the focus: its name, and whether a sighted person sees that it has it.
FOCUS = """
() => {
  const at = document.activeElement;
  if (at === document.body) return { name: "", seen: true }; // the browser's own controls are next
  const name = at.ariaLabel ?? at.labels?.[0]?.textContent ?? at.textContent;
  const { x, y, width, height } = at.getBoundingClientRect();
  const inSight = width > 0 && height > 0 && y + height > 0 && y < innerHeight && x + width > 0;
  const ringed = (element) => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element);
    return (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
  };
  const box = at.closest(".composer-box, .edit, .search-form, .field");
  return { name: name.trim(), seen: inSight && (ringed(at) || Boolean(box && ringed(box))) };
}
"""


class KeyboardCase(SidebarCase):
    settings = {"OPENAI_MODEL": "numbered", "SIGN_UP": 1}

    def setUp(self) -> None:
        super().setUp()
        self.person.grant_permissions(["clipboard-read", "clipboard-write"])

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def hold(self, key: str) -> None:
        """Until it has come a second time."""
        for act in (self.page.keyboard.down, self.page.keyboard.down, self.page.keyboard.up):
            act(key)

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
        self.page.locator(f"{ASKED} [data-action=edit]").last.focus()
        self.hold("Enter")
        self.assertEqual(self.page.locator("[data-part=edit-input]").count(), 1)

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


class MainPathTests(KeyboardCase):
    """From the first message to signing out, and the focus never falls to the page."""

    def until_on(self, name: str, *, back: bool = False) -> None:
        """Press Tab until the focus is on the control of this name; it is seen on the way."""
        passed = []
        for _ in range(60):
            self.press("Shift+Tab" if back else "Tab")
            passed.append(self.page.evaluate(FOCUS))
            if passed[-1]["name"] == name:
                return
            self.assertTrue(passed[-1]["seen"], passed[-1])
        self.fail(f"no {name} among {[each['name'] for each in passed]}")

    def held(self) -> None:
        """The focus is on something."""
        self.assertNotEqual(self.page.evaluate("document.activeElement.tagName"), "BODY")

    def until_place(self, place: str) -> None:
        self.page.locator("[data-part=place]", has_text=place).last.wait_for()

    def test_the_whole_way(self):
        # Who starts without an account makes one.
        self.press("Tab")
        self.until_on("Guest")
        self.press("Enter")
        self.until_on("Make an account")
        self.press("Enter")
        self.page.wait_for_url("**/sign-up/**")
        self.until_at("[name=username]")
        self.type("keys")
        self.until_on("Password")
        self.type(PASSWORD)
        self.until_on("Password again")
        self.type(PASSWORD)
        self.press("Enter")
        self.page.locator(".me-name", has_text="keys").wait_for()

        # Send, and stop with the button that has taken Send's place.
        self.until_at(f"[data-part={BOX}]")
        self.type("Tides " + asks(tokens=1000, rate=50, next={"text": f"\n\n{CODE}"}))
        self.press("Enter")
        self.until_text(numbered(3))
        self.until_at(f"[data-part={BOX}]")
        self.until_on("Stop")
        self.press("Enter")
        self.until_status("stopped")
        self.page.locator("[data-part=stop]").wait_for(state="hidden")
        self.held()

        # Continue: the button goes away with the version that it belongs to.
        self.until_on("Continue", back=True)
        self.press("Enter")
        self.until_place("2 / 2")
        self.until_status("done")
        self.held()

        # Copy the code.
        self.until_on("Copy code", back=True)
        self.press("Enter")
        self.until_copied("print('tide')")

        # Edit the question, and go back to its first version.
        self.press("Shift+Escape", "ArrowUp")
        self.until_at("[data-part=edit-input]")
        self.press("Control+a")
        self.type("Winds " + asks(tokens=2))
        self.press("Enter")
        self.until_text(numbered(2))
        self.until_status("done")
        self.held()
        self.until_on("Previous version", back=True)
        self.press("Enter")
        self.page.locator(ASKED, has_text="Tides").wait_for()
        self.until_at("article")  # where the button was, or what came in its place
        self.held()

        # Another conversation, and back to the first by the list.
        self.press("Control+Shift+O")
        self.page.wait_for_url(f"{self.server.url}/")
        self.until_at(f"[data-part={BOX}]")
        self.type("Rivers " + asks(tokens=1))
        self.press("Enter")
        self.until_status("done")
        self.until_on("Search", back=True)
        self.until_on("Commands and conversations")
        self.press("Tab", "ArrowDown", "Enter")
        self.page.locator(ASKED, has_text="Tides").wait_for()

        # Rename it and delete it, from its menu.
        self.page.locator("[data-part=link][aria-current]").wait_for()
        self.until_on("Commands and conversations")
        self.press("Tab", "ArrowDown", "Tab", "Enter")
        self.until_at("[data-action=rename]")
        self.press("Enter")
        self.until_at("[data-part=rename-input]")
        self.type("Seas")
        self.press("Enter")
        self.until_focused("Seas")
        self.press("Tab", "Enter")
        self.until_at("[data-action=rename]")
        self.press("ArrowUp")  # to the last
        self.until_at("[data-action=delete]")
        self.press("Enter")
        self.page.locator("[data-part=gone]").wait_for()
        self.held()

        # And out.
        self.until_on("keys")
        self.press("Enter")
        self.until_on("Sign out")
        self.press("Enter")
        self.page.get_by_text("You are signed out.").wait_for()

    def test_no_trap_and_every_focus_is_seen(self):
        self.say("First")
        for width in (1280, 390):
            self.page.set_viewport_size({"width": width, "height": 800})
            passed = []
            while len(passed) < 60:
                self.press("Tab")
                at = self.page.evaluate(FOCUS)
                self.assertTrue(at["seen"], at)
                if at["name"] in passed[:1]:
                    break  # once round
                passed.append(at["name"])
            self.assertIn("Message", passed)
            self.assertLess(len(passed), 60)
