from uuid import UUID, uuid4

from django.contrib.auth.models import AbstractBaseUser
from django.test import override_settings

from chat import protocol
from chat.models import Append, Conversation, Ending, Message, Profile
from chat.protocol import Refused
from chat.replies.accept import GO_ON, Accepted, accept

from .cast import WORKER, CastTestCase, Status, in_seconds, person, reply

LIMITS = {
    "characters": 100,
    "messages": 1_000,
    "per_minute": 3,
    "active": 2,
    "reply_tokens": 100,
    "tokens": 10_000,
    "address_per_minute": 4,
    "address_tokens": 5_000,
    "all_tokens": 0,
}


def frame(type: str, **fields) -> protocol.ClientFrame:
    """A frame as its client sends it; a `cid` that is not named is new."""
    fields = {"type": type, "cid": uuid4()} | fields
    return protocol.parse({k: str(v) if isinstance(v, UUID) else v for k, v in fields.items()})


@override_settings(CHAT_LIMITS=LIMITS)
class AcceptCase(CastTestCase):
    def accept(self, user: AbstractBaseUser, type: str, **fields) -> Accepted:
        return accept(user, frame(type, **fields), worker=WORKER, model="demo")

    def send(self, user: AbstractBaseUser | None = None, **fields) -> Accepted:
        """Alice's message at the end of the shown branch, if nothing else is said."""
        known = {"conversation": self.talk.id, "text": "And?"}
        return self.accept(user or self.alice, "send", **known | fields)

    def refused(self, user: AbstractBaseUser, type: str, **fields) -> Refused:
        """The refusal of the frame, which wrote nothing."""
        before = everything()
        with self.assertRaises(Refused) as caught:
            self.accept(user, type, **fields)
        self.assertEqual(everything(), before)
        return caught.exception

    def assertRefused(self, code: str, user: AbstractBaseUser, type: str, **fields) -> None:
        self.assertEqual(self.refused(user, type, **fields).code, code)

    def assertSendRefused(self, code: str, user: AbstractBaseUser | None = None, **fields) -> None:
        known = {"conversation": self.talk.id, "text": "And?"}
        self.assertRefused(code, user or self.alice, "send", **known | fields)

    def finish(self, accepted: Accepted, text: str = "So.", status: str = "done") -> Message:
        """The reply as its worker leaves it."""
        Message.objects.append([Append(accepted.reply, 0, text)], worker=WORKER, lease=15)
        self.assertTrue(Message.objects.end(accepted.reply, Ending(status)))
        return Message.objects.get(id=accepted.reply)


def everything() -> tuple[list, list]:
    """All conversations and messages there are, column by column."""
    return (
        list(Conversation.objects.order_by("id").values()),
        list(Message.objects.order_by("id").values()),
    )


