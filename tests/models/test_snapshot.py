from uuid import uuid4

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import Conversation, Message, Profile, Step
from chat.protocol import Refused
from chat.replies import snapshot
from chat.replies.snapshot import PAGE, PAGE_CHARACTERS, SOUGHT, Snapshot

from .cast import CastTestCase, Status, ask, in_seconds, reply


class SnapshotCase(CastTestCase):
    def now(self, **kwargs) -> Snapshot:
        return snapshot.shown(self.alice, self.talk.id, **kwargs)

    def texts(self, now: Snapshot) -> list[str]:
        return [message["text"] for message in now.messages]

    def row(self, message: Message, **kwargs) -> dict:
        """The message as the snapshot tells it."""
        return next(m for m in self.now(**kwargs).messages if m["id"] == str(message.id))

    def long_talk(self, lengths: list[int]) -> Conversation:
        """A conversation whose shown branch has messages of these lengths."""
        talk = Conversation.objects.create(owner=self.alice, assistant="chat")
        last = None
        for number, length in enumerate(lengths):
            role = "assistant" if number % 2 else "user"
            last = talk.add(parent=last, role=role, text="x" * length, length=length)
        return talk


class ShownTest(SnapshotCase):
    def test_the_conversation_and_its_shown_branch(self):
        reply(ask(self.talk, "Why not?"), "Well.")
        now = self.now()
        self.assertEqual(self.texts(now), ["Why not?", "Well."])
        self.assertEqual((now.entry["id"], now.entry["title"]), (str(self.talk.id), "Why?"))
        self.assertEqual((now.last_seq, now.revision), (4, self.revision()))
        self.assertEqual(str(now.last_shown), now.messages[-1]["id"])
        self.assertIsNone(now.active)

    def test_a_conversation_without_messages(self):
        self.talk.messages.all().delete()
        now = self.now()
        self.assertEqual((now.messages, now.last_shown, now.active), ([], None, None))

    def test_strangers_see_what_is_absent(self):
        for name, user, id in (
            ("bob", self.bob, self.talk.id),
            ("charlie", self.charlie, self.talk.id),
            ("absent", self.alice, uuid4()),
        ):
            for look in (
                lambda user, id: snapshot.shown(user, id),
                lambda user, id: snapshot.since(user, id, 0),
                lambda user, id: snapshot.earlier(user, id, 99),
            ):
                with self.subTest(name), self.assertRaises(Refused) as caught:
                    look(user, id)
                self.assertEqual(caught.exception.code, "not_found")

    def test_a_deleted_one_is_absent(self):
        self.talk.delete_content()
        with self.assertRaises(Refused):
            self.now()

    def test_an_active_reply_is_named(self):
        row = self.running()
        now = self.now()
        self.assertEqual(now.active, row)
        self.assertTrue(now.entry["active"])

    def test_a_reply_whose_worker_is_gone_is_told_as_it_is_then_written(self):
        row = self.running(text="Becau", lease_until=in_seconds(-1))
        told = self.row(row)
        self.assertEqual((told["status"], told["error"]["code"]), ("interrupted", "lost_worker"))
        self.assertEqual(Message.objects.get(id=row.id).status, "interrupted")
        self.assertIsNone(self.now().active)

    def test_a_message_that_came_after_the_revision_was_read_is_left_for_later(self):
        late = ask(self.talk, "And?", after=self.answer)
        Conversation.objects.filter(id=self.talk.id).update(last_seq=late.seq - 1)
        self.assertEqual(self.texts(self.now()), ["Why?", "Because."])

    def test_a_long_conversation_takes_no_more_queries(self):
        def queries(talk: Conversation) -> int:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                snapshot.shown(self.alice, talk.id)
            return len(captured)

        self.assertEqual(queries(self.long_talk([1] * 40)), queries(self.long_talk([1, 1])))


