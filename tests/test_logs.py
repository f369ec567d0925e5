"""What a record becomes, whoever made it and whatever is in it."""

import json
import logging
import re
import sys
from contextvars import Context
from functools import partial
from pathlib import Path
from smtplib import SMTPRecipientsRefused

from django.test import SimpleTestCase

from chat.logs import HIDDEN, Formatter, JSONFormatter, Ours, TextFormatter, bind, fields
from chat.metrics import Figures

SECRET = "a secret of these tests"
WORDS = "what somebody said"


def record(
    message: object, *args: object, name: str = "chat.tests", level: int = logging.INFO, **more
) -> logging.LogRecord:
    made = logging.LogRecord(name, level, __file__, 1, message, args, more.pop("exc_info", None))
    for attribute, value in more.items():
        setattr(made, attribute, value)
    return made


def raised(error: BaseException) -> tuple:
    try:
        raise error
    except BaseException:
        return sys.exc_info()


class LineTests(SimpleTestCase):
    def read(self, *args: object, formatter: Formatter | None = None, **more: object) -> dict:
        line = (formatter or JSONFormatter(secrets=[SECRET])).format(record(*args, **more))
        self.assertNotRegex(line, r"[\x00-\x1f\x7f-\uffff]")
        return json.loads(line)

    def text(self, *args: object, frank: bool = False, **more: object) -> list[str]:
        formatter = TextFormatter(secrets=[SECRET], frank=frank)
        return formatter.format(record(*args, **more)).split("\n")

    def test_a_record_is_a_line_with_its_time_and_fields(self):
        told = fields(status="done", seconds=1.5, code=None)["extra"]
        # Whatever another test has bound.
        said = Context().run(partial(self.read, "reply ended", **told))
        self.assertTrue(said.pop("time").endswith("+00:00"))
        self.assertEqual(
            said,
            {
                **{"level": "INFO", "logger": "chat.tests", "message": "reply ended"},
                **{"status": "done", "seconds": 1.5, "code": None},
            },
        )

    async def test_what_is_bound_to_a_task_is_in_its_records(self):
        bind(connection="c1")
        bind(user=7)
        said = self.read("hello", fields={"user": 8})
        self.assertEqual((said["connection"], said["user"]), ("c1", 8))

    def test_control_characters_make_no_second_line(self):
        name = 'eve\r\n{"level": "ERROR"}\x1b[31m\u2028\x85\x00\u202e'
        said = self.read(f"hello {name}", fields={"name": name})
        self.assertEqual((said["message"], said["name"]), (f"hello {name}", name))
        lines = self.text(f"hello {name}", fields={"name": name})
        self.assertEqual(len(lines), 1)
        self.assertNotRegex(lines[0], r"[\x00-\x1f\x7f-\x9f\u2028\u202e]")

    def test_a_traceback_below_a_text_line_looks_like_no_record(self):
        forged = "x\n2026-11-22T17:00:00.000+00:00 ERROR chat: forged"
        head, *below = self.text("failed", frank=True, exc_info=raised(ValueError(forged)))
        self.assertTrue(any("forged" in line for line in below))
        self.assertTrue(all(line.startswith("    ") for line in below))

    def test_what_opens_doors_is_hidden_wherever_it_stands(self):
        for said in (
            f"a {SECRET} b",
            "key sk-abcdefgh12345678",
            "Authorization: Bearer abc.def.canary",
            "{'authorization': 'Basic canary=='}",
            "(b'cookie', b'sessionid=canary; theme=canary')",
            "Set-Cookie: sessionid=canary; HttpOnly",
            "headers: {'X-API-Key': 'canary'}",
            "sent with bearer canary.canary",
            "sessionid=canary",
            "redis://:canary@host:6379/0",
            "postgres://user:canary@host/name",
            "GET /search/?q=canary HTTP/1.1",
            "/search/?canary",
            "GET /password/MQ/canary-token/ 500",
        ):
            for formatter in (JSONFormatter(secrets=[SECRET]), TextFormatter(secrets=[SECRET])):
                for made in (record(said), record("x", fields={"said": said})):
                    line = formatter.format(made)
                    self.assertNotIn("canary", line)
                    self.assertNotIn(SECRET, line)
                    self.assertIn(HIDDEN, line)

    def test_a_short_secret_is_a_word_like_others(self):
        line = JSONFormatter(secrets=["chat", ""]).format(record("chat"))
        self.assertEqual(json.loads(line)["message"], "chat")

    def test_what_is_no_secret_stays(self):
        for said in ("the cookie was refused", "what? nothing", "a task-force", "http://host:80/a"):
            self.assertEqual(self.read(said)["message"], said)

    def test_what_an_exception_says_is_written_only_where_it_is_nobodys_words(self):
        class OperationalError(Exception):
            pass

        refused = SMTPRecipientsRefused({WORDS: (550, b"Nobody has this address")})
        for error in (ValueError(WORDS), KeyError(WORDS), RuntimeError(WORDS), refused):
            said = self.read("failed", exc_info=raised(error))
            self.assertEqual(said["error"], type(error).__name__)
            self.assertIn("in raised", said["traceback"])
            self.assertNotIn(WORDS, str(said))
        for error in (OperationalError(f"no such table\n{WORDS}"), FileNotFoundError("a file")):
            said = self.read("failed", exc_info=raised(error))["traceback"]
            self.assertIn(str(error).partition("\n")[0], said)
            self.assertNotIn(WORDS, said)
        frank = JSONFormatter(frank=True)
        said = self.read("failed", exc_info=raised(ValueError(WORDS)), formatter=frank)
        self.assertIn(WORDS, said["traceback"])

    def test_what_came_before_and_what_is_in_a_group_is_told(self):
        try:
            try:
                raise KeyError(WORDS)
            except KeyError as error:
                raise RuntimeError(WORDS) from error
        except RuntimeError:
            said = self.read("failed", exc_info=sys.exc_info())["traceback"]
        self.assertLess(said.index("KeyError"), said.index("RuntimeError"))
        group = ExceptionGroup(WORDS, [ValueError(WORDS), TypeError("bad operand")])
        said = self.read("failed", exc_info=raised(group))["traceback"]
        self.assertIn("ValueError", said)
        self.assertIn("TypeError: bad operand", said)
        self.assertNotIn(WORDS, said)

    def test_of_another_librarys_sentence_only_what_is_harmless(self):
        class Thing:
            def __repr__(self) -> str:
                return WORDS

        said = self.read("%s of %r: %s, %d", ValueError(WORDS), Thing(), "fine", 3, name="library")
        self.assertEqual(said["message"], "ValueError of 'Thing': fine, 3")
        said = self.read(f"Task exception\nfuture: {WORDS}", name="asyncio")
        self.assertEqual(said["message"], "Task exception")
        said = self.read("%(thing)s failed", {"thing": Thing()}, name="library")
        self.assertEqual(said["message"], "Thing failed")

    def test_a_sentence_that_does_not_fit_its_arguments_is_still_a_line(self):
        self.assertEqual(self.read("%d and %d", "one")["message"], "%d and %d")


