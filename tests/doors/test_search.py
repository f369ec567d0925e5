"""The search page: what it says, whose it is, and where its results lead, in a browser too."""

from uuid import uuid4

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client, TestCase
from django.test.utils import CaptureQueriesContext

from chat.models import Conversation, Message
from chat.replies import tree
from tests.doors.test_page import ASKED, PageCase
from tests.replies.case import asks


def conversation(owner, *texts: str, title: str = "Talk") -> Conversation:
    """One in which this was said by turns, as the doors make it."""
    made = Conversation.objects.create(owner=owner, title=title, assistant="chat")
    made = Conversation.objects.lock(made.id, owner=owner)
    last = None
    for number, text in enumerate(texts):
        role = Message.Role.ASSISTANT if number % 2 else Message.Role.USER
        last = made.add(parent=last, role=role, text=text, length=len(text))
    return made


class ViewTests(TestCase):
    def setUp(self) -> None:
        users = get_user_model().objects
        self.alice, self.charlie = map(users.create_user, ("alice", "charlie"))
        self.client.force_login(self.alice)

    def search(self, q: str, client: Client | None = None, **parameters):
        return (client or self.client).get("/search/", {"q": q, **parameters})

    def test_each_state_says_what_to_do(self):
        conversation(self.alice, "a needle")
        for q, said in (
            ("", "Titles and messages with all of your words."),
            ("n", "Type one more letter."),
            ("?!", "There is no word in that to look for."),
            ("thread", "Nothing found"),
            ("need", "1 conversation found"),
        ):
            self.assertContains(self.search(q), said)

    def test_what_matches_is_marked_and_nothing_else_is_markup(self):
        hostile = "<script>alert(1)</script> & <b>needle</b>"
        conversation(self.alice, hostile, title="<i>needle</i>")
        page = self.search('<i>"needle')
        self.assertContains(page, "&lt;i&gt;<mark>needle</mark>&lt;/i&gt;", count=0)
        page = self.search("needle")
        self.assertContains(page, "&lt;i&gt;<mark>needle</mark>&lt;/i&gt;")
        self.assertContains(page, "&lt;b&gt;<mark>needle</mark>&lt;/b&gt;")
        self.assertNotContains(page, "<script>alert")
        self.assertIn("require-trusted-types-for", page["Content-Security-Policy"])

    def test_what_is_someone_elses_is_not_there(self):
        conversation(self.alice, "a needle", title="Needle")
        self.assertContains(self.search("needle"), "1 conversation found")
        other = Client()
        other.force_login(self.charlie)
        self.assertContains(self.search("needle", other), "Nothing found")
        stranger = self.search("needle", Client())
        self.assertRedirects(stranger, "/sign-in/?next=/search/%3Fq%3Dneedle")

    def test_there_is_more_where_there_are_many(self):
        for number in range(60):
            conversation(self.alice, "needle", title=f"Talk {number}")
        page = self.search("needle")
        self.assertContains(page, 'class="found-conversation"', count=50)
        self.assertContains(page, "/search/?q=needle&amp;n=100")
        page = self.search("needle", n=100)
        self.assertContains(page, "60 conversations found")
        self.assertNotContains(page, 'data-part="more"')
        for strange in ("x", "-1", "9" * 30, "٣"):
            self.assertEqual(self.search("needle", n=strange).status_code, 200)

    def test_the_number_of_queries_does_not_grow(self):
        conversation(self.alice, "needle")
        self.search("needle")
        with CaptureQueriesContext(connection) as few:
            self.search("needle")
        few = len(few)  # the next page forgets them
        self.assertIn(few, range(4, 9))
        for number in range(30):
            conversation(self.alice, *["needle"] * 4, title=f"Talk {number}")
        self.search("needle")
        with self.assertNumQueries(few):
            self.search("needle")

    def test_strange_questions_are_answered(self):
        for q in ("\0", "\ud800".encode("utf-8", "surrogatepass"), "'" * 500, "a" * 5_000, '"'):
            self.assertEqual(self.search(q).status_code, 200)
        self.assertEqual(self.client.post("/search/").status_code, 405)


