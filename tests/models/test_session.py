from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.test import override_settings
from django.utils import timezone

from chat.models import token_of, users_of

from .cast import CastTestCase


class SessionTest(CastTestCase):
    def begin(self, user) -> str:
        """The key of a new session of the user's."""
        request = HttpRequest()
        request.session = import_module(settings.SESSION_ENGINE).SessionStore()
        login(request, user, backend=settings.AUTHENTICATION_BACKENDS[-1])
        request.session.save()
        return request.session.session_key

    def test_each_session_has_its_user_and_a_look_takes_two_queries(self):
        keys = {self.begin(user): user for user in (self.alice, self.alice, self.bob)}
        with self.assertNumQueries(2):
            self.assertEqual(users_of(keys), keys)

    def test_what_is_no_session_has_nobody(self):
        with self.assertNumQueries(0):
            self.assertEqual(users_of([]), {})
        self.assertEqual(users_of(["", "x" * 32, "\0", "é", "'; --"]), {})
        anonymous = import_module(settings.SESSION_ENGINE).SessionStore()
        anonymous["seen"] = 1
        anonymous.save()
        self.assertEqual(users_of([anonymous.session_key]), {})

    def test_a_cookie_may_hold_anything(self):
        store = import_module(settings.SESSION_ENGINE).SessionStore
        for key in ("\0" * 32, "'; --" * 8, "é" * 32, "short", ""):
            self.assertIsNone(store(key).session_key)
            self.assertEqual(dict(store(key).items()), {})

    def test_a_session_ends_with_its_row_its_time_its_password_and_its_user(self):
        ends = {
            "row": lambda key: Session.objects.filter(pk=key).delete(),
            "time": lambda key: Session.objects.filter(pk=key).update(
                expire_date=timezone.now() - timedelta(seconds=1)
            ),
            "password": lambda key: self.change(password="another"),
            "activity": lambda key: self.change(is_active=False),
            "user": lambda key: get_user_model().objects.get(pk=self.charlie.pk).delete(),
        }
        other = self.begin(self.bob)
        for what, end in ends.items():
            with self.subTest(what):
                self.change(is_active=True, password="")
                key = self.begin(get_user_model().objects.get(pk=self.charlie.pk))
                self.assertIn(key, users_of([key]))
                end(key)
                self.assertEqual(users_of([key, other]), {other: self.bob})

    def test_a_secret_key_may_be_rotated(self):
        key = self.begin(self.alice)
        old = settings.SECRET_KEY
        with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[old]):
            self.assertEqual(users_of([key]), {key: self.alice})
        with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=[]):
            self.assertEqual(users_of([key]), {})

    @override_settings(SESSION_ENGINE="django.contrib.sessions.backends.cache")
    def test_sessions_may_be_kept_elsewhere(self):
        key = self.begin(self.alice)
        self.assertEqual(users_of([key, "x" * 32]), {key: self.alice})

    def test_the_token_says_nothing_of_the_key(self):
        key = self.begin(self.alice)
        self.assertEqual(token_of(key), token_of(key))
        self.assertNotEqual(token_of(key), token_of(f"{key}x"))
        self.assertNotIn(key[:8], str(token_of(key)))
        with override_settings(SECRET_KEY="another"):
            other = token_of(key)
        self.assertNotEqual(token_of(key), other)

    def change(self, **fields) -> None:
        get_user_model().objects.filter(pk=self.charlie.pk).update(**fields)
