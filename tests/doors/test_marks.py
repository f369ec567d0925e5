"""What operators say of a conversation among themselves: a flag, tags, and notes."""

from django.contrib.admin.models import LogEntry

from chat.export import data
from chat.models import Conversation, Note, Tag
from tests.doors.admin import CANARY, CONVERSATIONS, change
from tests.doors.test_accountable import READINGS, AccountableCase, act


class MarkTests(AccountableCase):
    def post(self, name: str, status: int = 302, **data) -> None:
        response = self.client.post(act(name, self.talking), data)
        self.assertEqual(response.status_code, status)

    def logged(self) -> list[str]:
        entries = LogEntry.objects.filter(object_id=str(self.talking.id)).order_by("id")
        return [entry.get_change_message() for entry in entries]

    def test_a_flag(self):
        other = self.talk()
        for _ in range(2):
            self.post("flag", on=1)
        self.assertIn("chat-chip-flagged", self.get(change(self.talking)))
        self.assertIn("chat-chip-flagged", self.get(CONVERSATIONS))
        self.assertEqual(self.listed(flag="yes"), {self.talking.id})
        self.assertEqual(self.listed(flag="no"), {other.id})
        self.post("flag")
        self.assertEqual(self.listed(flag="yes"), set())
        self.assertEqual(self.logged(), ["Flagged it.", "Removed the flag."])

    def test_tags(self):
        other = self.talk()
        for name in ("Wrong  facts", "wrong facts", "complaint"):
            self.post("tag", tag=name)
        self.post("tag", tag="  ")
        tag, names = Tag.objects.called("WRONG FACTS"), Tag.objects.values_list("name", flat=True)
        self.assertEqual([*names], ["complaint", "Wrong facts"])
        page = self.get(CONVERSATIONS)
        self.assertIn('<option value="Wrong facts">', page)
        self.assertIn('<span class="chat-tag">Wrong facts</span>', page)
        self.assertEqual(self.listed(tag=tag.pk), {self.talking.id})
        for nonsense in ("x", 10**30):
            self.assertEqual(self.listed(tag=nonsense), {self.talking.id, other.id})
        self.post("tag", remove="wrong facts")
        self.assertEqual(self.listed(tag=tag.pk), set())
        self.assertEqual(self.logged()[-1], "Removed the tag “Wrong facts”.")
        self.assertEqual(len(self.logged()), 3)

    def test_many_at_once(self):
        other, gone = self.talk(), self.talk()
        gone.delete_content()
        three = {"_selected_action": [self.talking.id, other.id, gone.id]}
        for action, said in (
            ("flag_selected", "2 conversations are changed."),
            ("flag_selected", "They are so already."),
            ("tag_selected", "2 conversations are changed."),
        ):
            data = {"action": action, "tag": "spam", **three}
            self.assertContains(self.client.post(CONVERSATIONS, data, follow=True), said)
        self.assertEqual(
            self.listed(flag="yes", tag=Tag.objects.get().pk), {self.talking.id, other.id}
        )
        self.assertEqual(self.logged(), ["Flagged it.", "Added the tag “spam”."])
        for action in ("unflag_selected", "untag_selected"):
            self.client.post(CONVERSATIONS, {"action": action, "tag": "spam", **three})
        self.assertFalse(Conversation.objects.exclude(flagged=None, tags=None).exists())
        data = {"action": "tag_selected", "tag": "", **three}
        self.assertContains(self.client.post(CONVERSATIONS, data, follow=True), "Write a tag")

    def test_notes(self):
        self.say_why()
        self.post("note", text="Ask the vendor")
        self.post("note", text="Not in the book", message=self.answer.id)
        self.post("note", text=" ")
        page = self.get(change(self.talking))
        self.assertLess(page.index("Ask the vendor"), page.index("Not in the book"))
        self.assertIn("Not in the book", self.get(change(self.answer)))
        self.assertEqual(self.logged(), ["Wrote a note.", "Wrote a note on message 2."])
        other = self.ask(self.talk(), None, "Else")
        self.post("note", text="Lost", message=other.id, status=404)
        first, second = Note.objects.all()
        Note.objects.filter(id=second.id).update(author=self.rita)
        self.assertEqual(self.get(change(self.talking)).count('name="delete"'), 1)
        for id in (second.id, "x", 10**30):
            self.post("note", delete=id, status=404)
        self.post("note", delete=first.id)
        self.assertEqual(self.logged()[-1], "Deleted a note.")
        self.assertEqual(Note.objects.get(), second)

    def test_the_number_of_queries_is_fixed(self):
        self.say_why()
        pages = (CONVERSATIONS, change(self.talking), READINGS)
        self.get(pages[1])  # after which the process knows its content types
        counts = [self.queries_of(page) for page in pages]
        for number in range(5):
            self.post("tag", tag=f"tag {number}")
            self.post("note", text="So")
            self.post("note", text="So", message=self.answer.id)
            other = self.talk(self.bob)
            other.tags.add(Tag.objects.make(f"tag {number}"))
            self.say_why(other)
        self.assertEqual(counts, [self.queries_of(page) for page in pages])

    def test_it_takes_the_permission_to_change_and_for_notes_to_have_said_why(self):
        self.post("note", text="No reason", status=403)
        Note.objects.create(conversation=self.talking, author_name="root", text=CANARY)
        self.assertNotIn(CANARY, page := self.get(change(self.talking)))
        self.assertIn("1 note", page)
        self.client.force_login(self.rita)
        self.say_why()
        page = self.get(change(self.talking))
        self.assertIn(CANARY, page)
        for name in ("flag", "tag", "note"):
            self.assertNotIn(act(name, self.talking), page)
            self.post(name, on=1, tag="x", text="x", status=403)
        self.client.post(
            CONVERSATIONS, {"action": "flag_selected", "_selected_action": self.talking.id}
        )
        self.assertFalse(Conversation.objects.exclude(flagged=None).exists())
        self.client.force_login(self.operator("otto", "view_conversation", "change_conversation"))
        self.assertNotIn(CANARY, self.get(change(self.talking)))
        self.post("tag", tag="seen")
        self.post("note", text="Blind", status=403)
        self.assertIn("seen", self.get(change(self.talking)))

    def test_the_owner_sees_none_of_it_and_it_goes_with_the_conversation(self):
        self.say_why()
        self.post("flag", on=1)
        self.post("tag", tag="pelican")
        self.post("note", text="pelican")
        self.client.force_login(self.alice)
        for told in (self.get(f"/c/{self.talking.id}/"), "".join(data.conversation(self.talking))):
            self.assertIn(CANARY, told)
            self.assertNotIn("pelican", told)
        self.talking.delete_content()
        self.talking.refresh_from_db()
        self.assertFalse(Note.objects.exists() or self.talking.tags.exists())
        self.assertIsNone(self.talking.flagged)
        self.client.force_login(self.root)
        self.post("flag", on=1, status=404)
