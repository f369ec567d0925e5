"""What a server writes to its log while people chat, search, and sign in, and everything fails."""

import asyncio
import json
from collections.abc import Callable
from typing import ClassVar
from uuid import uuid4

import aiohttp

from tests.replies.case import ServerCase, asks
from tests.server import SECRET_KEY
from tests.tabs import Person

from .broken import FAILS, FAILS_OUTSIDE

PROMPT, REPLY, SOUGHT = "canary-in-a-prompt", "canary-in-a-reply", "canary-sought-for"
KEY = "sk-canary0123456789"
FORGED = "FORGED"
NAME = f'eve\r\n{{"level": "{FORGED}"}}\r\n{FORGED}'
NEVER = (PROMPT, REPLY, SOUGHT, KEY, "canary", SECRET_KEY, FORGED)


class LogCase(ServerCase):
    settings: ClassVar[dict] = {
        "OPENAI_API_KEY": KEY,
        "RETRIES": 1,
        "DJANGO_SETTINGS_MODULE": "tests.doors.broken_settings",
        "SESSION_SECONDS": 1,
    }

    @classmethod
    def start_server(cls):
        server = super().start_server()
        server.shell(MAKE_USER)
        return server

    def log(self) -> str:
        return self.server.log.read_text()

    def records(self) -> list[dict]:
        """Every line of the log, but for the box of `runserver`."""
        return [json.loads(line) for line in self.log().splitlines() if line[:1] not in "╭│╰"]

    def said(self, message: str) -> list[dict]:
        return [record for record in self.records() if record["message"] == message]

    async def until(self, holds: Callable[[], object], what: str) -> None:
        try:
            async with asyncio.timeout(15):
                while not holds():
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"no {what} in\n{self.log()[-3000:]}") from None


MAKE_USER = f"""
from django.contrib.auth import get_user_model
get_user_model().objects.create_user({NAME!r}, password="a canary that is no word")
"""


class PrivacyTests(LogCase):
    """Under uvicorn."""

    application = "tests.doors.broken_asgi:application"

    async def test_what_people_say_and_what_opens_doors_is_not_logged(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            reply = await tab.ask(asks(PROMPT, text=REPLY))
            self.assertEqual((reply["status"], reply["text"]), ("done", REPLY))
            for status in (401, 500):
                error = {"message": f"{PROMPT} {KEY}", "type": PROMPT, "code": KEY}
                question = asks(PROMPT, status=status, error=error)
                reply = await tab.ask(question, conversation=str(uuid4()), parent=None)
                self.assertEqual(reply["status"], "error")
            reply = await tab.ask(PROMPT, assistant="broken")
            self.assertEqual(reply["error"]["code"], "flow_error")
            await tab.say(type=PROMPT)
            await tab.say(type="open", conversation=PROMPT)
            await tab.say(type="send", text=PROMPT)
            await tab.until(lambda: tab.count("error") == 3, "three refusals")
            await self.search(alice)
            await self.sign_in(alice)
            await self.break_pages(alice)
            eve = await alice.tab()
            await eve.ask(asks(PROMPT, text=REPLY))
            await tab.close()
            await eve.close()
        await self.until(lambda: len(self.said("socket closed")) == 2, "two sockets closed")
        log = self.log()
        for word in NEVER:
            self.assertNotIn(word, log)
        for record in self.records():
            self.assertLessEqual({"time", "level", "logger", "message"}, set(record), record)
        statuses = [record["status"] for record in self.said("the model's server failed")]
        self.assertEqual(statuses, [401, 500, 500])
        failed = {r["message"] for r in self.records() if "traceback" in r}
        self.assertIn("a flow failed", failed)
        self.assertIn("Internal Server Error: /fails/", failed)
        traceback = self.said("a flow failed")[0]["traceback"]
        self.assertIn("in _fail", traceback)
        self.assertIn("LookupError", traceback)
        self.assertIn("ValueError", traceback)  # what it came of

    async def search(self, person: Person) -> None:
        for path in (f"/search/?q={SOUGHT}", f"/search/{SOUGHT}/?q={SOUGHT}"):
            async with person.http.get(f"{person.url}{path}") as answer:
                self.assertIn(answer.status, (200, 404))
                if answer.status == 200:  # nor are logs elsewhere told by a Referer
                    self.assertEqual(answer.headers["Referrer-Policy"], "strict-origin")
        headers = {"Host": "elsewhere.example"}
        async with person.http.get(f"{person.url}/?q={SOUGHT}", headers=headers) as answer:
            self.assertEqual(answer.status, 400)

    async def sign_in(self, person: Person) -> None:
        wrong = {"username": NAME, "password": PROMPT}
        self.assertEqual(await person.post("/sign-in/", **wrong), 200)
        right = {"username": NAME, "password": "a canary that is no word"}
        self.assertEqual(await person.post("/sign-in/", **right), 200)
        async with person.http.get(f"{person.url}/password/MQ/{SOUGHT}/") as answer:
            self.assertEqual(answer.status, 200)
        headers = {"Origin": "http://elsewhere.example"}
        async with person.http.post(f"{person.url}/sign-in/?{SOUGHT}", headers=headers) as answer:
            self.assertEqual(answer.status, 403)

    async def break_pages(self, person: Person) -> None:
        self.assertEqual(await person.post(f"{FAILS}?{SOUGHT}", words=PROMPT), 500)
        try:
            async with person.http.post(f"{person.url}{FAILS_OUTSIDE}", data=PROMPT) as answer:
                self.assertEqual(answer.status, 500)
        except aiohttp.ServerDisconnectedError:
            pass
        await self.until(lambda: "broken.py" in self.log(), "traceback")


class PrivacyUnderDaphneTests(PrivacyTests):
    kind = "daphne"


class PrivacyUnderRunserverTests(PrivacyTests):
    kind = "runserver"


class LaptopTests(LogCase):
    """With DEBUG=1 the log is for a person's eyes, and exceptions speak."""

    kind = "runserver"
    settings: ClassVar[dict] = {
        **{"DEBUG": 1, "LOG_LEVEL": "debug", "OPENAI_LOG": "debug"},
        **{"OPENAI_API_KEY": KEY, "RETRIES": 0},
    }

    async def test_a_line_begins_with_its_time_and_says_nothing_of_anybody(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            await tab.ask(asks(PROMPT, text=REPLY))
            async with alice.http.get(f"{alice.url}/no%0d%0a{FORGED}/?q={SOUGHT}") as answer:
                self.assertEqual(answer.status, 404)
            await tab.close()
        await self.until(lambda: "socket closed" in self.log(), "closed socket")
        log = self.log()
        for word in (PROMPT, REPLY, SOUGHT, KEY):
            self.assertNotIn(word, log)
        lines = [line for line in log.splitlines() if line[:1] not in "╭│╰"]
        self.assertGreater(len(lines), 4)
        for line in lines:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\S+ [A-Z]+ [\w.]+: ")
        self.assertIn(rf"Not Found: /no\r\n{FORGED}/", log)
