"""The page in a real browser: what a person does, and what happens to them."""

import re

from django.conf import settings
from django.test import SimpleTestCase

from tests.browser import Browser, require_browser
from tests.hands import ASKED, REPLY, Hands
from tests.replies.case import asks
from tests.server import Server
from tests.upstream import Upstream, numbered


class PageCase(Hands, SimpleTestCase):
    kind = "uvicorn"
    settings = {}

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        require_browser()
        cls.upstream = cls.enterClassContext(Upstream())
        settings = {"OPENAI_BASE_URL": cls.upstream.url, "OPENAI_MODEL": "numbered"}
        cls.server = cls.enterClassContext(Server(cls.kind, **settings | cls.settings))
        cls.browser = cls.enterClassContext(Browser())

    def setUp(self) -> None:
        self.upstream.clear()
        self.browser.complaints.clear()
        self.person = self.browser.person()
        self.addCleanup(self.person.close)
        self.page = self.open("/")

    def tearDown(self) -> None:
        self.assertEqual(self.browser.complaints, [])


class ChatTests(PageCase):
    def test_a_person_sends_and_sees_the_text_grow(self):
        self.send(asks(tokens=60, rate=0, gate="grow", gate_after=20))
        self.until_text(numbered(20))
        self.assertEqual(self.text(), numbered(20))
        self.assertTrue(self.page.locator("[data-part=stop]").is_visible())
        self.upstream.release("grow")
        self.until_status("done")
        self.assertEqual(self.text(), numbered(60))
        self.assertRegex(self.page.url, r"/c/[0-9a-f-]{36}/$")
        self.assertEqual(self.page.locator("[data-part=conversation]").count(), 1)

    def test_back_and_forward_lead_to_a_new_chat_and_the_conversation_that_it_became(self):
        self.send(asks(tokens=3))
        self.until_status("done")
        self.page.wait_for_url(re.compile("/c/"))
        address = self.page.url
        for _ in range(2):
            self.page.evaluate("history.back()")
            self.page.locator("chat-app[data-empty]").wait_for()
            self.assertEqual(self.page.url, f"{self.server.url}/")
            self.page.evaluate("history.forward()")
            self.until_status("done")
            self.assertEqual(self.page.url, address)

    def test_shift_enter_breaks_the_line(self):
        box = "[data-part=composer-input]"
        self.page.fill(box, "one")
        self.page.press(box, "Shift+Enter")
        self.page.type(box, "two " + asks(tokens=1))
        self.page.dispatch_event(box, "keydown", {"key": "Enter", "keyCode": 229, "bubbles": True})
        self.assertTrue(self.page.input_value(box).startswith("one\ntwo"))
        self.page.press(box, "Enter")
        self.until_status("done")
        self.assertTrue(self.text(ASKED).startswith("one\ntwo"))

    def test_stop_keeps_what_was_shown(self):
        self.send(asks(tokens=1000, rate=100))
        self.until_text(numbered(5))
        self.page.click("[data-part=stop]")
        self.until_status("stopped")
        stopped = self.text()
        self.assertTrue(numbered(1000).startswith(stopped))
        self.page.reload()
        self.until_status("stopped")
        self.assertEqual(self.text(), stopped)

    def test_a_refresh_in_the_middle_loses_nothing(self):
        self.send(asks(tokens=60, rate=0, gate="refresh", gate_after=30))
        self.until_text(numbered(30))
        self.page.reload()
        self.until_text(numbered(30))
        self.upstream.release("refresh")
        self.until_status("done")
        self.assertEqual(self.text(), numbered(60))

    def test_a_second_tab_sees_the_same_text_grow(self):
        self.send(asks(tokens=60, rate=0, gate="tabs", gate_after=30))
        self.until_text(numbered(30))
        second = self.open(self.page.url.removeprefix(self.server.url))
        self.until_text(numbered(30), second)
        self.upstream.release("tabs")
        for page in (self.page, second):
            self.until_status("done", page)
            self.assertEqual(self.text(page=page), numbered(60))
        # And what is said in the one is seen in the other.
        self.send(asks(tokens=3), second)
        self.until_text(numbered(3))

    def test_an_edit_makes_a_branch_and_the_arrows_go_back(self):
        self.send(asks("first", tokens=3))
        self.until_status("done")
        self.act("edit", ASKED)
        box = self.page.locator(f"{ASKED} textarea")
        box.fill(asks("second", tokens=5))
        box.press("Enter")
        self.until_text(numbered(5))
        self.until_status("done")
        self.assertIn("second", self.text(ASKED))
        self.act("previous", ASKED)
        self.page.locator(f"{ASKED} [data-part=text]").filter(has_text="first").wait_for()
        self.assertEqual(self.text(), numbered(3))
        self.act("next", ASKED)
        self.page.locator(f"{ASKED} [data-part=text]").filter(has_text="second").wait_for()

    def test_what_is_edited_while_another_tab_asks_is_given_back(self):
        self.send(asks("first", tokens=3))
        self.until_status("done")
        self.act("edit", ASKED)
        box = self.page.locator(f"{ASKED} textarea")
        box.fill("written with care")
        second = self.open(self.page.url.removeprefix(self.server.url))
        self.send(asks(tokens=50, rate=0, gate="edited", gate_after=10), second)
        self.until_text(numbered(10))
        box.press("Enter")
        self.page.locator("[data-part=refusal]").wait_for()
        composer = self.page.locator("[data-part=composer-input]")
        self.assertEqual(composer.input_value(), "written with care")
        self.upstream.release("edited")
        self.until_status("done")

    def test_what_is_sent_before_the_page_shows_that_it_is_busy_is_given_back(self):
        self.send(asks("first", tokens=3))
        self.until_status("done")
        with self.page.expect_websocket() as socket:
            self.page.reload()
        composer = self.page.locator("[data-part=composer-input]")
        composer.fill("written with care")
        # A page that is at work draws late.
        self.page.evaluate(
            "() => { window.draw = []; requestAnimationFrame = (f) => draw.push(f); }"
        )
        second = self.open(self.page.url.removeprefix(self.server.url))
        with socket.value.expect_event("framereceived", lambda frame: '"delta"' in frame):
            self.send(asks(tokens=50, rate=0, gate="late", gate_after=10), second)
        composer.press("Enter")
        self.page.evaluate("() => draw.forEach((each) => each())")
        self.page.locator("[data-part=refusal]").wait_for()
        self.assertEqual(composer.input_value(), "written with care")
        self.upstream.release("late")
        self.until_status("done", second)

    def test_what_is_edited_is_there_after_a_reload_until_it_is_left(self):
        self.send(asks("first", tokens=3))
        self.until_status("done")
        self.act("edit", ASKED)
        box = self.page.locator(f"{ASKED} textarea")
        box.fill("written with care")
        # What ends a word of an input method ends nothing else; Safari tells it in the second way.
        for sign in ({"isComposing": True}, {"keyCode": 229}):
            for key in ("Enter", "Escape"):
                box.dispatch_event("keydown", {"key": key, "bubbles": True, **sign})
        self.page.reload()
        box.wait_for()
        self.assertEqual(box.input_value(), "written with care")
        self.act("cancel", ASKED)
        self.page.reload()
        self.page.locator("[data-part=send]").wait_for()
        self.act("edit", ASKED)
        self.assertTrue(box.input_value().startswith("first"), box.input_value())

    def test_the_editor_opens_in_sight(self):
        self.page.set_viewport_size({"width": 1280, "height": 500})
        self.send("line\n" * 4 + asks(tokens=120))
        self.until_status("done")
        self.act("edit", ASKED)
        top = self.page.locator(f"{ASKED} textarea").bounding_box()["y"]
        bar = self.page.locator("header").first.bounding_box()
        self.assertGreaterEqual(top, bar["y"] + bar["height"])

    def test_retry_makes_another_reply_beside_the_first(self):
        self.send(asks(tokens=3))
        self.until_status("done")
        first = self.page.locator(REPLY).get_attribute("data-id")
        self.act("retry")
        self.page.locator(f"{REPLY}:not([data-id='{first}'])[data-status=done]").wait_for()
        self.act("previous")
        self.page.locator(f"{REPLY}[data-id='{first}']").wait_for()

    def test_a_failed_reply_says_why_and_can_be_tried_again(self):
        self.send(asks(str(self.id()), status=401, fail_times=1, tokens=4))
        self.until_status("error")
        self.page.get_by_text("refused the key").wait_for()
        self.act("retry")
        self.until_status("done")
        self.assertEqual(self.text(), numbered(4))

    def test_the_server_dies_and_everything_on_the_screen_is_there_again(self):
        self.send(asks(tokens=1000, rate=100, next={"tokens": 5, "start": 9000, "rate": 0}))
        self.until_text(numbered(10))
        self.server.kill()
        shown = self.text()
        self.server.start()
        self.until_status("interrupted")
        kept = self.text()
        self.assertTrue(kept.startswith(shown))
        self.assertTrue(numbered(1000).startswith(kept))
        self.act("continue")
        self.until_status("done")
        self.assertEqual(self.text(), kept + numbered(5, start=9000))

    def test_what_is_written_while_the_server_is_away_is_sent_when_it_is_back(self):
        self.send(asks("before", tokens=1))
        self.until_status("done")
        self.server.kill()
        self.page.locator("[data-part=banner]").wait_for()
        self.send(asks("meanwhile", tokens=7))
        self.server.start()
        self.until_text(numbered(7))
        self.until_status("done")
        self.assertEqual(self.page.locator(ASKED).count(), 2)

    def test_a_new_chat_that_the_server_has_not_taken_yet_is_there_after_a_reload(self):
        with self.server.locked():
            self.send(asks("the first", tokens=7))
            self.page.locator("[data-part=queued]:not([hidden])").wait_for()
            self.page.reload()
            self.page.locator(ASKED).get_by_text("the first").wait_for()
            self.assertTrue(self.page.url.endswith("/"), self.page.url)
        self.until_status("done")
        self.assertEqual(self.text(), numbered(7))
        self.page.wait_for_url(f"{self.server.url}/c/*/")
        self.page.reload()
        self.assertEqual(self.page.locator(ASKED).count(), 1)

    def test_a_page_that_comes_back_knows_what_others_of_its_tab_wrote_and_sent(self):
        self.send(asks("before", tokens=1))
        self.until_status("done")
        self.page.wait_for_url("**/c/*/")
        event = "(name) => dispatchEvent(new PageTransitionEvent(name, { persisted: true }))"
        self.page.evaluate(event, "pagehide")
        # What the next page of the tab leaves: a letter, and a draft.
        self.page.evaluate(
            """(text) => {
                const { user } = document.querySelector("chat-app").dataset;
                const shown = location.pathname.split("/")[2];
                const parent = [...document.querySelectorAll("article")].at(-1).dataset.id;
                const about = { conversation: shown, text, parent };
                const frame = { type: "send", cid: crypto.randomUUID(), ...about };
                const letters = JSON.stringify([{ conversation: shown, frame }]);
                sessionStorage.setItem(`chat:outbox:${user}`, letters);
                sessionStorage.setItem(`chat:draft:${user}:${shown}`, "half a sentence");
            }""",
            asks("after", tokens=7),
        )
        self.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
        self.page.evaluate(event, "pageshow")
        self.until_text(numbered(7))
        box = self.page.locator("[data-part=composer-input]")
        self.assertEqual(box.input_value(), "half a sentence")
        # Nothing has changed: it goes on as it is.
        self.page.evaluate(event, "pagehide")
        self.page.evaluate("() => { window.same = true; }")
        self.page.evaluate(event, "pageshow")
        self.page.locator("[data-part=send]:enabled").wait_for()
        self.send(asks("again", tokens=3))
        self.page.locator(ASKED).nth(2).wait_for()
        self.until_text(numbered(3))
        self.assertTrue(self.page.evaluate("() => window.same"))
        # Another page of the tab went on with what is being edited here.
        self.until_status("done")
        self.act("edit", ASKED)
        box = self.page.locator(f"{ASKED} textarea")
        box.fill("one")
        self.page.evaluate(event, "pagehide")
        self.page.evaluate(
            """() => {
                const key = Object.keys(sessionStorage).find((key) => key.includes(":edit:"));
                sessionStorage.setItem(key, "one and more");
            }"""
        )
        self.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
        with self.page.expect_navigation():
            self.page.evaluate(event, "pageshow")
        box.wait_for()
        self.assertEqual(box.input_value(), "one and more")

    def test_a_list_that_comes_late_does_not_bring_back_what_has_ended(self):
        self.send(asks(tokens=50, rate=0, gate="list", gate_after=10))
        self.until_text(numbered(10))
        late = []
        self.page.route("**/conversations/", lambda route: late.append((route, route.fetch())))
        with self.page.expect_request("**/conversations/"):
            self.page.reload()
        self.until_text(numbered(10))
        live = self.page.locator("[data-part=conversation] [data-part=live]")
        live.wait_for()
        self.upstream.release("list")
        live.wait_for(state="hidden")
        (route, answer) = late[0]
        with self.page.expect_response("**/conversations/"):
            route.fulfill(response=answer)
        self.page.evaluate("() => new Promise(requestAnimationFrame)")
        self.assertFalse(live.is_visible())

    def test_steps_of_a_flow_are_shown(self):
        self.page.click("[data-part=picker-button]")
        self.page.get_by_role("menuitemradio", name="Plan").click()
        self.send(asks(tokens=4))
        self.page.get_by_text("Planning the answer").wait_for()
        self.until_status("done")
        self.page.get_by_text("Planning the answer").click()
        self.assertEqual(self.page.locator(".step-detail").text_content(), numbered(4))

    def test_what_a_model_writes_is_text_and_nothing_else(self):
        hostile = "<img src=x onerror=alert(1)> <script>alert(2)</script> [x](javascript:alert(3))"
        self.page.on("dialog", lambda dialog: self.fail(dialog.message))
        self.send(asks(text=hostile))
        self.until_status("done")
        self.assertEqual(self.text(), hostile)
        self.page.reload()
        self.until_status("done")
        self.assertEqual(self.text(), hostile)


