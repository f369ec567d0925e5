"""What a person takes along: that it is all there, is theirs alone, and can be read elsewhere."""

import io
import json
import re
import tempfile
import time
import tracemalloc
from datetime import UTC, datetime
from email.message import Message as Mail
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4
from zipfile import ZipFile

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import SimpleTestCase, TestCase
from django.utils.http import content_disposition_header
from hypothesis import example, given
from hypothesis import strategies as some

from chat.export import data, markdown
from chat.export.archive import archive
from chat.export.filename import filename
from chat.models import Conversation, Message, Step

DOCS = (settings.BASE_DIR / "docs" / "export.md").read_text()
NOW = datetime(2026, 11, 22, 14, 30, tzinfo=UTC)
# Of a message: the server's own affair, or said by another field.
NOT_EXPORTED = {
    *("conversation", "cid", "length", "reasoning_length", "steps_changed"),
    *("worker", "lease_until"),
}


def said(role: str, text: str, **fields) -> dict:
    return {"role": role, "text": text, "length": len(text), **fields}


# The site's own account of a conversation.
NOT_OF_STEP = {"message", "node"}  # the latter of an operator's trace
NOT_OF_CONVERSATION = {
    "owner",
    "deleted",
    "flagged",
    "copy_of",
    "revision",
    "last_seq",
    "titled_by",
    # Sums of what its messages say.
    "counted",
    "prompt_tokens",
    "completion_tokens",
} | {
    "title_prompt_tokens",
    "title_completion_tokens",
}


def plant(owner, title: str = "A title") -> Conversation:
    """A conversation with a row of every kind."""
    tree = Conversation.objects.create(
        owner=owner, title=title, assistant="chat", model="m-1", pinned=True
    )
    question = tree.add(parent=None, **said("user", "What?\n  Say it.", cid=uuid4()))
    usage = {"prompt_tokens": 7, "completion_tokens": 9, "usage_estimated": True}
    stopped = tree.add(
        parent=question,
        **said("assistant", "Half", status="stopped", model="m-1", assistant="chat"),
        **{"reasoning": "I think <b>", "reasoning_length": 11, "ended": NOW, **usage},
    )
    Step.objects.create(
        message=stopped,
        position=1,
        name="plan",
        label="Planning",
        status="done",
        started=NOW,
        ms=1234,
    )
    Step.objects.create(
        message=stopped, position=2, name="look", label="", status="error", started=NOW, detail="No"
    )
    Message.objects.filter(id=stopped.id).update(steps_changed=4)
    tree.add(
        parent=question,
        **said("assistant", "Half and more", kept=4, finish_reason="length", model="m-2"),
    )
    lost = tree.add(
        parent=question,
        **said("assistant", "Some", status="interrupted", error="restart", ended=NOW),
    )
    again = tree.add(parent=lost, **said("user", "Again"))
    failed = tree.add(parent=again, **said("assistant", "", status="error", error="upstream_auth"))
    last = tree.add(parent=failed, **said("user", "And now?"))
    tree.add(
        parent=last,
        **said("assistant", "It is being", status="running", model="m-3", worker="canary"),
        lease_until=NOW.replace(year=2099),
    )
    return tree


async def body(response) -> bytes:
    return b"".join([piece async for piece in response.streaming_content])


def unpacked(archive: bytes) -> dict[str, str]:
    with ZipFile(io.BytesIO(archive)) as file:
        assert file.testzip() is None
        return {name: file.read(name).decode() for name in file.namelist()}


class ExportCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        users = get_user_model().objects
        cls.alice, cls.bob = users.create_user("alice"), users.create_user("bob")
        cls.tree = plant(cls.alice)

    async def get(self, path: str, user=None):
        await self.async_client.aforce_login(user or self.alice)
        return await self.async_client.get(path)

    async def text(self, form: str) -> str:
        response = await self.get(f"/c/{self.tree.id}/export/?as={form}")
        self.assertEqual(response.status_code, 200)
        return (await body(response)).decode()


