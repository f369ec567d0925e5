"""What each day came to: counted once, and kept."""

from datetime import date, datetime, timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import Conversation, Day, Figures, Message, Run

from .cast import CastTestCase, Status, ask, reply


def days_ago(days: int, hour: int = 12) -> datetime:
    midnight = timezone.localtime().replace(hour=hour, minute=0, second=0, microsecond=0)
    return midnight - timedelta(days=days)


def today(days: int = 0) -> date:
    return timezone.localdate() - timedelta(days=days)


class DayTest(CastTestCase):
    def said(self, at: datetime, *, owner=None, first_token_ms: float | None = None, **fields):
        talk = Conversation.objects.create(owner=owner or self.alice, assistant="chat")
        question = ask(talk)
        answer = reply(question, "Because.", **{"model": "small"} | fields)
        talk.messages.update(created=at)
        if first_token_ms is not None:
            Run.objects.create(message=answer, graph={}, ms=1, first_token_ms=first_token_ms)
        return answer

    def latest(self, days: int = 7, seconds: float = 60) -> dict[date, Day]:
        found, self.is_whole = Day.objects.latest(days, seconds=seconds)
        return {day.date: day for day in found}

    def test_a_day_has_its_replies_tokens_errors_and_people(self):
        at = days_ago(2)
        self.said(at, prompt_tokens=10, completion_tokens=3)
        self.said(at, owner=self.bob, model="large", status=Status.ERROR, error="upstream_rate")
        self.said(at, status=Status.INTERRUPTED, error="lost_worker")
        self.said(days_ago(2, hour=0), status=Status.STOPPED, completion_tokens=4)
        day = self.latest()[today(2)]
        self.assertEqual(day.people, 2)
        self.assertEqual(set(day.by_model()), {"small", "large"})
        whole = day.total()
        self.assertEqual((whole.replies, whole.failed, whole.read, whole.written), (4, 2, 10, 7))
        self.assertEqual(dict(whole.errors), {"upstream_rate": 1, "lost_worker": 1})

    def test_the_days_are_those_from_the_first_message_in_order_and_no_more_than_asked_for(self):
        self.said(days_ago(4))
        self.assertEqual(list(self.latest()), [today(days) for days in (4, 3, 2, 1, 0)])
        self.assertEqual(list(self.latest(days=2)), [today(1), today()])
        Message.objects.all().delete()
        self.assertEqual(list(self.latest(days=2)), [today()])

    def test_what_is_over_is_counted_once_and_kept_though_it_is_deleted(self):
        self.said(days_ago(3))
        self.latest()
        Conversation.objects.all().delete()
        self.said(days_ago(3))
        self.said(days_ago(0))
        days = self.latest()
        self.assertEqual((days[today(3)].total().replies, days[today()].total().replies), (1, 1))
        self.assertFalse(Day.objects.filter(date=today()).exists())

    def test_a_day_is_kept_when_its_last_reply_is_final(self):
        self.said(days_ago(3))
        late = reply(ask(self.bobs, "And?", after=self.bobs_answer), status=Status.RUNNING)
        Message.objects.filter(pk=late.pk).update(created=days_ago(3))
        self.assertEqual(self.latest()[today(3)].total().replies, 1)
        self.assertFalse(Day.objects.filter(date=today(3)).exists())
        Message.objects.filter(pk=late.pk).update(status=Status.DONE)
        self.assertEqual(self.latest()[today(3)].total().replies, 2)
        self.assertTrue(Day.objects.filter(date=today(3)).exists())

    def test_it_counts_for_so_long_and_the_next_call_goes_on(self):
        self.said(days_ago(3))
        self.assertEqual(list(self.latest(seconds=-1)), [today()])  # which is always counted
        self.assertFalse(self.is_whole)
        self.assertEqual(len(self.latest()), 4)
        self.assertTrue(self.is_whole)
        self.assertEqual(len(self.latest(seconds=-1)), 4)  # as the others are known by now

    def test_what_is_known_is_one_query(self):
        self.said(days_ago(6))
        self.latest(days=30)
        with CaptureQueriesContext(connection) as queries:
            self.latest(days=30)
        self.assertLessEqual(len(queries), 5)  # of which three are today's

    def test_quantiles_are_about_true_also_of_several_days(self):
        for number in range(1, 101):
            self.said(days_ago(1 + number % 2), first_token_ms=10.0 * number)
        self.said(days_ago(1))  # that never began
        whole = Figures.total(day.total() for day in self.latest().values())
        self.assertAlmostEqual(whole.quantile(0.5), 0.5, delta=0.025)
        self.assertAlmostEqual(whole.quantile(0.95), 0.95, delta=0.05)
        self.assertIsNone(Figures().quantile(0.5))
