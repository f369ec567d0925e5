"""The forms of an account over HTTP: what they take, what they refuse, and how they say so."""

import re
import socket
from html.parser import HTMLParser
from uuid import uuid4

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core import mail
from django.test import Client, TestCase, override_settings

from chat.forms import NAMESAKES, mailing
from chat.models import Conversation, Profile

BROWSER = {"HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
PASSWORD = "a password of the tests"
FORMS = ("/sign-in/", "/sign-up/", "/password/", "/settings/", "/account/delete/")


class Controls(HTMLParser):
    """What a page has to fill in, and what the elements are that it points to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, dict] = {}
        self.labels: set[str] = set()
        self.ids: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        about = dict(attrs)
        self.ids.add(about.get("id", ""))
        if tag == "label":
            self.labels.add(about.get("for", ""))
        if tag in ("input", "select", "textarea") and about.get("type") != "hidden":
            self.found[about["name"]] = about


class AccountsCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.alice = get_user_model().objects.create_user("alice", "a@a.example", PASSWORD)

    def setUp(self) -> None:
        self.client = Client(**BROWSER)

    def sign_in(self, **fields: str):
        fields = {"username": "alice", "password": PASSWORD} | fields
        return self.client.post("/sign-in/", fields)

    def sign_up(self, name: str = "bob", **fields: str):
        fields = {"password1": PASSWORD, "password2": PASSWORD} | fields
        return self.client.post("/sign-up/", {"username": name, **fields})

    def signed_in(self) -> str:
        """The name of who is signed in."""
        id = self.client.session.get("_auth_user_id")
        return get_user_model().objects.get(pk=id).get_username() if id else ""


@override_settings(SIGN_UP=True, GUESTS=True)
class FormTests(AccountsCase):
    def test_every_control_is_called_something(self):
        self.client.force_login(self.alice)
        pages = [self.client.get(path).content.decode() for path in FORMS if path != "/sign-up/"]
        pages += [Client(**BROWSER).get("/sign-up/").content.decode()]
        named = 0
        for page in pages:
            controls = Controls(page)
            for control in controls.found.values():
                self.assertIn(control["id"], controls.labels)
                for id in control.get("aria-describedby", "").split():
                    self.assertIn(id, controls.ids)
                named += 1
        self.assertGreater(named, 10)

    def test_what_is_ones_own_is_not_there_to_go_back_to(self):
        self.client.force_login(self.alice)
        for path in ("/", "/settings/", "/password/", "/account/delete/", "/search/"):
            self.assertIn("no-store", self.client.get(path).headers["Cache-Control"], path)

    def test_browsers_know_what_to_fill_in(self):
        page = Controls(self.client.get("/sign-in/").content.decode()).found
        self.assertEqual(page["username"]["autocomplete"], "username")
        self.assertEqual(page["password"]["autocomplete"], "current-password")
        with override_settings(MAIL=True):
            page = Controls(self.client.get("/sign-up/").content.decode()).found
        self.assertEqual(page["username"]["autocomplete"], "username")
        self.assertEqual(page["email"]["autocomplete"], "email")
        self.assertEqual(page["password1"]["autocomplete"], "new-password")

    def test_the_first_wrong_field_has_the_focus_and_says_what_is_wrong(self):
        response = self.sign_up(password2="another one")
        controls = Controls(response.content.decode())
        self.assertNotIn("autofocus", controls.found["username"])
        wrong = controls.found["password2"]
        self.assertIn("autofocus", wrong)
        self.assertEqual(wrong["aria-invalid"], "true")
        self.assertIn("id_password2_error", wrong["aria-describedby"])
        self.assertIn("id_password2_error", controls.ids)
        self.assertEqual(self.signed_in(), "")

    def test_what_is_no_password_of_theirs_opens_nothing(self):
        for fields in ({"password": "wrong"}, {"username": "nobody"}, {"password": ""}):
            self.assertEqual(self.sign_in(**fields).status_code, 200)
            self.assertEqual(self.signed_in(), "")
        get_user_model().objects.filter(pk=self.alice.pk).update(is_active=False)
        self.assertContains(self.sign_in(), "enter a correct username")
        self.client.get("/")
        guest = Profile.objects.get(guest=True).user.get_username()
        self.assertContains(self.sign_in(username=guest, password=""), "required")

    def test_a_name_that_is_too_long_is_no_attempt(self):
        self.assertContains(self.sign_in(username="x" * 300), "at most 150 characters")
        self.assertFalse(apps.get_model("axes", "AccessAttempt").objects.exists())

    def test_names_that_differ_by_case_alone_are_refused(self):
        self.assertContains(self.sign_up("ALICE"), "already exists")

    def test_a_weak_password_is_refused(self):
        weak = {"password1": "12345678", "password2": "12345678"}
        self.assertContains(self.sign_up(**weak), "too common")

    def test_nor_does_an_administrator_give_one(self):
        get_user_model().objects.create_superuser("root", "r@r.example", PASSWORD)
        self.sign_in(username="root")
        for weak in ("short", "password1234", "123456789012"):
            fields = {"usable_password": "true", "password1": weak, "password2": weak}
            page = self.client.post("/admin/auth/user/add/", {"username": "new", **fields})
            self.assertContains(page, "errorlist")
        self.assertFalse(get_user_model().objects.filter(username="new").exists())

    def test_the_session_has_another_key_then(self):
        self.client.get("/")
        keys = [self.client.session.session_key]
        self.sign_up()
        keys.append(self.client.session.session_key)
        self.sign_in()
        keys.append(self.client.session.session_key)
        fields = {
            "old_password": PASSWORD,
            "new_password1": "cold ash and embers",
            "new_password2": "cold ash and embers",
        }
        self.client.post("/password/", fields)
        keys.append(self.client.session.session_key)
        self.assertEqual(len(set(keys)), 4)
        self.assertEqual(self.signed_in(), "alice")

    def test_nobody_is_sent_to_another_site(self):
        for number, elsewhere in enumerate(
            ("https://evil.example/", "//evil.example/", "javascript:alert(1)", "/\\evil.example")
        ):
            for path in ("/sign-in/", "/sign-up/"):
                self.assertNotContains(self.client.get(path, {"next": elsewhere}), "evil")
            self.assertEqual(self.sign_in(next=elsewhere)["Location"], "/")
            self.assertEqual(
                self.client.post("/sign-out/", {"next": elsewhere})["Location"], "/sign-in/"
            )
            self.assertEqual(self.sign_up(f"bob{number}", next=elsewhere)["Location"], "/")
            self.client.post("/sign-out/")
        self.assertEqual(self.sign_in(next="/settings/")["Location"], "/settings/")

    def test_who_has_an_account_makes_no_other(self):
        self.client.force_login(self.alice)
        self.assertRedirects(self.client.get("/sign-up/"), "/")
        self.assertRedirects(self.sign_up(), "/")
        self.assertFalse(get_user_model().objects.filter(username="bob").exists())

    def test_signing_out_deleting_and_the_rest_want_a_token_and_post(self):
        strict = Client(enforce_csrf_checks=True, **BROWSER)
        strict.force_login(self.alice)
        for path in (*FORMS, "/sign-out/"):
            self.assertEqual(strict.post(path).status_code, 403, path)
        self.assertEqual(strict.get("/sign-out/").status_code, 405)
        self.assertContains(strict.post("/sign-out/"), "not taken", status_code=403)

    def test_what_is_someones_own_wants_someone(self):
        for path in ("/settings/", "/password/", "/account/delete/"):
            self.assertRedirects(self.client.get(path), f"/sign-in/?next={path}")
            self.assertRedirects(self.client.post(path), f"/sign-in/?next={path}")
        self.assertEqual(get_user_model().objects.count(), 1)


class SignUpOffTests(AccountsCase):
    @override_settings(SIGN_UP=False, GUESTS=True)
    def test_there_is_no_door_and_no_link_to_it(self):
        for response in (self.client.get("/sign-up/"), self.sign_up()):
            self.assertEqual(response.status_code, 404)
        for path in ("/", "/sign-in/", "/settings/"):
            self.assertNotContains(self.client.get(path), "/sign-up/")

    @override_settings(SIGN_UP=True, GUESTS=True)
    def test_where_it_is_on_there_are_links(self):
        for path in ("/", "/sign-in/", "/settings/"):
            self.assertContains(self.client.get(path), "/sign-up/")


class MenuTests(AccountsCase):
    def menu(self) -> set[str]:
        page = self.client.get("/").content.decode()
        return set(re.findall(r'(?:href|action)="([\w/-]+)"', page.partition("sidebar-foot")[2]))

    @override_settings(SIGN_UP=True, GUESTS=True)
    def test_everyone_finds_what_is_theirs(self):
        doors = {"/settings/", "/admin/", "/sign-in/", "/sign-up/", "/sign-out/"}
        self.assertEqual(self.menu() & doors, {"/settings/", "/sign-in/", "/sign-up/"})
        self.client.force_login(self.alice)
        self.assertEqual(self.menu() & doors, {"/settings/", "/sign-out/"})
        self.client.force_login(get_user_model().objects.create_superuser("root"))
        self.assertEqual(self.menu() & doors, {"/settings/", "/admin/", "/sign-out/"})


class ForgottenTests(AccountsCase):
    def ask(self, address: str):
        return self.client.post("/password/forgotten/", {"email": address}, follow=True)

    def mails(self) -> list:
        """Those that were sent, when none is under way."""
        mailing.submit(int).result(30)
        return mail.outbox

    def test_without_mail_the_administrator_is_named(self):
        self.assertContains(self.client.get("/password/forgotten/"), "Ask your administrator")
        self.assertEqual(self.ask("a@a.example").status_code, 404)
        self.assertEqual(self.mails(), [])

    @override_settings(MAIL=True)
    def test_the_answer_tells_nobody_who_has_an_account(self):
        Profile.objects.make_guest()
        answers = [self.ask(address) for address in ("a@a.example", "b@b.example")]
        texts = [re.sub(r'value="\w{64}"', "", answer.content.decode()) for answer in answers]
        self.assertEqual(*texts)
        self.assertEqual([message.to for message in self.mails()], [["a@a.example"]])
        self.assertIn("alice", mail.outbox[0].body)
        self.assertRegex(mail.outbox[0].body, r"http://testserver/password/\w+/[\w-]+/\n")
        # And not again and again: it is not the person who asks, perhaps.
        self.ask("a@a.example")
        self.assertEqual(len(self.mails()), 1)

    @override_settings(MAIL=True)
    def test_who_makes_accounts_with_anothers_address_fills_no_box(self):
        for n in range(10):
            get_user_model().objects.create_user(f"alice-{n}", "a@a.example", PASSWORD)
        for address in ("a@a.example", "A@a.example"):
            self.ask(address)
            self.assertEqual(len(self.mails()), NAMESAKES)
        self.assertIn("Hello alice,", mail.outbox[0].body)

    def test_the_answer_waits_for_no_mail_server(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            smtp = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": server.getsockname()[1]}
            backend = "django.core.mail.backends.smtp.EmailBackend"
            with override_settings(MAIL=True, EMAIL_BACKEND=backend, EMAIL_TIMEOUT=20, **smtp):
                self.assertContains(self.ask("a@a.example"), "a link is on its way")
                server.settimeout(20)
                with server.accept()[0] as letterbox:
                    letterbox.settimeout(20)
                    letterbox.sendall(b"220 at last\r\n")
                    self.assertTrue(letterbox.recv(100).lower().startswith(b"ehlo"))
                self.assertEqual(self.mails(), [])

    def test_a_made_up_link_opens_nothing(self):
        for link in ("/password/MQ/set-password/", "/password/MQ/abc-123/", "/password/x/y/"):
            self.assertContains(self.client.get(link), "does not work any more")
            self.assertContains(self.client.post(link), "does not work any more")


def theme_of(response) -> str | None:
    """The colours that a page is drawn in, None for the device's."""
    found = re.search(r'<html[^>]* data-theme="(\w*)"', response.content.decode())
    return found and found[1]


class PreferencesTests(AccountsCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.alice)

    def save(self, **fields: str):
        every = {"announce": "end", "theme": "", "language": "", "instructions": ""}
        return self.client.post("/settings/", every | fields, follow=True)

    def test_what_is_saved_is_there_again(self):
        self.assertTrue(Profile.objects.of(self.alice).enter_sends)
        fields = {"instructions": "Be  brief.\n", "theme": "light", "language": "de"}
        self.assertRedirects(self.save(**fields, announce="nothing"), "/settings/")
        profile = Profile.objects.of(self.alice)
        self.assertEqual((profile.instructions, profile.theme), ("Be  brief.", "light"))
        self.assertEqual((profile.language, profile.announce), ("de", "nothing"))
        self.assertFalse(profile.enter_sends)
        self.save(enter_sends="on")
        self.assertTrue(Profile.objects.of(self.alice).enter_sends)

    def test_the_colours_come_with_the_page_and_are_this_browsers(self):
        self.assertIsNone(theme_of(self.client.get("/")))
        self.assertEqual(theme_of(self.save(theme="dark")), "dark")
        for path in ("/", "/nowhere/"):
            self.assertEqual(theme_of(self.client.get(path)), "dark")
        self.assertIsNone(theme_of(self.save()))
        # Another browser learns of it when they sign in there.
        self.save(theme="light")
        other = Client(**BROWSER)
        other.post("/sign-in/", {"username": "alice", "password": PASSWORD})
        self.assertEqual(theme_of(other.get("/")), "light")

    def test_a_cookie_says_nothing_else(self):
        self.client.cookies["theme"] = '"><script>alert(1)</script>'
        self.assertIsNone(theme_of(self.client.get("/settings/")))

    def test_the_language_is_the_persons(self):
        self.save(language="de")
        self.client.post("/sign-out/")
        self.assertContains(self.sign_in(password="wrong"), "Benutzername")

    def test_the_way_back_is_to_the_conversation_that_they_came_from(self):
        chat = f"/c/{uuid4()}/"
        way = f'<a href="{chat}">'
        came = self.client.get("/settings/", headers={"referer": f"http://testserver{chat}"})
        self.assertContains(came, way)
        self.assertContains(self.save(next=chat), way)
        for elsewhere in (f"https://evil.example{chat}", "javascript:alert(1)", "/admin/", "//[x"):
            response = self.client.get("/settings/", headers={"referer": elsewhere})
            self.assertContains(response, '<a href="/">Back to the chat</a>')

    def test_what_cannot_be_is_refused(self):
        for wrong in (
            {"instructions": "x" * 4001},
            {"theme": "pink"},
            {"language": "xx"},
            {"announce": "all"},
        ):
            response = self.save(**wrong)
            self.assertEqual(response.redirect_chain, [])
            self.assertContains(response, 'class="field-error"', 1)
        self.assertEqual(Profile.objects.of(self.alice).instructions, "")
        self.save(instructions="x" * 4000)
        self.assertEqual(len(Profile.objects.of(self.alice).instructions), 4000)

    def test_nobody_changes_anothers(self):
        bob = get_user_model().objects.create_user("bob")
        self.save(instructions="Mine", user=str(bob.pk), id=str(Profile.objects.of(bob).pk))
        self.assertEqual(Profile.objects.of(bob).instructions, "")
        self.assertEqual(Profile.objects.of(self.alice).instructions, "Mine")

    @override_settings(GUESTS=True)
    def test_a_guest_has_settings_and_no_password_to_change(self):
        guest = Client(**BROWSER)
        guest.get("/")
        self.assertContains(guest.get("/settings/"), "You are a guest")
        self.assertRedirects(guest.get("/password/"), "/settings/")


class DeleteTests(AccountsCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(self.alice)
        Conversation.objects.create(owner=self.alice, assistant="chat")

    def test_looking_deletes_nothing_and_neither_does_a_wrong_password(self):
        self.client.get("/account/delete/")
        for fields in ({}, {"password": ""}, {"password": "wrong"}):
            response = self.client.post("/account/delete/", fields)
            self.assertContains(response, 'class="field-error"')
        self.assertEqual(self.signed_in(), "alice")

    def test_the_account_and_everything_in_it_are_gone(self):
        Profile.objects.of(self.alice)
        response = self.client.post("/account/delete/", {"password": PASSWORD}, follow=True)
        self.assertContains(response, "Goodbye")
        self.assertEqual(self.signed_in(), "")
        for rows in (get_user_model(), Profile, Conversation):
            self.assertFalse(rows.objects.exists(), rows)
