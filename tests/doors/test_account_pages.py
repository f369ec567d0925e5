"""Accounts and settings in a real browser: what a person does, and what their other tabs do."""

import json
from uuid import uuid4

from tests.doors.test_page import PageCase
from tests.replies.case import asks
from tests.upstream import numbered
from tests.visitor import PASSWORD

BOX = "[data-part=composer-input]"


class AccountPagesCase(PageCase):
    settings = {"SIGN_UP": 1, "SESSION_SECONDS": 3600}

    def menu(self, item: str, page=None) -> None:
        """Choose from the menu at the foot of the list."""
        page = page or self.page
        page.click(".me")
        page.locator(".me-menu").get_by_text(item, exact=True).click()

    def until_name(self, name: str, page=None) -> None:
        (page or self.page).locator(".me-name", has_text=name).wait_for()

    def sign_up(self, name: str, page=None) -> None:
        page = page or self.page
        self.menu("Make an account", page)
        page.fill("[name=username]", name)
        page.fill("[name=password1]", PASSWORD)
        page.fill("[name=password2]", PASSWORD)
        page.press("[name=password2]", "Enter")
        self.until_name(name, page)

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        self.menu("Sign in")
        self.page.fill("[name=username]", name)
        self.page.fill("[name=password]", password)
        self.page.press("[name=password]", "Enter")

    def account(self) -> str:
        """The name of an account that was made in another browser."""
        name = f"person-{uuid4().hex[:8]}"
        person = self.browser.person()
        page = person.new_page()
        page.goto(self.server.url)
        self.sign_up(name, page)
        person.close()
        return name

    def another_tab(self):
        """The conversation of the page in a second tab."""
        return self.open(self.page.url.removeprefix(self.server.url))


class FollowTests(AccountPagesCase):
    def test_other_tabs_follow_who_signs_up_and_the_reply_goes_on(self):
        self.send(asks(tokens=60, rate=0, gate="page-up", gate_after=30))
        self.until_text(numbered(30))
        second = self.another_tab()
        self.until_text(numbered(30), second)
        name = f"person-{uuid4().hex[:8]}"
        self.sign_up(name)
        self.until_name(name, second)
        self.until_text(numbered(30), second)
        self.upstream.release("page-up")
        self.until_status("done", second)
        self.assertEqual(self.text(page=second), numbered(60))
        self.assertEqual(self.page.locator("[data-part=conversation]").count(), 1)

    def test_what_a_guest_had_not_sent_comes_along(self):
        name = self.account()
        self.send(asks("first", tokens=2))
        self.until_status("done")
        guest = self.page.locator("chat-app").get_attribute("data-user")
        second = self.another_tab()
        second.fill(BOX, "half a sentence")
        # As if the connection had been lost when this was sent.
        conversation = self.page.url.split("/")[-2]
        frame = {"type": "send", "cid": str(uuid4()), "text": "Sent?", "conversation": conversation}
        letters = json.dumps([{"conversation": conversation, "frame": {**frame, "parent": None}}])
        self.page.goto(f"{self.server.url}/settings/")
        self.page.evaluate(
            "([key, letters]) => sessionStorage.setItem(key, letters)",
            [f"chat:outbox:{guest}", letters],
        )
        self.page.goto(self.server.url + "/sign-in/")
        self.page.fill("[name=username]", name)
        self.page.fill("[name=password]", PASSWORD)
        self.page.press("[name=password]", "Enter")
        self.until_name(name)
        self.until_name(name, second)
        self.assertEqual(second.input_value(BOX), "half a sentence")
        self.page.locator("[data-part=conversation] a").click()
        self.page.wait_for_url(f"**/c/{conversation}/")
        self.page.wait_for_function(f"() => document.querySelector('{BOX}').value === 'Sent?'")
        self.assertEqual(self.page.locator("article[data-role=user]").count(), 1)

    def test_other_tabs_follow_who_signs_out(self):
        name = self.account()
        self.sign_in(name)
        self.until_name(name)
        self.send(asks(tokens=2))
        self.until_status("done")
        second = self.another_tab()
        self.until_status("done", second)
        self.menu("Sign out")
        self.page.get_by_text("You are signed out.").wait_for()
        second.wait_for_url("**/sign-in/?next=/c/**")
        # And comes back to where it was.
        second.fill("[name=username]", name)
        second.fill("[name=password]", PASSWORD)
        second.press("[name=password]", "Enter")
        self.until_status("done", second)

    def test_a_change_that_is_refused_since_they_signed_in_anew_elsewhere_asks_for_a_reload(self):
        name = f"person-{uuid4().hex[:8]}"
        self.sign_up(name)
        self.send(asks("first", tokens=1))
        self.until_status("done")
        second = self.open("/sign-in/")
        second.fill("[name=username]", name)
        second.fill("[name=password]", PASSWORD)
        second.press("[name=password]", "Enter")
        self.until_name(name, second)
        self.choose("pin", "first")
        self.page.get_by_role("alert").get_by_text("Load the page again").wait_for()
        self.page.reload()
        self.choose("pin", "first")
        self.page.locator("[data-key=pinned]").wait_for()

    def test_a_wrong_password_is_told_and_the_name_stays(self):
        self.sign_in("nobody", "wrong")
        self.page.get_by_role("alert").get_by_text("correct username").wait_for()
        self.assertEqual(self.page.input_value("[name=username]"), "nobody")
        self.assertEqual(self.page.evaluate("document.activeElement.name"), "username")

    def test_who_deletes_everything_is_told_goodbye(self):
        self.send(asks(tokens=2))
        self.until_status("done")
        second = self.another_tab()
        self.until_status("done", second)
        self.menu("Settings")
        self.page.get_by_text("Delete everything").click()
        self.page.get_by_role("button", name="Delete everything").click()
        self.page.get_by_role("heading", name="Goodbye").wait_for()
        second.wait_for_url("**/sign-in/?next=/c/**")


