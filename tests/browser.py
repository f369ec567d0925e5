"""A real Chromium, driven as a person would."""

import os
import shutil
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def require_browser() -> None:
    """Skip the test where there is no browser; in CI that is a failure."""
    reason = ""
    if CHROMIUM is None:
        reason = "There is no Chromium. On Debian: apt install chromium"
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        reason = "Playwright is not installed. Run: make test"
    if reason and os.environ.get("CI"):
        raise AssertionError(reason)
    if reason:
        raise unittest.SkipTest(reason)


class Browser:
    """`with Browser() as browser: page = browser.page(server.url)`.

    Whatever a page complains of (an exception, an error in the console, a violation of the content
    security policy) is kept in `complaints`.
    """

    def __enter__(self) -> Self:
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        self._chromium = self._playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        self.complaints: list[str] = []
        return self

    def __exit__(self, *_: object) -> None:
        self._chromium.close()
        self._playwright.stop()

    def person(self, **options: object):
        """A browser of its own: cookies and storage are nobody else's."""
        context = self._chromium.new_context(
            **{"viewport": {"width": 1280, "height": 800}, **options}
        )
        context.set_default_timeout(15_000)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("console", self._hear)
        return context

    @contextmanager
    def unheard(self) -> Iterator[None]:
        """What axe tries on a page is not the page's doing."""
        heard = [*self.complaints]
        yield
        self.complaints[:] = heard

    def _hear(self, message) -> None:
        # A connection that a test cuts is told by the browser as an error of the page.
        expected = ("WebSocket connection", "net::ERR_", "Failed to load resource")
        if message.type == "error" and not any(part in message.text for part in expected):
            self.complaints.append(message.text)
