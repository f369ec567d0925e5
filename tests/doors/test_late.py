"""Scripts that come when they are needed: one that cannot be loaded is asked for again, later."""

import re

from tests.doors.test_page import REPLY, PageCase
from tests.replies.case import asks
from tests.upstream import numbered

CODE = "```python\nprint(1)\n```\n"
MORE = 31_000  # after that it is asked for again (ms)


class LateTests(PageCase):
    def without(self, script: str) -> list:
        """The requests for what is called so, which fail."""
        asked = []
        self.page.route(re.compile(script), lambda route: (asked.append(route), route.abort()))
        return asked

    def test_a_reply_that_grows_asks_for_its_script_once(self):
        asked = self.without("/healing")
        self.send(asks(tokens=100, rate=50))
        self.until_status("done")
        self.assertEqual(self.text(), numbered(100))
        self.assertIn(len(asked), (1, 2))

    def test_formulas_are_drawn_once_their_script_can_be_loaded(self):
        for part in (r"/katex\.min.*\.js", r"/katex\.min.*\.css"):
            with self.subTest(part):
                self.page.clock.install()
                self.page.goto(self.server.url)
                self.without(part)
                with self.page.expect_event("requestfailed"):
                    self.send(asks(text="First $$x^2$$"))
                self.until_status("done")
                self.assertEqual(self.page.locator(".katex").count(), 0)
                self.page.unroute_all()
                self.page.clock.fast_forward(MORE)
                self.send(asks(text="Second $$y^2$$"))
                self.page.locator(f"{REPLY} .katex").nth(1).wait_for()

    def test_code_is_coloured_once_its_script_can_be_loaded(self):
        self.without("/highlighter-worker")
        with self.page.expect_event("requestfailed"):
            self.send(asks(text=CODE))
        self.until_status("done")
        self.page.unroute_all()
        self.send(asks(text=CODE))
        self.page.locator(f"{REPLY} [class^=t-]").first.wait_for()
