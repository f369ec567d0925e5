from uuid import UUID, uuid4

from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.models import Conversation, Message, Step
from chat.models.conversation import TITLE_LENGTH, title_of
from chat.replies import tree

from .cast import CastTestCase, Status, ask, reply

# What may happen to a tree: a new message after a known one, or another branch shown.
ACTIONS = st.lists(
    st.tuples(st.sampled_from(["add", "add", "add", "through", "only"]), st.integers(0, 10**6)),
    max_size=15,
)


class Tree:
    """A conversation in plain Python: `parents[n]` is the parent of message n, `shown` a path."""

    def __init__(self) -> None:
        self.parents: list[int | None] = []
        self.shown: list[int] = []

    def path(self, last: int | None) -> list[int]:
        path = []
        while last is not None:
            path.insert(0, last)
            last = self.parents[last]
        return path

    def add(self, parent: int | None) -> None:
        self.parents.append(parent)
        self.shown = self.path(len(self.parents) - 1)

    def show_only(self, last: int | None) -> None:
        self.shown = self.path(last)

    def show_through(self, message: int) -> None:
        below = [n for n in range(len(self.parents)) if message in self.path(n)]
        self.shown = self.path(max(below))


class LockTest(CastTestCase):
    def test_the_owner_holds_it_and_its_revision_rises(self):
        before = self.revision()
        held = Conversation.objects.lock(self.talk.id, owner=self.alice)
        self.assertEqual((held.id, held.revision), (self.talk.id, before + 1))
        self.assertEqual(self.revision(), before + 1)

    def test_foreign_deleted_and_absent_ones_read_the_same(self):
        deleted = Conversation.objects.create(owner=self.charlie, assistant="chat")
        deleted.delete_content()
        said = set()
        for name, id in (
            ("foreign", self.talk.id),
            ("deleted", deleted.id),
            ("absent", uuid4()),
        ):
            with self.subTest(name), self.assertRaises(Conversation.DoesNotExist) as caught:
                Conversation.objects.lock(id, owner=self.charlie)
            said.add(str(caught.exception))
        self.assertEqual(len(said), 1)

    def test_who_may_not_changes_nothing(self):
        before = self.revision()
        with self.assertRaises(Conversation.DoesNotExist):
            Conversation.objects.lock(self.talk.id, owner=self.bob)
        self.assertEqual(self.revision(), before)

    def test_only_this_one_rises(self):
        before = self.revision(self.bobs)
        Conversation.objects.lock(self.talk.id, owner=self.alice)
        self.assertEqual(self.revision(self.bobs), before)

    def test_what_is_rolled_back_did_not_happen(self):
        before = self.revision()
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            Conversation.objects.lock(self.talk.id, owner=self.alice)
            _ = 1 / 0
        self.assertEqual(self.revision(), before)


class MakeTest(CastTestCase):
    def test_a_new_one_is_the_askers(self):
        id = uuid4()
        Conversation.objects.make(id, owner=self.charlie, assistant="plan")
        made = Conversation.objects.get(id=id)
        self.assertEqual((made.owner, made.assistant), (self.charlie, "plan"))

    def test_an_id_that_is_taken_changes_nothing_whoever_has_it(self):
        for owner in (self.alice, self.charlie):
            with self.subTest(owner.username):
                Conversation.objects.make(self.talk.id, owner=owner, assistant="plan")
                self.talk.refresh_from_db()
                self.assertEqual((self.talk.owner, self.talk.assistant), (self.alice, "chat"))
        self.assertEqual(self.talk.messages.count(), 2)

    def test_a_deleted_one_stays_deleted(self):
        self.talk.delete_content()
        Conversation.objects.make(self.talk.id, owner=self.alice, assistant="chat")
        self.talk.refresh_from_db()
        self.assertIsNotNone(self.talk.deleted)


