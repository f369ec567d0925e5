"""What Sentry is told when things fail with people's words in their hands."""

import asyncio
import json
from typing import ClassVar

from tests.replies.case import ServerCase, asks
from tests.sentry import Sentry
from tests.server import SECRET_KEY
from tests.tabs import Person

from .broken import FAILS

PROMPT, SOUGHT, KEY = "canary-in-a-prompt", "canary-sought-for", "sk-canary0123456789"


class SentryTests(ServerCase):
    settings: ClassVar[dict] = {
        "OPENAI_API_KEY": KEY,
        "RETRIES": 0,
        "DJANGO_SETTINGS_MODULE": "tests.doors.broken_settings",
    }

    @classmethod
    def start_server(cls):
        cls.sentry = cls.enterClassContext(Sentry())
        cls.settings = {**cls.settings, "SENTRY_DSN": cls.sentry.dsn}
        return super().start_server()

    async def test_it_learns_where_it_failed_and_nothing_that_was_said(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            await tab.ask(asks(PROMPT, status=401, error={"message": PROMPT}))
            reply = await tab.ask(PROMPT, assistant="broken")
            self.assertEqual(reply["error"]["code"], "flow_error")
            self.assertEqual(await alice.post(f"{FAILS}?q={SOUGHT}", words=PROMPT), 500)
            cookies = {cookie.key: cookie.value for cookie in alice.http.cookie_jar}
        # The flow, what it left behind, and the page.
        told = await asyncio.to_thread(self.sentry.wait, 3)
        said = "\n".join(told)
        for word in (PROMPT, SOUGHT, KEY, "canary", SECRET_KEY, *cookies.values()):
            self.assertNotIn(word, said)
        self.assertNotIn(str(self.server.data), said)
        events = [json.loads(envelope.splitlines()[-1]) for envelope in told]
        known = {"event_id", "timestamp", "level", "platform", "logger", "sdk", "environment"}
        for event in events:
            self.assertLessEqual(set(event), known | {"tags", "logentry", "exception"})
        (flow,) = [event for event in events if event["logger"] == "chat.replies"]
        self.assertEqual(flow["logentry"]["message"], "a flow failed")
        self.assertEqual(flow["tags"]["reply"], reply["id"])
        frames = flow["exception"]["values"][-1]["stacktrace"]["frames"]
        self.assertEqual(frames[-1]["function"], "_fail")
        self.assertEqual(set(frames[-1]) & {"vars", "context_line"}, set())
        (page,) = [event for event in events if event["logger"] == "django.request"]
        self.assertEqual(page["exception"]["values"][-1]["type"], "RuntimeError")
        self.assertNotIn("request", page)


class SentryUnderDaphneTests(SentryTests):
    kind = "daphne"