class AccountTests(PageCase):
    settings = {"GUESTS": 0}

    def test_who_has_an_account_signs_in_and_chats(self):
        password = "a password of the tests"
        self.server.make_superuser("alice", password)
        self.page.fill("[name=username]", "alice")
        self.page.fill("[name=password]", password)
        self.page.press("[name=password]", "Enter")
        self.page.locator("[data-part=composer-input]").wait_for()
        self.page.wait_for_load_state("load")
        self.send(asks(tokens=5))
        self.until_status("done")
        self.assertEqual(self.text(), numbered(5))
        self.page.get_by_text("alice", exact=True).wait_for()
        self.page.reload()
        self.until_status("done")
        self.send(asks(tokens=7))
        self.until_text(numbered(7))


class DeletedTests(PageCase):
    def test_what_was_typed_in_a_conversation_that_is_deleted_goes_to_a_new_one(self):
        self.send(asks(tokens=1))
        self.until_status("done")
        self.page.wait_for_url("**/c/**")
        box = self.page.locator("[data-part=composer-input]")
        box.fill("not yet sent")
        other = self.open("/")
        other.locator("[data-part=conversation]").hover()
        other.click("[data-part=conversation] [data-action=menu]")
        other.click("[data-action=delete]")
        self.page.locator("[data-part=gone]").wait_for()
        self.assertEqual(box.input_value(), "not yet sent")
        self.page.reload()
        self.page.goto(self.server.url)
        self.page.locator("[data-part=send]:enabled").wait_for()
        self.assertEqual(box.input_value(), "not yet sent")