class TitledByTest(CastTestCase):
    """Who writes the title: the question's first line, then the model, and the owner for ever."""

    def by(self) -> tuple[str, str]:
        self.talk.refresh_from_db()
        return self.talk.title, self.talk.titled_by

    def entitle(self, title: str = "Reasons", *, instead_of: str = "Why?") -> bool:
        return Conversation.objects.entitle(self.talk.id, title, instead_of=instead_of)

    def test_the_model_is_asked_once(self):
        self.assertEqual(self.by(), ("Why?", "question"))
        before = self.revision()
        self.assertTrue(Conversation.objects.claim_title(self.talk.id))
        self.assertFalse(Conversation.objects.claim_title(self.talk.id))
        self.assertEqual(self.by(), ("Why?", "asked"))
        self.assertEqual(self.revision(), before, "nobody is shown anything else")

    def test_its_title_stands_instead_of_the_first_line(self):
        Conversation.objects.claim_title(self.talk.id)
        before = self.revision()
        self.assertTrue(self.entitle())
        self.assertEqual(self.by(), ("Reasons", "model"))
        self.assertEqual(self.revision(), before + 1)
        self.assertFalse(self.entitle("Others", instead_of="Reasons"))
        self.assertFalse(Conversation.objects.claim_title(self.talk.id))

    def test_the_owners_own_wins_whenever_it_comes(self):
        for when in ("before it is asked", "before it answers", "after it"):
            with self.subTest(when):
                Conversation.objects.filter(id=self.talk.id).update(
                    title="Why?", titled_by="question"
                )
                if when != "before it is asked":
                    Conversation.objects.claim_title(self.talk.id)
                if when == "after it":
                    self.entitle()
                tree.rename(self.alice, self.talk.id, "Mine")
                self.assertFalse(Conversation.objects.claim_title(self.talk.id))
                self.assertFalse(self.entitle())
                self.assertFalse(self.entitle(instead_of="Mine"))
                self.assertEqual(self.by(), ("Mine", "person"))

    def test_so_does_one_by_a_worker_of_the_version_before(self):
        Conversation.objects.claim_title(self.talk.id)
        Conversation.objects.filter(id=self.talk.id).update(title="Mine")
        self.assertFalse(self.entitle())

    def test_a_deleted_conversation_gets_none(self):
        Conversation.objects.claim_title(self.talk.id)
        self.talk.delete_content()
        self.assertFalse(self.entitle(instead_of=""))
        self.assertFalse(Conversation.objects.claim_title(self.talk.id))

    def test_a_row_of_the_version_before_is_left_alone(self):
        new = {"title_prompt_tokens", "title_completion_tokens", "titled_by", "model"}
        fields = [f for f in Conversation._meta.concrete_fields if f.name not in new]
        columns = ", ".join(field.column for field in fields)
        id = uuid4()
        row = Conversation(id=id, owner=self.alice, assistant="chat", title="Old")
        values = [f.get_db_prep_save(getattr(row, f.attname), connection) for f in fields]
        with connection.cursor() as cursor:
            places = ", ".join(["%s"] * len(fields))
            cursor.execute(f"INSERT INTO chat_conversation ({columns}) VALUES ({places})", values)
        old = Conversation.objects.get(id=id)
        self.assertEqual((old.titled_by, old.model), ("", ""))
        self.assertFalse(Conversation.objects.claim_title(id))


