"""Whatever is another person's is not there: at every address, in every frame, by every method."""

import re
from collections.abc import Iterator
from io import BytesIO
from uuid import uuid4
from zipfile import ZipFile

from aiohttp import WSServerHandshakeError
from django.urls import get_resolver

from tests.replies.case import ServerCase, asks
from tests.tabs import Person, Tab

METHODS = ("GET", "POST", "PATCH", "DELETE")
SECRET = "alice's-secret-word"


def addresses() -> Iterator[str]:
    """Every address of the site, its parts in braces: the chat's and the admin's."""
    for name, forms in get_resolver("chat.urls").reverse_dict.lists():
        if isinstance(name, str):
            yield from ("/" + re.sub(r"%\((\w+)\)s", r"{\1}", form[0][0][0]) for form in forms)


def tokenless(page: str) -> str:
    """A page without what is another each time."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)


class StrangerCase(ServerCase):
    async def talk(self, alice: Person) -> tuple[Tab, dict]:
        """Alice says something, and is answered; the ack."""
        tab = await alice.tab()
        ack = await tab.send(asks(SECRET, tokens=3))
        await tab.ended(ack["reply"])
        return tab, ack


class AddressTests(StrangerCase):
    async def test_another_persons_conversation_reads_as_one_that_is_not_there(self):
        with_id = [path for path in addresses() if "{conversation}" in path]
        self.assertGreater(len(with_id), 4, "the addresses are not found any more")
        async with Person(self.server.url) as alice, Person(self.server.url) as charlie:
            tab, ack = await self.talk(alice)
            for path in with_id:
                for method in METHODS:
                    with self.subTest(method=method, path=path):
                        hers, nobodys = [
                            await self.ask(charlie, method, path, id)
                            for id in (ack["conversation"], str(uuid4()))
                        ]
                        self.assertEqual(hers, nobodys)
                        self.assertIn(hers[0], (404, 405))
            # It is still there, as she left it.
            self.assertEqual(await alice.listed(), [ack["conversation"]])
            self.assertIsNone(tab.closed)

    async def test_lists_searches_and_exports_hold_ones_own(self):
        async with Person(self.server.url) as alice, Person(self.server.url) as charlie:
            _, ack = await self.talk(alice)
            for path in ("/", "/conversations/", f"/search/?q={SECRET}", "/export/?as=json"):
                for person, sees in ((alice, True), (charlie, False)):
                    async with person.http.get(f"{self.server.url}{path}") as answer:
                        said = await answer.read()
                    if path.startswith("/export/"):
                        with ZipFile(BytesIO(said)) as packed:
                            said = b"".join(map(packed.read, packed.namelist()))
                    self.assertEqual(ack["conversation"].encode() in said, sees, path)

    async def test_a_socket_at_another_address_is_refused_and_fills_no_log(self):
        async with Person(self.server.url) as alice:
            for path in ("/ws/elsewhere/", "/"):
                with self.assertRaises(WSServerHandshakeError) as refused:
                    await alice.http.ws_connect(f"{self.server.url}{path}")
                self.assertEqual(refused.exception.status, 403)
        self.assertNotIn("Traceback", self.server.log.read_text())

    async def test_nothing_is_posted_without_the_pages_own_token(self):
        async with Person(self.server.url) as alice:
            _, ack = await self.talk(alice)
            headers = {"Origin": self.server.url}
            for path in {*addresses(), "/admin/login/", "/admin/logout/"}:
                filled = path.format(conversation=ack["conversation"], uidb64="MQ", token="set")
                for method in METHODS[1:]:
                    async with alice.http.request(
                        method, f"{self.server.url}{filled}", headers=headers
                    ) as answer:
                        self.assertEqual(answer.status, 403, f"{method} {path}")
            self.assertEqual(await alice.listed(), [ack["conversation"]])

    async def test_every_page_has_the_policy(self):
        async with Person(self.server.url) as alice:
            _, ack = await self.talk(alice)
            for path in {*addresses(), "/admin/", "/admin/login/", "/nowhere/", "/c/x/"}:
                filled = path.format(conversation=ack["conversation"], uidb64="MQ", token="x")
                async with alice.http.get(f"{self.server.url}{filled}") as answer:
                    policy = answer.headers["Content-Security-Policy"]
                    self.assertIn("default-src 'none'", policy, path)
                    self.assertNotIn("unsafe", policy, path)
                    self.assertEqual(answer.headers["X-Frame-Options"], "DENY", path)
                    self.assertEqual(answer.headers["X-Content-Type-Options"], "nosniff", path)
                    referrer = {"/search/": "strict-origin"}.get(path, "same-origin")
                    self.assertEqual(answer.headers["Referrer-Policy"], referrer, path)

    async def ask(self, person: Person, method: str, path: str, id: str) -> tuple[int, str]:
        """The status, and what is said, the id that was asked for left out."""
        token = {cookie.key: cookie.value for cookie in person.http.cookie_jar}["csrftoken"]
        headers = {"X-CSRFToken": token, "Origin": self.server.url}
        body = {"json": {"title": "Mine"}} if method == "PATCH" else {"data": {"message": id}}
        if method == "GET":
            body = {}
        url = f"{self.server.url}{path.format(conversation=id)}?before=9"
        async with person.http.request(method, url, headers=headers, **body) as answer:
            return answer.status, tokenless((await answer.text()).replace(id, "?"))


class FrameTests(StrangerCase):
    async def test_another_persons_messages_read_as_none_in_every_frame(self):
        async with Person(self.server.url) as alice, Person(self.server.url) as charlie:
            tab, ack = await self.talk(alice)
            conversation, reply = ack["conversation"], ack["reply"]
            frames = (
                {"type": "open", "conversation": conversation},
                {"type": "send", "conversation": conversation, "text": "Hi"},
                {"type": "send", "conversation": conversation, "text": "Hi", "parent": reply},
                {"type": "send", "conversation": conversation, "text": "Hi", "parent": None},
                {"type": "send", "conversation": str(uuid4()), "text": "Hi", "parent": reply},
                {"type": "regenerate", "message": reply},
                {"type": "continue", "message": reply},
                {"type": "select", "message": reply},
                {"type": "stop", "message": reply},
            )
            stranger = await charlie.tab()
            for frame in frames:
                with self.subTest(**frame):
                    hers = await self.answer(stranger, frame)
                    self.assertEqual(hers["code"], "not_found")
                    if frame["type"] != "send" or frame.get("parent"):  # else one is made
                        nobodys = {
                            key: str(uuid4()) if value in (conversation, reply) else value
                            for key, value in frame.items()
                        }
                        known = {"conversation", "message", "cid"}
                        absent = await self.answer(stranger, nobodys)
                        self.assertEqual(
                            {key: hers[key] for key in hers.keys() - known},
                            {key: absent[key] for key in absent.keys() - known},
                        )
            await stranger.say(type="seen", message=reply, offset=0)
            self.assertEqual((await tab.ask(asks(tokens=2)))["status"], "done")
            said = str(stranger.frames)
            self.assertNotIn(SECRET, said)
            self.assertNotIn(conversation, said.replace(f"'conversation': '{conversation}'", ""))

    async def test_a_browser_chooses_neither_role_nor_server_nor_any_model(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            mine = {"role": "system", "base_url": "http://127.0.0.1:9/v1", "api_key": "k"}
            ack = await tab.send("Hello", **mine)
            await tab.ended(ack["reply"])
            asked = self.upstream.requests()
            self.assertEqual([one["role"] for one in asked[-1]["body"]["messages"]][-1], "user")
            self.assertNotIn("base_url", asked[-1]["body"])
            refused = await self.answer(
                tab,
                {"type": "send", "conversation": str(uuid4()), "text": "Hi", "model": "gpt-dear"},
            )
            self.assertEqual(refused["code"], "bad_field")
            self.assertEqual(len(self.upstream.requests()), len(asked))

    async def answer(self, tab: Tab, frame: dict) -> dict:
        """The refusal of the frame."""
        before = tab.count("error")
        with_cid = frame["type"] in ("send", "regenerate", "continue")
        await tab.say(**frame, **({"cid": str(uuid4())} if with_cid else {}))
        await tab.until(lambda: tab.count("error") > before, f"a refusal of {frame}")
        return tab.all("error")[-1]