class PreferencesTests(AccountPagesCase):
    def set(self, *names: str, **fields: str) -> None:
        """Open the settings, click these, fill in those, save, and go back."""
        self.menu("Settings")
        for name in names:
            self.page.get_by_label(name, exact=True).click()
        for name, value in fields.items():
            self.page.fill(f"[name={name}]", value)
        self.page.get_by_role("button", name="Save").click()
        self.page.get_by_text("Saved.").wait_for()
        self.page.get_by_text("Back to the chat").click()
        self.page.locator(BOX).wait_for()

    def test_enter_may_start_a_new_line(self):
        self.set("Enter sends the message")
        self.page.get_by_text("Ctrl Enter sends").wait_for()
        self.page.fill(BOX, "one")
        self.page.press(BOX, "Enter")
        self.page.type(BOX, f"two {asks(tokens=1)}")
        self.assertTrue(self.page.input_value(BOX).startswith("one\ntwo"))
        self.page.press(BOX, "Control+Enter")
        self.until_status("done")

    def test_the_colours_are_there_with_the_page(self):
        self.set("Dark")
        scheme = "getComputedStyle(document.documentElement).colorScheme"
        self.assertEqual(self.page.evaluate(scheme), "dark")
        self.set("Light")
        self.assertEqual(self.page.evaluate(scheme), "light")

    def listen(self) -> None:
        """Keep in `window.said` what a screen reader is told from now on."""
        self.page.evaluate(
            """() => {
              window.said = [];
              const status = document.querySelector("[data-part=status]");
              new MutationObserver(() => window.said.push(status.textContent))
                .observe(status, { childList: true, characterData: true, subtree: true });
            }"""
        )

    def test_a_screen_reader_is_told_paragraphs_or_nothing(self):
        paragraphs = "One.\n\nTwo.\n\nThree."
        self.set("Each paragraph as it comes")
        self.listen()
        self.send(asks(text=paragraphs, piece=6, rate=20))
        self.until_status("done")
        self.page.wait_for_function("() => window.said.at(-1)?.endsWith('Three.')")
        told = self.page.evaluate("window.said")
        self.assertEqual("".join(told[1:]).replace("\n\n", ""), "One.Two.Three.")
        self.set("Nothing")
        self.listen()
        self.send(asks(text=paragraphs))
        self.until_status("done")
        self.assertEqual(self.page.evaluate("window.said"), [])

    def test_it_works_without_a_script(self):
        plain = self.browser.person(java_script_enabled=False)
        self.addCleanup(plain.close)
        page = plain.new_page()
        page.goto(self.server.url)
        page.goto(f"{self.server.url}/settings/")
        page.get_by_label("Dark").check()
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Saved.").wait_for()
        self.assertEqual(page.locator("html").get_attribute("data-theme"), "dark")
