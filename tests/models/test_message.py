from datetime import timedelta
from functools import partial
from uuid import uuid4

from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from chat.models import Append, Ending, Message, lease_end
from chat.models.message import READ

from .cast import WORKER, CastTestCase, Status, ask, in_seconds, reply

EMOJI = "é👍🏽 👨‍👩‍👧"  # 1 + 2 + 1 + 5 code points
MANY = 10_000  # characters: all of it
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


class HistoryTest(CastTestCase):
    def test_the_shown_branch_in_its_order(self):
        self.assertEqual(
            list(self.talk.messages.history(MANY).items()),
            [
                (self.question.id, {"role": "user", "content": "Why?"}),
                (self.answer.id, {"role": "assistant", "content": "Because."}),
            ],
        )

    def test_without_other_branches_and_other_people(self):
        edited = ask(self.talk, "Why not?")
        said = {edited.id: {"role": "user", "content": edited.text}}
        self.assertEqual(self.talk.messages.history(MANY), said)

    def test_a_broken_off_reply_goes_as_far_as_it_goes_and_an_empty_one_is_left_out(self):
        for status, text, said in (
            (Status.STOPPED, "Becau", 2),
            (Status.INTERRUPTED, "Becau", 2),
            (Status.INTERRUPTED, "", 1),
            (Status.ERROR, "", 1),
        ):
            with self.subTest(status, text=text):
                reply(self.question, text, status=status)
                history = self.talk.messages.history(MANY).values()
                self.assertEqual([entry["content"] for entry in history], ["Why?", text][:said])

    def test_of_a_long_one_only_the_end_is_read(self):
        said = [self.question, self.answer]
        for _ in range(2 * READ):
            said.append(ask(self.talk, "And why?", after=said[-1]))
        ids = [message.id for message in said]
        for characters, count in ((1, READ), (8 * READ + 1, 2 * READ), (MANY, 2 * READ + 2)):
            with self.subTest(characters):
                history = self.talk.messages.history(characters)
                self.assertEqual(list(history), ids[-count:])
        self.assertEqual(history[ids[-1]], {"role": "user", "content": "And why?"})

    def test_what_the_model_thought_is_never_in_it(self):
        reply(self.question, "Because.", reasoning="a secret thought", reasoning_length=16)
        self.assertNotIn("secret", str(self.talk.messages.history(MANY)))


