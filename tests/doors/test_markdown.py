"""Markdown on the page: drawn while it comes and when it is read again, with its buttons."""

from tests.doors.test_page import ASKED, REPLY, PageCase
from tests.hands import BOX
from tests.replies.case import asks

CODE = "def greet(name):\n    return name"
RICH = f"""\
## A title

Some **bold** text[^1] and $x^2$.

```python
{CODE}
```

| A | B |
|---|---|
| 1 | 2 |

[^1]: A note.
"""
LONG = RICH + "\n".join(f"{number}. **item** `{number}`" for number in range(1, 41))
DRAWN = f"{REPLY} [data-rich]"


class MarkdownTests(PageCase):
    def ask(self, text: str = RICH, **directive: object) -> None:
        self.send(asks(text=text, rate=0, **directive))
        self.until_status("done")

    def html(self) -> str:
        return self.page.locator(f"{REPLY} [data-part=text]").last.inner_html()

    def test_a_reply_looks_the_same_while_it_came_and_when_it_is_read_again(self):
        self.ask()
        self.page.locator(".katex").wait_for()
        self.page.locator("figure .t-key").first.wait_for()
        came = self.html()
        self.assertIn("<h4", came)
        self.page.reload()
        self.page.locator(".katex").wait_for()
        self.page.locator("figure .t-key").first.wait_for()
        self.assertEqual(self.html(), came)

    def test_the_history_is_its_text_without_scripts(self):
        self.ask()
        plain = self.browser.person(
            java_script_enabled=False, storage_state=self.person.storage_state()
        )
        self.addCleanup(plain.close)
        page = plain.new_page()
        page.goto(self.page.url)
        self.assertEqual(page.locator(f"{REPLY} [data-part=text]").text_content(), RICH)

    def test_a_question_stays_as_it_was_typed(self):
        self.send("**not bold** `x` " + asks(tokens=1))
        self.until_status("done")
        self.assertTrue(self.text(ASKED).startswith("**not bold** `x`"))
        self.assertEqual(self.page.locator(f"{ASKED} strong").count(), 0)

    def test_copy_gives_the_markdown_and_code_its_text(self):
        self.person.grant_permissions(["clipboard-read", "clipboard-write"])
        self.ask()
        self.act("copy")
        self.page.locator("[data-action=copy][data-done]").wait_for()
        self.assertEqual(self.page.evaluate("navigator.clipboard.readText()"), RICH)
        # As over plain http, where there is no such thing; the focus stays where it is.
        self.page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        self.act("copy-code")
        self.page.locator("[data-action=copy-code][data-done]:focus").wait_for()
        self.page.focus(BOX)
        self.page.keyboard.press("Control+v")
        self.assertEqual(self.page.input_value(BOX), CODE)

    def test_long_lines_of_code_wrap_where_that_is_asked_for(self):
        self.ask()
        button = self.page.locator("[data-action=wrap-code]").last
        button.click()
        self.assertEqual(button.get_attribute("aria-pressed"), "true")
        self.assertEqual(self.page.locator("figure[data-wrap]").count(), 1)

    def test_a_footnote_leads_there_without_loading_the_page_again(self):
        self.ask()
        self.page.evaluate("window.kept = true")
        self.page.locator(".reference a").click()
        self.page.wait_for_url("**#m-*")
        self.page.go_back()
        self.assertTrue(self.page.evaluate("window.kept"))
        self.page.locator("[data-part=composer-input]").wait_for()

    def test_a_hidden_tab_goes_on_drawing(self):
        self.send(asks(tokens=60, rate=0, gate="hidden", gate_after=20))
        self.page.locator(DRAWN).wait_for()
        self.page.evaluate("""() => {
            Object.defineProperty(document, "hidden", { get: () => true });
            window.requestAnimationFrame = () => 0;
            document.dispatchEvent(new Event("visibilitychange"));
        }""")
        self.upstream.release("hidden")
        self.until_status("done")

    def test_the_history_is_drawn_where_the_reader_is_and_stays_in_its_place(self):
        for _ in range(6):
            self.ask(LONG)
        self.page.reload()
        replies = self.page.locator(REPLY)
        replies.last.locator("[data-rich]").wait_for()
        self.assertEqual(replies.first.locator("[data-rich]").count(), 0)
        # Up to where a reply is in view, and what is above it is still to be drawn.
        place = self.page.evaluate_handle(
            """(reply) => {
                const thread = document.querySelector("chat-thread");
                const top = () => reply.getBoundingClientRect().top;
                thread.scrollTop += top() - thread.getBoundingClientRect().top + 40;
                return { top, before: top() };
            }""",
            replies.nth(2).element_handle(),
        )
        replies.nth(2).locator("[data-rich]").wait_for()
        replies.nth(1).locator("[data-rich]").wait_for(state="attached")
        # Between a task that draws and its frame, the place is not yet kept; nobody sees that.
        still = "({ top, before }) => Math.abs(top() - before) <= 2"
        self.page.wait_for_function(still, arg=place)

    def test_who_scrolls_while_something_above_grows_sees_only_the_scrolling(self):
        for _ in range(3):
            self.ask(LONG)
        replies = self.page.locator(REPLY)
        place = self.page.evaluate_handle(
            """(reply) => {
                const thread = document.querySelector("chat-thread");
                const top = () => reply.getBoundingClientRect().top;
                thread.scrollTop += top() - thread.getBoundingClientRect().top + 40;
                return { thread, top };
            }""",
            replies.nth(1).element_handle(),
        )
        self.page.locator("chat-thread[data-away]").wait_for()
        place.evaluate(
            """(place) => {
                place.before = place.top();
                const above = document.querySelector('article[data-role="assistant"]');
                above.style.paddingBottom = "118px";
                place.thread.scrollTop -= 10;
            }"""
        )
        scrolled = "({ top, before }) => Math.abs(top() - before - 10) <= 2"
        self.page.wait_for_function(scrolled, arg=place)

    def test_who_is_at_the_end_stays_there_while_the_box_grows(self):
        self.ask(LONG)
        view = "document.querySelector('chat-thread')"
        before = self.page.evaluate(f"{view}.clientHeight")
        self.page.fill(BOX, "One of many lines\n" * 9)
        self.page.wait_for_function(
            "before => ((view) => view.clientHeight < before - 50"
            f" && view.scrollHeight - view.clientHeight - view.scrollTop <= 1)({view})",
            arg=before,
        )

    def test_who_scrolls_up_while_the_reply_gets_shorter_is_let_go(self):
        for _ in range(2):
            self.ask(LONG)
        last = self.page.locator(REPLY).last
        last.evaluate("(reply) => (reply.style.paddingBottom = '118px')")
        # Until the end has been followed to, which is within the frame that draws it.
        self.page.evaluate(
            "() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)))"
        )
        last.evaluate(
            """(reply) => {
                reply.style.paddingBottom = "";
                document.querySelector("chat-thread").scrollTop -= 400;
            }"""
        )
        self.page.locator("chat-thread[data-away]").wait_for()