class JumpTests(TestCase):
    def setUp(self) -> None:
        users = get_user_model().objects
        self.alice, self.charlie = map(users.create_user, ("alice", "charlie"))
        self.client.force_login(self.alice)
        self.talk = conversation(self.alice, *(f"said {number}" for number in range(300)))
        self.path = f"/c/{self.talk.id}/"

    def said(self, seq: int) -> Message:
        return self.talk.messages.get(seq=seq)

    def hide(self) -> Message:
        """Make another version the shown one; returns a message of the first."""
        talk = Conversation.objects.lock(self.talk.id, owner=self.alice)
        talk.add(parent=None, role=Message.Role.USER, text="another", length=7)
        return self.said(150)

    def test_the_page_goes_back_to_the_message(self):
        page = self.client.get(self.path, {"m": self.said(150).id})
        self.assertContains(page, "said 149")
        self.assertContains(page, "<article", count=155 + 1)  # and the template
        self.assertContains(page, f'data-found="{self.said(150).id}"')
        self.assertContains(self.client.get(self.path), "<article", count=50 + 1)

    def test_a_message_that_is_not_there_changes_nothing(self):
        theirs = conversation(self.charlie, "secret").messages.get()
        mine = conversation(self.alice, "elsewhere").messages.get()
        for m in (theirs.id, mine.id, uuid4(), "x", ""):
            page = self.client.get(self.path, {"m": m})
            self.assertContains(page, "<article", count=50 + 1)
            self.assertNotContains(page, "data-found")
            self.assertNotContains(page, "another version")

    def test_one_in_another_version_is_offered_and_shown(self):
        hidden = self.hide()
        page = self.client.get(self.path, {"m": hidden.id})
        self.assertContains(page, "in another version of this conversation")
        page = self.client.post(f"{self.path}select/", {"message": hidden.id}, follow=True)
        self.assertEqual(page.redirect_chain, [(f"{self.path}?m={hidden.id}", 302)])
        self.assertContains(page, f'data-found="{hidden.id}"')

    def test_while_a_reply_is_written_the_version_stays(self):
        hidden = self.hide()
        talk = Conversation.objects.lock(self.talk.id, owner=self.alice)
        last = talk.messages.shown().get()
        talk.add(
            parent=last,
            role=Message.Role.ASSISTANT,
            status=Message.Status.RUNNING,
            worker="one",
            lease_until="2999-01-01T00:00:00Z",
        )
        page = self.client.post(f"{self.path}select/", {"message": hidden.id}, follow=True)
        self.assertContains(page, "can be shown when the reply has ended")
        self.assertFalse(self.said(150).shown)

    def test_absent_and_foreign_versions_read_the_same(self):
        theirs = conversation(self.charlie, "secret")
        mine = conversation(self.alice, "mine").messages.get()
        answers = [
            self.client.post(f"/c/{id}/select/", {"message": message})
            for id, message in (
                (theirs.id, theirs.messages.get().id),
                (self.talk.id, theirs.messages.get().id),
                (self.talk.id, mine.id),
                (uuid4(), uuid4()),
                (self.talk.id, "x"),
                (self.talk.id, ""),
            )
        ]
        self.assertEqual({answer.status_code for answer in answers}, {404})
        self.assertEqual(len({answer.content for answer in answers}), 1)
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(self.alice)
        path = f"{self.path}select/"
        self.assertEqual(strict.post(path, {"message": self.said(1).id}).status_code, 403)
        self.assertEqual(self.client.get(path).status_code, 405)

    def test_a_deleted_conversation_leads_nowhere(self):
        message = self.said(150).id
        tree.delete(self.alice, self.talk.id)
        self.assertEqual(self.client.get(self.path, {"m": message}).status_code, 404)


# What a person said in three hundred messages; a socket would take a while.
LONG_TALK = """
from chat.models import Conversation, Profile
owner = Profile.objects.get(guest=True, id="{person}").user
talk = Conversation.objects.create(owner=owner, title="A long story", assistant="chat")
talk = Conversation.objects.lock(talk.id, owner=owner)
last = None
for n in range(300):
    text = f"chapter {{n}}\\n\\n" + "line\\n" * 5 + ("the harbour" if n == {at} else "")
    last = talk.add(parent=last, role=("user", "assistant")[n % 2], text=text, length=len(text))
"""