class AppendTest(CastTestCase):
    def append(self, row: Message, *, worker: str = WORKER, lease: float = 15, **fields) -> bool:
        """Whether an append to `row`, as it stands, matched."""
        known = {"length": row.length, "reasoning_length": row.reasoning_length}
        one = Append(row.id, **known | fields)
        matched = Message.objects.append([one], worker=worker, lease=lease)
        self.assertLessEqual(matched, {row.id})
        return bool(matched)

    def test_text_and_reasoning_grow_and_are_counted(self):
        row = self.running()
        self.assertTrue(self.append(row, text="Be", reasoning="Hm"))
        row.refresh_from_db()
        self.assertTrue(self.append(row, text="cause", reasoning=", well"))
        row.refresh_from_db()
        self.assertEqual((row.text, row.length), ("Because", 7))
        self.assertEqual((row.reasoning, row.reasoning_length), ("Hm, well", 8))

    def test_each_grows_without_the_other(self):
        row = self.running()
        self.assertTrue(self.append(row, reasoning="Hm"))
        row.refresh_from_db()
        self.assertTrue(self.append(row, text="Be"))
        row.refresh_from_db()
        self.assertEqual((row.text, row.length), ("Be", 2))
        self.assertEqual((row.reasoning, row.reasoning_length), ("Hm", 2))

    def test_lengths_are_code_points(self):
        row = self.running()
        self.assertTrue(self.append(row, text=EMOJI, reasoning=EMOJI))
        row.refresh_from_db()
        self.assertEqual((row.text, row.length), (EMOJI, 9))
        self.assertEqual((row.reasoning, row.reasoning_length), (EMOJI, 9))
        self.assertTrue(self.append(row, text="!"))

    @given(st.lists(st.tuples(TEXT, TEXT), max_size=6))
    def test_any_pieces_add_up(self, pieces: list):
        row = reply(self.question, status=Status.RUNNING)
        text = reasoning = ""
        for more_text, more_reasoning in pieces:
            matched = self.append(
                row,
                text=more_text,
                reasoning=more_reasoning,
                length=len(text),
                reasoning_length=len(reasoning),
            )
            self.assertTrue(matched)
            text, reasoning = text + more_text, reasoning + more_reasoning
        row.refresh_from_db()
        self.assertEqual((row.text, row.length), (text, len(text)))
        self.assertEqual((row.reasoning, row.reasoning_length), (reasoning, len(reasoning)))

    def test_nothing_to_say_renews_the_lease(self):
        row = self.running(lease_until=in_seconds(2))
        self.assertTrue(self.append(row, lease=30))
        left = Message.objects.get(id=row.id).lease_until - timezone.now()
        self.assertAlmostEqual(left.total_seconds(), 30, delta=5)

    def test_a_lease_may_be_a_fraction(self):
        row = self.running()
        self.assertTrue(self.append(row, lease=0.25))
        left = Message.objects.get(id=row.id).lease_until - timezone.now()
        self.assertAlmostEqual(left.total_seconds(), 0.25, delta=2)

    def test_the_steps_are_counted(self):
        row = self.running()
        self.assertTrue(self.append(row, steps_changed=3))
        row.refresh_from_db()
        self.assertEqual(row.steps_changed, 3)

    def test_what_is_not_as_expected_is_not_matched_and_not_changed(self):
        row = self.running(text="abc", reasoning="xy", reasoning_length=2)
        self.assertTrue(self.append(row))  # the premise: as it stands it does match
        offenders = (
            ("another worker", {"worker": "another"}, {}),
            ("no worker", {"worker": ""}, {}),
            ("too short", {"length": 2}, {}),
            ("too long", {"length": 4}, {}),
            ("reasoning too short", {"reasoning_length": 1}, {}),
            ("reasoning too long", {"reasoning_length": 3}, {}),
            *((status, {}, {"status": status}) for status in Status if status != "running"),
            ("taken over", {}, {"worker": "another"}),
            ("settled and taken over", {}, {"status": "interrupted", "worker": "another"}),
        )
        for name, said, stands in offenders:
            with self.subTest(name):
                Message.objects.filter(id=row.id).update(
                    **{"status": "running", "worker": WORKER} | stands
                )
                before = self.columns(row)
                for fields in ({}, {"text": "!"}, {"reasoning": "!"}, {"steps_changed": 5}):
                    self.assertFalse(self.append(row, **fields | said))
                self.assertEqual(self.columns(row), before)

    def test_a_row_that_is_no_more_is_not_matched(self):
        row = self.running()
        row.parent.delete()
        self.assertFalse(self.append(row, text="x"))

    def test_each_is_matched_on_its_own(self):
        mine = self.running()
        bobs = reply(self.bobs.messages.get(role="user"), status=Status.RUNNING, worker="another")
        appends = [Append(mine.id, 0, "a"), Append(bobs.id, 0, "b"), Append(uuid4(), 0, "c")]
        self.assertEqual(Message.objects.append(appends, worker=WORKER, lease=15), {mine.id})
        self.assertEqual(Message.objects.get(id=mine.id).text, "a")
        self.assertEqual(Message.objects.get(id=bobs.id).text, "")

    def test_the_same_piece_is_not_written_twice(self):
        row = self.running()
        self.assertTrue(self.append(row, text="ab"))
        self.assertFalse(self.append(row, text="ab"))
        self.assertEqual(Message.objects.get(id=row.id).text, "ab")

    def test_what_is_written_may_look_like_sql(self):
        row = self.running()
        text = "'; DROP TABLE chat_message; -- %s %% \\"
        self.assertTrue(self.append(row, text=text))
        self.assertEqual(Message.objects.get(id=row.id).text, text)

    def test_no_text_is_kept_as_sql_with_debug(self):
        row = self.running()
        with self.settings(DEBUG=True):
            connection.queries_log.clear()
            self.addCleanup(connection.queries_log.clear)
            list(Message.objects.filter(text="a query that is kept"))
            self.assertIn("a query that is kept", str(connection.queries_log))  # the premise
            connection.queries_log.clear()
            self.assertTrue(self.append(row, text="a secret", reasoning="another"))
            self.assertEqual(list(connection.queries_log), [])