class OursTests(SimpleTestCase):
    def test_libraries_are_heard_when_something_is_wrong(self):
        for name, level, heard in (
            ("chat.replies", logging.DEBUG, True),
            ("openai._base_client", logging.DEBUG, False),
            ("httpx2", logging.INFO, False),
            ("chatty", logging.INFO, False),
            ("aiohttp.client", logging.WARNING, True),
        ):
            self.assertEqual(Ours().filter(record("x", name=name, level=level)), heard, name)


class DocsTests(SimpleTestCase):
    """docs/operations.md has every figure and every message."""

    root = Path(__file__).parent.parent
    text = (root / "docs/operations.md").read_text()

    def test_every_figure_is_in_the_table_and_no_other(self):
        page = Figures().page()[0].decode()
        kept = set(re.findall(r"^# TYPE (chat_\w+)", page, re.M))
        table = self.text.split("| Figure | What | Alert |")[1].split("\n\n")[0]
        self.assertEqual(set(re.findall(r"`(chat_\w+)", table)), kept)

    def test_every_message_is_one_that_is_logged(self):
        table = self.text.split("| Message | When | Look |")[1].split("\n\n")[0]
        code = "".join(path.read_text() for path in (self.root / "chat").glob("**/*.py"))
        first = [row.split("|")[1] for row in table.splitlines()[2:]]
        messages = [message for cell in first for message in re.findall(r"`([^`]+)`", cell)]
        self.assertGreater(len(messages), 10)
        for message in messages:
            if not message.startswith("Internal Server Error"):  # Django's own
                self.assertIn(f'"{message}"', code)