class PageTest(SnapshotCase):
    def lengths(self, talk: Conversation) -> list[int]:
        return [m["length"] for m in snapshot.shown(self.alice, talk.id).messages]

    def test_fifty_messages_at_most_and_the_newest_of_them(self):
        lengths = list(range(1, PAGE + 3))
        self.assertEqual(self.lengths(self.long_talk(lengths)), lengths[2:])
        self.assertEqual(self.lengths(self.long_talk(lengths[:PAGE])), lengths[:PAGE])

    def test_the_newest_is_told_however_long_it_is(self):
        self.assertEqual(
            self.lengths(self.long_talk([5, 3 * PAGE_CHARACTERS])), [5, 3 * PAGE_CHARACTERS]
        )

    def test_the_others_have_256_ki_characters_together(self):
        half = PAGE_CHARACTERS // 2
        self.assertEqual(self.lengths(self.long_talk([1, half, half, 9])), [half, half, 9])
        self.assertEqual(self.lengths(self.long_talk([half, half + 1, 9])), [half + 1, 9])

    def test_what_is_left_out_is_not_skipped_over(self):
        lengths = [1, PAGE_CHARACTERS + 1, 1, 1]
        self.assertEqual(self.lengths(self.long_talk(lengths)), [1, 1])

    def test_what_is_sought_is_among_them_unless_too_much_follows_it(self):
        for lengths, leads in (
            ([1] * (PAGE + 20), True),
            ([1] * (SOUGHT + 1), False),
            ([1, *[PAGE_CHARACTERS] * 5, 1], False),
        ):
            talk = self.long_talk(lengths)
            first = talk.messages.get(seq=1).id
            shown = snapshot.shown(self.alice, talk.id, through=first).messages
            self.assertEqual(shown[0]["id"] == str(first), leads, len(lengths))
            self.assertEqual(shown[-1]["seq"], len(lengths))

    def test_earlier_pages_join_without_a_gap(self):
        talk = self.long_talk([1] * (2 * PAGE + 7))
        page = snapshot.shown(self.alice, talk.id).messages
        numbers = [message["seq"] for message in page]
        while page[0]["parent"]:
            page = snapshot.earlier(self.alice, talk.id, page[0]["seq"])
            self.assertLessEqual(len(page), PAGE)
            numbers = [message["seq"] for message in page] + numbers
        self.assertEqual(numbers, list(range(1, 2 * PAGE + 8)))
        self.assertEqual(snapshot.earlier(self.alice, talk.id, 1), [])


class HaveTest(SnapshotCase):
    def test_text_that_is_held_is_left_out(self):
        told = self.row(self.answer, have={self.answer.id: 3})
        self.assertEqual((told["from"], told["text"], told["length"]), (3, "ause.", 8))

    def test_all_of_it_may_be_held(self):
        told = self.row(self.answer, have={self.answer.id: 8})
        self.assertEqual((told["from"], told["text"], told["length"]), (8, "", 8))

    def test_more_than_there_is_begins_anew(self):
        told = self.row(self.answer, have={self.answer.id: 9})
        self.assertEqual((told["from"], told["text"]), (0, "Because."))

    def test_nothing_held_is_told_whole(self):
        self.assertEqual(self.row(self.answer)["from"], 0)
        self.assertEqual(self.row(self.answer, have={self.answer.id: 0})["text"], "Because.")

    def test_what_is_said_of_other_messages_is_ignored(self):
        have = {uuid4(): 3, self.bobs_answer.id: 3}
        self.assertEqual(self.texts(self.now(have=have)), ["Why?", "Because."])

    def test_offsets_are_code_points(self):
        smile = reply(self.question, "a👍🏽b")
        told = self.row(smile, have={smile.id: 2})
        self.assertEqual((told["from"], told["text"], told["length"]), (2, "🏽b", 4))

    def test_reasoning_is_always_whole(self):
        row = reply(self.question, "abc", reasoning="Hm, hm", reasoning_length=6)
        self.assertEqual(self.row(row, have={row.id: 3})["reasoning"], "Hm, hm")


