"""The log of what operators read: once a day, and longer than whoever is in it."""

from django.contrib.auth import get_user_model
from django.test import TestCase

from chat.models import Access, Conversation, Note, Profile, Tag

WHY = "A complaint"


class AccessTests(TestCase):
    def setUp(self) -> None:
        users = get_user_model().objects
        self.operator, self.alice, self.bob = map(users.create_user, ("olga", "alice", "bob"))
        self.talking = self.talk(self.alice)

    def talk(self, owner) -> Conversation:
        return Conversation.objects.create(owner=owner, assistant="chat")

    def log(self, *subjects, operator=None) -> None:
        for subject in subjects:
            Access.objects.log(operator or self.operator, subject, WHY)

    def owners(self) -> list:
        return list(Access.objects.order_by("id").values_list("owner", "conversation", "reason"))

    def test_a_subject_is_logged_once_for_an_operator_and_a_day(self):
        profile = Profile.objects.of(self.alice)
        other = self.talk(self.alice)
        for _ in range(2):
            self.log(self.talking, profile, other)
            Access.objects.log_search(self.operator, "moon")
        self.log(self.talking, operator=self.bob)
        Access.objects.log_search(self.operator, "mars")
        self.assertEqual(Access.objects.count(), 6)
        for subject in (self.talking, profile):
            self.assertTrue(Access.objects.is_open(self.operator, subject))
        self.assertFalse(Access.objects.is_open(self.bob, profile))

    def test_with_owners_goes_whose_it_was_and_why(self):
        self.log(self.talking, *map(Profile.objects.of, (self.alice, self.bob)))
        spared = get_user_model().objects.create_user("carol")
        carols = self.talk(spared)
        self.log(carols)
        get_user_model().objects.filter(pk__in=[self.alice.pk, self.bob.pk]).delete()
        gone = [(None, self.talking.id, ""), (None, None, ""), (None, None, "")]
        self.assertEqual(self.owners(), [*gone, (spared.pk, carols.id, WHY)])

    def test_it_comes_along_with_a_guests_conversations(self):
        guest = Profile.objects.make_guest()
        talk = self.talk(guest.user)
        self.log(talk, guest, Profile.objects.of(self.alice))
        Conversation.objects.move(guest.user, to=self.alice)
        alice = self.alice.pk
        left = [(alice, talk.id, WHY), (None, None, ""), (alice, None, WHY)]
        self.assertEqual(self.owners(), left)

    def test_an_operators_name_stays(self):
        self.log(self.talking)
        self.operator.delete()
        access = Access.objects.get()
        self.assertEqual((access.operator, access.operator_name), (None, "olga"))


class MarkTests(TestCase):
    def test_marks_go_with_what_was_said(self):
        user = get_user_model().objects.create_user("alice")
        talk = Conversation.objects.create(owner=user, assistant="chat")
        message = talk.add(parent=None, role="user", text="Hi", length=2)
        for about in (None, message):
            Note.objects.create(conversation=talk, message=about, author=user, text="So")
        talk.tags.add(Tag.objects.make("spam"))
        talk.delete_content()
        self.assertFalse(Note.objects.exists() or talk.tags.exists())
        self.assertEqual(Tag.objects.get().name, "spam")

    def test_a_tag_is_one_however_it_is_written(self):
        tags = {Tag.objects.make(name) for name in ("Wrong facts", "wrong  facts ", "WRONG FACTS")}
        self.assertEqual([tag.name for tag in tags], ["Wrong facts"])
        self.assertIsNone(Tag.objects.called("facts"))
