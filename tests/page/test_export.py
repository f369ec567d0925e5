"""What is exported as Markdown stays what it was, whatever people and models write: read by the
library that draws the page."""

from django.test import SimpleTestCase
from hypothesis import example, given, settings
from hypothesis import strategies as some

from chat.export import prose
from tests.browser import Browser, require_browser
from tests.page.hostile import PAYLOADS
from tests.page.site import Site

# What opens and closes blocks, in every order.
PIECES = (
    *("```", "````", "~~~", "```py", "`", "``", "~", "- ", "1. ", "> ", "#", "---", "|a|\n|-|\n"),
    *(
        "<script>",
        "<!--",
        "<details>",
        "</details>",
        "<b",
        "<?",
        "<https://a.b>",
        "&lt;",
        "\\",
        "*",
    ),
    *("\n", "\n\n", "\r", "\t", " ", "  ", "    ", "a", "word"),
)
texts = some.lists(some.sampled_from(PIECES), max_size=24).map("".join)
READ = """async ({ address, text }) => {
  const { lexer, walkTokens } = await import(address);
  const tokens = lexer(text, { gfm: true });
  const html = [];
  walkTokens(tokens, (token) => token.type === "html" && html.push(token.raw));
  return { html, headings: tokens.filter(({ type }) => type === "heading").map(({ text }) => text),
    code: tokens.filter(({ type }) => type === "code").map(({ text }) => text) };
}"""
NEXT = "## The next message"


class ProseTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        require_browser()
        cls.site = cls.enterClassContext(Site())
        cls.page = cls.enterClassContext(Browser()).person().new_page()
        cls.page.goto(f"{cls.site.url}/run/words.test.js")

    def read(self, text: str) -> dict:
        address = "/static/vendor/marked/marked.esm.js"
        return self.page.evaluate(READ, {"address": address, "text": f"{text}\n\n{NEXT}\n"})

    def check(self, text: str) -> None:
        self.assertEqual(self.read(prose.quoted(text))["headings"], ["The next message"])
        for written in (prose.quoted(text), prose.whole(text)):
            read = self.read(written)
            self.assertEqual(read["headings"][-1:], ["The next message"], written)
            self.assertEqual(read["html"], [], written)

    @settings(max_examples=500)
    @given(texts)
    @example("a\n```\ncode that never ends")
    @example("\\```<script>```")
    @example("- a\n  ```\ncode\n  ```\nb")
    @example("    ```\n```\ncode")
    @example("```\n<b>\n   ```\n<script>")
    def test_no_text_takes_what_follows_along(self, text):
        self.check(text)

    def test_no_hostile_text_does_either(self):
        short = [text for text in PAYLOADS if len(text) < 1000]  # the lexer alone nests no deeper
        self.assertGreater(len(short), 50)
        for text in short:
            with self.subTest(text):
                self.check(text)

    @given(texts)
    def test_a_fence_holds_whatever_is_in_it(self, text):
        plain = text.replace("\r", "\n").replace("\t", "    ")
        codes = self.read(prose.fenced(plain))["code"]
        self.assertEqual([code.strip("\n") for code in codes], [plain.strip("\n")])

    def test_markdown_that_closes_what_it_opens_stays_as_it_is(self):
        text = "# A\n\n```html\n<b>\n```\n\n- one\n  ```py\n  x\n  ```\n\n| a | `<b>` |\n|---|---|"
        self.assertEqual(prose.whole(text), text)

    def test_of_a_very_long_line_it_is_not_worked_out_what_is_code(self):
        # 400,000 characters of backticks would take seconds, in which nobody else is served.
        text = " ".join("`" * length for length in range(1, 900))
        self.assertEqual(prose.whole(text), prose.fenced(text))
        self.assertEqual(prose.quoted(text), prose.fenced(text))

    def test_a_title_is_one_line_of_text(self):
        for text in ("[a](b)", "<b>", "a\n# b", "`a`", "*a* _b_", "&lt;", "a  b"):
            read = self.read(f"# {prose.line(text)}")
            self.assertEqual(read["html"], [])
            self.assertEqual(len(read["headings"]), 2, text)
