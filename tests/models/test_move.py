from django.contrib.auth import get_user_model

from chat.models import Conversation, Message, Profile

from .cast import CastTestCase, Status, ask, reply


class MoveTest(CastTestCase):
    def setUp(self) -> None:
        self.guest = Profile.objects.make_guest().user
        self.theirs = Conversation.objects.create(owner=self.guest, assistant="chat", title="Mine")
        self.live = reply(ask(self.theirs), "So far", status=Status.RUNNING)

    def owner(self, conversation: Conversation):
        return Conversation.objects.get(id=conversation.id).owner

    def test_everything_moves_and_the_guest_is_no_more(self):
        before, row = self.revision(self.theirs), self.columns(self.live)
        self.assertEqual(Conversation.objects.move(self.guest, to=self.alice), [self.theirs.id])
        self.assertEqual(self.owner(self.theirs), self.alice)
        self.assertEqual(self.revision(self.theirs), before + 1)
        self.assertEqual(self.columns(self.live), row)
        self.assertFalse(Profile.objects.filter(guest=True).exists())
        self.assertFalse(get_user_model().objects.filter(username__startswith="guest").exists())

    def test_the_reply_is_written_on_by_its_worker(self):
        Conversation.objects.move(self.guest, to=self.alice)
        self.assertEqual(Message.objects.owned_by(self.alice).active().get(), self.live)

    def test_a_deleted_one_moves_too_so_that_nobody_makes_it_anew(self):
        Conversation.objects.lock(self.theirs.id, owner=self.guest).delete_content()
        self.assertEqual(Conversation.objects.move(self.guest, to=self.alice), [])
        self.assertEqual(self.owner(self.theirs), self.alice)

    def test_nothing_of_anyone_else_moves(self):
        Conversation.objects.move(self.guest, to=self.charlie)
        self.assertEqual(self.owner(self.talk), self.alice)
        self.assertEqual(self.owner(self.bobs), self.bob)

    def test_an_account_gives_nothing_away(self):
        """Another tab may have signed the guest up meanwhile."""
        Profile.objects.of(self.guest).become_account(None)
        self.assertEqual(Conversation.objects.move(self.guest, to=self.alice), [])
        self.assertEqual(self.owner(self.theirs), self.guest)

    def test_the_second_of_two_tabs_finds_nothing(self):
        again = get_user_model().objects.get(pk=self.guest.pk)
        Conversation.objects.move(self.guest, to=self.alice)
        self.assertEqual(Conversation.objects.move(again, to=self.bob), [])
        self.assertEqual(self.owner(self.theirs), self.alice)
