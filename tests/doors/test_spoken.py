"""What a screen reader is told of the page, read from the accessibility tree."""

from tests.doors.test_page import REPLY, PageCase
from tests.replies.case import asks
from tests.upstream import numbered

TEXT = "The tide rises. " * 3
# Every change of what is announced, in order: the region's role and what it says then.
LISTEN = """
() => {
  window.told = [];
  const tell = (element) => {
    const text = element.checkVisibility() ? element.textContent.trim() : "";
    const line = `${element.role ?? element.getAttribute("role")}: ${text}`;
    if (text && window.told.at(-1) !== line) window.told.push(line);
  };
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const element = target instanceof Element ? target : target.parentElement;
      const region = element?.closest("[role=status], [role=alert], [aria-live]");
      if (region && region.ariaLive !== "off" && !region.closest("[aria-live=off] [aria-live]"))
        tell(region);
    }
  }).observe(document.body, {
    subtree: true, childList: true, characterData: true,
    attributes: true, attributeFilter: ["hidden", "role"],
  });
}
"""


class SpokenTests(PageCase):
    settings = {"OPENAI_MODEL": "numbered"}

    def told(self) -> list[str]:
        return self.page.evaluate("window.told")

    def log(self) -> str:
        """The messages as a screen reader has them."""
        return self.page.get_by_role("log", name="Messages").aria_snapshot()

    def until_told(self, end: str) -> None:
        self.page.wait_for_function(
            "end => window.told.some((line) => line.includes(end))", arg=end
        )

    def test_the_messages_are_articles_that_their_headings_name(self):
        self.send(f"Tides\n{asks(text=TEXT)}")
        self.until_status("done")
        said = self.log()
        for line in (
            'article "You said"',
            'heading "You said" [level=2]',
            'article "The assistant said"',
            'heading "The assistant said" [level=2]',
            "The tide rises.",
            'button "Copy"',
        ):
            self.assertIn(line, said)
        self.assertLess(said.index('article "You said"'), said.index('article "The assistant'))
        self.assertEqual(self.page.get_by_role("heading", level=1).count(), 1)

    def test_a_reply_is_told_once_and_whole(self):
        self.page.evaluate(LISTEN)
        self.send(asks(text=TEXT, piece=4, rate=0, gate="told", gate_after=6))
        self.until_text(TEXT[:20])
        self.page.locator(f"{REPLY}[aria-busy=true]").wait_for()
        self.upstream.release("told")
        self.until_status("done")
        self.until_told(TEXT.strip())
        self.assertEqual(
            self.told(), ["status: The reply is being written.", f"status: {TEXT.strip()}"]
        )
        self.assertEqual(self.page.locator(REPLY).get_attribute("aria-busy"), "false")

    def test_a_reply_that_is_stopped_says_so(self):
        self.page.evaluate(LISTEN)
        self.send(asks(tokens=1000, rate=50))
        self.until_text(numbered(3))
        self.page.keyboard.press("Escape")
        self.until_status("stopped")
        self.until_told("This reply was stopped.")
        self.assertEqual(len(self.told()), 2)

    def test_an_error_is_an_alert_and_nothing_else(self):
        self.page.evaluate(LISTEN)
        self.send(asks(status=401))
        self.until_status("error")
        self.page.get_by_role("alert").filter(has_text="refused the key").wait_for()
        self.until_told("refused the key")
        alerts = [line for line in self.told() if line.startswith("alert")]
        self.assertEqual(len(alerts), 1)
        self.assertEqual([line for line in self.told() if "refused" in line], alerts)
        # Of the history it is no news.
        self.page.reload()
        self.until_status("error")
        self.assertEqual(self.page.get_by_role("alert").count(), 0)

    def test_a_reply_that_is_over_before_it_is_drawn_is_told_too(self):
        self.send(asks(tokens=1))
        self.until_status("done")
        with self.page.expect_websocket() as socket:
            self.page.reload()
        self.page.fill("[data-part=composer-input]", asks(text=TEXT))
        self.page.locator("[data-part=send]:enabled").wait_for()
        self.page.evaluate(LISTEN)
        # A page that is at work draws late.
        self.page.evaluate(
            "() => { window.frame = requestAnimationFrame; window.draws = [];"
            " requestAnimationFrame = (draw) => draws.push(draw); }"
        )
        ended = socket.value.expect_event("framereceived", lambda told: '"type":"end"' in told)
        with ended:
            self.page.press("[data-part=composer-input]", "Enter")
        self.page.evaluate(
            "() => { requestAnimationFrame = frame; draws.forEach((draw) => draw()); }"
        )
        self.until_told(TEXT.strip())
        said = [line for line in self.told() if TEXT.strip() in line]
        self.assertEqual(len(said), 1)

    def test_landmarks_and_names(self):
        self.send(asks(tokens=1))
        self.until_status("done")
        self.page.get_by_role("navigation", name="Conversations").wait_for()
        self.page.get_by_role("main").wait_for()
        named = self.page.evaluate(
            """() => [...document.querySelectorAll("button, a[href], input, textarea")]
              .filter((control) => control.checkVisibility())
              .filter((control) => !(control.ariaLabel || control.textContent.trim()))
              .map((control) => control.outerHTML)"""
        )
        self.assertEqual(named, [])

    def test_the_palette_tells_what_is_chosen(self):
        self.page.keyboard.press("Control+k")
        box = self.page.get_by_role("combobox", name="Commands and conversations")
        box.wait_for()
        self.page.keyboard.type("settings")
        option = self.page.get_by_role("option", name="Settings", selected=True)
        option.wait_for()
        self.assertEqual(box.get_attribute("aria-activedescendant"), option.get_attribute("id"))
        self.page.get_by_role("status").filter(has_text="1 fits").wait_for(state="attached")
