"""Every state of every page keeps WCAG 2.2 AA, as far as a machine can tell: in light and dark, on
a desktop and on a phone."""

from pathlib import Path

from tests.axe import WIDTHS, violations
from tests.doors.test_page import ASKED, REPLY, PageCase
from tests.replies.case import asks
from tests.upstream import numbered
from tests.visitor import PASSWORD

CORPUS = Path(__file__).parents[1] / "page" / "corpus"
EVERYTHING = "\n\n".join(
    (CORPUS / name).read_text() for name in ("everything.md", "formulas.md", "languages.md")
)
DESKTOP, PHONE = WIDTHS


class AccessibilityCase(PageCase):
    settings = {"SIGN_UP": 1, "OPENAI_MODEL": "numbered,numbered-large"}

    def accept(self, *widths: int) -> None:
        """Nothing is wrong with the page as it is now."""
        with self.browser.unheard():
            self.assertEqual(violations(self.page, widths or WIDTHS), [])

    def chat(self, **directive: object) -> None:
        self.send(asks(**{"tokens": 5} | directive))
        self.until_status("done")

    def on_phone(self) -> None:
        self.page.set_viewport_size({"width": PHONE, "height": 800})


class AccessibilityTests(AccessibilityCase):
    def test_the_first_page(self):
        self.accept()

    def test_waiting_and_streaming(self):
        self.send(asks(tokens=30, reasoning=10, rate=0, gate="thinking", gate_after=0))
        self.page.locator("[data-part=waiting]:visible").wait_for()
        self.accept()
        self.upstream.release("thinking")
        self.until_status("done")
        self.page.locator(f"{REPLY} summary", has_text="Reasoning").click()
        self.send(asks(tokens=30, rate=0, gate="streaming", gate_after=20))
        self.until_text(numbered(20))
        self.accept()  # of both

    def test_everything_that_a_reply_may_have(self):
        self.chat(text=EVERYTHING, piece=2000)
        self.page.locator(".t-key").first.wait_for(state="attached")
        self.page.locator("math").first.wait_for(state="attached")
        self.accept()

    def test_whatever_becomes_of_a_message(self):
        # Below each other in one conversation, of which nothing is out of view.
        self.page.set_viewport_size({"width": DESKTOP, "height": 4000})
        self.page.click("[data-part=picker-button]")
        self.page.get_by_role("menuitemradio", name="Plan").click()
        self.chat()
        self.page.get_by_text("Planning the answer").click()
        self.page.click("[data-part=picker-button]")
        self.page.get_by_role("menuitemradio", name="Chat").click()
        self.send("line\n" * 20 + asks(tokens=30, rate=0, gate="stopped", gate_after=10))
        self.until_text(numbered(10))
        self.page.click("[data-part=stop]")
        self.until_status("stopped")
        self.send(asks(tokens=30, rate=0, cut_after=10))
        self.until_status("interrupted")
        self.send(asks(tokens=6))
        second = self.page.locator(f"{REPLY}[data-status=done]").nth(1)
        second.wait_for()
        self.act("retry")
        self.page.locator(f"{REPLY} [data-part=place]", has_text="2 / 2").wait_for()
        second.wait_for()
        self.send(asks(status=401))
        self.until_status("error")
        self.act("edit", ASKED)
        states = ("done", "stopped", "interrupted", "error")
        for state in (*(f"[data-status={name}]" for name in states), "[data-folded]", "textarea"):
            self.assertTrue(self.page.locator(f"article{state}, article {state}").count(), state)
        self.accept()

    def test_a_message_that_is_too_long(self):
        self.page.fill("[data-part=composer-input]", "a" * 32001)
        self.page.locator("[data-part=count][data-over]").wait_for()
        self.accept()

    def test_the_menus(self):
        self.chat()
        for button in ("[data-part=picker-button]", f"{REPLY} [data-action=retry-with]"):
            self.page.click(button)
            self.page.locator("[role=menu]:visible").wait_for()
            self.accept()
            self.page.keyboard.press("Escape")
        self.page.click(".me")
        self.accept(DESKTOP)
        self.page.keyboard.press("Escape")
        self.page.locator("[data-part=conversation] [data-action=menu]").click()
        self.accept(DESKTOP)
        self.page.locator("[data-part=menu] [data-action=rename]").click()
        self.accept(DESKTOP)

    def test_the_palette_and_the_help(self):
        self.chat()
        self.page.keyboard.press("Control+k")
        self.page.locator("[role=option][aria-selected=true]").wait_for()
        self.accept()
        self.page.keyboard.type("se")
        self.accept()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Control+/")
        self.page.locator("[data-part=shortcut]").first.wait_for()
        self.accept()
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("Control+Shift+S")
        self.page.locator("[data-part=show-list]").wait_for()
        self.accept(DESKTOP)

    def test_in_the_drawer(self):
        self.chat()
        self.on_phone()
        self.page.click(".topbar [popovertarget=sidebar]")
        self.accept(PHONE)
        self.page.click(".me")
        self.accept(PHONE)
        self.page.keyboard.press("Escape")
        self.page.locator("[data-part=conversation] [data-action=menu]").click()
        self.accept(PHONE)

    def test_a_deleted_conversation(self):
        self.chat()
        self.page.locator("[data-part=conversation] [data-action=menu]").click()
        self.page.locator("[data-part=menu] [data-action=pin]").click()
        self.page.locator("[data-key=pinned]").wait_for()
        self.accept()
        self.page.locator("[data-part=conversation] [data-action=menu]").click()
        self.page.locator("[data-part=menu] [data-action=delete]").click()
        self.page.locator("[data-part=gone]").wait_for()
        self.accept()

    def visit(self, *paths: str) -> None:
        for path in paths:
            with self.subTest(path):
                self.page.goto(f"{self.server.url}{path}")
                self.accept()

    def test_forms_and_errors(self):
        self.visit("/sign-in/", "/sign-up/", "/password/forgotten/", "/goodbye/", "/nowhere/")
        self.page.goto(f"{self.server.url}/sign-in/")
        self.page.fill("[name=username]", "nobody")
        self.page.fill("[name=password]", "wrong")
        self.page.press("[name=password]", "Enter")
        self.page.get_by_role("alert").wait_for()
        self.accept()

    def test_what_is_a_persons_own(self):
        self.page.goto(f"{self.server.url}/sign-up/")
        self.page.fill("[name=username]", "ada")
        for name in ("password1", "password2"):
            self.page.fill(f"[name={name}]", PASSWORD)
        self.page.press("[name=password2]", "Enter")
        self.page.locator("[data-part=composer-input]").wait_for()
        self.chat()
        self.visit("/settings/", "/password/", "/account/delete/")
        self.visit("/search/", "/search/?q=count", "/search/?q=nowhere", "/search/?q=a")

    def test_the_admin(self):
        self.server.make_superuser("root", PASSWORD)
        self.chat(text=EVERYTHING, piece=2000)
        # By this door the conversation comes along, so that its owner reads who has read it.
        self.page.goto(f"{self.server.url}/sign-in/?next=/admin/chat/conversation/")
        self.page.fill("[name=username]", "root")
        self.page.fill("[name=password]", PASSWORD)
        self.page.press("[name=password]", "Enter")
        self.page.locator("#result_list").wait_for()
        self.accept()
        self.page.locator("#result_list tbody th a").first.focus()
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/change/**")
        # The rest by keyboard: why one reads, a tag, and a note.
        reason = self.page.get_by_role("textbox", name="Why do you read this")
        self.tab_to(reason)
        self.page.keyboard.type("A complaint")
        self.page.keyboard.press("Enter")
        self.page.locator(".chat-text").first.wait_for()
        self.tab_to(self.page.get_by_role("combobox", name="Tag"))
        self.page.keyboard.type("tables")
        self.page.keyboard.press("Enter")
        self.page.locator(".chat-tag", has_text="tables").wait_for()
        self.tab_to(self.page.locator(".chat-marks summary"))
        self.page.keyboard.press("Enter")
        self.tab_to(self.page.get_by_role("textbox", name="A note on the conversation"))
        self.page.keyboard.type("It was the table.")
        self.tab_to(self.page.locator(".chat-marks [type=submit]"))
        self.page.keyboard.press("Enter")
        self.page.locator(".chat-note").wait_for()
        for unfolds in self.page.locator(".chat-assistant .chat-more > summary").all():
            unfolds.click()
        self.page.locator(".graph svg").wait_for()
        self.page.get_by_text("1 message of this branch, as it is:").wait_for()
        drawn = self.page.locator("[data-part=drawn]")
        drawn.scroll_into_view_if_needed()
        for part in (".katex-display", "figure .t-key", ".table", ".footnotes"):
            drawn.locator(part).first.wait_for()
        self.person.grant_permissions(["clipboard-read", "clipboard-write"])
        drawn.locator("[data-action=copy-code]").first.press("Enter")
        drawn.locator("[data-action=copy-code][data-done]").wait_for()
        code = drawn.locator("[data-part=code]").first.text_content()
        self.assertEqual(self.page.evaluate("navigator.clipboard.readText()"), code)
        self.accept()
        self.visit("/admin/chat/access/", "/settings/readers/")
        self.page.get_by_text("A complaint").wait_for()

    def tab_to(self, target) -> None:
        """Press the Tab key until the focus is there."""
        for _ in range(200):
            if target.evaluate("(element) => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        self.fail(f"the keyboard does not reach {target}")


class LimitedAccessibilityTests(AccessibilityCase):
    settings = AccessibilityCase.settings | {"LIMIT_PER_MINUTE": 2}

    def test_refused_queued_and_offline(self):
        self.chat()
        self.act("retry")
        self.page.locator(f"{REPLY} [data-part=place]", has_text="2 / 2").wait_for()
        self.until_status("done")
        self.send(asks(tokens=1))
        self.page.locator("[data-part=queued]", has_text="s)").wait_for()
        self.accept()
        self.server.kill()
        self.page.locator("[data-part=banner]").wait_for()
        self.accept()
        self.server.start()
