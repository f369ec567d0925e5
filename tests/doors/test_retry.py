"""A reply that an operator retries: in a copy, of which the original's owner sees nothing."""

import asyncio
import re
from contextlib import asynccontextmanager
from html import escape
from uuid import uuid4

from django.contrib.auth.models import Permission
from django.urls import reverse

from chat import words
from chat.models import Charge, Conversation, Day, Message, bring_in, find
from chat.replies import snapshot, tree
from tests.doors.admin import CONVERSATIONS, MESSAGES, AdminCase, change
from tests.replies.case import ServerCase, asks
from tests.upstream import numbered
from tests.visitor import PASSWORD, Visitor


def retry(reply: Message) -> str:
    return reverse("admin:chat_conversation_retry", args=[reply.conversation_id, reply.pk])


def beside(copy: Conversation) -> str:
    return reverse("admin:chat_conversation_beside", args=[copy.pk])


class CopyCase(AdminCase):
    def setUp(self) -> None:
        self.rita.user_permissions.add(Permission.objects.get(codename="change_conversation"))
        self.original = self.talk()
        self.answer = self.reply(self.original, "About 384,400 km")
        self.client.force_login(self.rita)

    def copy(self, owner=None) -> Conversation:
        copy = Conversation.objects.create(
            owner=owner or self.rita, assistant="plan", title="Moon", copy_of=self.answer
        )
        self.ask(copy, None, "How far is the moon?")
        self.reply(copy, "Far", model="large")
        return copy


class CopyTests(CopyCase):
    def test_it_stands_beside_the_original(self):
        page = self.get(beside(self.copy()))
        for said in ("How far is the moon?", "About 384,400 km", "Far", "large"):
            self.assertIn(said, page)
        self.assertIn(retry(self.answer), page)

    def test_the_original_names_its_copies_and_offers_a_retry(self):
        copy = self.copy()
        page = self.get(change(self.original))
        self.assertIn(f'href="{beside(copy)}"', page)
        self.assertIn(f'action="{retry(self.answer)}"', page)
        self.assertIn("<option selected>chat</option>", page)
        page = self.get(change(copy))
        self.assertIn(f'href="{beside(copy)}"', page)
        self.assertNotIn("/retry/", page)

    def test_the_list_has_it_only_where_it_is_asked_for(self):
        copy = self.copy()
        self.assertEqual(self.listed(), {self.original.id})
        self.assertEqual(self.listed(copies="only"), {copy.id})
        self.assertIn('<span class="chat-chip">Retry</span>', self.get(CONVERSATIONS, copies="all"))
        self.assertNotIn("chat-chip", self.get(CONVERSATIONS))
        self.assertEqual(self.listed(copies="all"), {copy.id, self.original.id})
        marked = self.get(MESSAGES).count('</a> <span class="chat-chip">Retry</span>')
        self.assertEqual(marked, copy.messages.count())

    def test_it_is_none_of_the_operators_own_conversations(self):
        copy = self.copy()
        mine = snapshot.entries(self.rita)["conversations"]
        self.assertEqual(mine, [])
        self.assertEqual(list(snapshot.all_readable(self.rita)), [])
        self.assertEqual(snapshot.entries_by_owner([copy.id]), [])
        for page in ("/c/{}/", "/c/{}/export/"):
            self.assertEqual(self.client.get(page.format(copy.id)).status_code, 404, page)

    def test_it_takes_no_place_in_the_operators_search_and_no_days_figures(self):
        copy = self.copy()
        copy.messages.filter(role="assistant").update(worker="")  # as the copied ones have it
        bring_in(Conversation.objects.all(), seconds=60)
        found, more = find(self.rita, words.asked("moon"), at_most=1)
        self.assertEqual((found, more), ([], False))
        days, _ = Day.objects.latest(1, seconds=60)
        self.assertEqual((days[0].total().replies, days[0].people), (1, 1))

    def test_a_reply_of_it_that_is_discarded_costs_what_was_written(self):
        copy = self.copy()
        reply = self.reply(copy, "So far", status="running", parent=copy.messages.first())
        Charge.objects.create(reply=reply.id, user=self.rita, prompt=10, tokens=8000)
        tree.delete(self.alice, self.original.id)
        self.assertLess(Charge.objects.get(reply=reply.id).tokens, 20)

    def test_it_goes_with_what_it_is_a_copy_of(self):
        for go in (
            lambda: tree.delete(self.alice, self.original.id),
            lambda: self.original.delete_content(),
            lambda: tree.forget(self.alice),
        ):
            with self.subTest(go):
                self.original = self.talk()
                self.answer = self.reply(self.original, "About 384,400 km")
                copy = self.copy()
                self.reply(copy, "Once", "running", parent=copy.messages.get(seq=1))
                go()
                self.assertFalse(Conversation.objects.filter(id=copy.id).exists())
                self.assertFalse(Message.objects.filter(conversation=copy.id).exists())

    def test_the_operator_deletes_it_whole_and_the_original_stays(self):
        copy = self.copy()
        self.client.force_login(self.root)
        url = reverse("admin:chat_conversation_delete", args=[copy.id])
        self.client.post(url, {"post": "yes"})
        self.assertFalse(Conversation.objects.filter(id=copy.id).exists())
        self.assertEqual(self.original.messages.count(), 2)

    def test_it_takes_the_permissions_to_change_and_to_read(self):
        copy = self.copy()
        self.client.force_login(self.olga)  # who may change and not read
        self.assertNotIn(retry(self.answer), self.get(change(self.original)))
        self.get(beside(copy), status=403)
        self.assertEqual(self.client.post(retry(self.answer)).status_code, 403)
        reader = self.operator("rex", "view_conversation", "view_content")
        self.client.force_login(reader)
        self.assertNotIn(retry(self.answer), self.get(change(self.original)))
        self.assertEqual(self.client.post(retry(self.answer)).status_code, 403)
        self.client.force_login(self.alice)
        self.assertEqual(self.client.post(retry(self.answer)).status_code, 302)
        self.assertEqual(Conversation.objects.copies().count(), 1)

    def test_it_takes_a_post_and_a_reply_that_is_there(self):
        self.get(retry(self.answer), status=405)
        url = reverse("admin:chat_conversation_retry", args=[self.original.id, uuid4()])
        self.assertEqual(self.client.post(url).status_code, 404)
        self.get(reverse("admin:chat_conversation_beside", args=[self.original.id]), status=404)


