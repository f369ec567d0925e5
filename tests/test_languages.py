"""Every language that is offered is whole, and nothing that people see is left out of it."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.test import SimpleTestCase
from django.utils.translation.template import templatize

from tests.server import environment

ROOT = Path(__file__).parent.parent
LOCALE = ROOT / "locale"
DOMAINS = ("django", "djangojs")
TRANSLATED = [code for code, _ in settings.LANGUAGES if code != "en"]
PYTHON = DEFAULT_KEYWORDS | {"gettext_lazy": None, "gettext_noop": None}
PLACES = re.compile(r"%(?:\(\w+\))?[a-z%]|<[^<>]+>")
NAMES = {"PocketFlow Chat", "ms"}
SEEN = {"aria-label", "title", "placeholder", "alt", "label", "content"}
EXPECTED_CONTENT = re.compile(r"width=device-width|light dark")

Words = str | tuple[str, ...]


def sources(domain: str) -> Iterator[Path]:
    if domain == "djangojs":
        yield from (ROOT / "static/chat/js").rglob("*.js")
    else:
        yield from (ROOT / "chat").rglob("*.py")
        yield from (ROOT / "chatproject").rglob("*.py")
        yield from templates()


def templates() -> Iterator[Path]:
    yield from (path for path in (ROOT / "templates").rglob("*") if path.is_file())


def marked(path: Path) -> set[Words]:
    """What a file has marked for the translators: a text, or its forms."""
    kind, text = "python", path.read_text()
    if path.suffix == ".js":
        kind = "javascript"
    elif path.suffix != ".py":
        text = re.sub(r"^[ \t]+", "", templatize(text), flags=re.MULTILINE)  # no blocks of Python
    found = extract(kind, BytesIO(text.encode()), keywords=PYTHON)
    return {tuple(said) if isinstance(said, (tuple, list)) else said for _, said, _, _ in found}


def wanted(domain: str) -> set[Words]:
    return set().union(*map(marked, sources(domain)))


def catalog(language: str, domain: str, folder: Path = LOCALE) -> Catalog:
    with (folder / language / "LC_MESSAGES" / f"{domain}.po").open("rb") as file:
        return read_po(file, locale=language)


def compiled(language: str, domain: str) -> Catalog:
    with (LOCALE / language / "LC_MESSAGES" / f"{domain}.mo").open("rb") as file:
        return read_mo(file)


def said(catalog: Catalog) -> dict[Words, Words]:
    """What stands for each text."""
    return {
        tuple(m.id) if m.pluralizable else m.id: tuple(m.string) if m.pluralizable else m.string
        for m in catalog
        if m.id
    }


def forms(words: Words) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else words


def wrong(english: Words, translated: Words, plurals: int) -> Iterator[str]:
    """What is wrong with a translation, as far as one sees that without knowing the language."""
    english, translated = forms(english), forms(translated)
    if len(translated) != (plurals if len(english) > 1 else 1):
        yield "has another number of forms"
    places = sorted(PLACES.findall(english[-1]))
    for form in translated:
        if not form.strip():
            yield "is not translated"
        elif form.startswith("\n") != english[0].startswith("\n"):
            yield "begins otherwise"
        elif not set(PLACES.findall(form)) <= set(places) and "<kbd>" not in form:
            yield "names what is not there"
    # A form that is for one number alone may do without it.
    if sorted(PLACES.findall(translated[-1])) != places:
        yield "does not name what it should"


EACH = [(language, domain) for language in TRANSLATED for domain in DOMAINS]


class CatalogTests(SimpleTestCase):
    def test_the_languages_that_are_offered_are_those_that_have_catalogs(self):
        self.assertEqual(sorted(path.name for path in LOCALE.iterdir()), sorted(TRANSLATED))
        self.assertGreaterEqual(len(TRANSLATED), 2)

    def test_the_catalogs_have_everything_that_is_marked_and_nothing_else(self):
        for domain in DOMAINS:
            self.assertGreater(len(wanted(domain)), 80, "the marks are not found any more")
        for language, domain in EACH:
            self.assertEqual(set(said(catalog(language, domain))), wanted(domain), language)

    def test_nothing_is_missing_or_doubtful(self):
        for language, domain in EACH:
            found = catalog(language, domain)
            self.assertEqual([message.id for message in found if message.id and message.fuzzy], [])
            self.assertEqual([*found.obsolete], [])
            for english, translated in said(found).items():
                complaints = list(wrong(english, translated, found.num_plurals))
                self.assertEqual(complaints, [], f"{english} → {translated}")

    def test_what_is_wrong_with_a_translation_is_seen(self):
        plural = ("%(n)s step", "%(n)s steps")
        right = [("Hi %(name)s", "Hallo %(name)s"), (plural, ("ein Schritt", "%(n)s Schritte"))]
        for english, translated in right:
            self.assertEqual(list(wrong(english, translated, 2)), [])
        for english, translated in (
            ("Hi %(name)s", ""),
            ("Hi %(name)s", "Hallo %(Name)s"),
            ("Hi %(name)s", "Hallo"),
            ("a <b>b</b>", "a <b>b"),
            (plural, ("%(n)s Schritt", "")),
            (plural, ("%(n)s Schritt", "Schritte")),
            (plural, ("%(n)s Schritte",)),
        ):
            self.assertNotEqual(list(wrong(english, translated, 2)), [], translated)

    def test_what_the_server_reads_is_what_was_written(self):
        for language, domain in EACH:
            self.assertEqual(said(compiled(language, domain)), said(catalog(language, domain)))
            self.assertIn("Plural-Forms", dict(compiled(language, domain).mime_headers))


class Shown(HTMLParser):
    """The words of a page that stand in it as they are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.words += [value for name, value in attrs if name in SEEN and value]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def unmarked(template: str) -> list[str]:
    """What people would see of a template in every language alike."""
    text = re.sub(
        r"{% (comment|blocktranslate|block kind)\b.*?{% end\w+ %}", "", template, flags=re.DOTALL
    )
    text = re.sub(r"{%.*?%}|{{.*?}}", "·", text)
    parts = (part for one in Shown(text).words for part in re.split("[·|]", one))
    words = (" ".join(part.split()) for part in parts)
    return [one for one in words if re.search("[A-Za-z]{2}", one) and one not in NAMES]