class SendTest(AcceptCase):
    def test_a_question_and_a_reply_that_is_to_be_written(self):
        accepted = self.send(text="And?", parent=self.answer.id)
        question = Message.objects.get(id=accepted.message)
        written = Message.objects.get(id=accepted.reply)
        self.assertEqual(accepted.conversation, self.talk.id)
        self.assertEqual((question.role, question.status), ("user", "done"))
        self.assertEqual((question.text, question.length), ("And?", 4))
        self.assertEqual(question.parent, self.answer)
        self.assertEqual((written.role, written.status, written.text), ("assistant", "running", ""))
        self.assertEqual((written.parent, written.worker), (question, WORKER))
        self.assertEqual((written.assistant, written.model), ("chat", "demo"))
        self.assertGreater(written.lease_until, in_seconds(5))
        self.assertEqual(self.shown(), [self.question.id, self.answer.id, question.id, written.id])

    def test_the_reply_is_told_what_its_person_asks_of_every_reply(self):
        Profile.objects.create(user=self.alice, instructions="In rhymes.")
        accepted = self.send()
        self.assertEqual(accepted.task.instructions, "In rhymes.")
        self.finish(accepted)
        again = self.accept(self.alice, "regenerate", message=accepted.reply)
        self.assertEqual(again.task.instructions, "In rhymes.")
        bobs = self.send(self.bob, conversation=self.bobs.id, text="Hi")
        self.assertEqual(bobs.task.instructions, "")

    def test_the_cid_stands_on_the_first_row_that_was_made(self):
        cid = uuid4()
        accepted = self.send(cid=cid)
        self.assertEqual(Message.objects.get(id=accepted.message).cid, cid)
        self.assertIsNone(Message.objects.get(id=accepted.reply).cid)

    def test_the_flow_gets_the_shown_branch(self):
        task = self.send(text="And?").task
        self.assertEqual(
            task.messages,
            [
                {"role": "user", "content": "Why?"},
                {"role": "assistant", "content": "Because."},
                {"role": "user", "content": "And?"},
            ],
        )
        self.assertEqual(task.keep_last, 1)

    def test_the_revision_rises(self):
        before = self.revision()
        self.send()
        self.assertGreater(self.revision(), before)

    def test_a_conversation_that_is_not_there_is_made(self):
        id = uuid4()
        self.send(self.charlie, conversation=id, text="Hello", assistant="plan", parent=None)
        made = Conversation.objects.get(id=id)
        self.assertEqual((made.owner, made.assistant, made.title), (self.charlie, "plan", "Hello"))
        self.assertEqual(made.messages.get(role="assistant").assistant, "plan")

    def test_without_an_assistant_the_first_one_answers(self):
        id = uuid4()
        self.send(conversation=id, text="Hello")
        self.assertEqual(Conversation.objects.get(id=id).assistant, "chat")

    def test_an_assistant_that_is_not_offered_is_a_mistake(self):
        self.assertSendRefused("bad_field", conversation=uuid4(), assistant="nobody")

    @override_settings(CHAT_LIMITS=LIMITS | {"per_minute": 9, "active": 9})
    def test_text_is_made_clean_and_kept_as_it_came(self):
        for text, kept in (
            ("a\0b", "a\ufffdb"),
            ("a\ud83d", "a\ufffd"),
            ("\ud83d\udc4d", "👍"),
            ("  e\u0301 \r\n", "  e\u0301 \r\n"),
            ("\u202eabc", "\u202eabc"),
        ):
            with self.subTest(ascii(text)):
                accepted = self.send(conversation=uuid4(), text=text)
                row = Message.objects.get(id=accepted.message)
                self.assertEqual((row.text, row.length), (kept, len(kept)))

    def test_emoji_count_as_code_points(self):
        accepted = self.send(text="👍" * LIMITS["characters"])
        self.assertEqual(Message.objects.get(id=accepted.message).length, LIMITS["characters"])


