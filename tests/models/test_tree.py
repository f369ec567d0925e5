from contextlib import suppress
from functools import partial
from uuid import uuid4

from django.test import override_settings

from chat.models import Conversation, Message
from chat.protocol import Refused
from chat.replies import snapshot, tree
from chat.replies.settle import REMOVED, remove_deleted

from .cast import CastTestCase, Status, ask, in_seconds, reply


class TreeCase(CastTestCase):
    def assertRefused(self, code: str, change, *args) -> None:
        before = list(Conversation.objects.order_by("id").values())
        with self.assertRaises(Refused) as caught:
            change(*args)
        self.assertEqual(caught.exception.code, code)
        self.assertEqual(list(Conversation.objects.order_by("id").values()), before)


class SelectTest(TreeCase):
    def test_the_branch_through_the_message_is_shown(self):
        other = reply(self.question, "Just so.")
        self.assertEqual(self.shown(), [self.question.id, other.id])  # the premise
        before = self.revision()
        tree.select(self.alice, self.answer.id)
        self.assertEqual(self.shown(), [self.question.id, self.answer.id])
        self.assertGreater(self.revision(), before)

    def test_down_to_the_latest_below_it(self):
        more = ask(self.talk, "And?", after=self.answer)
        last = reply(more, "So.")
        ask(self.talk, "Why not?")
        tree.select(self.alice, self.question.id)
        self.assertEqual(self.shown(), [self.question.id, self.answer.id, more.id, last.id])

    def test_strangers_select_nothing(self):
        reply(self.question, "Just so.")
        shown = self.shown()
        for user in (self.bob, self.charlie):
            with self.subTest(user.username):
                self.assertRefused("not_found", tree.select, user, self.answer.id)
        self.assertRefused("not_found", tree.select, self.alice, uuid4())
        self.assertEqual(self.shown(), shown)

    def test_not_while_a_reply_is_written(self):
        row = self.running()
        self.assertRefused("busy", tree.select, self.alice, self.question.id)
        Message.objects.filter(id=row.id).update(lease_until=in_seconds(-1))
        tree.select(self.alice, self.question.id)
        row.refresh_from_db()
        self.assertEqual(row.status, Status.INTERRUPTED)


class RenameTest(TreeCase):
    def test_the_title_is_the_owners(self):
        before = self.revision()
        tree.rename(self.alice, self.talk.id, "  The salt\n of the \0 sea ")
        self.talk.refresh_from_db()
        self.assertEqual(self.talk.title, "The salt of the \ufffd sea")
        self.assertGreater(self.revision(), before)

    def test_a_long_title_is_cut(self):
        tree.rename(self.alice, self.talk.id, "x" * 1000)
        self.talk.refresh_from_db()
        self.assertEqual(self.talk.title, "x" * 200)

    def test_an_empty_one_changes_nothing(self):
        for title in ("", "  \n"):
            tree.rename(self.alice, self.talk.id, title)
        self.talk.refresh_from_db()
        self.assertEqual(self.talk.title, "Why?")

    def test_strangers_rename_nothing(self):
        for user in (self.bob, self.charlie):
            with self.subTest(user.username):
                self.assertRefused("not_found", tree.rename, user, self.talk.id, "Mine")
                self.assertRefused("not_found", tree.rename, user, self.talk.id, "")
        self.assertRefused("not_found", tree.rename, self.alice, uuid4(), "Mine")


class PinTest(TreeCase):
    def test_it_stands_first_until_it_is_unpinned(self):
        before = self.talk.updated
        for pinned in (True, False):
            tree.pin(self.alice, self.talk.id, pinned)
            self.talk.refresh_from_db()
            self.assertEqual((self.talk.pinned, self.talk.updated), (pinned, before))

    def test_strangers_pin_nothing(self):
        for user, id in ((self.bob, self.talk.id), (self.alice, uuid4())):
            self.assertRefused("not_found", tree.pin, user, id, True)