class RetryTests(ServerCase):
    """In a running server, whose operator has a chat of their own open."""

    settings = {
        "SIGN_UP": 1,
        "OPENAI_MODEL": "numbered,numbered-large",
        "LIMIT_ACTIVE": 1,
        "ADMIN_REASON": 0,
    }

    @asynccontextmanager
    async def operator(self):
        name = f"root-{uuid4().hex[:8]}"
        self.server.make_superuser(name, PASSWORD)
        async with Visitor(self.server.url) as root:
            await root.submit("/admin/login/?next=/admin/", username=name, password=PASSWORD)
            yield root

    async def test_another_model_answers_and_the_owner_hears_nothing(self):
        async with Visitor(self.server.url) as alice, self.operator() as root:
            tab, own = await alice.tab(), await root.tab()
            reply = (await tab.ask(asks(tokens=3)))["id"]
            talk = tab.client.conversation
            frames, entries = len(tab.frames), own.count("conversation")
            await self.retried(root, talk, reply, model="numbered-large")
            self.assertEqual(self.upstream.requests()[-1]["body"]["model"], "numbered-large")
            page = (await root.see(f"/admin/chat/conversation/{talk}/change/")).text
            found = re.search(r"/admin/chat/conversation/([\w-]+)/beside/", page)
            said = escape(numbered(3))
            shown = await self.until(root, found[0], said)
            self.assertEqual(shown.count(said), 2)
            # The owner's tab was told nothing; nor is it in the operator's list.
            await tab.say(type="ping", n=1)
            await tab.until(lambda: tab.count("pong"), "a pong")
            told = {frame["type"] for frame in tab.frames[frames:]}
            self.assertLessEqual(told, {"conversation", "pong"})  # that its own reply has ended
            self.assertNotIn(found[1], str(tab.frames))
            self.assertEqual(own.count("conversation"), entries)
            self.assertEqual(await root.listed(), [])
            history = await root.see(f"/admin/chat/conversation/{talk}/history/")
            self.assertIn("Retried message 2 in the copy", history.text)

    async def test_it_counts_for_the_operators_limits(self):
        async with Visitor(self.server.url) as alice, self.operator() as root:
            tab = await alice.tab()
            reply = (await tab.send(asks(tokens=100_000, rate=5)))["reply"]
            await tab.text_of(reply, 1)
            await tab.say(type="stop", message=reply)
            await tab.ended(reply)
            talk = tab.client.conversation
            first = await self.retried(root, talk, reply)
            again = await self.retried(root, talk, reply)
            self.assertIn("/beside/", first.path)
            self.assertIn("Too many replies are being written for you.", again.text)
            # The owner's own limit of one is not touched.
            await tab.ask(asks(tokens=3))
            stop = re.search(r'action="([^"]+/stop/[^"]+)"', (await root.see(first.path)).text)[1]
            stopped = await root.submit(stop)
            self.assertEqual(stopped.path.partition("#")[0], first.path)
            self.assertIn("The reply is stopped.", stopped.text)

    async def retried(self, root: Visitor, talk: str, reply: str, model: str = "numbered"):
        url = f"/admin/chat/conversation/{talk}/retry/{reply}/"
        return await root.submit(url, assistant="chat", model=model)

    async def until(self, root: Visitor, path: str, text: str) -> str:
        async with asyncio.timeout(30):
            while (page := (await root.see(path)).text).count(text) < 2:
                await asyncio.sleep(0.1)
        return page