class ParentTest(AcceptCase):
    def test_absent_it_is_the_end_of_the_shown_branch(self):
        self.assertEqual(self.parent_of(self.send()), self.answer)

    def test_null_begins_the_conversation_anew(self):
        accepted = self.send(text="Why not?", parent=None)
        self.assertIsNone(self.parent_of(accepted))
        self.assertEqual(self.shown(), [accepted.message, accepted.reply])
        self.assertEqual(accepted.task.messages, [{"role": "user", "content": "Why not?"}])

    def test_an_earlier_reply_makes_a_branch_beside_the_other(self):
        first = self.finish(self.send(text="And?"))
        second = self.send(text="And then?", parent=self.answer.id)
        self.assertEqual(self.parent_of(second), self.answer)
        siblings = self.talk.messages.children_of([self.answer.id]).order_by("seq")
        self.assertEqual([row.id for row in siblings], [first.parent_id, second.message])
        self.assertEqual(
            self.shown(), [self.question.id, self.answer.id, second.message, second.reply]
        )
        self.assertNotIn("And?", [entry["content"] for entry in second.task.messages])

    def test_a_branch_that_is_not_shown_is_shown_again(self):
        self.finish(self.send(text="Why not?", parent=None))
        accepted = self.send(text="And?", parent=self.answer.id)
        self.assertEqual(self.shown()[:2], [self.question.id, self.answer.id])
        self.assertEqual(
            [m["content"] for m in accepted.task.messages], ["Why?", "Because.", "And?"]
        )

    def test_a_question_is_followed_by_no_question(self):
        self.assertSendRefused("bad_field", parent=self.question.id)

    def test_a_message_of_elsewhere_is_not_found(self):
        mine = Conversation.objects.create(owner=self.alice, assistant="chat")
        for name, parent in (
            ("absent", uuid4()),
            ("bob's", self.bobs_answer.id),
            ("another conversation's", self.answer.id),
        ):
            with self.subTest(name):
                self.assertSendRefused("not_found", conversation=mine.id, parent=parent)

    def test_a_conversation_is_not_made_for_an_answer_to_something(self):
        self.assertSendRefused("not_found", conversation=uuid4(), parent=self.answer.id)

    def parent_of(self, accepted: Accepted) -> Message | None:
        return Message.objects.get(id=accepted.message).parent


class RegenerateTest(AcceptCase):
    def test_another_reply_stands_beside_the_first(self):
        cid = uuid4()
        accepted = self.accept(self.alice, "regenerate", cid=cid, message=self.answer.id)
        row = Message.objects.get(id=accepted.reply)
        self.assertEqual(accepted.message, self.question.id)
        self.assertEqual((row.parent, row.cid, row.status), (self.question, cid, "running"))
        self.assertEqual((row.text, row.kept), ("", None))
        self.assertEqual(self.shown(), [self.question.id, row.id])
        self.assertEqual(accepted.task.messages, [{"role": "user", "content": "Why?"}])
        self.answer.refresh_from_db()
        self.assertEqual(self.answer.text, "Because.")

    def test_the_conversations_assistant_answers_again(self):
        Conversation.objects.filter(id=self.talk.id).update(assistant="plan")
        accepted = self.accept(self.alice, "regenerate", message=self.answer.id)
        self.assertEqual(accepted.task.reply.assistant, "plan")

    def test_a_question_is_not_regenerated_nor_continued(self):
        for kind in ("regenerate", "continue"):
            with self.subTest(kind):
                self.assertRefused("bad_field", self.alice, kind, message=self.question.id)


MODELS = {"default": {"MODELS": ["demo", "large"]}}