class DeleteTest(TreeCase):
    def test_it_is_marked_and_its_reply_is_stopped(self):
        row = self.running(text="Bec")
        before = self.revision()
        tree.delete(self.alice, self.talk.id)
        self.talk.refresh_from_db()
        self.assertIsNotNone(self.talk.deleted)
        self.assertGreater(self.revision(), before)
        row.refresh_from_db()
        self.assertEqual((row.status, row.text), (Status.STOPPED, "Bec"))

    def test_nobody_reads_it_any_more(self):
        tree.delete(self.alice, self.talk.id)
        for look in (snapshot.shown, lambda *args: snapshot.earlier(*args, 9)):
            self.assertRefused("not_found", look, self.alice, self.talk.id)
        self.assertEqual(list(Message.objects.owned_by(self.alice)), [])

    def test_strangers_delete_nothing(self):
        for user in (self.bob, self.charlie):
            with self.subTest(user.username):
                self.assertRefused("not_found", tree.delete, user, self.talk.id)
        self.assertEqual(self.talk.messages.count(), 2)

    def test_twice_is_not_found(self):
        tree.delete(self.alice, self.talk.id)
        self.assertRefused("not_found", tree.delete, self.alice, self.talk.id)


MODELS = {"default": {"MODELS": ["small", "large"]}}


@override_settings(LLMS=MODELS)
class ChooseTest(TreeCase):
    def chosen(self) -> tuple[str, str]:
        self.talk.refresh_from_db()
        return self.talk.model, self.talk.assistant

    def test_one_or_both_are_changed_and_the_revision_rises(self):
        for choice, then in (
            ({"model": "large"}, ("large", "chat")),
            ({"assistant": "plan"}, ("large", "plan")),
            ({"model": "", "assistant": "chat"}, ("", "chat")),
            ({"model": "large"}, ("large", "chat")),
            ({"model": "small"}, ("", "chat")),  # the default is no choice
        ):
            with self.subTest(choice):
                before = self.revision()
                tree.choose(self.alice, self.talk.id, **choice)
                self.assertEqual(self.chosen(), then)
                self.assertGreater(self.revision(), before)

    def test_what_is_not_offered_changes_nothing(self):
        for choice in (
            {"model": "huge"},
            {"assistant": "nobody"},
            {"assistant": ""},
            {"model": "large", "assistant": "nobody"},
        ):
            with self.subTest(choice):
                change = partial(tree.choose, **choice)
                self.assertRefused("bad_field", change, self.alice, self.talk.id)

    def test_strangers_choose_nothing(self):
        for choice in ({"model": "large"}, {"model": "huge"}):
            change = partial(tree.choose, **choice)
            for user in (self.bob, self.charlie):
                self.assertRefused("not_found", change, user, self.talk.id)
            self.assertRefused("not_found", change, self.alice, uuid4())


class DeletedCase(TreeCase):
    def everything(self) -> tuple[list, list]:
        """All rows, but for what changes with each change."""
        conversations = Conversation.objects.order_by("id").values()
        kept = [{**row, "revision": 0} for row in conversations]
        return kept, list(Message.objects.order_by("id").values())

    def deleted_ago(self, seconds: float) -> None:
        Conversation.objects.filter(id=self.talk.id).update(deleted=in_seconds(-seconds))


class RestoreTest(DeletedCase):
    def test_it_is_back_whole(self):
        reply(self.question, "Just so.")
        tree.select(self.alice, self.answer.id)
        tree.rename(self.alice, self.talk.id, "Mine")
        tree.pin(self.alice, self.talk.id, True)
        before, revision = self.everything(), self.revision()
        tree.delete(self.alice, self.talk.id)
        self.assertNotEqual(self.everything(), before)
        tree.restore(self.alice, self.talk.id)
        self.assertEqual(self.everything(), before)
        self.assertGreater(self.revision(), revision)

    def test_twice_is_as_once(self):
        tree.delete(self.alice, self.talk.id)
        tree.restore(self.alice, self.talk.id)
        before = self.revision()
        tree.restore(self.alice, self.talk.id)
        self.assertEqual(self.revision(), before)

    def test_strangers_restore_nothing(self):
        tree.delete(self.alice, self.talk.id)
        for user, id in (
            *((user, self.talk.id) for user in (self.bob, self.charlie)),
            (self.alice, uuid4()),
            (self.bob, self.talk.id),
        ):
            self.assertRefused("not_found", tree.restore, user, id)

    def test_later_is_too_late(self):
        tree.delete(self.alice, self.talk.id)
        self.deleted_ago(50)
        tree.restore(self.alice, self.talk.id)
        tree.delete(self.alice, self.talk.id)
        self.deleted_ago(61)
        self.assertRefused("not_found", tree.restore, self.alice, self.talk.id)

    def test_what_was_removed_does_not_come_back_empty(self):
        Conversation.objects.get(id=self.talk.id).delete_content()  # as an operator does
        self.assertRefused("not_found", tree.restore, self.alice, self.talk.id)


