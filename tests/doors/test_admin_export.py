"""What an operator exports: what it holds, what it costs, who may, and that the log knows."""

import csv
import io
import json
import tracemalloc
from uuid import uuid4

from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import TestCase
from django.urls import reverse
from django.utils import timezone

from chat.admin.export import Chosen
from chat.export import data, markdown, table
from chat.models import Conversation, Message
from tests.doors.admin import CANARY, CONVERSATIONS, AdminCase

FOUND = "/admin/chat/conversation/export/"


async def sent(response) -> str:
    return b"".join([piece async for piece in response.streaming_content]).decode()


def read(sheet: str) -> list[dict]:
    assert sheet.startswith("\ufeff")
    return list(csv.DictReader(io.StringIO(sheet[1:], newline="")))


class ExportTests(AdminCase):
    def setUp(self) -> None:
        self.moon = self.talk(question="=HYPERLINK(moon)")
        self.answer = self.reply(
            self.moon, "'Far', 384,400 \"km\"\nor so", prompt_tokens=7, completion_tokens=9
        )
        self.tide = self.talk(self.bob, question="Why is there a tide?")
        self.reply(self.tide, status="error", error="upstream_timeout", ended=timezone.now())
        gone = self.talk(self.bob, question="Forget it")
        gone.mark_deleted()
        self.one = reverse("admin:chat_conversation_export", args=[self.moon.id])

    async def post(self, url: str, user=None, **fields):
        await self.async_client.aforce_login(user or self.rita)
        return await self.async_client.post(url, fields)

    async def exported(self, url: str, user=None, **fields) -> str:
        response = await self.post(url, user, **fields)
        self.assertEqual(response.status_code, 200)
        self.assertIn("attachment", response["Content-Disposition"])
        return await sent(response)

    async def test_the_table_has_a_row_for_each_message(self):
        rows = read(await self.exported(self.one, **{"as": "csv"}))
        self.assertEqual([row["seq"] for row in rows], ["1", "2"])
        said = rows[1]
        for name, value in (
            ("conversation", str(self.moon.id)),
            ("message", str(self.answer.id)),
            ("parent", str(self.answer.parent_id)),
            ("owner", "alice"),
            ("role", "assistant"),
            ("status", "done"),
            ("model", "small"),
            ("prompt_tokens", "7"),
            ("completion_tokens", "9"),
            ("error", ""),
            ("created", self.answer.created.isoformat()),
        ):
            self.assertEqual(said[name], value, name)
        # What begins as a formula, or with the apostrophe that says so, has one more.
        self.assertEqual(rows[0]["text"], "'=HYPERLINK(moon)")
        self.assertEqual(said["title"], "'=HYPERLINK(moon)")
        self.assertEqual(said["text"], "'" + self.answer.text)

    async def test_json_has_each_conversation_with_its_owner(self):
        told = json.loads(await self.exported(FOUND, **{"as": "json"}))
        self.assertEqual(told["format"], "pocketflow-chat/conversations")
        owners = [each["conversation"]["owner"] for each in told["conversations"]]
        self.assertEqual(owners, ["bob", "alice"])
        texts = [[said["text"] for said in each["messages"]] for each in told["conversations"]]
        self.assertEqual(texts[1], ["=HYPERLINK(moon)", self.answer.text])

    async def test_markdown_says_who_spoke(self):
        told = await self.exported(self.one, **{"as": "markdown"})
        self.assertIn("## alice\n", told)
        self.assertIn("384,400", told)
        self.assertNotIn("tide", told)

    async def test_all_that_the_filters_find(self):
        rows = read(await self.exported(f"{FOUND}?newest=error", **{"as": "csv"}))
        self.assertEqual({row["conversation"] for row in rows}, {str(self.tide.id)})
        self.assertEqual(rows[1]["error"], "upstream_timeout")
        self.assertNotIn("Forget", await self.exported(FOUND, **{"as": "csv"}))

    async def test_those_that_are_selected_after_a_page_that_asks_for_the_format(self):
        selected = {"action": "export_selected", "_selected_action": str(self.tide.id)}
        page = (await self.post(CONVERSATIONS, **selected, index=0)).content.decode()
        self.assertIn("1 conversation, 2 messages", page)
        for name, value in selected.items():
            self.assertInHTML(f'<input type="hidden" name="{name}" value="{value}">', page)
        rows = read(await self.exported(CONVERSATIONS, **selected, **{"as": "csv"}))
        self.assertEqual({row["conversation"] for row in rows}, {str(self.tide.id)})

    async def test_what_is_there_to_choose_is_counted_first(self):
        await self.async_client.aforce_login(self.rita)
        page = (await self.async_client.get(FOUND)).content.decode()
        self.assertIn("2 conversations, 4 messages", page)
        for form in ("csv", "json", "markdown"):
            self.assertIn(f'name="as" value="{form}"', page)
        self.assertFalse(await LogEntry.objects.aexists())
        nothing = await self.async_client.get(f"{FOUND}?newest=stopped")
        self.assertContains(nothing, "Nothing was said there.")

    async def test_the_log_has_who_exported_how_much(self):
        await self.exported(self.one, **{"as": "csv"})
        entry = await LogEntry.objects.select_related("user").aget()
        self.assertEqual((entry.user, entry.object_id), (self.rita, str(self.moon.id)))
        self.assertEqual(entry.change_message, "Exported as CSV: 1 conversation, 2 messages.")
        await self.exported(FOUND, **{"as": "json"})
        entry = await LogEntry.objects.alatest("pk")
        self.assertEqual(
            (entry.object_id, entry.object_repr), (None, "2 conversations, 4 messages")
        )
        self.assertEqual(entry.change_message, "Exported as JSON: 2 conversations, 4 messages.")

    async def test_an_absent_and_a_deleted_one_are_not_there(self):
        await self.tide.messages.all().adelete()
        await Conversation.objects.filter(id=self.tide.id).aupdate(deleted=timezone.now())
        for id in (uuid4(), self.tide.id):
            url = reverse("admin:chat_conversation_export", args=[id])
            self.assertEqual((await self.post(url, **{"as": "csv"})).status_code, 404)