@override_settings(LLMS=MODELS)
class AuthorTest(AcceptCase):
    """Who writes a reply: `demo` is the default, as `accept` is told."""

    def author(self, accepted: Accepted) -> tuple[str, str]:
        row = Message.objects.get(id=accepted.reply)
        return row.assistant, row.model

    def choose(self, **chosen: str) -> None:
        Conversation.objects.filter(id=self.talk.id).update(**chosen)

    def test_whom_the_conversation_has_chosen(self):
        self.choose(model="large", assistant="plan")
        self.assertEqual(self.author(self.send()), ("plan", "large"))

    def test_whom_the_message_names_and_the_choice_stays(self):
        self.choose(model="large", assistant="plan")
        said = self.send(model="", assistant="chat")
        self.assertEqual(self.author(said), ("chat", "demo"))
        self.talk.refresh_from_db()
        self.assertEqual((self.talk.model, self.talk.assistant), ("large", "plan"))

    @override_settings(CHAT_LIMITS=LIMITS | {"per_minute": 9})
    def test_a_conversation_that_is_made_keeps_whom_its_first_message_names(self):
        for named, kept in ((None, ""), ("", ""), ("demo", ""), ("large", "large")):
            with self.subTest(named):
                id = uuid4()
                sent = self.send(self.charlie, conversation=id, text="Hi", parent=None, model=named)
                self.assertEqual(self.author(sent)[1], kept or "demo")
                self.assertEqual(Conversation.objects.get(id=id).model, kept)
                Conversation.objects.get(id=id).delete()

    def test_another_writes_it_anew(self):
        accepted = self.accept(self.alice, "regenerate", message=self.answer.id, model="large")
        self.assertEqual(self.author(accepted)[1], "large")
        self.talk.refresh_from_db()
        self.assertEqual(self.talk.model, "")

    def test_who_began_goes_on(self):
        self.choose(model="large")
        for began, goes_on in (("demo", "demo"), ("large", "large"), ("gone", "large")):
            with self.subTest(began):
                question = Message.objects.get(id=self.question.id)
                fields = {"status": Status.STOPPED, "model": began, "assistant": "plan"}
                broken = reply(question, "B", **fields)
                accepted = self.accept(self.alice, "continue", message=broken.id)
                self.assertEqual(self.author(accepted), ("plan", goes_on))
                self.finish(accepted, "")

    def test_what_was_chosen_and_is_offered_no_more_is_answered_by_the_first(self):
        self.choose(model="gone", assistant="gone")
        self.assertEqual(self.author(self.send()), ("chat", "demo"))

    def test_what_is_not_offered_is_a_mistake(self):
        self.assertSendRefused("bad_field", model="gone")
        for name in ("gone", "\0"):
            self.assertSendRefused("bad_field", conversation=uuid4(), model=name)
        fields = {"message": self.answer.id, "model": "gone"}
        self.assertRefused("bad_field", self.alice, "regenerate", **fields)
        self.assertRefused("not_found", self.bob, "regenerate", **fields)

    def test_a_first_line_may_be_bettered_and_no_other_title(self):
        self.assertEqual(self.send().task.title, "Why?")
        Conversation.objects.update(titled_by="person")
        fields = {"message": self.bobs_answer.id}
        self.assertEqual(self.accept(self.bob, "regenerate", **fields).task.title, "")


class ContinueTest(AcceptCase):
    def test_the_new_reply_begins_with_what_there_was(self):
        broken = reply(self.question, "Becau👍", status=Status.INTERRUPTED, error="upstream_cut")
        accepted = self.accept(self.alice, "continue", message=broken.id)
        row = Message.objects.get(id=accepted.reply)
        self.assertEqual((row.text, row.length, row.kept), ("Becau👍", 6, 6))
        self.assertEqual((row.status, row.error, row.parent), ("running", "", self.question))
        self.assertEqual(self.shown(), [self.question.id, row.id])
        broken.refresh_from_db()
        self.assertEqual(broken.status, "interrupted")

    def test_the_model_gets_what_there_was_and_is_told_to_go_on(self):
        broken = reply(self.question, "Becau", status=Status.STOPPED)
        task = self.accept(self.alice, "continue", message=broken.id).task
        self.assertEqual(
            task.messages,
            [
                {"role": "user", "content": "Why?"},
                {"role": "assistant", "content": "Becau"},
                {"role": "user", "content": GO_ON},
            ],
        )
        self.assertEqual(task.keep_last, 3)
        self.assertFalse(Message.objects.filter(text=GO_ON).exists())

    def test_a_reply_without_text_is_simply_made_again(self):
        failed = reply(self.question, status=Status.ERROR, error="upstream_timeout")
        accepted = self.accept(self.alice, "continue", message=failed.id)
        self.assertEqual(accepted.task.messages, [{"role": "user", "content": "Why?"}])
        self.assertEqual(Message.objects.get(id=accepted.reply).kept, 0)

    def test_it_grows_from_there(self):
        accepted = self.accept(self.alice, "continue", message=self.answer.id)
        more = Append(accepted.reply, len("Because."), " Really.")
        self.assertTrue(Message.objects.append([more], worker=WORKER, lease=15))
        self.assertEqual(Message.objects.get(id=accepted.reply).text, "Because. Really.")


