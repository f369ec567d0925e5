"""The strict content security policy in a real browser: no page violates it, the admin's neither,
whatever a reply is made of; and what a page loads at first is little."""

from django.test import SimpleTestCase

from chat.urls import urlpatterns
from tests.browser import Browser, require_browser
from tests.page.hostile import PAYLOADS
from tests.replies.case import asks
from tests.server import Server
from tests.upstream import Upstream

PASSWORD = "a password of the tests"
RICH = """\
## Formulas, code, and a table

Inline \\(a^2\\), and \\[ \\boxed{42} \\]

```python
def greet(name):
    return f"Ahoy, {name}!"
```

| A | B |
|---|---|
| 1 | 2 |

- [x] done[^1]

[^1]: A note.
"""
# Which violations there were, and which other hosts were asked, is kept by each page itself.
LISTEN = """addEventListener("securitypolicyviolation", (event) =>
  console.error("violated:", event.violatedDirective, event.blockedURI, event.sample));"""
SCRIPT_BYTES = 62 * 1024
ALL_BYTES = 120 * 1024


class PolicyCase(SimpleTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        require_browser()
        cls.upstream = cls.enterClassContext(Upstream())
        settings = {"OPENAI_BASE_URL": cls.upstream.url, "OPENAI_MODEL": "numbered"}
        cls.server = cls.enterClassContext(Server("uvicorn", **settings))
        cls.browser = cls.enterClassContext(Browser())

    def setUp(self) -> None:
        self.browser.complaints.clear()
        self.person = self.browser.person()
        self.person.add_init_script(LISTEN)
        self.addCleanup(self.person.close)
        self.requests = []
        self.person.on("request", lambda request: self.requests.append(request))
        self.page = self.person.new_page()
        self.page.on("dialog", lambda dialog: self.fail(dialog.message))

    def tearDown(self) -> None:
        self.assertEqual(self.browser.complaints, [])
        own = (self.server.url, self.server.url.replace("http", "ws"), "data:", "blob:")
        self.assertEqual([r.url for r in self.requests if not r.url.startswith(own)], [])

    def open(self, path: str) -> None:
        self.page.goto(f"{self.server.url}{path}")
        self.page.wait_for_load_state("load")

    def send(self, text: str) -> None:
        self.page.fill("[data-part=composer-input]", text)
        self.page.press("[data-part=composer-input]", "Enter")
        self.page.locator("article[data-role=assistant][data-status=done]").last.wait_for()


class PolicyTests(PolicyCase):
    def test_no_page_of_the_chat_violates_it(self):
        plain = [entry.pattern for entry in urlpatterns if not entry.pattern.converters]
        # Two take no GET, the third is a file.
        others = ("sign-out/", "theme/", "export/")
        plain = [pattern for pattern in plain if str(pattern) not in others]
        for path in (*(f"/{pattern}" for pattern in plain), "/nowhere/"):
            with self.subTest(path):
                self.open(path)
                self.assertEqual(self.browser.complaints, [])

    def test_nor_does_a_reply_with_everything_in_it(self):
        self.open("/")
        self.send(asks(text=RICH))
        self.page.locator(".katex-display").wait_for()
        self.page.locator("figure .t-key").first.wait_for()
        self.page.reload()
        self.page.locator(".katex-display").wait_for()
        self.page.locator("figure .t-key").first.wait_for()

    def test_nor_does_a_hostile_one(self):
        self.open("/")
        text = "\n\n".join(payload for payload in PAYLOADS if len(payload) < 1000)
        self.send(asks(text=text, piece=37, rate=0))
        self.page.reload()
        self.page.locator("[data-rich]").wait_for()

    def test_nor_does_the_admin(self):
        self.server.make_superuser("root", PASSWORD)
        self.open("/admin/login/")
        self.page.fill("[name=username]", "root")
        self.page.fill("[name=password]", PASSWORD)
        self.page.press("[name=password]", "Enter")
        self.page.wait_for_url("**/admin/**")
        self.open("/")
        self.send(asks(tokens=3))
        self.open("/admin/")
        self.page.locator("#site-name").wait_for()
        lists = self.page.locator("#content-main th a").evaluate_all(
            "links => links.map((link) => link.pathname)"
        )
        self.assertGreater(len(lists), 2)
        for path in lists:
            self.open(path)
            row = self.page.locator("#result_list tbody a").first
            if row.count():
                row.click()
                self.page.wait_for_load_state("load")
            self.assertEqual(self.browser.complaints, [], path)

    def test_a_page_starts_no_worker_but_the_highlighter(self):
        self.open("/")
        refused = self.page.evaluate(
            "() => { try { return String(new Worker('/')) } catch (error) { return `${error}` } }"
        )
        self.assertIn("TrustedScriptURL", refused)
        self.browser.complaints.clear()


class FirstLoadTests(PolicyCase):
    def test_the_first_page_is_small(self):
        self.open("/")
        self.page.wait_for_load_state("networkidle")
        sizes = {}
        for request in self.requests:
            if not request.url.startswith("http"):
                continue
            sizes[request.url] = request.sizes()["responseBodySize"]
        scripts = {url: size for url, size in sizes.items() if url.endswith(".js")}
        self.assertTrue(any("/vendor/marked/" in url for url in scripts))
        late = ("/vendor/katex/", "/vendor/highlight/")
        self.assertFalse([url for url in sizes if any(part in url for part in late)])
        told = f"{sum(scripts.values())} of scripts, {sum(sizes.values())} in all: {sizes}"
        print(f"\nfirst load: {sum(scripts.values())} of scripts, {sum(sizes.values())} in all")
        self.assertLessEqual(sum(scripts.values()), SCRIPT_BYTES, told)
        self.assertLessEqual(sum(sizes.values()), ALL_BYTES, told)