class RemoveTest(DeletedCase):
    def test_nothing_is_removed_while_it_can_be_restored(self):
        tree.delete(self.alice, self.talk.id)
        self.deleted_ago(55)
        before = self.everything()
        self.assertEqual(remove_deleted(), 0)
        self.assertEqual(self.everything(), before)

    def test_then_it_is_removed_for_good_and_the_row_stays(self):
        tree.delete(self.alice, self.talk.id)
        self.deleted_ago(61)
        moment = Conversation.objects.get(id=self.talk.id).deleted
        self.assertEqual(remove_deleted(), 1)
        self.talk.refresh_from_db()
        self.assertEqual((self.talk.title, self.talk.deleted), ("", moment))
        self.assertEqual(self.talk.messages.count(), 0)
        self.assertEqual(self.bobs.messages.count(), 2)
        self.assertRefused("not_found", tree.restore, self.alice, self.talk.id)
        self.assertEqual(remove_deleted(), 0)

    def test_what_is_not_deleted_stays_however_old(self):
        before = self.everything()
        Conversation.objects.update(updated=in_seconds(-(10**7)))
        self.assertEqual(remove_deleted(), 0)
        self.assertEqual(self.everything()[1], before[1])

    def test_one_that_is_restored_meanwhile_stays(self):
        tree.delete(self.alice, self.talk.id)
        self.deleted_ago(61)
        (id,) = Conversation.objects.removable(undo=60).values_list("id", flat=True)
        Conversation.objects.filter(id=id).update(deleted=None)
        self.assertFalse(Conversation.objects.remove(id, undo=60))
        self.assertEqual(self.talk.messages.count(), 2)

    def test_there_is_an_end_to_one_go_and_the_next_goes_on(self):
        long_ago = {"owner": self.bob, "deleted": in_seconds(-99), "last_seq": 1}
        Conversation.objects.bulk_create(Conversation(**long_ago) for _ in range(REMOVED + 5))
        self.assertEqual([remove_deleted() for _ in range(3)], [REMOVED, 5, 0])


class BellTest(TreeCase):
    """The bell rings once a change is committed, and only then."""

    def rung(self, change, *args) -> int:
        with self.captureOnCommitCallbacks() as callbacks, suppress(Refused):
            change(*args)
        return len(callbacks)

    def test_every_change_rings_once(self):
        for change, args in (
            (tree.select, (self.alice, self.question.id)),
            (tree.rename, (self.alice, self.talk.id, "New")),
            (tree.choose, (self.alice, self.talk.id)),
            (tree.pin, (self.alice, self.talk.id, True)),
            (tree.delete, (self.alice, self.talk.id)),
            (tree.restore, (self.alice, self.talk.id)),
        ):
            with self.subTest(change.__name__):
                self.assertEqual(self.rung(change, *args), 1)

    def test_what_is_refused_or_changes_nothing_is_silent(self):
        self.assertEqual(self.rung(tree.rename, self.alice, self.talk.id, " "), 0)
        self.assertEqual(self.rung(tree.pin, self.alice, self.talk.id, False), 0)
        self.assertEqual(self.rung(tree.restore, self.alice, self.talk.id), 0)
        self.assertEqual(self.rung(tree.delete, self.charlie, self.talk.id), 0)
        self.assertEqual(self.rung(tree.select, self.charlie, self.answer.id), 0)
