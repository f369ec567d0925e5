"""A conversation without what the page usually does with it: on paper, and without a script."""

import re
import sqlite3
from uuid import uuid4

from tests.doors.test_page import ASKED, REPLY, PageCase
from tests.replies.case import asks
from tests.upstream import numbered

QUESTIONS = 60
EARLIER, LATEST = ".turn a[href^='?before=']", ".turn a[href^='/c/']"


def lengthen(data, conversation: str, count: int) -> None:
    """Put `count` questions and replies behind the last message, as if they had been written."""
    with sqlite3.connect(data / "chat.sqlite3") as database:
        database.row_factory = sqlite3.Row
        last = dict(
            database.execute(
                "SELECT * FROM chat_message WHERE conversation_id = ? ORDER BY seq DESC LIMIT 1",
                [conversation],
            ).fetchone()
        )
        for number in range(1, count + 1):
            for role, text in (
                ("user", f"Question {number}"),
                ("assistant", f"# Reply {number}\n\n[here](https://example.org/{number})"),
            ):
                last |= {"parent_id": last["id"], "id": uuid4().hex, "cid": None}
                last |= {"seq": last["seq"] + 1}
                last |= {"role": role, "text": text, "length": len(text)}
                columns = ", ".join(last)
                places = ", ".join("?" * len(last))
                database.execute(
                    f"INSERT INTO chat_message ({columns}) VALUES ({places})", [*last.values()]
                )
        database.execute(
            "UPDATE chat_conversation SET last_seq = ? WHERE id = ?", [last["seq"], conversation]
        )
    database.close()


class LongCase(PageCase):
    """A conversation of more than two pages of history."""

    def setUp(self) -> None:
        super().setUp()
        self.send(asks("The first", text="The first reply\n\n    kept  as it is"))
        self.until_status("done")
        self.path = self.page.url.removeprefix(self.server.url)
        lengthen(self.server.data, self.path.split("/")[2].replace("-", ""), QUESTIONS)


class PaperTests(LongCase):
    def printed(self, page) -> bytes:
        return page.pdf(format="A4", prefer_css_page_size=True)

    def addresses(self, pdf: bytes) -> set[int]:
        """Which replies are drawn in the PDF: each has a link of its own."""
        return {int(number) for number in re.findall(rb"/URI \(https://example.org/(\d+)\)", pdf)}

    def test_everything_that_is_loaded_is_on_paper(self):
        page = self.open(self.path)
        page.locator(REPLY).nth(24).wait_for(state="attached")
        everything = set(range(QUESTIONS - 24, QUESTIONS + 1))
        self.assertEqual(self.addresses(self.printed(page)), everything)
        rich = page.locator(f"{REPLY} [data-part=text]:not([data-rich])")
        self.assertEqual(rich.count(), 0)

    def test_only_the_title_and_the_messages_are_on_paper(self):
        person = self.browser.person(color_scheme="dark", storage_state=self.person.storage_state())
        self.addCleanup(person.close)
        page = person.new_page()
        page.goto(f"{self.server.url}{self.path}")
        page.locator(REPLY).last.wait_for()
        page.emulate_media(media="print")
        for gone in (
            "[data-part=composer]",
            "nav",
            ".actions:not([hidden])",
            ".to-end",
            ".earlier",
        ):
            self.assertFalse(page.locator(gone).first.is_visible(), gone)
        for there in (".page-title", f"{REPLY} h2", f"{ASKED} h2", ".unprinted"):
            self.assertTrue(page.locator(there).first.is_visible(), there)
        body = page.locator(f"{REPLY} [data-part=text]").last
        self.assertEqual(body.evaluate("e => getComputedStyle(e).color"), "rgb(0, 0, 0)")
        ground = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        self.assertEqual(ground, "rgb(255, 255, 255)")
        address = "e => getComputedStyle(e, '::after').content"
        link = page.locator(f"{REPLY} a").last
        self.assertEqual(link.evaluate(address), f'" (https://example.org/{QUESTIONS})"')

    def test_a_long_history_takes_several_sheets(self):
        page = self.open(self.path)
        page.locator(REPLY).last.wait_for()
        pdf = self.printed(page)
        self.assertTrue(pdf.startswith(b"%PDF-"))
        self.assertGreater(len(re.findall(rb"/Type /Page\b", pdf)), 2)


