"""The index, and what is found by it: on SQLite, and by `tests/test_on_postgres.py` on PostgreSQL."""

from chat import words
from chat.models import Conversation, SearchEntry, bring_in, find
from tests.models.cast import CastTestCase, ask, reply


class SearchTests(CastTestCase):
    def find(self, text, user=None):
        user = user or self.alice
        bring_in(Conversation.objects.owned_by(user), seconds=60)
        return find(user, words.asked(text), at_most=50)[0]

    def test_x(self):
        print(
            self.find("why"), self.find("because"), self.find('"bob s"'), self.find("bob", self.bob)
        )