class BrowserTests(PageCase):
    INPUT = "[data-part=input]"

    def long_talk(self, at: int) -> None:
        """The person of the page has one, in which message number `at` names the harbour."""
        person = self.page.locator("chat-app").get_attribute("data-user")
        done = self.server.manage("shell", "-c", LONG_TALK.format(person=person, at=at))
        self.assertEqual(done.returncode, 0, done.stderr)

    def said(self, text: str, page=None) -> None:
        """Wait until the page says so to those who do not see it."""
        (page or self.page).locator("[data-part=status]").filter(has_text=text).wait_for(
            state="attached"
        )

    def test_it_finds_while_one_types(self):
        self.send(asks("the Harbour at night", tokens=2))
        self.until_status("done")
        self.page.get_by_role("link", name="Search", exact=True).click()
        self.page.locator(f"{self.INPUT}:focus").wait_for()
        self.page.keyboard.type("harb")
        self.said("1 conversation found")  # perhaps of what was typed before
        self.page.locator("mark").get_by_text("Harb", exact=True).first.wait_for()
        self.assertTrue(self.page.url.endswith("/search/?q=harb"))
        self.page.keyboard.type("xyz")
        self.said("Nothing found")
        self.page.fill(self.INPUT, "")
        self.said("Titles and messages")
        self.page.fill(self.INPUT, "night")
        self.said("1 conversation found")
        self.page.locator(".found-excerpt").first.click()
        self.page.locator("article:focus").wait_for()
        self.page.go_back()
        self.page.locator(".found-conversation").wait_for()
        self.assertEqual(self.page.input_value(self.INPUT), "night")

    def test_a_result_leads_to_its_message_among_three_hundred(self):
        self.long_talk(at=150)
        page = self.open("/search/?q=harbour")
        page.locator(".found-excerpt").click()
        page.locator("article[data-found]").wait_for()
        page.locator("article:focus", has_text="the harbour").wait_for()
        # The mark goes, and the place stays, though the socket has told its state by then.
        page.locator("article[data-found]").wait_for(state="detached")
        box = page.locator("article:focus").bounding_box()
        thread = page.locator("[data-part=thread]").bounding_box()
        self.assertGreaterEqual(box["y"], thread["y"])
        self.assertLess(box["y"], thread["y"] + 100)
        self.assertTrue(page.locator("[data-part=earlier]").is_visible())

    def test_what_is_in_another_version_is_shown_when_asked_for(self):
        self.send(asks("the harbour", tokens=2))
        self.until_status("done")
        self.act("edit", ASKED)
        box = self.page.locator(f"{ASKED} textarea")
        box.fill(asks("the mountain", tokens=3))
        box.press("Enter")
        self.page.locator(f"{ASKED} [data-part=text]").filter(has_text="mountain").wait_for()
        self.until_status("done")
        page = self.open("/search/?q=harbour")
        page.locator(".found-excerpt", has_text="in another version").click()
        page.get_by_role("button", name="Show that version").click()
        page.locator("article:focus", has_text="the harbour").wait_for()
        # The other tab follows.
        self.page.locator(f"{ASKED} [data-part=text]").filter(has_text="harbour").wait_for()

    def test_a_server_that_is_away_is_told_and_asked_again(self):
        page = self.open("/search/")
        self.server.kill()
        page.fill(self.INPUT, "harbour")
        page.get_by_text("The search did not answer.").wait_for()
        self.server.start()
        page.get_by_role("button", name="Try again").click()
        self.said("Nothing found", page)
        self.assertFalse(page.get_by_text("The search did not answer.").is_visible())

    def test_without_a_script_the_form_leads_to_the_results(self):
        self.send(asks("the harbour", tokens=2))
        self.until_status("done")
        state = self.person.storage_state()
        plain = self.browser.person(java_script_enabled=False, storage_state=state)
        self.addCleanup(plain.close)
        page = plain.new_page()
        page.goto(f"{self.server.url}/search/")
        page.fill(self.INPUT, "harbour")
        page.get_by_role("button", name="Search").click()
        page.get_by_text("1 conversation found").wait_for()


class DaphneBrowserTests(BrowserTests):
    kind = "daphne"
