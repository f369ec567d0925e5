"""The pages over HTTP: who gets a guest, and what is whose."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client, TestCase, TransactionTestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.llm.demo import answer
from chat.models import Conversation, Message, Profile
from chat.replies import process
from chat.replies.line import AT_ONCE, Party
from chat.views.page import DEMO
from chatproject.asgi import application

TOKEN = "a" * 32
BROWSER = {"HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}


class GuestTests(TestCase):
    def setUp(self) -> None:
        self.client = Client(**BROWSER)

    @override_settings(GUESTS=True)
    def test_the_first_page_of_a_person_makes_one_guest(self):
        for _ in range(2):
            self.assertContains(self.client.get("/"), "Guest")
        profile = Profile.objects.get()
        self.assertTrue(profile.guest)
        self.assertFalse(profile.user.has_usable_password())
        self.assertFalse(profile.user.is_staff)

    @override_settings(GUESTS=True)
    def test_the_session_of_a_guest_ends_only_if_they_stay_away(self):
        self.client.get("/")
        session = self.client.session
        session["prolonged"] = "2001-01"
        session.save()
        soon = timezone.now() + timedelta(days=1)
        sessions = Session.objects.filter(session_key=session.session_key)
        sessions.update(expire_date=soon)
        self.assertIn(settings.SESSION_COOKIE_NAME, self.client.get("/").cookies)
        self.assertGreater(sessions.get().expire_date, soon + timedelta(days=80))
        self.assertNotIn(settings.SESSION_COOKIE_NAME, self.client.get("/").cookies)

    @override_settings(GUESTS=True)
    def test_who_is_no_person_gets_no_guest(self):
        self.assertEqual(self.client.head("/").status_code, 302)
        for agent in ("Googlebot/2.1", "curl/8.0", "UptimeMonitor", ""):
            self.assertEqual(Client(HTTP_USER_AGENT=agent).get("/").status_code, 302, agent)
        # Nor does a picture on another site's page, as often as that asks for it.
        picture = Client(**BROWSER, HTTP_SEC_FETCH_DEST="image")
        self.assertEqual(picture.get("/").status_code, 302)
        for path in ("/conversations/", f"/c/{uuid4()}/messages/?before=1", "/sign-in/"):
            self.client.get(path)
        self.assertFalse(get_user_model().objects.exists())

    @override_settings(GUESTS=False)
    def test_without_guests_a_person_signs_in(self):
        response = self.client.get("/", follow=True)
        self.assertEqual(response.redirect_chain, [("/sign-in/?next=/", 302)])
        self.assertContains(response, "Sign in")
        self.assertFalse(get_user_model().objects.exists())


class ThemeTests(TestCase):
    def test_it_is_kept_for_this_person_and_this_browser(self):
        user = get_user_model().objects.create_user("alice")
        self.client.force_login(user)
        for theme in ("dark", ""):
            answer = self.client.post("/theme/", {"theme": theme})
            self.assertEqual(answer.status_code, 204)
            self.assertEqual(answer.cookies["theme"].value, theme)
            self.assertEqual(Profile.objects.of(user).theme, theme)

    def test_what_is_no_theme_is_refused(self):
        self.client.force_login(get_user_model().objects.create_user("alice"))
        self.assertEqual(self.client.post("/theme/", {"theme": "pink"}).status_code, 400)
        self.assertEqual(self.client.get("/theme/").status_code, 405)

    def test_who_is_nobody_has_none(self):
        self.assertEqual(self.client.post("/theme/", {"theme": "dark"}).status_code, 404)


class OwnershipTests(TestCase):
    def setUp(self) -> None:
        users = get_user_model().objects
        self.alice = users.create_user("alice", password="alice's words")
        self.charlie = users.create_user("charlie", password="charlie's words")
        self.conversation = Conversation.objects.create(owner=self.alice, title="A secret")
        with_text = {"role": Message.Role.USER, "text": "canary", "length": 6}
        self.conversation.add(parent=None, **with_text)

    def paths(self, id) -> list[tuple[str, str]]:
        return [
            ("get", f"/c/{id}/"),
            ("get", f"/c/{id}/messages/?before=9"),
            ("patch", f"/conversations/{id}/"),
            ("delete", f"/conversations/{id}/"),
            ("post", f"/conversations/{id}/restore/"),
        ]

    def change(self, fields: object, client: Client | None = None):
        path = f"/conversations/{self.conversation.id}/"
        return (client or self.client).patch(path, fields, content_type="application/json")

    def test_the_owner_reads_and_changes_it(self):
        self.client.force_login(self.alice)
        self.assertContains(self.client.get(f"/c/{self.conversation.id}/"), "canary")
        entries = self.client.get("/conversations/").json()["conversations"]
        self.assertEqual([entry["title"] for entry in entries], ["A secret"])
        path = f"/c/{self.conversation.id}/"
        self.assertEqual(self.change({"title": "Renamed", "pinned": True}).status_code, 204)
        self.assertContains(self.client.get(path), "Renamed")
        self.assertTrue(Conversation.objects.get().pinned)
        self.assertEqual(self.change({"pinned": False}).status_code, 204)
        self.assertFalse(Conversation.objects.get().pinned)
        self.assertEqual(self.change({"assistant": "plan"}).status_code, 204)
        self.assertContains(self.client.get(path), 'data-assistant="plan"')
        refused = self.change({"model": "huge", "title": "Never"})
        self.assertContains(refused, "is not offered here", status_code=400)
        self.assertEqual(Conversation.objects.get().title, "Renamed")
        change = f"/conversations/{self.conversation.id}/"
        self.assertEqual(self.client.delete(change).status_code, 204)
        self.assertEqual(self.client.get(path).status_code, 404)
        self.assertEqual(self.client.get("/conversations/").json()["conversations"], [])
        self.assertEqual(self.client.post(f"{change}restore/").status_code, 204)
        self.assertContains(self.client.get(path), "canary")

    def test_what_is_no_change_changes_nothing(self):
        self.client.force_login(self.alice)
        before = Conversation.objects.values().get()
        strange = [
            {},
            {"title": 1},
            {"pinned": "yes"},
            {"pinned": 1},
            {"model": 1},
            {"other": 1},
            [],
            "{",
            "",
        ]
        strange += [{"model": 1}, {"assistant": []}]
        strange += ["[" * 100_000, b"\xff", {"title": "Mine", "pinned": "no"}]
        for fields in strange:
            answer = self.change(fields)
            self.assertEqual(answer.status_code, 400, fields)
            self.assertIn("title", answer.content.decode())
        self.assertEqual(Conversation.objects.values().get(), before)

    def test_absent_and_foreign_read_the_same(self):
        self.client.force_login(self.charlie)
        nothing = {"conversations": [], "next": None}
        self.assertEqual(self.client.get("/conversations/").json(), nothing)
        for foreign, absent in zip(
            self.paths(self.conversation.id), self.paths(uuid4()), strict=True
        ):
            about = {"data": {"title": "Mine"}, "content_type": "application/json"}
            answers = [
                getattr(self.client, method)(path, **about if method == "patch" else {})
                for method, path in (foreign, absent)
            ]
            self.assertEqual([answer.status_code for answer in answers], [404, 404], foreign)
            self.assertEqual(answers[0].content, answers[1].content)
        self.assertEqual(Message.objects.get().text, "canary")

    def test_changes_need_the_csrf_token_and_post(self):
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(self.alice)
        path = f"/conversations/{self.conversation.id}/"
        self.assertEqual(self.change({"title": "Mine"}, strict).status_code, 403)
        self.assertEqual(strict.delete(path).status_code, 403)
        self.assertEqual(strict.post(f"{path}restore/").status_code, 403)
        for method, wrong in (("get", path), ("post", path), ("get", f"{path}restore/")):
            self.assertIn(getattr(strict, method)(wrong).status_code, (403, 405), wrong)
        self.assertEqual(Conversation.objects.get().title, "A secret")
        self.assertTrue(Message.objects.exists())

    def test_a_strange_page_of_messages_is_not_found(self):
        self.client.force_login(self.alice)
        for before in ("", "-1", "x", "9" * 30):
            path = f"/c/{self.conversation.id}/messages/?before={before}"
            self.assertEqual(self.client.get(path).status_code, 404, before)

    def test_every_page_has_the_strict_policy(self):
        self.client.force_login(self.alice)
        for path in ("/", f"/c/{self.conversation.id}/", "/sign-in/", "/nowhere/"):
            policy = self.client.get(path)["Content-Security-Policy"]
            self.assertIn("default-src 'none'", policy)
            self.assertIn("require-trusted-types-for 'script'", policy)
            self.assertNotIn("unsafe", policy)

    def test_the_number_of_queries_does_not_grow(self):
        self.client.force_login(self.alice)
        path = f"/c/{self.conversation.id}/"
        self.client.get(path)
        with CaptureQueriesContext(connection) as few:
            self.client.get(path)
        self.assertLess(len(few), 12)
        parent = self.conversation.messages.get()
        for _ in range(30):
            parent = self.conversation.add(parent=parent, role=Message.Role.ASSISTANT, text="a")
            Conversation.objects.create(owner=self.alice)
        with self.assertNumQueries(len(few)):
            self.client.get(path)


class PickerTests(TestCase):
    LOCAL = {"BACKEND": "chat.llm.openai_compatible.OpenAICompatible", "MODELS": ["small"]}
    BOTH = {"default": LOCAL | {"MODELS": ["small", "large"]}, "local": LOCAL}

    def setUp(self) -> None:
        self.alice = get_user_model().objects.create_user("alice")
        self.client.force_login(self.alice)

    def answering(self, **chosen: str) -> str:
        id = Conversation.objects.create(owner=self.alice, **{"assistant": "chat"} | chosen).id
        return self.client.get(f"/c/{id}/").context["answering"]

    @override_settings(LLMS=BOTH, CHAT_LLMS=["default", "local"])
    def test_it_names_who_answers_as_far_as_there_is_a_choice(self):
        for chosen, named in (
            ({}, "small"),
            ({"model": "local:small"}, "local:small"),
            ({"model": "large", "assistant": "plan"}, "large · Plan"),
            ({"model": "gone", "assistant": "gone"}, "small"),
        ):
            with self.subTest(chosen):
                self.assertEqual(self.answering(**chosen), named)

    def test_with_one_model_the_assistants_are_the_choice(self):
        self.assertEqual(self.answering(), "Chat")
        self.assertContains(self.client.get("/"), "Plans first, then answers")

    @override_settings(CHAT_FLOWS={"chat": "chat.flows.chat.build"})
    def test_without_a_choice_there_is_none(self):
        self.assertEqual(self.answering(), "")
        self.assertNotContains(self.client.get("/"), "answer-picker")
        self.assertNotContains(self.client.get("/"), "retry-menu")


class SuggestionTests(TestCase):
    async def test_the_demo_has_an_answer_to_each_of_its_suggestions(self):
        for suggestion in DEMO:
            told = answer([{"role": "user", "content": suggestion}])
            self.assertNotIn("cannot really answer", told, suggestion)

    def test_a_real_model_is_not_asked_how_to_connect_one(self):
        self.client.force_login(get_user_model().objects.create_user("alice"))
        self.assertContains(self.client.get("/"), "How do I connect a model?")
        with override_settings(LLMS={**settings.LLMS, "default": settings.LLMS["openai"]}):
            self.assertNotContains(self.client.get("/"), "How do I connect a model?")


class TurnTests(TransactionTestCase):
    async def make(self) -> None:
        self.alice = await get_user_model().objects.acreate_user("alice")
        self.talk = await Conversation.objects.acreate(owner=self.alice, assistant="chat")
        await self.async_client.aforce_login(self.alice)
        self.here = await process.current()

    @asynccontextmanager
    async def line(self) -> AsyncIterator[None]:
        """Alice waits behind others until the body is over."""
        async with AsyncExitStack() as others, asyncio.timeout(30):
            for _ in range(AT_ONCE):
                await others.enter_async_context(self.here.line.turn(Party("somebody else")))
            yield

    async def until_alice_waits(self) -> None:
        while not self.here.line.waiting_at(self.alice.pk):
            await asyncio.sleep(0.01)

    async def test_a_change_waits_in_line_behind_what_sockets_ask(self):
        await self.make()
        async with self.line():
            change = asyncio.create_task(
                self.async_client.delete(f"/conversations/{self.talk.id}/")
            )
            await self.until_alice_waits()
            self.assertFalse(change.done())
        self.assertEqual((await change).status_code, 204)

    async def test_a_change_whose_browser_goes_away_meanwhile_is_made_all_the_same(self):
        await self.make()
        cookies = {name: known.value for name, known in self.async_client.cookies.items()}
        cookies["csrftoken"] = TOKEN
        path = f"/conversations/{self.talk.id}/"
        headers = {
            "Host": "localhost",
            "Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()),
            "X-CSRFToken": TOKEN,
        }
        scope = {
            "type": "http",
            "method": "DELETE",
            "path": path,
            "query_string": b"",
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        }
        said: asyncio.Queue = asyncio.Queue()
        said.put_nowait({"type": "http.request", "body": b"", "more_body": False})

        async def send(message: dict) -> None:
            pass

        async with self.line():
            page = asyncio.create_task(application(scope, said.get, send))
            await self.until_alice_waits()
            said.put_nowait({"type": "http.disconnect"})
            for _ in range(50):  # whatever comes of it has come
                await asyncio.sleep(0)
        await page
        self.assertIsNotNone((await Conversation.objects.aget(id=self.talk.id)).deleted)
