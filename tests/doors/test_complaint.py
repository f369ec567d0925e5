"""A complaint ("it answered nonsense yesterday around three"), from the list to the trail that its
operator leaves: by keyboard, in a real browser, without a database shell."""

from tests.axe import WIDTHS, violations
from tests.browser import Browser, require_browser
from tests.hands import Hands
from tests.replies.case import ServerCase
from tests.visitor import PASSWORD

QUESTION = "What is the moon made of?"
ANSWER = 'Of **green cheese**:\n\n```python\nmoon = "cheese"\n```\n'
WHY = "Alice complained about nonsense"
FINDING = "The check fails on every answer; the flow without it is right."
# What was said by now was said yesterday around three.
YESTERDAY = """
from datetime import timedelta
from django.utils import timezone
from chat.models import Conversation, Message
at = (timezone.localtime() - timedelta(days=1)).replace(hour=15, minute=2)
Message.objects.update(created=at)
Conversation.objects.update(created=at, updated=at)
"""


class ComplaintTests(Hands, ServerCase):
    settings = {
        "DJANGO_SETTINGS_MODULE": "tests.doors.traced_settings",
        "OPENAI_MODEL": "numbered,numbered-large",
        "SIGN_UP": 1,
    }

    def setUp(self) -> None:
        super().setUp()
        require_browser()
        self.upstream.answer({QUESTION: {"text": ANSWER}})
        self.browser = self.enterContext(Browser())

    def test_it_is_found_explained_retried_and_noted(self):
        for person in ("bob", "alice"):
            self.complains(person)
        self.server.shell(YESTERDAY)
        self.complains("alice", "/sign-in/", "password")
        self.comes()
        self.finds()
        self.sees_what_went_wrong()
        self.retries()
        self.notes()
        self.left_a_trail()

    # The steps

    def complains(self, name: str, path: str = "/sign-up/", *fields: str) -> None:
        """Somebody asks, and is answered nonsense."""
        self.person = self.browser.person()
        page = self.open(path)
        page.fill("[name=username]", name)
        for field in fields or ("password1", "password2"):
            page.fill(f"[name={field}]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{self.server.url}/")
        self.send(QUESTION, page)
        self.until_status("interrupted", page)
        self.person.close()

    def comes(self) -> None:
        self.server.make_superuser("root", PASSWORD)
        self.person = self.browser.person()
        self.page = self.open("/admin/login/?next=/admin/chat/conversation/")
        self.page.fill("[name=username]", "root")
        self.page.fill("[name=password]", PASSWORD)
        self.page.keyboard.press("Enter")

    def finds(self) -> None:
        """By the words, then the owner, then the day."""
        self.page.locator("#searchbar").fill("green cheese")
        self.page.keyboard.press("Enter")
        rows = self.page.locator("#result_list tbody tr")
        self.rows(3)
        self.enter(rows.locator(".field-owned_by a", has_text="alice").first)
        self.rows(2)
        self.enter(self.page.get_by_role("link", name="Yesterday").first)
        self.rows(1)
        self.accept()
        self.enter(rows.locator("th a"))
        reason = self.page.locator("[name=reason]")
        reason.wait_for()
        self.accept()
        self.assertEqual(self.page.locator(".chat-text").count(), 0)
        reason.press_sequentially(WHY)
        reason.press("Enter")

    def sees_what_went_wrong(self) -> None:
        reply = self.page.locator(".chat-assistant")
        drawn, written = (reply.locator(f"[data-part={part}]") for part in ("drawn", "text"))
        drawn.locator("strong", has_text="green cheese").wait_for()
        drawn.locator("figure .t-str").wait_for()
        self.assertIn("15:02", reply.locator("time").inner_text())
        # The node that failed stands open; what was sent unfolds.
        failed = reply.locator(".chat-failed:visible")
        self.assertIn("Broken", failed.inner_text())
        self.assertIn("KeyError", failed.inner_text())
        self.enter(reply.get_by_text("Sent to the model"))
        sent = reply.locator(".chat-sent:visible")
        self.assertIn("You are a helpful assistant.", sent.inner_text())
        self.accept()
        source = reply.get_by_role("button", name="Source")
        self.enter(source)
        self.assertEqual(written.inner_text().strip(), ANSWER.strip())
        self.assertFalse(drawn.is_visible())
        self.enter(source)
        self.assertFalse(written.is_visible())
        drawn.locator("strong").wait_for()

    def retries(self) -> None:
        """Beside the original, by another assistant and another model."""
        retry = self.page.locator(".chat-retry")
        self.enter(retry.locator("summary"))
        for name, value in (("assistant", "chat"), ("model", "numbered-large")):
            box = retry.locator(f"select[name={name}]")
            box.focus()
            self.page.keyboard.type(value)
            self.assertEqual(box.input_value(), value)
        self.enter(retry.get_by_role("button"))
        self.page.wait_for_url("**/beside/")
        original, retried = (self.page.locator(".chat-beside article").nth(n) for n in (0, 1))
        retried.locator(".chat-chip-done").wait_for()
        for one in (original, retried):
            one.locator("strong", has_text="green cheese").wait_for()
        self.assertTrue(original.locator(".chat-failed").is_visible())
        self.assertIn("numbered-large", retried.locator(".chat-facts").inner_text())
        self.accept()

    def notes(self) -> None:
        self.enter(self.page.locator(".breadcrumbs").get_by_role("link", name=QUESTION))
        marks = self.page.locator("#marks")
        self.enter(marks.get_by_text("Write a note…"))
        marks.locator("textarea").press_sequentially(FINDING)
        self.enter(marks.get_by_role("button", name="Keep the note"))
        marks.locator(".chat-note", has_text=FINDING).wait_for()
        self.accept()

    def left_a_trail(self) -> None:
        self.enter(self.page.get_by_role("link", name="History"))
        history = self.page.locator("#change-history")
        for done in ("Retried message 2 in the copy", "Wrote a note."):
            history.get_by_text(done).wait_for()
        self.accept()
        self.page.go_back()
        self.enter(self.page.locator(".object-tools").get_by_role("link", name="Readings"))
        self.page.locator("#result_list").get_by_text(WHY).wait_for()
        self.accept()

    # The hands

    def enter(self, target) -> None:
        """Press Enter where the keyboard has come to."""
        target.focus()
        self.assertTrue(target.evaluate("element => element === document.activeElement"))
        target.press("Enter")

    def rows(self, count: int) -> None:
        """Wait until so many conversations are listed."""
        counted = "1 conversation" if count == 1 else f"{count} conversations"
        self.page.locator(".paginator", has_text=counted).wait_for()

    def accept(self) -> None:
        """Neither axe nor the browser has anything against the page as it is now."""
        self.assertEqual(self.browser.complaints, [])
        with self.browser.unheard():
            self.assertEqual(violations(self.page, WIDTHS[1:]), [])
        self.page.set_viewport_size({"width": WIDTHS[0], "height": 800})
