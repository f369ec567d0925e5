"""The index of what was said, and what is found by it."""

from datetime import timedelta

from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.models import (
    Conversation,
    Indexed,
    Message,
    Profile,
    SearchEntry,
    backlog,
    bring_in,
    find,
)
from chat.words import asked
from tests.models.cast import CastTestCase, Status, ask, reply

SYNTAX = ['"', "*", ":", "(", ")", "AND", "NOT", "NEAR", "OR", "-", "^", "'", "\\", "&", "|", "!"]
SYNTAX += ["<->", "%", "_", "{", "}", "+", "text", "scope :", "\0", "\ud800", "中", "ß", "a"]


class SearchCase(CastTestCase):
    def talk_of(self, *texts: str, owner=None, title: str = "Talk") -> Conversation:
        """A conversation in which this was said, as the socket's doors make it."""
        owner = owner or self.alice
        talk = Conversation.objects.create(owner=owner, title=title, assistant="chat")
        self.say(talk, *texts)
        return talk

    def say(self, talk: Conversation, *texts: str) -> None:
        talk = Conversation.objects.lock(talk.id, owner=talk.owner)
        last = talk.messages.shown().order_by("seq").last()
        for text in texts:
            last = ask(talk, text, after=last)

    def index(self, user=None) -> bool:
        return bring_in(Conversation.objects.owned_by(user or self.alice), seconds=60)

    def found(self, sought: str, user=None, at_most: int = 50) -> list:
        self.assertTrue(self.index(user))
        return find(user or self.alice, asked(sought), at_most=at_most)[0]

    def ids(self, sought: str, user=None) -> list:
        return [one.id for one in self.found(sought, user)]


class WordsTests(SearchCase):
    def test_every_script_is_found_as_it_is_spoken(self):
        for said, *sought in (
            ("Die Straße ist naß", "strasse", "STRASSE NASS", "die straß"),
            ("Müller und Söhne", "muller", "MÜLLER", "mu\u0308ller söh"),
            ("Καλημέρα κόσμε, Ὀδυσσεύς", "καλημερα", "ΚΌΣΜΕ", "οδυσσευς"),
            ("Ёлка в ЛЕСУ", "елка", "лесу", "Ёл"),
            ("قال مُحَمَّد مرحبا", "محمد", "مرحبا"),
            ("我们在东京吃午饭", "东京", "东京吃", '"吃午饭"', "饭"),
            ("東京のランチについて", "ランチ", "京の"),
            ("한국어를 배워요", "한국", "국어"),
            ("shipped 🎉👍🏽", "🎉", "👍", "shipped 🎉"),
            ("state-of-the-art", "state-of-the-art", "art", '"of the"'),
            ("call foo_bar.baz(1.5)", "foo_bar", "foo.bar", "bar.baz", "1.5", "baz(1"),
            ("مُحَمَّد وصل", "مُحَ", "مُحَمَّدٌ"),
            ("Zoë’s café", "Zoe\u0308", "cafe\u0301"),
            ("Überfall", "U\u0308"),
            ("don’t panic", "don't", '"don’t panic"'),
        ):
            talk = self.talk_of(said)
            for one in sought:
                self.assertIn(talk.id, self.ids(one), (said, one))

    def test_every_word_is_required_and_only_the_last_may_be_a_beginning(self):
        talk = self.talk_of("The quick brown fox")
        for sought in ("fox quick", "quick br", "brown", '"quick brown"', '"brown fo'):
            self.assertEqual(self.ids(sought), [talk.id], sought)
        for sought in ("fox slow", "qui fox", "bro ", '"quick fox"', '"brown fo"', "ox"):
            self.assertEqual(self.ids(sought), [], sought)

    def test_a_phrase_is_in_order_and_whole(self):
        talk = self.talk_of("one two three", "two one", "gesagt文中getan")
        self.assertEqual(self.ids('"one two"'), [talk.id])
        self.assertEqual(self.ids('"three two"'), [])
        self.assertEqual(self.ids("中文"), [])
        self.assertEqual(self.ids("文中"), [talk.id])

    def test_nothing_that_is_written_is_syntax(self):
        talk = self.talk_of("needle")
        for sought in ('needle"', "needle*", "(needle", "needle:*", "needle'"):
            self.assertEqual(self.ids(sought), [talk.id], sought)
        for sought in ("needle OR nothing", "text:needle", "needle NOT nothing", "n*e"):
            self.assertEqual(self.ids(sought), [], sought)

    @settings(max_examples=200)
    @given(st.lists(st.one_of(st.sampled_from(SYNTAX), st.text(max_size=5)), max_size=12))
    def test_whatever_is_asked_is_answered(self, parts):
        for between in ("", " "):
            query = asked(between.join(parts))
            if query.phrases:
                find(self.alice, query, at_most=50)

    def test_the_scopes_name_is_not_a_word(self):
        self.talk_of("something")
        self.index()
        scope = SearchEntry.objects.values_list("scope", flat=True)[0]
        for sought in (scope, f"@{scope}", f"scope:{scope}"):
            self.assertEqual(self.ids(sought), [], sought)

    def test_a_very_long_message_is_found_to_its_end(self):
        text = " ".join(f"word{n}" for n in range(40_000)) + " the last words"
        talk = self.talk_of(text)
        for sought in ("word0 word39999", '"the last words"', '"word20000 word20001"'):
            (found,) = self.found(sought)
            self.assertEqual(found.id, talk.id)
            self.assertTrue(any(hit for _, hit in found.excerpts[0].pieces), sought)

    def test_what_no_index_would_take_is_indexed_all_the_same(self):
        for text in ("x" * 50_000, "क" * 400_000, "\ufdfa" * 20_000, "!?", "\U0010ffff"):
            self.talk_of(text + " needle")
        self.assertEqual(len(self.ids("needle")), 5)
        self.assertEqual(len(self.ids("xxx")), 1)


