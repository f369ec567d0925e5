"""The page's renderer of Markdown, in a real browser, against texts that nobody thought of."""

import json

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from tests.browser import Browser, require_browser
from tests.page.site import Site

from .markdownish import arrivals, found, long_arrivals
from .rounds import ROUND, SECONDS, rounds

LIMIT = 30  # seconds for one text: what takes as long does not end


class MarkdownTests(SimpleTestCase):
    """Whatever comes, in whatever pieces: nothing is thrown, the text looks as if it had been there
    at once, it consists of nothing that it may not, and nothing is loaded or opened."""

    maxDiff = None

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        require_browser()
        cls.site = cls.enterClassContext(Site())
        cls.browser = cls.enterClassContext(Browser())
        cls.person = cls.browser.person()
        cls.addClassCleanup(cls.person.close)
        cls.page, cls.outside = None, []
        cls.tried, cls.slowest = 0, (0.0, "")

    @classmethod
    def tearDownClass(cls) -> None:
        if SECONDS:
            ms, text = cls.slowest
            print(f"\n{cls.tried} texts; the slowest, {ms:.0f} ms: {text[:80]!r} ({len(text)})")
        super().tearDownClass()

    def test_what_was_found_once(self):
        for pieces in found():
            for late in 0, len(pieces):
                self.examine(pieces, late)

    def test_any_text(self):
        self.fuzz(arrivals())

    def test_long_texts_that_repeat_themselves(self):
        self.fuzz(long_arrivals())

    def fuzz(self, texts: st.SearchStrategy) -> None:
        @ROUND
        @given(texts, st.sampled_from([0, 0, 3, 10_000]))
        def one(pieces: list[str], late: int) -> None:
            self.examine(pieces, late)

        rounds(one)

    def examine(self, pieces: list[str], late: int) -> None:
        told = json.dumps(pieces, ensure_ascii=False)
        report = self.ask(pieces, late)
        self.assertEqual(report["wrong"], "", told)
        complaints = [*self.outside, *self.browser.complaints]
        self.outside.clear()
        self.browser.complaints.clear()
        self.assertEqual(complaints, [], told)
        cls = type(self)
        cls.tried += 1
        cls.slowest = max(cls.slowest, (report["ms"], "".join(pieces)))

    def ask(self, pieces: list[str], late: int) -> dict:
        from playwright.sync_api import TimeoutError

        page = self.ready()
        try:
            with page.expect_console_message(
                lambda message: message.text.startswith('{"wrong"'), timeout=LIMIT * 1000
            ) as said:
                page.evaluate("([pieces, late]) => examine(pieces, late)", [pieces, late])
        except TimeoutError:
            type(self).page = None  # It is still at it.
            return {"wrong": f"no end within {LIMIT} s", "ms": LIMIT * 1000}
        return json.loads(said.value.text)

    def ready(self):
        """The page, which lives until a text is too much for it."""
        cls = type(self)
        if cls.page is None:
            cls.page = self.person.new_page()
            cls.page.on("dialog", lambda dialog: cls.outside.append(f"dialog {dialog.message}"))
            cls.page.on("request", lambda request: self.note(request.url))
            cls.page.goto(f"{self.site.url}/run/fuzz.js")
            cls.page.wait_for_selector("html[data-report]", state="attached")
        return cls.page

    def note(self, url: str) -> None:
        if not url.startswith(self.site.url):
            self.outside.append(url)