class EarlyTests(PageCase):
    def test_what_is_typed_before_the_script_runs_joins_the_draft(self):
        self.send(asks(tokens=1))
        self.until_status("done")
        self.page.wait_for_url("**/c/**")
        address = self.page.url
        box = self.page.locator("[data-part=composer-input]")
        box.fill("a draft")
        self.page.goto(self.server.url)
        box.fill("a draft of another")
        waiting = []
        self.page.route("**/app*.js", lambda route: waiting.append(route))
        self.page.goto(address, wait_until="commit")
        box.fill("and more")
        waiting[0].continue_()
        self.page.locator("[data-part=send]:enabled").wait_for()
        self.assertEqual(box.input_value(), "a draft\n\nand more")
        self.page.unroute("**/app*.js")
        self.page.goto(self.server.url)
        self.page.locator("[data-part=send]:enabled").wait_for()
        self.assertEqual(box.input_value(), "a draft of another")

    def test_what_is_typed_before_the_script_runs_stays(self):
        page = self.person.new_page()
        waiting = []
        page.route("**/app*.js", lambda route: waiting.append(route))
        page.goto(f"{self.server.url}/", wait_until="commit")
        page.fill("[data-part=composer-input]", asks(tokens=2))
        waiting[0].continue_()
        page.locator("[data-part=send]:enabled").wait_for()
        page.press("[data-part=composer-input]", "Enter")
        self.until_status("done", page)
        self.assertEqual(self.text(page=page), numbered(2))


