"""The list of conversations over HTTP: in pages, in sections, as cheap for many as for few."""

from datetime import timedelta
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from chat.models import Conversation
from chat.replies.snapshot import LISTED


def make(owner, count: int, **fields) -> list[Conversation]:
    """So many conversations, each an hour older than the one before."""
    now = timezone.now()
    fields = {"owner": owner, "assistant": "chat", "title": "Harbour"} | fields
    return Conversation.objects.bulk_create(
        Conversation(**{"updated": now - timedelta(hours=n)} | fields) for n in range(count)
    )


class ListCase(TestCase):
    def setUp(self) -> None:
        self.alice, self.bob = map(get_user_model().objects.create_user, ("alice", "bob"))
        self.client.force_login(self.alice)

    def page(self, before: str | None = None) -> dict:
        return self.client.get("/conversations/", {"before": before} if before else {}).json()

    def walked(self) -> list[UUID]:
        """The ids of the whole list, page after page."""
        page = self.page()
        ids = [entry["id"] for entry in page["conversations"]]
        while page["next"]:
            page = self.page(page["next"])
            self.assertTrue(page["conversations"])
            ids += [entry["id"] for entry in page["conversations"]]
        return [UUID(id) for id in ids]


class PagesTests(ListCase):
    def test_all_are_listed_once_pinned_first_then_the_latest(self):
        make(self.bob, 3)
        rows = make(self.alice, 2 * LISTED + 7)
        pinned = make(self.alice, LISTED + 3, pinned=True)
        self.assertEqual(len(self.page()["conversations"]), LISTED)
        self.assertEqual(self.walked(), [row.id for row in pinned + rows])

    def test_those_of_the_same_moment_are_told_apart_by_their_ids(self):
        moment = timezone.now()
        rows = make(self.alice, 2 * LISTED + 1, updated=moment)
        pinned = make(self.alice, 2, pinned=True, updated=moment)
        self.assertEqual(self.walked(), [*_sorted(pinned), *_sorted(rows)])

    def test_a_page_follows_its_place_whatever_happened_to_who_was_there(self):
        rows = make(self.alice, LISTED + 10)
        cursor = self.page()["next"]
        rows[LISTED - 1].delete_content()
        Conversation.objects.filter(id=rows[0].id).update(updated=timezone.now())
        make(self.alice, 5, updated=timezone.now())
        page = self.page(cursor)
        self.assertEqual([UUID(e["id"]) for e in page["conversations"]], [r.id for r in rows[-10:]])
        self.assertIsNone(page["next"])

    def test_the_last_page_says_so(self):
        make(self.alice, LISTED)
        self.assertIsNone(self.page()["next"])

    def test_the_place_of_another_is_only_a_place(self):
        theirs = make(self.bob, LISTED + 1)
        mine = make(self.alice, 2)
        self.client.force_login(self.bob)
        cursor = self.page()["next"]
        self.assertIn(str(theirs[LISTED - 1].id), cursor)
        self.client.force_login(self.alice)
        listed = {UUID(entry["id"]) for entry in self.page(cursor)["conversations"]}
        self.assertLessEqual(listed, {row.id for row in mine})

    def test_a_strange_place_is_not_found(self):
        now, id = timezone.now().isoformat(), uuid4()
        for strange in (
            *("", "x", "__", f"2_{now}_{id}", f"1_{now}_x", f"1_yesterday_{id}", f"1_{now}"),
            *(f"0_0001-01-01T00:00:00+23:59_{id}", "0_" + "9" * 5000, "\0"),
        ):
            answer = self.client.get("/conversations/", {"before": strange})
            self.assertEqual(answer.status_code, 404, strange)


class CostTests(ListCase):
    def cost(self, path: str) -> tuple[int, int]:
        """How many queries, and bytes."""
        with CaptureQueriesContext(connection) as queries:
            answer = self.client.get(path)
        self.assertEqual(answer.status_code, 200)
        return len(queries), len(answer.content)

    def test_ten_thousand_cost_what_one_page_costs(self):
        make(self.alice, LISTED)
        self.client.get("/")  # which makes a profile
        few = {path: self.cost(path) for path in ("/", "/conversations/")}
        make(self.alice, 10_000 - LISTED, updated=timezone.now() - timedelta(days=9))
        for path, (queries, size) in few.items():
            many = self.cost(path)
            self.assertEqual(many[0], queries, path)
            self.assertLess(many[1], size + 2_000, path)  # there is a cursor now
        self.assertEqual(
            few["/conversations/"][0], 4
        )  # the session, the user, their language, the page

    def test_the_index_leads_to_each_page(self):
        """Nothing is sorted, and nothing before the page is gone through."""
        make(self.alice, 3 * LISTED)
        cursor = self.page()["next"]
        with CaptureQueriesContext(connection) as queries:
            self.page(cursor)
        asked = queries[-1]["sql"]
        self.assertIn("chat_conversation", asked)
        mine = Conversation.objects.owned_by(self.alice).listed()
        plan = mine.explain()
        self.assertIn("conversation_listed", plan)
        self.assertNotIn("TEMP B-TREE", plan)


class SectionTests(ListCase):
    """`tests/page/js/sections.test.js` is the same for the script."""

    def headings(self, *ago: timedelta, zone: str = "UTC") -> list[str]:
        """The sections of conversations that were written in so long ago, for somebody there."""
        for one in ago:
            make(self.alice, 1, updated=timezone.now() - one)
        self.client.cookies["zone"] = zone
        with self.assertTemplateUsed("chat/_section.html"):
            context = self.client.get("/").context
        return [section["key"] for section in context["sections"]]

    def test_the_days_are_the_readers_own(self):
        make(self.alice, 1, pinned=True)
        now = timezone.now()
        noon = now.replace(hour=12)
        ago = [now - noon + timedelta(days=n) for n in (0, 1, 2, 7, 8, 70)]
        months = [f"{noon - timedelta(days=n):%Y-%m}" for n in (8, 70)]
        keys = self.headings(*ago)
        self.assertEqual(keys, ["pinned", "today", "yesterday", "week", *months])

    def test_a_zone_moves_midnight(self):
        # 24 hours before now is yesterday everywhere, and some zone's day has begun since.
        self.assertEqual(self.headings(timedelta(hours=24)), ["yesterday"])
        make(self.alice, 1, updated=timezone.now() - timedelta(hours=9))
        zones = ("Etc/GMT+8", "Etc/GMT", "Etc/GMT-8")
        found = {zone: self.headings(zone=zone)[0] for zone in zones}
        self.assertEqual(set(found.values()), {"today", "yesterday"}, found)

    def test_a_zone_that_there_is_not_is_the_sites(self):
        make(self.alice, 1)
        for zone in ("", "Nowhere/Atlantis", "../../etc/passwd", "Europe", "x" * 3000):
            self.assertEqual(self.headings(zone=zone), ["today"], zone)

    def test_what_the_future_brought_is_of_today(self):
        self.assertEqual(self.headings(-timedelta(days=3)), ["today"])

    def test_months_are_named(self):
        make(self.alice, 1, updated=timezone.now().replace(2024, 10, 15))
        self.assertContains(self.client.get("/"), "October 2024")


def _sorted(rows: list[Conversation]) -> list[UUID]:
    return sorted((row.id for row in rows), key=str)