class FoundTests(SearchCase):
    def test_titles_come_first_and_then_the_latest(self):
        early = self.talk_of("a harbour", title="One")
        late = self.talk_of("the harbour", title="Two")
        entitled = self.talk_of("nothing of it", title="Harbour")
        Message.objects.filter(conversation=early).update(created=F("created") - timedelta(days=1))
        self.assertEqual(self.ids("harbour"), [entitled.id, late.id, early.id])
        titles = [one.title for one in self.found("harbour")]
        self.assertEqual(titles, [[("Harbour", True)], [("Two", False)], [("One", False)]])

    def test_a_conversation_is_told_once_with_its_latest_places(self):
        talk = self.talk_of(*(f"needle {n}" for n in range(10)), title="Needles, and a needle")
        (found,) = self.found("needle")
        self.assertEqual(found.id, talk.id)
        told = ["".join(text for text, _ in one.pieces) for one in found.excerpts]
        self.assertEqual(told, ["needle 9", "needle 8", "needle 7"])

    def test_what_is_on_another_branch_is_found_and_said_to_be(self):
        talk = self.talk_of("first needle")
        talk = Conversation.objects.lock(talk.id, owner=self.alice)
        reply(ask(talk, "second needle"), "answer")
        (found,) = self.found("needle")
        self.assertEqual(
            [(one.role, one.shown) for one in found.excerpts], [("user", True), ("user", False)]
        )

    def test_only_so_many_and_whether_there_are_more(self):
        for n in range(5):
            self.talk_of("needle", title=f"Talk {n}")
        self.index()
        for at_most, more in ((4, True), (5, False)):
            found, there_are = find(self.alice, asked("needle"), at_most=at_most)
            self.assertEqual((len(found), there_are), (at_most, more))

    def test_many_places_in_one_conversation_hide_no_other(self):
        other = self.talk_of("needle in another", title="Other")
        many = self.talk_of(*["needle"] * 1_100, title="Many")
        self.assertEqual(self.ids("needle"), [many.id, other.id])

    def test_others_are_never_shown(self):
        self.talk_of("needle", owner=self.bob, title="Needle")
        self.index(self.bob)
        self.assertEqual(self.ids("needle"), [])
        self.assertEqual(self.ids("needle", self.charlie), [])
        # Even where the index is wrong about whose it is.
        for entry in SearchEntry.objects.filter(conversation__owner=self.bob):
            entry.scope = entry.scope[0] + str(self.alice.pk)
            entry.save()
        self.assertEqual(find(self.alice, asked("needle"), at_most=50), ([], False))

    def test_the_number_of_queries_does_not_grow(self):
        self.talk_of("needle")
        self.index()
        with CaptureQueriesContext(connection) as few:
            self.ids("needle")
        self.assertLessEqual(len(few), 5)
        for n in range(20):
            self.talk_of("needle", "and another needle", title=f"Talk {n}")
        self.index()
        with self.assertNumQueries(len(few)):
            self.ids("needle")


