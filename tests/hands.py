"""What a person does with the page in a real browser, and sees of it."""

import re

REPLY = "article[data-role=assistant]"
ASKED = "article[data-role=user]"
BOX = "[data-part=composer-input]"
ENTRY = "[data-part=conversation]"


class Hands:
    """`page` is the tab that is meant where no other is named; `person` is whose browser it is."""

    server = None
    person = None
    page = None

    def open(self, path: str):
        """A new tab."""
        page = self.person.new_page()
        page.goto(f"{self.server.url}{path}")
        return page

    def send(self, text: str, page=None) -> None:
        page = page or self.page
        page.fill(BOX, text)
        page.press(BOX, "Enter")

    def text(self, selector: str = REPLY, page=None) -> str:
        return (page or self.page).locator(f"{selector} [data-part=text]").last.text_content()

    def until_text(self, text: str, page=None) -> None:
        """Wait until the last reply's text begins so."""
        shown = (page or self.page).locator(f"{REPLY} [data-part=text]").last
        shown.filter(has_text=re.compile("^" + re.escape(text))).wait_for()

    def until_status(self, status: str, page=None) -> None:
        (page or self.page).locator(f"{REPLY}[data-status={status}]").last.wait_for()

    def act(self, action: str, selector: str = REPLY, page=None) -> None:
        page = page or self.page
        page.locator(f"{selector} [data-action={action}]").last.click()

    # In the list

    def entry(self, title: str, page=None):
        return (page or self.page).locator(ENTRY).filter(has_text=title)

    def open_menu(self, title: str, page=None) -> None:
        """That of a conversation."""
        self.entry(title, page).hover()
        self.entry(title, page).locator("[data-action=menu]").click()

    def choose(self, action: str, title: str, page=None) -> None:
        """From the menu of a conversation."""
        page = page or self.page
        self.open_menu(title, page)
        page.locator(f"[data-part=menu] [data-action={action}]").click()
