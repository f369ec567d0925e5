"""The chat in another language than English: which one, for whom, and all of it."""

import gettext
import json
import re

from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client, RequestFactory, SimpleTestCase, TestCase, override_settings
from django.utils import timezone, translation
from django.views.defaults import server_error

from chat import flows
from chat.forms import mailing
from chat.llm.demo import TOPICS, answer
from chat.models import Conversation, Profile
from chat.views.page import DEMO, FLOWS
from tests.axe import violations
from tests.doors.test_export import body
from tests.doors.test_page import ASKED, REPLY, PageCase
from tests.doors.test_sidebar import ENTRY, SidebarCase
from tests.replies.case import asks
from tests.test_languages import LOCALE, TRANSLATED

BROWSER = {"HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
PASSWORD = "a password of the tests"
HTML = re.compile(r'<html lang="([^"]*)" dir="([^"]*)"')


def language_of(response) -> tuple[str, str]:
    return HTML.search(response.content.decode()).groups()


@override_settings(GUESTS=True, MAIL=True)
class ChosenTests(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.alice = get_user_model().objects.create_user("alice", "a@a.example", PASSWORD)

    def setUp(self) -> None:
        self.client = Client(**BROWSER)

    def get(self, path: str, asked: str = ""):
        return self.client.get(path, headers={"Accept-Language": asked})

    def save(self, language: str, asked: str = ""):
        fields = {"announce": "end", "theme": "", "language": language, "instructions": ""}
        return self.client.post(
            "/settings/", fields, follow=True, headers={"Accept-Language": asked}
        )

    def test_the_language_is_the_persons_else_the_cookies_else_the_browsers_else_the_sites(self):
        self.assertEqual(language_of(self.get("/sign-in/")), ("en", "ltr"))
        self.assertEqual(language_of(self.get("/sign-in/", "fr, de-AT;q=0.5")), ("de", "ltr"))
        self.client.cookies["django_language"] = "ar"
        self.assertEqual(language_of(self.get("/sign-in/", "de")), ("ar", "rtl"))
        self.client.force_login(self.alice)
        self.assertEqual(language_of(self.get("/", "de")), ("ar", "rtl"))
        # Chosen in another browser, since this one got its cookie.
        Profile.objects.filter(user=self.alice).update(language="de")
        self.assertEqual(language_of(self.get("/", "en")), ("de", "ltr"))
        with override_settings(LANGUAGE_CODE="ar"):
            self.client.logout()
            self.client.cookies.clear()
            self.assertEqual(language_of(self.get("/sign-in/", "fr")), ("ar", "rtl"))

    def test_a_language_that_is_no_longer_offered_is_as_if_none_were_chosen(self):
        self.client.force_login(self.alice)
        Profile.objects.create(user=self.alice, language="fr")
        self.assertEqual(language_of(self.get("/", "de")), ("de", "ltr"))

    def test_the_settings_offer_what_is_translated_and_answer_in_what_was_chosen(self):
        self.client.force_login(self.alice)
        page = self.get("/settings/").content.decode()
        select = re.search(r'<select name="language".*?</select>', page, re.DOTALL)[0]
        self.assertEqual(
            re.findall(r'value="([^"]*)"', select), ["", "de", "en", "ar"], "by their own names"
        )
        saved = self.save("de")
        self.assertEqual(language_of(saved), ("de", "ltr"))
        self.assertContains(saved, "Gespeichert.")
        self.assertContains(self.save("ar"), "حُفظت الإعدادات.")
        self.assertContains(self.save("en", asked="de"), "Saved.")
        self.assertContains(self.save("", asked="de"), "Gespeichert.")

    def test_every_page_says_its_language_also_one_that_tells_of_an_error(self):
        for language, direction in (("de", "ltr"), ("ar", "rtl")):
            for path in ("/", "/nowhere/", "/sign-in/", "/search/", "/goodbye/", "/settings/"):
                with self.subTest(path, language=language):
                    found = self.get(path, language)
                    self.assertEqual(language_of(found), (language, direction))
            forged = Client(enforce_csrf_checks=True, **BROWSER)
            refused = forged.post("/sign-in/", {}, headers={"Accept-Language": language})
            self.assertEqual(refused.status_code, 403)
            self.assertEqual(language_of(refused), (language, direction))
            with translation.override(language):
                self.assertEqual(
                    language_of(server_error(RequestFactory().get("/"))), (language, direction)
                )

    def test_the_scripts_words_come_with_a_page_that_is_not_english(self):
        def words(asked: str) -> dict | None:
            page = self.get("/", asked).content.decode()
            found = re.search(
                r'<script id="page-words" type="application/json">(.*?)</script>', page
            )
            return json.loads(found[1]) if found else None

        self.assertIsNone(words("en"))
        self.assertEqual(words("de")["Connecting…"], "Verbindung wird hergestellt …")
        self.assertEqual(len(words("ar")["%(n)s token"]), 6)

    def test_a_mail_is_in_the_language_of_who_asked_for_it(self):
        self.client.post(
            "/password/forgotten/",
            {"email": "a@a.example"},
            headers={"Accept-Language": "de"},
        )
        mailing.submit(int).result(30)  # it is sent after the answer
        (sent,) = mail.outbox
        self.assertEqual(sent.subject, "Ein neues Passwort für den Chat")
        self.assertTrue(sent.body.startswith("Guten Tag alice,"))

    def test_an_export_is_in_the_persons_language(self):
        one = Conversation.objects.create(owner=self.alice, assistant="chat")
        question = one.add(parent=None, role="user", text="Hallo", length=5)
        reply = one.add(
            parent=question,
            **{"role": "assistant", "text": "Halb", "length": 4, "status": "interrupted"},
            error="restart",
        )
        planned = {"name": "plan", "label": "Planning the answer", "status": "done"}
        reply.steps.create(position=1, started=timezone.now(), **planned)
        one.messages.filter(id=reply.id).update(steps_changed=1)
        self.client.force_login(self.alice)
        Profile.objects.create(user=self.alice, language="de")
        sent = self.client.get(f"/c/{one.id}/export/?as=markdown")
        text = async_to_sync(body)(sent).decode()
        said = ("exportiert", "## Sie", "## Assistent", "Der bisherige Text bleibt")
        for words in (*said, "Antwort wird geplant"):
            self.assertIn(words, text)
        self.assertIn("Unterhaltungen.zip", self.client.get("/export/")["Content-Disposition"])

    def test_the_operators_pages_are_in_their_language(self):
        get_user_model().objects.filter(pk=self.alice.pk).update(is_staff=True, is_superuser=True)
        self.client.force_login(self.alice)
        one = Conversation.objects.create(owner=self.alice, assistant="chat", title="A")
        for path, words in (
            ("/admin/", "Unterhaltungen"),
            ("/admin/chat/conversation/", "neueste Antwort"),
            (f"/admin/chat/conversation/{one.id}/change/", "Gewähltes Modell"),
        ):
            self.assertFalse(Profile.objects.exists(), "looking at the lists makes none")
            self.assertContains(self.get(path, "de"), words)


class WordsTests(SimpleTestCase):
    def test_the_demo_answers_what_the_page_suggests_in_each_language(self):
        prepared = [text for _, text, _ in TOPICS]
        for question in DEMO:
            meant = answer([{"role": "user", "content": question}])
            self.assertIn(meant, prepared)
            for language in TRANSLATED:
                with self.subTest(question, language=language), translation.override(language):
                    said = [{"role": "user", "content": translation.gettext(question)}]
                    self.assertEqual(answer(said), meant)

    def test_what_the_flows_are_called_and_do_is_what_is_translated(self):
        named = tuple((flows.label(name), flows.description(name)) for name in flows.names())
        self.assertEqual(named, FLOWS)


# Everything that people can read on the page, or hear of it, templates included.
READ = """
() => {
  const read = (root) => {
    const found = [];
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      if (node.nodeType === Node.TEXT_NODE) {
        if (!node.parentElement?.closest("script, style, noscript")) found.push(node.textContent);
        continue;
      }
      if (node.localName === "template") found.push(...read(node.content));
      for (const name of ["aria-label", "title", "placeholder", "alt"]) {
        found.push(node.getAttribute(name) ?? "");
      }
    }
    return found;
  };
  return [document.title, ...read(document.body)]
    .map((words) => words.trim().replace(/\\s+/g, " "))
    .filter((words) => /[A-Za-z]{3}/.test(words));
}
"""
# What is called the same in every language.
SAME = {
    *("PocketFlow Chat", "Markdown", "numbered", "another-model", "alice", "Alt", "Esc", "Code"),
    *("Ctrl", "Shift", "Enter", "Chat", "Plan", "Deutsch", "English", "العربية"),
    *("numbered · 3 Tokens", "OPENAI_API_KEY", "OPENAI_BASE_URL", ".env", "python"),
}

SAY = """
async ([call, all]) => {
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  const words = await import(loaded.find((name) => /js\\/words[^/]*\\.js$/.test(name)));
  return all.map((one) => words[call](one));
}
"""


def words(page, call: str, *arguments: object) -> list:
    """What `words.js` of the open page says, for each of the arguments."""
    return page.evaluate(SAY, [call, list(arguments)])


class PageInCase(PageCase):
    settings = {"OPENAI_MODEL": "numbered,another-model", "SIGN_UP": 1}
    language = "de"

    def setUp(self) -> None:
        super().setUp()
        self.person = self.speaker(self.language)
        self.page = self.open("/")

    def speaker(self, language: str):
        person = self.browser.person(locale=language)
        self.addCleanup(person.close)
        return person

    def chat(self) -> None:
        """Shows what there is to show: a reply, a failed one, the list's menu, the help."""
        self.send(asks(tokens=3))
        self.until_status("done")
        self.send(asks(status=401))
        self.until_status("error")
        self.page.keyboard.press("Control+/")
        self.page.locator("[data-part=shortcut]").first.wait_for()
        self.page.keyboard.press("Escape")

    def plurals(self, language: str) -> None:
        catalog = gettext.translation("djangojs", LOCALE, [language])
        counts = [*range(130), 1000, 1001, 1_000_000]
        message = [
            {"model": "", "usage": {"completion_tokens": n, "estimated": False}} for n in counts[1:]
        ]
        said = [re.sub(r"[\d.,٬]+", "#", one) for one in words(self.page, "origin", *message)]
        expected = [
            catalog.ngettext("%(n)s token", "%(n)s tokens", n) % {"n": "#"} for n in counts[1:]
        ]
        self.assertEqual(said, expected)


class GermanTests(PageInCase):
    def test_a_conversation_is_german_from_the_first_word_to_an_error(self):
        page = self.page
        self.assertEqual(page.locator("html").get_attribute("lang"), "de")
        page.get_by_role("heading", name="Was beschäftigt Sie?").wait_for()
        self.send(asks(tokens=3, rate=0, gate="german", gate_after=0))
        page.get_by_text("Denkt nach …").wait_for()
        self.upstream.release("german")
        self.until_status("done")
        page.get_by_text("numbered · 3 Token", exact=True).wait_for()
        page.get_by_role("group", name="Heute").wait_for()
        self.send(asks(status=401))
        page.get_by_text("hat den Schlüssel abgelehnt").wait_for()
        page.get_by_text("Ihre Nachricht ist gespeichert.").wait_for()
        page.reload()
        self.until_status("error")
        page.get_by_text("hat den Schlüssel abgelehnt").wait_for()

    def test_numbers_are_german(self):
        self.plurals("de")
        self.assertEqual(words(self.page, "took", 1500), ["1,5 s"])
        (said,) = words(
            self.page,
            "origin",
            {"model": "m", "usage": {"completion_tokens": 1234, "estimated": True}},
        )
        self.assertEqual(said, "m · etwa 1.234 Token")
        self.assertEqual(words(self.page, "table", ["Name", "Alter"]), ["Tabelle: Name, Alter"])

    def test_nothing_on_the_page_is_english(self):
        self.chat()
        page = self.page
        german = page.evaluate(READ)
        self.assertGreater(len(german), 100)
        self.person = self.speaker("en")
        self.page = self.open("/")
        self.chat()
        english = set(self.page.evaluate(READ)) - SAME
        said = {text for text in english if "count" not in text}  # what the test itself sent
        self.assertEqual(sorted(said & set(german)), [])

    def test_a_language_that_is_chosen_is_there_after_a_reload_in_every_tab(self):
        self.send(asks(tokens=1))
        self.until_status("done")
        other = self.open("/settings/")
        other.get_by_label("Sprache").select_option(label="English")
        other.get_by_role("button", name="Speichern").click()
        other.get_by_text("Saved.").wait_for()
        self.page.get_by_role("link", name="Neuer Chat").first.wait_for()
        self.page.reload()
        self.page.get_by_role("link", name="New chat").first.wait_for()
        self.until_status("done")


class ArabicTests(PageInCase):
    language = "ar"

    def test_a_conversation_is_arabic_from_right_to_left(self):
        page = self.page
        self.assertEqual(page.locator("html").get_attribute("dir"), "rtl")
        page.get_by_role("heading", name="بماذا تفكر؟").wait_for()
        self.chat()
        page.get_by_text("رفض خادم النموذج المفتاح.").wait_for()
        page.get_by_role("group", name="اليوم").wait_for()
        width = page.viewport_size["width"]
        sidebar = page.locator("[data-part=drawer]").bounding_box()
        self.assertEqual(round(sidebar["x"] + sidebar["width"]), width)
        bubble = page.locator(f"{ASKED} [data-part=text]").last.bounding_box()
        reply = page.locator(f"{REPLY} [data-part=notice]").last.bounding_box()
        self.assertLess(bubble["x"], reply["x"])

    def test_numbers_are_arabic(self):
        self.plurals("ar")
        self.assertEqual(
            words(self.page, "left", 0, 1, 2)[1:],
            ["بقي لليوم نحو رمز واحد", "بقي لليوم نحو رمزين"],
        )

    def test_a_menu_opens_at_its_button_and_within_the_page(self):
        self.chat()
        for width in (1280, 390):
            self.page.set_viewport_size({"width": width, "height": 800})
            if width == 390:
                self.page.locator("header [popovertarget=sidebar]").click()
            self.page.locator(ENTRY).first.hover()
            self.opens(ENTRY + " [data-action=menu]", "[data-part=menu]", width)
            if width == 390:
                self.page.keyboard.press("Escape")
            self.opens("[data-part=picker-button]", "[data-part=choices]", width)
            overflow = "() => document.documentElement.scrollWidth - innerWidth"
            self.assertLessEqual(self.page.evaluate(overflow), 0)

    def opens(self, button: str, menu: str, width: int) -> None:
        self.page.locator(button).first.click()
        self.page.locator(menu).wait_for()
        box = self.page.locator(menu).bounding_box()
        at = self.page.locator(button).first.bounding_box()
        self.assertGreaterEqual(box["x"], 0)
        self.assertLessEqual(box["x"] + box["width"], width)
        edges = (abs(box["x"] - at["x"]), abs(box["x"] + box["width"] - at["x"] - at["width"]))
        self.assertLess(min(edges), 2, "it does not stand at its button")
        self.page.keyboard.press("Escape")

    def test_an_empty_box_begins_at_the_right_and_code_at_the_left(self):
        direction = "(element) => getComputedStyle(element).direction"
        box = self.page.locator("[data-part=composer-input]")
        self.assertEqual(box.evaluate(direction), "rtl")
        box.fill("English")
        self.assertEqual(box.evaluate(direction), "ltr")
        self.send(asks(text="مثال:\n\n```python\nx = 1\n```\n"))
        self.until_status("done")
        self.assertEqual(self.page.locator("figure.code pre").evaluate(direction), "ltr")
        self.assertEqual(self.page.locator(f"{REPLY} p").first.evaluate(direction), "rtl")

    def test_it_is_accessible(self):
        self.chat()
        with self.browser.unheard():
            self.assertEqual(violations(self.page), [])


class SectionsTests(SidebarCase):
    def test_the_server_and_the_script_call_the_sections_alike(self):
        self.make(120, apart=24 * 60 * 60)
        names = "[data-part=conversations] [data-part=section-name]"
        for language in (code for code, _ in settings.LANGUAGES):
            with self.subTest(language):
                cookie = {"name": "django_language", "value": language, "url": self.server.url}
                self.person.add_cookies([cookie])
                self.page.route("**/app*.js", lambda route: route.abort())
                self.page.reload()
                server = self.page.locator(names).all_text_contents()
                self.page.unroute("**/app*.js")
                self.page.reload()
                self.page.locator("[data-part=send]").wait_for()
                self.page.locator(names).first.wait_for()
                keys = self.page.locator("[data-part=section]").evaluate_all(
                    "all => all.map(({ dataset }) => dataset.key)"
                )
                script = words(self.page, "section", *keys)
                self.assertGreater(len(server), 3)
                self.assertEqual(script, server)
