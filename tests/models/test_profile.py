from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from chat.models import Profile

from .cast import CastTestCase


class ProfileTest(CastTestCase):
    def test_an_account_gets_one_profile_and_keeps_it(self):
        self.assertFalse(Profile.objects.filter(user=self.alice).exists())  # the premise
        first = Profile.objects.of(self.alice)
        self.assertEqual(Profile.objects.of(self.alice), first)
        self.assertEqual((first.user, first.guest), (self.alice, False))
        self.assertIsInstance(first.id, UUID)

    def test_everyone_has_their_own(self):
        self.assertNotEqual(Profile.objects.of(self.alice), Profile.objects.of(self.bob))

    def test_the_database_takes_no_second_one(self):
        Profile.objects.of(self.alice)
        with self.assertRaises(IntegrityError), transaction.atomic():
            Profile.objects.create(user=self.alice)

    def test_a_guest_is_a_new_person_who_cannot_sign_in(self):
        one, two = Profile.objects.make_guest(), Profile.objects.make_guest()
        self.assertNotEqual(one.user, two.user)
        self.assertTrue(one.guest)
        self.assertFalse(one.user.has_usable_password())
        self.assertFalse(one.user.is_staff or one.user.is_superuser)
        self.assertTrue(one.user.is_active)

    def test_a_guests_profile_is_found_again(self):
        guest = Profile.objects.make_guest()
        self.assertEqual(Profile.objects.of(guest.user), guest)

    def test_the_name_on_the_page(self):
        named = get_user_model().objects.create_user("ada", first_name="Ada")
        self.assertEqual(Profile.objects.of(self.alice).name, "alice")
        self.assertEqual(Profile.objects.of(named).name, "Ada")
        self.assertEqual(Profile.objects.make_guest().name, "Guest")