class EndTest(CastTestCase):
    def test_all_of_the_ending_is_kept(self):
        row = self.running(text="abc")
        ending = Ending("done", "length", "", 12, 34, usage_estimated=True)
        self.assertTrue(Message.objects.end(row.id, ending))
        row.refresh_from_db()
        self.assertEqual((row.status, row.finish_reason, row.error), ("done", "length", ""))
        self.assertEqual((row.prompt_tokens, row.completion_tokens), (12, 34))
        self.assertTrue(row.usage_estimated)
        self.assertAlmostEqual(row.ended, timezone.now(), delta=timedelta(seconds=5))
        self.assertEqual(row.text, "abc")

    def test_a_reply_ends_once(self):
        for first in ("done", "stopped", "interrupted", "error"):
            row = self.running()
            self.assertTrue(Message.objects.end(row.id, Ending(first)))
            before = self.columns(row)
            for second in ("done", "stopped", "interrupted", "error"):
                with self.subTest(first, second=second):
                    self.assertFalse(Message.objects.end(row.id, Ending(second, error="storage")))
                    self.assertEqual(self.columns(row), before)

    def test_only_this_reply_ends(self):
        row = self.running()
        bobs = reply(self.bobs.messages.get(role="user"), status=Status.RUNNING)
        Message.objects.end(row.id, Ending("done"))
        self.assertEqual(Message.objects.get(id=bobs.id).status, "running")

    def test_one_that_is_not_as_expected_does_not_end(self):
        row = self.running()
        self.assertFalse(Message.objects.end(row.id, Ending("done"), worker="another"))
        self.assertEqual(Message.objects.get(id=row.id).status, "running")
        self.assertTrue(Message.objects.end(row.id, Ending("done"), worker=WORKER))

    def test_what_is_no_reply_does_not_end(self):
        self.assertFalse(Message.objects.end(self.question.id, Ending("stopped")))
        self.assertFalse(Message.objects.end(uuid4(), Ending("stopped")))

    def test_nothing_is_appended_after_the_end(self):
        row = self.running()
        Message.objects.end(row.id, Ending("stopped"))
        late = Append(row.id, 0, "late")
        self.assertEqual(Message.objects.append([late], worker=WORKER, lease=15), set())
        self.assertEqual(Message.objects.get(id=row.id).text, "")