class UnreadableTests(AdminCase):
    """Without the permission to read what was said, the table has no word of it."""

    def setUp(self) -> None:
        self.talking = self.talk(question=f"{CANARY} question")
        self.reply(self.talking, f"{CANARY} answer", reasoning=CANARY, reasoning_length=6)
        self.url = reverse("admin:chat_conversation_export", args=[self.talking.id])

    async def post(self, form: str):
        await self.async_client.aforce_login(self.olga)
        return await self.async_client.post(self.url, {"as": form})

    async def test_only_the_table_without_it(self):
        response = await self.post("csv")
        self.assertNotIn(CANARY, response["Content-Disposition"])
        sheet = await sent(response)
        self.assertNotIn(CANARY, sheet)
        self.assertEqual(read(sheet)[1]["length"], str(len(f"{CANARY} answer")))
        self.assertNotIn("text", read(sheet)[1])

    async def test_no_other_format(self):
        for form in ("json", "markdown"):
            page = (await self.post(form)).content.decode()
            self.assertNotIn(CANARY, page)
            self.assertNotIn(f'value="{form}"', page)
        self.assertFalse(await LogEntry.objects.aexists())

    async def test_nothing_for_one_who_may_not_see_conversations(self):
        stranger = await get_user_model().objects.acreate_user("sven", is_staff=True)
        await self.async_client.aforce_login(stranger)
        for url in (FOUND, self.url):
            self.assertEqual((await self.async_client.post(url, {"as": "csv"})).status_code, 403)


class MemoryTests(TestCase):
    def test_six_times_the_rows_take_no_more_memory(self):
        owner = get_user_model().objects.create_user("alice")
        peaks = {form: [] for form in (table, data, markdown)}
        for conversations in (150, 750):  # three pages of them; the second time eighteen
            self.plant(owner, conversations)
            for form, peak in peaks.items():
                tracemalloc.start()
                found = Chosen(Conversation.objects.order_by("-updated"))
                moons = sum(piece.count("moon") for piece in form.conversations(found))
                peak.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()
                self.assertGreaterEqual(moons, conversations * 4 * 20)
        for form, (few, many) in peaks.items():
            self.assertLess(many / few, 2, form.__name__)

    def plant(self, owner, count: int) -> None:
        """So many conversations of four messages."""
        made = [Conversation(owner=owner, assistant="chat", last_seq=4) for _ in range(count)]
        Conversation.objects.bulk_create(made)
        text, rows = "How far is the moon? " * 20, []
        for one in made:
            for seq in range(1, 5):
                said = {"role": "user", "text": text, "length": len(text)}
                parent = rows[-1] if seq > 1 else None
                rows.append(Message(conversation=one, seq=seq, parent=parent, **said))
        Message.objects.bulk_create(rows)