class RepeatTest(AcceptCase):
    """Sending twice is the same as sending once."""

    def test_the_same_cid_gets_the_same_answer_and_writes_nothing(self):
        for kind, fields in (
            ("send", {"conversation": self.talk.id, "text": "And?"}),
            ("regenerate", {"message": self.answer.id}),
            ("continue", {"message": self.answer.id}),
        ):
            with self.subTest(kind):
                cid = uuid4()
                first = self.accept(self.alice, kind, cid=cid, **fields)
                rows = Message.objects.count()
                running = self.accept(self.alice, kind, cid=cid, **fields)
                self.finish_kept(first)
                final = self.accept(self.alice, kind, cid=cid, **fields)
                for again in (running, final):
                    self.assertEqual(names(again), names(first))
                    self.assertIsNone(again.task)
                self.assertEqual(Message.objects.count(), rows)

    def test_a_repeat_is_answered_before_every_limit(self):
        cid = uuid4()
        first = self.send(cid=cid)
        # The premise: this conversation is busy, and the minute's requests are spent.
        for _ in range(LIMITS["per_minute"] - 1):
            self.finish(self.send(conversation=uuid4(), text="x"))
        self.assertSendRefused("busy")
        self.assertSendRefused("rate", conversation=uuid4())
        self.assertEqual(names(self.send(cid=cid)), names(first))

    def test_what_it_says_the_second_time_does_not_matter(self):
        cid = uuid4()
        first = self.send(cid=cid)
        for fields in (
            {"text": ""},
            {"text": "x" * (LIMITS["characters"] + 1)},
            {"text": "something else"},
            {"parent": self.question.id},
            {"parent": uuid4()},
            {"parent": None},
        ):
            with self.subTest(fields):
                self.assertEqual(names(self.send(cid=cid, **fields)), names(first))

    def test_an_assistant_that_is_offered_no_more_does_not_matter_either(self):
        fields = {"conversation": uuid4(), "cid": uuid4(), "assistant": "plan", "parent": None}
        first = self.send(**fields)
        with override_settings(CHAT_FLOWS={"chat": "chat.flows.chat.build"}):
            self.assertEqual(names(self.send(**fields)), names(first))

    def test_the_answer_names_the_first_reply_also_after_another(self):
        cid = uuid4()
        first = self.send(cid=cid)
        self.finish(first)
        self.finish(self.accept(self.alice, "regenerate", message=first.reply))
        self.assertEqual(names(self.send(cid=cid)), names(first))

    def test_in_another_conversation_it_is_another_request(self):
        cid = uuid4()
        first = self.send(cid=cid)
        second = self.send(cid=cid, conversation=uuid4())
        self.assertNotEqual(first.message, second.message)
        self.assertIsNotNone(second.task)

    def test_a_cid_that_was_refused_is_free(self):
        cid = uuid4()
        self.assertSendRefused("empty", cid=cid, text="")
        self.assertIsNotNone(self.send(cid=cid).task)

    def finish_kept(self, accepted: Accepted) -> None:
        self.assertTrue(Message.objects.end(accepted.reply, Ending("done")))


def names(accepted: Accepted) -> tuple:
    return (accepted.conversation, accepted.message, accepted.reply)