class JsonTests(ExportCase):
    async def test_everything_in_the_database_is_in_it(self):
        told = json.loads(await self.text("json"))
        self.assertEqual((told["format"], told["version"]), ("pocketflow-chat/conversation", 1))
        self.assertLessEqual(datetime.fromisoformat(told["exported"]), datetime.now(UTC))
        kept = {field.attname for field in Message._meta.concrete_fields} - NOT_EXPORTED
        kept = {name.removesuffix("_id") if name == "parent_id" else name for name in kept}
        kept -= {"conversation_id"}
        rows = [row async for row in self.tree.messages.order_by("seq").values(*kept)]
        self.assertEqual([self.as_row(message) for message in told["messages"]], rows)

    def as_row(self, message: dict) -> dict:
        """The columns that a reader can make of a message again."""
        row = dict(message)
        usage, error = row.pop("usage"), row.pop("error")
        row |= {"error": error["code"] if error else "", "usage_estimated": usage.pop("estimated")}
        row |= usage
        del row["steps"]
        for name in ("id", "parent"):
            row[name] = row[name] and UUID(row[name])
        for name in ("created", "ended"):
            row[name] = row[name] and datetime.fromisoformat(row[name])
        return row

    async def test_the_steps_and_the_conversation_are_in_it(self):
        told = json.loads(await self.text("json"))
        steps = [step for message in told["messages"] for step in message["steps"]]
        for step in steps:
            step["id"], step["started"] = UUID(step["id"]), datetime.fromisoformat(step["started"])
        names = {field.name for field in Step._meta.concrete_fields} - NOT_OF_STEP
        self.assertEqual(steps, [row async for row in Step.objects.values(*names)])
        about = told["conversation"]
        fields = {field.name for field in Conversation._meta.concrete_fields}
        self.assertEqual(set(about), fields - NOT_OF_CONVERSATION)
        row = await Conversation.objects.values(*about).aget()
        for name in ("created", "updated"):
            about[name] = datetime.fromisoformat(about[name])
        self.assertEqual(about | {"id": UUID(about["id"])}, row)

    async def test_the_documented_keys_are_those_that_there_are(self):
        told = json.loads(await self.text("json"))
        table = DOCS.split("| Key | What it is |\n|---|---|\n")[1].split("\n\n")[0]
        first = [row.split("|")[1] for row in table.splitlines()]
        documented = {name for cell in first for name in re.findall(r"`(\w+)`", cell)}
        self.assertEqual(documented, set(told["messages"][0]))
        example = json.loads(re.search(r"```json\n(.*?)```", DOCS, re.DOTALL)[1])
        self.assertEqual(set(example), set(told))
        self.assertEqual(set(example["conversation"]), set(told["conversation"]))

    async def test_the_servers_own_affairs_are_not(self):
        self.assertNotIn("canary", await self.text("json"))

    async def test_what_is_being_written_says_so(self):
        last = json.loads(await self.text("json"))["messages"][-1]
        self.assertEqual((last["status"], last["text"]), ("running", "It is being"))


class MarkdownTests(ExportCase):
    async def test_the_shown_branch_can_be_read(self):
        told = await self.text("markdown")
        self.assertTrue(told.startswith("# A title\n"))
        self.assertIn("> What?  \n>   Say it.", told)
        self.assertIn(
            "Some\n\n*The server restarted while it was writing this reply. The text", told
        )
        self.assertIn("*The model's server refused the key. Tell your administrator.*", told)
        self.assertIn("It is being\n\n*This reply was still being written when it was", told)
        self.assertIn(" UTC · m-3\n", told)
        self.assertIn("*2 more in other versions", told)
        self.assertNotIn("Half", told)
        self.assertNotIn("canary", told)

    async def test_reasoning_is_folded_and_steps_are_short(self):
        stopped = await Message.objects.aget(status="stopped")
        await self.show(stopped)
        told = await self.text("markdown")
        self.assertIn("<summary>Reasoning</summary>\n\n> I think &lt;b>", told)
        self.assertIn("Steps: Planning (1.2 s), look\n", told)
        self.assertIn("Half\n\n*This reply was stopped.*", told)

    async def show(self, message: Message) -> None:
        await self.tree.messages.filter(seq__gt=1).aupdate(shown=False)
        await self.tree.messages.filter(id=message.id).aupdate(shown=True)

    async def test_a_title_is_a_name_and_nothing_else(self):
        await Conversation.objects.aupdate(title="<script> *a* `b`")
        self.assertIn("# \\<script\\> \\*a\\* \\`b\\`\n", await self.text("markdown"))


class AccessTests(ExportCase):
    async def test_foreign_absent_and_deleted_read_the_same(self):
        deleted = await Conversation.objects.acreate(owner=self.bob, deleted=NOW)
        for form in ("markdown", "json"):
            answers = [
                await self.get(f"/c/{id}/export/?as={form}", self.bob)
                for id in (self.tree.id, uuid4(), deleted.id)
            ]
            self.assertEqual([answer.status_code for answer in answers], [404] * 3)
            self.assertEqual(len({answer.content for answer in answers}), 1)

    async def test_nobody_signs_in_first(self):
        for path in (f"/c/{self.tree.id}/export/", f"/c/{uuid4()}/export/", "/export/"):
            response = await self.async_client.get(path)
            self.assertRedirects(response, f"/sign-in/?next={path}", fetch_redirect_response=False)

    async def test_another_format_and_another_method_are_refused(self):
        for path in (f"/c/{self.tree.id}/export/", "/export/"):
            self.assertEqual((await self.get(f"{path}?as=pdf")).status_code, 404)
            self.assertEqual((await self.async_client.post(path)).status_code, 405)

    async def test_it_is_a_file_that_no_cache_keeps(self):
        response = await self.get(f"/c/{self.tree.id}/export/?as=json")
        self.assertEqual(response["Content-Type"], "application/json")
        named = f'attachment; filename="{self.tree.created:%Y-%m-%d} A title.json"'
        self.assertEqual(response["Content-Disposition"], named)
        self.assertIn("private", response["Cache-Control"])