class SettleTest(CastTestCase):
    def test_stale_is_what_runs_without_a_lease(self):
        row = self.running(lease_until=in_seconds(-1))
        bobs = reply(self.bobs.messages.get(role="user"), status=Status.RUNNING)
        self.assertEqual(list(Message.objects.stale()), [row])
        self.assertEqual(list(bobs.conversation.messages.stale()), [])
        Message.objects.filter(id=row.id).update(status="done")
        self.assertEqual(list(Message.objects.stale()), [])

    def test_a_lease_of_the_databases_clock_is_not_over_at_once(self):
        row = self.running(lease_until=lease_end(15))
        self.assertEqual(list(Message.objects.stale()), [])
        Message.objects.filter(id=row.id).update(lease_until=lease_end(-0.01))
        self.assertEqual(list(Message.objects.stale()), [row])

    def test_an_append_makes_a_stale_reply_alive_again(self):
        row = self.running(lease_until=in_seconds(-1))
        self.assertTrue(Message.objects.append([Append(row.id, 0)], worker=WORKER, lease=15))
        self.assertEqual(list(Message.objects.stale()), [])

    def test_settling_writes_interrupted_and_says_which(self):
        row = self.running(text="Becau", lease_until=in_seconds(-1))
        self.assertEqual(Message.objects.stale().settle(), [row])
        row.refresh_from_db()
        self.assertEqual((row.status, row.error, row.text), ("interrupted", "lost_worker", "Becau"))
        self.assertIsNotNone(row.ended)
        self.assertEqual(Message.objects.stale().settle(), [])

    def test_settling_leaves_the_living_and_the_final_alone(self):
        row = self.running()
        before = [self.columns(message) for message in self.talk.messages.order_by("seq")]
        self.assertEqual(Message.objects.stale().settle(), [])
        after = [self.columns(message) for message in self.talk.messages.order_by("seq")]
        self.assertEqual(after, before)
        self.assertEqual(Message.objects.filter(id=self.answer.id).settle(), [])
        self.assertEqual(Message.objects.get(id=row.id).status, "running")

    def test_one_who_ended_meanwhile_keeps_its_end(self):
        row = self.running(lease_until=in_seconds(-1))
        with self.after_the_look(lambda: Message.objects.end(row.id, Ending("done"))):
            self.assertEqual(Message.objects.stale().settle(), [])
        self.assertEqual(Message.objects.get(id=row.id).status, "done")

    def test_one_who_renewed_its_lease_meanwhile_lives(self):
        row = self.running(lease_until=in_seconds(-1))
        renew = partial(Message.objects.append, [Append(row.id, 0)], worker=WORKER, lease=15)
        with self.after_the_look(renew):
            self.assertEqual(Message.objects.stale().settle(), [])
        self.assertEqual(Message.objects.get(id=row.id).status, "running")

    def test_who_wrote(self):
        row = self.running()
        self.assertEqual(list(Message.objects.written_by([WORKER, "x"])), [row])
        self.assertEqual(list(Message.objects.written_by(name for name in ["x"])), [])

    def after_the_look(self, do):
        """A context in which `do` happens once, between settle's look at the rows and its write."""
        done = []

        def between(execute, sql, params, many, context):
            result = execute(sql, params, many, context)
            if sql.startswith("SELECT") and not done:
                done.append(True)
                do()
            return result

        return connection.execute_wrapper(between)


class OwnedTest(CastTestCase):
    def test_everyone_sees_their_own_and_nothing_deleted(self):
        owned = Message.objects.owned_by
        self.assertEqual(set(owned(self.alice)), {self.question, self.answer})
        self.assertNotIn(self.answer, owned(self.bob))
        self.assertEqual(list(owned(self.charlie)), [])
        type(self.talk).objects.filter(id=self.talk.id).update(deleted=timezone.now())
        self.assertEqual(list(owned(self.alice)), [])


class ChildrenTest(CastTestCase):
    def test_the_families_of_all_parents_at_once(self):
        sibling = reply(self.question, "Just so.")
        edited = ask(self.talk, "Why not?")
        rows = self.talk.messages
        self.assertEqual(set(rows.children_of([self.question.id])), {self.answer, sibling})
        self.assertEqual(set(rows.children_of([None])), {self.question, edited})
        self.assertEqual(
            set(rows.children_of([None, self.question.id])),
            {self.question, edited, self.answer, sibling},
        )
        self.assertEqual(list(rows.children_of([])), [])
        self.assertEqual(list(rows.children_of([edited.id])), [])

    def test_parents_may_be_any_iterable(self):
        parents = iter([None, self.question.id])
        found = self.talk.messages.children_of(parents)
        self.assertEqual(set(found), {self.question, self.answer})


class PathTest(CastTestCase):
    def test_from_the_first_message_to_itself(self):
        self.assertEqual(self.question.path(), [self.question.id])
        self.assertEqual(self.answer.path(), [self.question.id, self.answer.id])

    def test_the_latest_below_may_be_itself(self):
        self.assertEqual(self.answer.latest_below(), self.answer)
        more = ask(self.talk, "And?", after=self.answer)
        ask(self.talk, "Why not?")
        self.assertEqual(self.question.latest_below(), more)
