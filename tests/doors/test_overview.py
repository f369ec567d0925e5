"""The overview in the admin: what the last days came to, and what is being written."""

from datetime import timedelta
from io import StringIO

from django.core.management import call_command
from django.test import SimpleTestCase
from django.utils import timezone

from chat.admin import chart
from chat.models import Day, Message, Run

from .admin import CANARY, RUNNING, AdminCase

OVERVIEW = "/admin/chat/day/"


class OverviewTests(AdminCase):
    @classmethod
    def setUpTestData(cls) -> None:
        super().setUpTestData()
        cls.viewer = cls.operator("vera", "view_day")
        cls.watcher = cls.operator("will", "view_day", "view_message")

    def setUp(self) -> None:
        for days in (0, 1, 3):
            talk = self.talk()
            self.reply(talk, "Because.", prompt_tokens=1200, completion_tokens=300)
            failed = self.reply(talk, status="error", error="upstream_rate", model="large")
            Run.objects.create(message=failed, graph={}, ms=1, first_token_ms=250)
            talk.messages.update(created=timezone.now() - timedelta(days=days))
        self.client.force_login(self.watcher)

    def test_it_says_what_the_days_came_to(self):
        page = self.get(OVERVIEW)
        self.assertInHTML("<p>6 replies</p>", page)
        self.assertInHTML("<p>4,500 tokens</p>", page)
        self.assertInHTML('<th scope="row">large</th>', page)
        self.assertInHTML("<td>3 (100.0 %)</td>", page)
        self.assertInHTML('<th scope="row">upstream_rate</th>', page)
        self.assertInHTML("<p>6 replies</p>", self.get(OVERVIEW, days=365))
        self.assertInHTML("<p>6 replies</p>", self.get(OVERVIEW, days="nonsense"))

    def test_with_a_bar_for_each_day_and_a_word_to_point_at(self):
        page = self.get(OVERVIEW, days=7)
        failed = page.partition('<path class="chat-fill-bad" d="')[2].partition('"')[0]
        self.assertEqual(failed.count("M"), 3)
        yesterday = timezone.localdate() - timedelta(days=2)
        self.assertIn(f"<title>{yesterday:%-d %b %Y}: 0 replies, 0 failed</title>", page)

    def test_what_is_being_written_is_for_who_may_see_messages_and_its_title_for_readers(self):
        talk = self.talk()
        talk.title = CANARY
        talk.save()
        self.reply(talk, "So", status=RUNNING, model="large")
        link = f"/admin/chat/conversation/{talk.pk}/change/"
        page = self.get(OVERVIEW)
        self.assertIn(link, page)
        self.assertNotIn(CANARY, page)
        self.client.force_login(self.viewer)
        self.assertNotIn(link, self.get(OVERVIEW))
        self.client.force_login(self.root)
        self.assertIn(CANARY, self.get(OVERVIEW))

    def test_it_takes_the_permission(self):
        self.get(OVERVIEW)
        self.assertIn(OVERVIEW, self.get("/admin/"))
        self.client.force_login(self.rita)
        self.get(OVERVIEW, status=403)

    def test_before_anything_was_said(self):
        Message.objects.all().delete()
        self.assertInHTML("<p>0 replies</p>", self.get(OVERVIEW))

    def test_the_number_of_queries_is_fixed(self):
        self.get(OVERVIEW)
        few = self.queries_of(OVERVIEW)
        for _ in range(5):
            self.reply(self.talk(), "Because.")
            self.reply(self.talk(), "So", status=RUNNING)
        self.assertEqual(self.queries_of(OVERVIEW), few)

    def test_settle_keeps_the_days_that_are_over(self):
        self.assertFalse(Day.objects.exists())
        call_command("settle", stdout=StringIO())
        self.assertEqual(Day.objects.count(), 3)


class ChartTests(SimpleTestCase):
    def test_bars_stand_on_each_other_within_the_field(self):
        drawn = chart.stacked(
            "T",
            "H",
            [("good", "", [3, 0]), ("bad", "", [1, 4])],
            ["a", "b"],
            lambda value: f"{value:g}",
        )
        self.assertEqual((drawn.top, drawn.middle), ("4", "2"))
        good, bad = drawn.bars
        self.assertEqual((good.kind, bad.kind), ("good", "bad"))
        self.assertEqual(good.path, "M70.00 100.00v-75.00h360.00v75.00z")
        self.assertEqual(
            bad.path, "M70.00 25.00v-25.00h360.00v25.00zM570.00 100.00v-100.00h360.00v100.00z"
        )
        days = [(day.x, day.width) for day in drawn.days]
        self.assertEqual(days, [("0.00", "500.00"), ("500.00", "500.00")])

    def test_a_line_is_broken_where_there_is_nothing(self):
        values = [1, 2, None, 2, None]
        drawn = chart.lines("T", "H", [("good", "", values)], list("abcde"), str).lines[0]
        self.assertEqual(drawn.paths, ["100.00,50.00 300.00,0.00"])
        self.assertEqual(drawn.dots, [(700.0, 0.0)])

    def test_a_scale_ends_with_a_round_number(self):
        ends = [chart.scale(value) for value in (0, 0.013, 1, 3, 41, 990, 1001)]
        self.assertEqual(ends, [1, 0.02, 1, 4, 60, 1000, 2000])
