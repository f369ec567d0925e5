"""Nothing that the settings keep secret is anywhere else: after a whole run, failures and all."""

import asyncio
from uuid import uuid4

from tests.replies.case import ServerCase, asks
from tests.tabs import Person

KEY, MAIL, BUS = "sk-canary-of-the-model", "canary-of-the-mail", "canary-of-the-bus"
SECRETS = (KEY, MAIL, BUS)


class SecretsTests(ServerCase):
    kind = "daphne"
    settings = {
        "DEBUG": 1,
        "OPENAI_API_KEY": KEY,
        "EMAIL_URL": f"smtp+tls://chat:{MAIL}@127.0.0.1:9",
        "REDIS_URL": f"redis://:{BUS}@127.0.0.1:9/0",
    }

    async def test_no_secret_is_told_or_kept(self):
        said = []
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            for directive in ({"tokens": 3}, {"status": 401}, {"status": 500}, {"body": "html"}):
                ack = await tab.send(asks(**directive), str(uuid4()), parent=None)
                await tab.ended(ack["reply"])
            said.append(str(tab.frames))
            for path in ("/", "/conversations/", "/nowhere/", "/search/?q=count", "/settings/"):
                async with alice.http.get(f"{self.server.url}{path}") as answer:
                    said.append(await answer.text())
        self.assertTrue(all(f"Bearer {KEY}" == one["authorization"] for one in self.asked()))
        # Django's own page about an error shows all settings, but for the secret ones.
        with self.server.locked():
            async with asyncio.timeout(60), Broken(self.server.url) as page:
                said.append(page.text)
        self.assertIn("Using settings module", said[-1])
        said.append(self.server.log.read_text())
        for path in self.server.data.rglob("*"):
            if path.is_file():
                said.append(path.read_bytes().decode("latin-1"))
        for secret in SECRETS:
            for place, text in enumerate(said):
                self.assertNotIn(secret, text, place)

    def asked(self) -> list[dict]:
        return [one for one in self.upstream.requests() if one["body"]]


class Broken(Person):
    """Who comes while nobody new can be written down: the page about an error."""

    text = ""

    async def __aenter__(self):
        try:
            return await super().__aenter__()
        except AssertionError as error:
            self.text = str(error)
            return self