class NotFoundTest(AcceptCase):
    def test_strangers_read_what_is_absent(self):
        for name, user in (("bob", self.bob), ("charlie", self.charlie)):
            for kind in ("regenerate", "continue"):
                with self.subTest(f"{kind} by {name}"):
                    self.assertRefused("not_found", user, kind, message=self.answer.id)
                    self.assertRefused("not_found", user, kind, message=uuid4())
            with self.subTest(f"send by {name}"):
                self.assertSendRefused("not_found", user)

    def test_a_deleted_conversation_is_not_made_anew(self):
        self.talk.delete_content()
        self.assertSendRefused("not_found")
        self.assertSendRefused("not_found", parent=None)
        self.assertRefused("not_found", self.alice, "regenerate", message=self.answer.id)

    def test_it_is_said_before_what_else_is_wrong(self):
        self.assertSendRefused("not_found", self.charlie, text="")
        self.assertSendRefused("not_found", self.charlie, text="x" * 101)
        self.assertRefused("not_found", self.charlie, "regenerate", message=self.question.id)
        reply(self.bobs.messages.get(role="user"), status=Status.RUNNING)
        self.assertSendRefused("not_found", self.charlie, conversation=self.bobs.id)

    def test_of_a_parent_it_is_said_before_what_else_is_wrong(self):
        self.assertSendRefused("not_found", parent=self.bobs_answer.id, text="")
        self.running()
        self.assertSendRefused("not_found", parent=self.bobs_answer.id)

    def test_of_a_conversation_it_is_said_before_a_wrong_assistant(self):
        self.assertSendRefused("not_found", self.charlie, assistant="nobody")


class TextTest(AcceptCase):
    def test_an_empty_message(self):
        for text in ("", " ", "\n\t\r\n", "\u00a0\u2003"):
            with self.subTest(ascii(text)):
                self.assertSendRefused("empty", text=text)

    def test_a_long_message(self):
        self.assertSendRefused("too_long", text="x" * (LIMITS["characters"] + 1))
        self.send(text="x" * LIMITS["characters"])

    def test_a_new_conversation_is_not_left_behind(self):
        self.assertSendRefused("empty", conversation=uuid4(), text="")


class LimitTest(AcceptCase):
    def test_busy_while_a_reply_is_written_here(self):
        self.send()
        self.assertSendRefused("busy")
        self.assertSendRefused("busy", parent=None)
        for kind in ("regenerate", "continue"):
            with self.subTest(kind):
                self.assertRefused("busy", self.alice, kind, message=self.answer.id)

    def test_busy_ends_with_the_reply(self):
        self.finish(self.send())
        self.assertIsNotNone(self.send().task)

    def test_a_reply_whose_worker_is_gone_is_settled_first(self):
        left = self.running(text="Becau", lease_until=in_seconds(-1))
        accepted = self.send()
        left.refresh_from_db()
        self.assertEqual((left.status, left.error), ("interrupted", "lost_worker"))
        self.assertEqual(Message.objects.get(id=accepted.message).parent, left)

    def test_too_many_of_ones_own_replies_at_once(self):
        for _ in range(LIMITS["active"]):
            self.send(conversation=uuid4())
        self.assertSendRefused("too_many")
        self.assertIsNotNone(self.send(self.bob, conversation=self.bobs.id).task)

    def test_rate_is_each_persons_own(self):
        for _ in range(LIMITS["per_minute"]):
            self.finish(self.send(conversation=uuid4()))
        self.assertSendRefused("rate")
        self.assertIsNotNone(self.send(self.bob, conversation=self.bobs.id).task)

    @override_settings(CHAT_LIMITS=LIMITS | {"per_minute": 2})
    def test_busy_is_said_before_too_many_and_that_before_rate(self):
        first, second = self.send(), self.send(conversation=uuid4())
        self.assertSendRefused("busy")
        self.assertSendRefused("too_many", conversation=uuid4())
        self.finish(second)
        self.assertSendRefused("busy")
        self.assertSendRefused("rate", conversation=uuid4())
        self.finish(first)
        self.assertSendRefused("rate")

    @override_settings(CHAT_LIMITS=LIMITS | {"messages": 4})
    def test_a_conversation_has_no_more_messages_than_a_page_can_bear(self):
        reply = self.finish(self.send())
        self.assertSendRefused("full")
        self.assertRefused("full", self.alice, "regenerate", message=reply.id)
        self.assertIsNotNone(self.send(conversation=uuid4()).task)

    def test_who_asks_is_a_person_and_not_a_name(self):
        stranger = person("dora")
        self.assertSendRefused("not_found", stranger)
        self.assertIsNotNone(self.send(stranger, conversation=uuid4()).task)
