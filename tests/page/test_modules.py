"""The page's pure modules, each tested by one module of `js/`, in the browser they are made for."""

import json

from django.test import SimpleTestCase

from tests.browser import Browser, require_browser
from tests.page.site import MODULES, Site, recordings, shown

SECONDS = 120


class ModuleTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        require_browser()
        cls.site = cls.enterClassContext(Site())
        cls.browser = cls.enterClassContext(Browser())

    def run_module(self, name: str) -> None:
        self.browser.complaints.clear()
        person = self.browser.person()
        self.addCleanup(person.close)
        page = person.new_page()
        page.on("dialog", lambda dialog: self.fail(f"{name} opened a dialog: {dialog.message}"))
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{self.site.url}/run/{name}")
        try:
            page.wait_for_selector("html[data-report]", state="attached", timeout=SECONDS * 1000)
        except Exception:
            self.fail(f"{name} came to no end. {self.browser.complaints}")
        report = json.loads(page.locator("html").get_attribute("data-report"))
        self.assertEqual(report["failed"], [], "\n\n".join(report["failed"]))
        self.assertEqual(self.browser.complaints, [])
        self.assertGreater(report["ran"], 0)
        self.assertEqual([url for url in asked if not url.startswith(self.site.url)], [])


def _test(module: str):
    return lambda self: self.run_module(module)


for _module in MODULES:
    setattr(ModuleTests, f"test_{_module.removesuffix('.test.js')}", _test(_module))


class RecordingTests(SimpleTestCase):
    """The same property as in JavaScript: an earlier state and the events since are a later one."""

    def test_an_earlier_state_and_the_events_since_are_a_later_state(self) -> None:
        for recording in recordings():
            later = shown([recording["later"]])
            for start, frame in enumerate(recording["frames"]):
                if frame["type"] != "state" or any(row["from"] for row in frame["messages"]):
                    continue
                with self.subTest(recording["name"], start=start):
                    now = shown(recording["frames"][start:])
                    self.assertEqual(now[-len(later) :], later)