class MessageObjectTest(SnapshotCase):
    def test_the_least_there_is_to_tell(self):
        self.assertEqual(
            self.row(self.question),
            {
                "id": str(self.question.id),
                "seq": 1,
                "parent": None,
                "role": "user",
                "status": "done",
                "text": "Why?",
                "from": 0,
                "length": 4,
                "model": "",
                "assistant": "",
                "created": self.question.created.isoformat(),
                "siblings": [str(self.question.id)],
            },
        )

    def test_all_there_is_to_tell(self):
        cid = uuid4()
        row = reply(
            self.question,
            "abc",
            status=Status.ERROR,
            kept=1,
            reasoning="Hm",
            reasoning_length=2,
            cid=cid,
            error="upstream_rate",
            finish_reason="length",
            prompt_tokens=5,
            completion_tokens=0,
            usage_estimated=True,
            model="demo",
            assistant="plan",
            steps_changed=1,
        )
        Step.objects.create(message=row, position=1, name="s", label="S", started=timezone.now())
        told = self.row(row)
        self.assertEqual((told["kept"], told["reasoning"]), (1, "Hm"))
        self.assertEqual((told["reasoning_length"], told["cid"]), (2, str(cid)))
        self.assertEqual(told["error"]["code"], "upstream_rate")
        self.assertEqual(told["finish_reason"], "length")
        self.assertEqual(
            told["usage"], {"prompt_tokens": 5, "completion_tokens": 0, "estimated": True}
        )
        self.assertEqual((told["model"], told["assistant"]), ("demo", "plan"))
        self.assertEqual([step["name"] for step in told["steps"]], ["s"])

    def test_times_are_in_utc(self):
        self.assertTrue(self.row(self.question)["created"].endswith("+00:00"))
        self.assertTrue(self.now().entry["updated"].endswith("+00:00"))

    def test_siblings_are_all_with_the_same_parent_by_seq(self):
        other = reply(self.question, "Just so.")
        edited = ask(self.talk, "Why not?")
        last = reply(edited, "Well.")
        self.assertEqual(self.row(edited)["siblings"], [str(self.question.id), str(edited.id)])
        self.assertEqual(self.row(last)["siblings"], [str(last.id)])
        self.talk.show_through(Message.objects.get(id=self.answer.id))
        self.assertEqual(self.row(self.answer)["siblings"], [str(self.answer.id), str(other.id)])

    def test_steps_in_their_order_with_what_is_known_of_them(self):
        row = reply(self.question, "abc", steps_changed=2)
        started = timezone.now()
        step = {"message": row, "name": "s", "label": "S", "started": started}
        second = Step.objects.create(position=2, **step)
        first = Step.objects.create(position=1, status="done", ms=0, detail="x", **step)
        known = {"name": "s", "label": "S", "started": started.isoformat()}
        self.assertEqual(
            self.row(row)["steps"],
            [
                {"id": str(first.id), "status": "done", "ms": 0, "detail": "x"} | known,
                {"id": str(second.id), "status": "running"} | known,
            ],
        )

    def test_one_message_by_itself(self):
        self.assertEqual(snapshot.one(self.answer.id), self.row(self.answer))
        self.assertIsNone(snapshot.one(uuid4()))


class SinceTest(SnapshotCase):
    def since(self, seq: int) -> Snapshot:
        return snapshot.since(self.alice, self.talk.id, seq)

    def test_nothing_new(self):
        now = self.since(2)
        self.assertEqual((now.messages, now.last_seq), ([], 2))
        self.assertEqual(now.last_shown, self.answer.id)

    def test_what_came_after_a_number_by_number(self):
        ask(self.talk, "And?", after=self.answer)
        now = self.since(1)
        self.assertEqual([message["seq"] for message in now.messages], [2, 3])
        self.assertEqual(now.last_seq, 3)

    def test_on_whatever_branch(self):
        reply(self.question, "Just so.")
        ask(self.talk, "Why not?")
        self.talk.show_through(Message.objects.get(id=self.answer.id))
        now = self.since(2)
        self.assertEqual(self.texts(now), ["Just so.", "Why not?"])
        self.assertEqual(now.last_shown, self.answer.id)

    def test_the_active_reply_among_them(self):
        row = self.running(text="Becau")
        self.assertEqual(self.since(2).active, row)
        self.assertIsNone(self.since(row.seq).active)


class EntryTest(SnapshotCase):
    def test_an_entry_of_the_list(self):
        entry = self.now().entry
        self.assertEqual(
            entry,
            {
                "id": str(self.talk.id),
                "title": "Why?",
                "assistant": "chat",
                "model": "",
                "pinned": False,
                "updated": self.talk.updated.isoformat(),
                "active": False,
            },
        )

    def test_everyone_gets_their_own_list(self):
        for user, ids in (
            (self.alice, [str(self.talk.id)]),
            (self.bob, [str(self.bobs.id)]),
            (self.charlie, []),
        ):
            listed = snapshot.entries(user)
            self.assertEqual([entry["id"] for entry in listed["conversations"]], ids)
            self.assertIsNone(listed["next"])

    def test_changed_entries_go_to_their_owners(self):
        self.talk.delete_content()
        Profile.objects.of(self.charlie)
        found = dict(snapshot.entries_by_owner([self.talk.id, self.bobs.id, uuid4()]))
        self.assertEqual(set(found), {self.alice.pk, self.bob.pk})
        self.assertTrue(found[self.alice.pk]["deleted"])
        self.assertEqual(found[self.alice.pk]["title"], "")
        self.assertNotIn("deleted", found[self.bob.pk])