class QuerysetTest(CastTestCase):
    def test_everyone_owns_their_own(self):
        owned = Conversation.objects.owned_by
        self.assertEqual(list(owned(self.alice)), [self.talk])
        self.assertEqual(list(owned(self.bob)), [self.bobs])
        self.assertEqual(list(owned(self.charlie)), [])

    def test_the_list_is_pinned_first_and_then_the_latest(self):
        mine = [Conversation.objects.create(owner=self.charlie, assistant="chat") for _ in range(3)]
        mine[0].pinned = True
        mine[0].save()
        mine[1].delete_content()
        newest = Conversation.objects.create(owner=self.charlie, assistant="chat")
        listed = Conversation.objects.owned_by(self.charlie).listed()
        self.assertEqual(list(listed), [mine[0], newest, mine[2]])

    def test_active_is_where_a_reply_is_written(self):
        self.running()
        active = {c.id: c.active for c in Conversation.objects.with_activity()}
        self.assertEqual(active, {self.talk.id: True, self.bobs.id: False})

    def test_revisions_of_those_that_are_there(self):
        Conversation.objects.lock(self.talk.id, owner=self.alice)
        found = Conversation.objects.revisions([self.talk.id, uuid4()])
        self.assertEqual(found, {self.talk.id: self.revision()})
        self.assertEqual(Conversation.objects.revisions([]), {})


class AddTest(CastTestCase):
    def test_a_message_gets_the_next_number_and_ends_the_branch(self):
        question = ask(self.talk, "And?", after=self.answer)
        self.assertEqual(question.seq, self.answer.seq + 1)
        self.assertEqual(self.shown(), [self.question.id, self.answer.id, question.id])
        self.talk.refresh_from_db()
        self.assertEqual(self.talk.last_seq, question.seq)

    def test_numbers_rise_over_all_branches(self):
        numbers = [reply(self.question, str(n)).seq for n in range(3)]
        self.assertEqual(numbers, [3, 4, 5])

    def test_an_edit_leaves_the_other_branch_aside(self):
        edited = ask(self.talk, "Why not?")
        self.assertEqual(self.shown(), [edited.id])
        self.assertEqual(self.talk.messages.count(), 3)

    def test_another_reply_stands_beside_the_first(self):
        other = reply(self.question, "Just so.")
        self.assertEqual(self.shown(), [self.question.id, other.id])

    def test_a_message_on_a_branch_that_is_not_shown_shows_it(self):
        ask(self.talk, "Why not?")
        more = ask(self.talk, "And?", after=Message.objects.get(id=self.answer.id))
        self.assertEqual(self.shown(), [self.question.id, self.answer.id, more.id])

    def test_the_first_question_gives_the_title(self):
        self.assertEqual(self.talk.title, "Why?")
        ask(self.talk, "And?", after=self.answer)
        self.talk.refresh_from_db()
        self.assertEqual(self.talk.title, "Why?")

    def test_a_reply_gives_no_title(self):
        empty = Conversation.objects.create(owner=self.alice, assistant="chat")
        empty.add(parent=None, role="assistant", text="Hello")
        self.assertEqual(empty.title, "")

    def test_writing_in_it_makes_it_the_latest(self):
        before = self.talk.updated
        ask(self.talk, "And?", after=self.answer)
        self.talk.refresh_from_db()
        self.assertGreater(self.talk.updated, before)

    def test_other_columns_stay_as_another_writer_left_them(self):
        Conversation.objects.filter(id=self.talk.id).update(pinned=True, revision=7)
        ask(self.talk, "And?", after=self.answer)
        self.talk.refresh_from_db()
        self.assertEqual((self.talk.pinned, self.talk.revision), (True, 7))