class ArchiveTests(ExportCase):
    async def test_everything_of_theirs_and_nothing_else_is_in_it(self):
        other = await Conversation.objects.acreate(owner=self.alice, title="a TITLE")
        await Conversation.objects.acreate(owner=self.alice, title="", deleted=NOW)
        await Conversation.objects.acreate(owner=self.bob, title="Bob's")
        for form, suffix in (("json", "json"), ("markdown", "md")):
            response = await self.get(f"/export/?as={form}")
            self.assertEqual(response["Content-Type"], "application/zip")
            files = unpacked(await body(response))
            date = f"{other.created:%Y-%m-%d}"
            names = {f"{date} a TITLE.{suffix}", f"{date} A title (2).{suffix}", f"index.{suffix}"}
            self.assertEqual(set(files), names)
        index = json.loads(unpacked(await body(await self.get("/export/?as=json")))["index.json"])
        self.assertEqual(index["format"], "pocketflow-chat/index")
        self.assertEqual(index["conversations"][0]["file"], f"{date} a TITLE.json")
        self.assertEqual(index["conversations"][1]["id"], str(self.tree.id))

    async def test_its_files_are_those_of_the_conversations(self):
        files = unpacked(await body(await self.get("/export/?as=json")))
        name = f"{self.tree.created:%Y-%m-%d} A title.json"
        alone, packed = json.loads(await self.text("json")), json.loads(files[name])
        del alone["exported"], packed["exported"]
        self.assertEqual(alone, packed)

    def test_thousands_of_one_title_have_names_without_much_ado(self):
        form = SimpleNamespace(SUFFIX="md", conversation=lambda one: "x", index=lambda listed: "x")
        began = time.process_time()
        files = unpacked(b"".join(archive([Conversation(title="Same")] * 5_000, form)))
        self.assertEqual(len(files), 5_001)
        self.assertLess(time.process_time() - began, 30)  # a hundred, if each asks for all before

    async def test_who_has_nothing_gets_an_index_of_nothing(self):
        files = unpacked(await body(await self.get("/export/?as=markdown", self.bob)))
        self.assertEqual(list(files), ["index.md"])


class MemoryTests(TestCase):
    def test_what_is_in_memory_does_not_grow_with_the_conversation(self):
        owner = get_user_model().objects.create_user("alice")
        tree = Conversation.objects.create(owner=owner)
        parent, text = None, "word " * 20_000
        for _ in range(100):
            parent = tree.add(
                parent=parent, **said("user" if parent is None else "assistant", text)
            )
        for form in (markdown, data):
            tracemalloc.start()
            size = sum(len(piece) for piece in form.conversation(tree))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            self.assertGreater(size, 10_000_000)
            self.assertLess(peak, 4_000_000)

    def test_the_number_of_queries_does_not_grow_with_the_messages(self):
        tree = Conversation.objects.create(owner=get_user_model().objects.create_user("alice"))
        parent = None
        for number in range(100):
            parent = tree.add(parent=parent, **said("assistant" if number % 2 else "user", "a"))
        with self.assertNumQueries(2):
            "".join(data.conversation(tree))


class MeanwhileTests(TestCase):
    def test_another_branch_that_is_shown_meanwhile_cuts_nothing_off(self):
        alice = get_user_model().objects.create_user("alice")
        tree = Conversation.objects.create(owner=alice, title="Talk")
        parent = None
        for number in range(250):
            role = "assistant" if number % 2 else "user"
            parent = tree.add(parent=parent, **said(role, f"said {number}."))
        pieces = markdown.conversation(tree)
        begun = [next(pieces) for _ in range(10)]
        tree.add(parent=None, **said("user", "Something else"))
        text = "".join([*begun, *pieces])
        self.assertEqual(re.findall(r"said (\d+)", text), [str(number) for number in range(250)])


class FilenameTests(SimpleTestCase):
    @given(some.text(), some.sampled_from(["md", "json", "zip"]), some.integers(1, 10_000))
    @example("../../etc/passwd", "md", 1)
    @example("CON", "md", 1)
    @example("a\u202egpj.exe", "md", 1)
    @example("\ud800", "md", 1)
    @example("e\u0301" * 300 + "😀" * 300, "json", 2)
    def test_any_title_makes_a_name_that_a_file_can_have(self, title, suffix, number):
        name = filename(title, NOW, suffix, number=number)
        self.assertTrue(name.startswith("2026-11-22 ") and name.endswith(f".{suffix}"), name)
        self.assertLess(len(name.encode()), 200)
        self.assertFalse(set(name) & set('/\\:*?"<>|'))
        self.assertTrue(name.isprintable(), ascii(name))
        self.assertFalse(name.removesuffix(f".{suffix}").endswith((" ", ".")))
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / name).touch()
            self.assertEqual([path.name for path in Path(folder).iterdir()], [name])

    @given(some.text())
    @example('"; filename=evil.exe')
    def test_the_header_says_the_same_name(self, title):
        name = filename(title, NOW, "md")
        mail = Mail()
        mail["Content-Disposition"] = content_disposition_header(True, name)
        self.assertEqual(mail.get_filename(), name)