class BacklogTests(SearchCase):
    def test_what_is_new_is_found_and_nothing_is_indexed_twice(self):
        talk = self.talk_of("first")
        self.assertEqual(self.ids("first"), [talk.id])
        before = SearchEntry.objects.count()
        self.say(talk, "second")
        self.assertEqual(self.ids("second"), [talk.id])
        self.assertEqual(SearchEntry.objects.count(), before + 1)
        self.assertFalse(
            Conversation.objects.owned_by(self.alice)
            .exclude(indexed__revision=F("revision"))
            .exists()
        )

    def test_a_reply_is_found_once_it_is_final(self):
        talk = self.talk_of("question")
        talk = Conversation.objects.lock(talk.id, owner=self.alice)
        running = reply(talk.messages.get(), "half a nee", status=Status.RUNNING)
        self.assertEqual(self.ids("half"), [])
        self.assertEqual(self.ids("question"), [talk.id])
        Message.objects.filter(id=running.id).update(status=Status.DONE, text="half a needle")
        self.assertEqual(self.ids("needle"), [talk.id])
        self.assertTrue(Indexed.objects.filter(conversation=talk).exists())

    def test_another_title_takes_the_place_of_the_first(self):
        talk = self.talk_of("words", title="Before")
        self.assertEqual(self.ids("before"), [talk.id])
        talk = Conversation.objects.lock(talk.id, owner=self.alice)
        talk.title = "After"
        talk.save(update_fields=["title"])
        self.assertEqual(self.ids("before"), [])
        self.assertEqual(self.ids("after"), [talk.id])

    def test_what_is_deleted_is_gone_from_the_index(self):
        talk = self.talk_of("needle", title="Needle")
        self.index()
        Conversation.objects.lock(talk.id, owner=self.alice).delete_content()
        self.assertEqual(self.ids("needle"), [])
        self.assertFalse(SearchEntry.objects.filter(conversation=talk).exists())

    def test_what_is_marked_as_deleted_is_not_found_though_it_is_there(self):
        talk = self.talk_of("needle", title="Needle")
        self.index()
        Conversation.objects.filter(id=talk.id).update(deleted=timezone.now())
        self.assertEqual(self.ids("needle"), [])
        Conversation.objects.filter(id=talk.id).update(deleted=None)
        self.assertEqual(self.ids("needle"), [talk.id])

    def test_what_is_marked_as_deleted_takes_nobodys_place(self):
        talk = self.talk_of("needle")
        for _ in range(3):
            self.talk_of("needle")
        self.index()
        Conversation.objects.exclude(id=talk.id).update(deleted=timezone.now())
        found, more = find(self.alice, asked("needle"), at_most=1)
        self.assertEqual(([one.id for one in found], more), ([talk.id], False))

    def test_nor_does_its_title_and_500_are_not_all_where_there_are_more(self):
        talk = self.talk_of(title="Needle")
        later = [Conversation(owner=self.alice, title="Needle") for _ in range(500)]
        Conversation.objects.bulk_create(later)
        self.index()
        found, more = find(self.alice, asked("needle"), at_most=500)
        self.assertEqual((len(found), more), (500, True))
        Conversation.objects.exclude(id=talk.id).update(deleted=timezone.now())
        found, more = find(self.alice, asked("needle"), at_most=500)
        self.assertEqual(([one.id for one in found], more), ([talk.id], False))

    def test_a_guests_conversations_are_found_by_whom_they_move_to(self):
        guest = Profile.objects.make_guest().user
        talk = self.talk_of("needle", owner=guest, title="Needle")
        self.assertEqual(self.ids("needle", guest), [talk.id])
        Conversation.objects.move(guest, to=self.charlie)
        self.assertEqual(self.ids("needle", self.charlie), [talk.id])
        self.assertEqual(self.found("needle", self.charlie)[0].excerpts[0].role, "user")

    def test_a_search_that_comes_late_with_what_it_read_before_writes_nothing(self):
        talk = self.talk_of("needle", title="Before")
        for change, user in (({"title": "After"}, self.alice), ({"owner": self.bob}, self.bob)):
            read = list(Conversation.objects.filter(id=talk.id))
            Conversation.objects.filter(id=talk.id).update(**change, revision=F("revision") + 1)
            self.assertEqual(self.ids("after", user), [talk.id])
            with self.assertRaises(backlog.Changed):
                while backlog._bring_in_some(self.alice.pk, read):
                    pass
            self.assertEqual(self.ids("after", user), [talk.id])
            self.assertEqual(self.ids("needle", user), [talk.id])
        read = list(Conversation.objects.filter(id=talk.id))
        SearchEntry.objects.all().delete()
        Conversation.objects.lock(talk.id, owner=self.bob).delete_content()
        with self.assertRaises(backlog.Changed):
            backlog._bring_in_some(self.bob.pk, read)
        self.assertFalse(SearchEntry.objects.exists())

    def test_who_says_more_meanwhile_keeps_nothing_of_others_from_the_index(self):
        hers, his = self.talk_of("needle"), self.talk_of("needle", owner=self.bob)
        told = []

        def say_more(execute, sql, *args):
            if "chat_searchentry" in sql and not told:
                told.append(sql)
                self.say(hers, "more")
            return execute(sql, *args)

        with connection.execute_wrapper(say_more):
            self.assertFalse(bring_in(Conversation.objects.all(), seconds=60))
        self.assertTrue(SearchEntry.objects.filter(conversation=his).exists())

    def test_without_time_the_latest_come_first_and_the_rest_later(self):
        for n in range(150):
            talk = self.talk_of("needle", *["more"] * 3, title=f"Talk {n}")
        mine = Conversation.objects.owned_by(self.alice)
        self.assertFalse(bring_in(mine, seconds=0))
        self.assertIn(
            talk.id, [one.id for one in find(self.alice, asked("needle"), at_most=500)[0]]
        )
        turns = 0
        while not bring_in(mine, seconds=0):
            turns += 1
            self.assertLess(turns, 100)
        self.assertEqual(len(find(self.alice, asked("needle"), at_most=500)[0]), 150)

    def test_the_index_is_made_anew_once_it_is_thrown_away(self):
        talk = self.talk_of("needle")
        self.index()
        Indexed.objects.all().delete()
        SearchEntry.objects.all().delete()
        self.assertEqual(find(self.alice, asked("needle"), at_most=50)[0], [])
        self.assertEqual(self.ids("needle"), [talk.id])

    def test_a_message_is_deleted_by_who_knows_nothing_of_the_index(self):
        if connection.vendor != "postgresql":
            return  # workers of two versions at once are PostgreSQL's affair
        talk = self.talk_of("needle")
        self.index()
        rows = talk.messages.all()
        rows._raw_delete(rows.db)
        connection.check_constraints()
        self.assertFalse(SearchEntry.objects.filter(message__conversation=talk).exists())