class ShownBranchTest(CastTestCase):
    @settings(max_examples=40)
    @given(ACTIONS)
    def test_any_tree_shows_the_branch_that_plain_python_shows(self, actions: list):
        tree = Tree()
        talk = Conversation.objects.create(owner=self.alice, assistant="chat")
        ids: list[UUID] = []
        for action, number in actions:
            at = number % (len(ids) + 1) - 1  # -1 stands for none
            place = None if at < 0 else at
            message = None if at < 0 else Message.objects.get(id=ids[at])
            if action == "add":
                ids.append(talk.add(parent=message, role="user", text="x", length=1).id)
                tree.add(place)
            elif action == "only":
                talk.show_only(message)
                tree.show_only(place)
            elif message is not None:
                talk.show_through(message)
                tree.show_through(place)
            self.assertEqual(self.shown(talk), [ids[n] for n in tree.shown])
        for n, id in enumerate(ids):
            self.assertEqual(Message.objects.get(id=id).path(), [ids[m] for m in tree.path(n)])

    def test_other_conversations_show_what_they_showed(self):
        before = self.shown(self.bobs)
        self.assertEqual(len(before), 2)
        self.talk.show_only(None)
        self.talk.show_through(self.answer)
        self.assertEqual(self.shown(self.bobs), before)

    def test_through_a_message_goes_on_to_the_latest_below_it(self):
        old = [self.question.id, self.answer.id]
        side = reply(self.question, "Just so.")
        last = reply(ask(self.talk, "And?", after=side), "So.")
        ask(self.talk, "Why not?")
        self.talk.show_through(Message.objects.get(id=self.question.id))
        self.assertEqual(self.shown(), [self.question.id, side.id, last.parent_id, last.id])
        self.talk.show_through(Message.objects.get(id=self.answer.id))
        self.assertEqual(self.shown(), old)


class DeleteTest(CastTestCase):
    def test_what_was_said_is_gone_and_the_row_stays(self):
        Step.objects.create(message=self.answer, position=1, name="s", started=timezone.now())
        self.running()
        self.talk.delete_content()
        self.talk.refresh_from_db()
        self.assertEqual(self.talk.title, "")
        self.assertIsNotNone(self.talk.deleted)
        self.assertEqual(self.talk.owner, self.alice)
        self.assertEqual(self.talk.messages.count(), 0)
        self.assertEqual(Step.objects.count(), 0)

    def test_others_keep_what_they_said(self):
        self.talk.delete_content()
        self.assertEqual(self.bobs.messages.count(), 2)
        self.assertIsNone(Conversation.objects.get(id=self.bobs.id).deleted)

    def test_it_is_listed_no_more(self):
        self.talk.delete_content()
        self.assertEqual(list(Conversation.objects.owned_by(self.alice).listed()), [])

    def test_a_long_conversation_is_deleted_too(self):
        last = self.answer
        for _ in range(300):
            last = ask(self.talk, "And?", after=last)
        self.talk.delete_content()
        self.assertEqual(self.talk.messages.count(), 0)


class TitleTest(CastTestCase):
    def test_the_first_line_that_says_something(self):
        for text, title in (
            ("Why is the sea salt?", "Why is the sea salt?"),
            ("\n  \n  Why?  \nBecause.", "Why?"),
            ("Why?\r\nBecause.", "Why?"),
            ("", ""),
            ("\n \t\n", ""),
        ):
            with self.subTest(text):
                self.assertEqual(title_of(text), title)

    def test_a_long_line_is_cut_at_a_word(self):
        title = title_of("word " * 40)
        self.assertTrue(title.endswith("word…"), title)
        self.assertLessEqual(len(title), TITLE_LENGTH + 1)

    def test_a_long_word_is_cut_anyway(self):
        self.assertEqual(title_of("x" * 200), "x" * TITLE_LENGTH + "…")

    def test_what_fits_is_not_cut(self):
        self.assertEqual(title_of("x" * TITLE_LENGTH), "x" * TITLE_LENGTH)

    @given(st.text(max_size=300))
    def test_any_text_has_a_title_that_fits(self, text: str):
        title = title_of(text)
        self.assertLessEqual(len(title), Conversation._meta.get_field("title").max_length)
        self.assertEqual(title.splitlines() or [""], [title])
        self.assertEqual(bool(title), bool(text.strip()))


class ActiveTest(CastTestCase):
    def test_only_running_is_active(self):
        for status in Status:
            with self.subTest(status):
                row = self.running(status=status)
                is_active = status == Status.RUNNING
                self.assertEqual(row.is_final, not is_active)
                self.assertEqual(Message.objects.active().filter(id=row.id).exists(), is_active)
                row.parent.delete()