class PlainTests(LongCase):
    def setUp(self) -> None:
        super().setUp()
        plain = self.browser.person(
            java_script_enabled=False,
            storage_state=self.person.storage_state(),
            viewport={"width": 390, "height": 844},
        )
        self.addCleanup(plain.close)
        self.plain = plain.new_page()
        self.plain.goto(f"{self.server.url}{self.path}")

    def seen(self) -> list[str]:
        return self.plain.locator(f"{ASKED} [data-part=text]").all_text_contents()

    def test_all_of_it_is_read_page_by_page(self):
        seen = self.seen()
        self.assertEqual(len(seen), 25)
        turns = 0
        while (link := self.plain.locator(EARLIER)).count():
            with self.plain.expect_navigation():
                link.click()
            seen = self.seen() + seen
            turns += 1
        self.assertEqual(turns, 2)
        self.assertEqual(seen[1:], [f"Question {n}" for n in range(1, QUESTIONS + 1)])
        text = self.plain.locator(f"{REPLY} [data-part=text]").first
        self.assertEqual(text.text_content(), "The first reply\n\n    kept  as it is")
        self.assertEqual(text.evaluate("e => getComputedStyle(e).whiteSpace"), "pre-wrap")
        with self.plain.expect_navigation():
            self.plain.locator(LATEST).click()
        self.assertEqual(self.seen()[-1], f"Question {QUESTIONS}")

    def test_nothing_that_needs_a_script_is_there(self):
        for path in (self.path, "/"):
            self.plain.goto(f"{self.server.url}{path}")
            self.plain.locator(".plainly").wait_for()
            for name in ("textarea", "select", "[data-action]"):
                for control in self.plain.locator(name).all():
                    self.assertFalse(control.is_visible(), control.get_attribute("data-action"))

    def test_the_drawer_opens_and_leads_to_a_conversation(self):
        self.plain.goto(f"{self.server.url}/")
        link = self.plain.locator("[data-part=conversation] a").first
        self.assertFalse(link.is_visible())
        self.plain.locator(".topbar [popovertarget=sidebar]").click()
        link.click()
        self.plain.wait_for_url(f"{self.server.url}{self.path}")
        self.assertFalse(link.is_visible())

    def test_how_a_reply_ended_is_told(self):
        self.send(asks("Fail", status=401))
        self.until_status("error")
        self.plain.goto(f"{self.server.url}{self.page.url.removeprefix(self.server.url)}")
        notice = self.plain.locator("article[data-status=error] noscript p")
        notice.wait_for()
        self.assertIn("refused the key", notice.text_content())

    def test_a_strange_page_is_not_found(self):
        for before in ("x", "-1", "9" * 20, ""):
            response = self.plain.goto(f"{self.server.url}{self.path}?before={before}")
            self.assertEqual(response.status, 404, before)


class DownloadTests(PageCase):
    def test_the_menu_and_the_settings_lead_to_files(self):
        self.send(asks("My question", tokens=3))
        self.until_status("done")
        for form, suffix in (("Markdown", "md"), ("JSON", "json")):
            self.page.locator("[data-part=conversation]").first.hover()
            self.page.locator("[data-action=menu]").first.click()
            with self.page.expect_download() as download:
                self.page.locator("[data-part=menu]").get_by_text(f"Export as {form}").click()
            self.assertRegex(download.value.suggested_filename, rf" My question.*\.{suffix}$")
            text = download.value.path().read_text()
            self.assertIn(numbered(3).strip(), text)
            self.page.locator("[data-part=menu]").wait_for(state="hidden")
        for path in ("/settings/", "/account/delete/"):
            page = self.open(path)
            with page.expect_download() as download:
                page.locator("a[href='/export/?as=json']").click()
            self.assertTrue(download.value.suggested_filename.endswith(" Conversations.zip"))
            self.assertTrue(download.value.path().read_bytes().startswith(b"PK"))


class DaphneDownloadTests(DownloadTests):
    kind = "daphne"