class LimitTests(PageCase):
    settings = {"LIMIT_ACTIVE": 1}

    def test_a_browser_that_keeps_nothing_is_one_to_chat_in(self):
        self.person.add_init_script(
            """for (const name of ["localStorage", "sessionStorage"]) {
                const get = () => { throw new DOMException("Denied", "SecurityError"); };
                Object.defineProperty(window, name, { get });
            }"""
        )
        page = self.open("/")
        self.send(asks(tokens=3), page)
        self.until_status("done", page)
        self.assertEqual(self.text(page=page), numbered(3))

    def test_an_edit_that_no_frame_can_hold_is_given_back_and_the_socket_lives(self):
        self.send(asks("first", tokens=1))
        self.until_status("done")
        self.act("edit", ASKED)
        box = self.page.locator(f"{ASKED} textarea")
        box.fill("x" * settings.FRAME_BYTES)
        box.press("Enter")
        self.page.get_by_role("alert").get_by_text("The message is too long.").wait_for()
        composer = self.page.locator("[data-part=composer-input]")
        self.assertEqual(len(composer.input_value()), settings.FRAME_BYTES)
        self.send(asks("second", tokens=4))
        self.until_text(numbered(4))

    def test_a_first_message_that_is_refused_is_there_after_a_reload(self):
        self.send(asks(tokens=50, rate=0, gate="limit", gate_after=10))
        self.until_text(numbered(10))
        second = self.open("/")
        self.send("written with care", second)
        second.locator("[data-part=refusal]").wait_for()
        second.reload()
        second.locator("[data-part=send]:enabled").wait_for()
        box = second.locator("[data-part=composer-input]")
        self.assertEqual(box.input_value(), "written with care")
        # Nor is it lost with a tab that ends before it draws, as one that nobody looks at may.
        box.fill("written with more care")
        second.evaluate("() => { requestAnimationFrame = () => 0; }")
        box.press("Enter")
        kept = "Object.values(sessionStorage).join()"
        second.wait_for_function(f"() => !{kept}.includes('cid')", polling=50)
        self.assertIn("written with more care", second.evaluate(kept))
        self.upstream.release("limit")
        self.until_status("done")


class DaphneChatTests(ChatTests):
    kind = "daphne"