def literals(script: str) -> list[str]:
    """The sentences of a script that no translator sees."""
    script = re.sub(r"^\s*//.*$|\s//\s.*$|/\*.*?\*/", "", script, flags=re.MULTILINE | re.DOTALL)
    script = re.sub(r'\bn?gettext\(\s*"[^"]*"(,\s*"[^"]*")?', "", script)
    found = re.findall(r'"([^"\n]*)"(?!\s*:)|`([^`\n]*)`', script)
    sentences = (re.sub(r"\$\{.*?\}", "", first or second) for first, second in found)
    return [
        one for one in sentences if re.search(r"^[A-Z][a-z]+ [a-z]|[a-z] [a-z]+…|[a-z]\.$", one)
    ]


class LiteralTests(SimpleTestCase):
    def test_no_template_says_what_is_not_translated(self):
        pages = list(templates())
        self.assertGreater(len(pages), 40)
        for path in pages:
            text = path.read_text()
            found = [one for one in unmarked(text) if not EXPECTED_CONTENT.match(one)]
            self.assertEqual(found, [], path.name)

    def test_a_template_that_does_is_found(self):
        self.assertEqual(
            unmarked('<p>Hello {{ name }}</p><i title="Go on"></i>'), ["Hello", "Go on"]
        )
        self.assertEqual(unmarked('<p>{% translate "Hello" %} · PocketFlow Chat</p>'), [])

    def test_no_script_says_what_is_not_translated(self):
        for path in sources("djangojs"):
            self.assertEqual(literals(path.read_text()), [], path.name)

    def test_a_script_that_does_is_found(self):
        for script in (
            'x("It is over.")',
            "x = `Wait for ${n} more`",
            'export const A = "Show all";',
        ):
            self.assertEqual(len(literals(script)), 1, script)
        self.assertEqual(literals('gettext("It is over."); // It is "Over there".'), [])

    def test_what_scripts_say_stands_in_one_place(self):
        said = [path.name for path in sources("djangojs") if marked(path)]
        self.assertEqual(sorted(said), ["words-late.js", "words.js"])


class AddedTests(SimpleTestCase):
    """A language is added in the steps of docs/languages.md, in a copy of the project."""

    def setUp(self) -> None:
        if not shutil.which("xgettext"):
            self.skipTest("There is no gettext. On Debian: apt install gettext")
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="chat-languages-")))
        for name in ("chat", "chatproject", "locale", "templates", "static/chat"):
            shutil.copytree(ROOT / name, self.root / name)
        shutil.copy(ROOT / "manage.py", self.root)

    def manage(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self.root,
            env=environment(self.root / "data", DEBUG=1),
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_language_is_added_in_four_steps(self):
        text = (ROOT / "docs/languages.md").read_text()
        make = re.search(r"^messages:.*?\n\n", (ROOT / "Makefile").read_text(), re.M | re.S)[0]
        flags = re.findall(r"--(?:no-wrap|no-obsolete|all)\b", make)
        folder = self.root / re.search(r"mkdir -p (\S+)", text)[1]
        language = folder.parent.name
        folder.mkdir(parents=True)
        for domain in DOMAINS:
            self.manage("makemessages", "--domain", domain, *flags)
            found = catalog(language, domain, self.root / "locale")
            self.assertEqual(set(said(found)), wanted(domain), "xgettext finds other words")
            for message in found:
                if message.id:
                    message.string = tuple(f"‹{one}›" for one in forms(message.id))
                    message.string = message.string if message.pluralizable else message.string[0]
            with (folder / f"{domain}.po").open("wb") as file:
                write_po(file, found)
            with (folder / f"{domain}.mo").open("wb") as file:
                write_mo(file, found)
        line = re.search(r"LANGUAGES = \[.*$", text, re.M)[0]
        file = self.root / "chatproject/settings.py"
        file.write_text(re.sub(r"^LANGUAGES = \[.*$", line, file.read_text(), flags=re.M))
        shown = self.manage("shell", "-c", PAGE.format(language=language))
        self.assertIn(f'lang="{language}" dir="ltr"', shown)
        self.assertIn("‹Sign in›", shown)
        self.assertIn("'Today': '‹Today›'", shown)


PAGE = """
from django.test import Client
from django.conf import settings
from chat.templatetags.catalog import words_in
settings.ALLOWED_HOSTS.append("testserver")
print(Client().get("/sign-in/", headers={{"Accept-Language": "{language}"}}).content.decode())
print(words_in("{language}"))
"""
