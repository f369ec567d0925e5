from django.utils import timezone

from chat.models import Step

from .cast import CastTestCase


class StepTest(CastTestCase):
    def step(self, position: int, **fields) -> Step:
        known = {"name": "search", "label": "Searching", "started": timezone.now()}
        return Step(message=self.answer, position=position, **known | fields)

    def test_steps_are_inserted_and_then_brought_up_to_date(self):
        one, two = self.step(1), self.step(2)
        Step.objects.save_all([one, two])
        one.status, one.ms, one.detail = "done", 12, "3 results"
        one.label = "what was said first stays"
        Step.objects.save_all([one, self.step(3)])
        rows = list(self.answer.steps.all())
        self.assertEqual([row.position for row in rows], [1, 2, 3])
        self.assertEqual((rows[0].status, rows[0].ms), ("done", 12))
        self.assertEqual((rows[0].detail, rows[0].label), ("3 results", "Searching"))
        self.assertEqual((rows[1].status, rows[1].ms), ("running", None))

    def test_no_steps_ask_nothing_of_the_database(self):
        with self.assertNumQueries(0):
            Step.objects.save_all([])

    def test_they_come_in_the_order_of_the_reply(self):
        Step.objects.save_all([self.step(3), self.step(1), self.step(2)])
        self.assertEqual([step.position for step in self.answer.steps.all()], [1, 2, 3])
