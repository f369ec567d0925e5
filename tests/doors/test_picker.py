"""Who answers, chosen on the page: by keyboard, in every tab, and for one reply alone."""

from tests.replies.case import asks
from tests.upstream import numbered

from .test_page import REPLY, PageCase

SMALL, LARGE = "numbered", "numbered-large"
BUTTON = "[data-part=picker-button]"


class PickerCase(PageCase):
    settings = {"OPENAI_MODEL": f"{SMALL},{LARGE}"}

    def until_answering(self, name: str, page=None) -> None:
        """Wait until the page says that this model or assistant answers."""
        page = page or self.page
        page.get_by_role("button", name=f"Who answers: {name}", exact=True).wait_for()

    def until_focused(self, name: str, role: str = "menuitemradio") -> None:
        item = self.page.get_by_role(role, name=name, exact=True)
        self.page.wait_for_function("item => item === document.activeElement", arg=handle(item))

    def choose(self, name: str, page=None) -> None:
        page = page or self.page
        page.click(BUTTON)
        page.get_by_role("menuitemradio", name=name, exact=True).click()

    def chat(self, **directive: object) -> None:
        """A conversation with one reply, which is done."""
        self.send(asks(**{"tokens": 2} | directive))
        self.until_status("done")

    def chat_on(self) -> None:
        """A second reply, which is done."""
        self.send(asks(tokens=2))
        self.page.locator(f"{REPLY}[data-status=done]").nth(1).wait_for()

    def asked(self) -> list[str]:
        return [request["body"]["model"] for request in self.upstream.requests()]


def handle(locator):
    locator.wait_for()
    return locator.element_handle()


class PickerTests(PickerCase):
    def test_by_keyboard_alone(self):
        self.until_answering(SMALL)
        press = self.page.keyboard.press
        self.page.locator("[data-part=composer-input]").focus()
        press("Tab")
        press("Enter")
        self.until_focused(SMALL)  # the one that answers
        press("ArrowUp")
        self.until_focused("Plan Plans first, then answers: slower, for what takes some thought.")
        press("ArrowDown")
        self.until_focused(SMALL)
        press("End")
        press("Home")
        self.until_focused(SMALL)
        press("c")  # as a name begins
        self.until_focused("Chat Answers at once.")
        press("Escape")
        self.until_focused(f"Who answers: {SMALL}", "button")
        self.until_answering(SMALL)
        press("Enter")
        self.until_focused(SMALL)
        press("ArrowDown")
        press("Enter")
        self.until_answering(LARGE)
        self.until_focused(f"Who answers: {LARGE}", "button")
        press("Shift+Tab")
        self.page.keyboard.type(asks(tokens=3))
        press("Enter")
        self.until_status("done")
        self.assertEqual(self.asked(), [LARGE])
        self.assertIn(LARGE, self.page.locator(f"{REPLY} [data-part=origin]").text_content())

    def test_what_is_checked_is_told(self):
        self.page.click(BUTTON)
        checked = self.page.locator("#picker [aria-checked=true]")
        self.assertEqual([text.split() for text in checked.all_inner_texts()][0], [SMALL])
        self.assertEqual(checked.count(), 2)
        self.page.get_by_role("menuitemradio", name=LARGE).click()
        self.page.click(BUTTON)
        self.assertEqual(checked.first.inner_text().strip(), LARGE)

    def test_it_is_changed_in_every_tab_and_stays(self):
        self.chat()
        second = self.open(self.page.url.removeprefix(self.server.url))
        self.until_answering(SMALL, second)
        self.choose(LARGE)
        for page in (self.page, second):
            self.until_answering(LARGE, page)
        second.click(BUTTON)
        second.get_by_role("menuitemradio", name="Plan").click()
        for page in (self.page, second):
            self.until_answering(f"{LARGE} · Plan", page)
        self.page.reload()
        self.until_answering(f"{LARGE} · Plan")
        self.chat_on()
        self.page.get_by_text("Planning the answer").wait_for()
        self.assertEqual(self.asked(), [SMALL, LARGE, LARGE])

    def test_one_reply_is_written_anew_by_another(self):
        self.chat()
        self.act("retry-with")
        self.until_focused(SMALL, "menuitem")
        self.page.keyboard.press("ArrowDown")
        self.page.keyboard.press("Enter")
        self.page.locator(f"{REPLY} [data-part=place]", has_text="2 / 2").wait_for()
        self.until_status("done")
        self.assertEqual(self.text(), numbered(2))
        self.assertIn(LARGE, self.page.locator(f"{REPLY} [data-part=origin]").text_content())
        self.until_answering(SMALL)
        self.assertEqual(self.asked(), [SMALL, LARGE])

    def test_not_while_a_reply_is_written(self):
        self.send(asks(tokens=5, gate="busy", gate_after=1))
        self.until_text(numbered(1))
        self.assertTrue(self.page.locator(f"{REPLY} [data-action=retry-with]").is_hidden())
        self.choose(LARGE)  # for the next one
        self.until_answering(LARGE)
        self.upstream.release("busy")
        self.until_status("done")
        self.chat_on()
        self.assertEqual(self.asked(), [SMALL, LARGE])

    def test_a_message_that_overtakes_the_choice_is_answered_by_it(self):
        self.chat()
        held = []
        self.page.route("**/conversations/*/", lambda route: held.append(route))
        self.choose(LARGE)
        self.chat_on()
        self.assertEqual(self.asked(), [SMALL, LARGE])
        (route,) = held
        with self.page.expect_response("**/conversations/*/"):
            route.continue_()
        self.page.unroute("**/conversations/*/")
        self.page.reload()
        self.until_answering(LARGE)

    def test_of_two_choices_at_once_the_last_one_stands(self):
        self.chat()
        held, done = [], []

        def late(route) -> None:
            if held:
                route.continue_()
            else:
                held.append(route)

        def both(request) -> bool:
            if request.method == "PATCH":
                done.append(request)
            return len(done) == 2

        self.page.route("**/conversations/*/", late)
        with self.page.expect_event("requestfinished", both):
            self.choose(LARGE)
            self.choose(SMALL)
            held[0].continue_()
        self.page.reload()
        self.until_answering(SMALL)
        self.chat_on()
        self.assertEqual(self.asked(), [SMALL, SMALL])

    def test_a_change_that_does_not_work_is_taken_back(self):
        self.chat()
        self.page.route("**/conversations/*/", lambda route: route.abort())
        self.choose(LARGE)
        self.page.get_by_role("alert").filter(has_text="did not work").wait_for()
        self.until_answering(SMALL)

    def test_it_stays_within_the_view_of_a_phone(self):
        phone = {"viewport": {"width": 390, "height": 700}, "has_touch": True, "is_mobile": True}
        page = self.browser.person(**phone).new_page()
        self.addCleanup(page.context.close)
        page.goto(self.server.url)
        page.tap(BUTTON)
        menu = page.locator("#picker")
        menu.wait_for()
        box = menu.bounding_box()
        self.assertGreaterEqual(box["x"], 0)
        self.assertLessEqual(box["x"] + box["width"], 390)
        self.assertGreaterEqual(box["y"], 0)
        self.assertLessEqual(box["y"] + box["height"], 700)
        for item in page.get_by_role("menuitemradio").all():
            self.assertGreaterEqual(item.bounding_box()["height"], 44)


class WithdrawnTests(PickerCase):
    def test_the_picker_says_that_a_model_is_offered_no_more(self):
        self.choose(LARGE)
        self.until_answering(LARGE)
        self.chat()
        self.server.kill()
        self.server.settings["OPENAI_MODEL"] = SMALL
        self.server.start()
        self.page.reload()
        said = f"“{LARGE}” is no longer offered here. {SMALL} answers instead."
        self.page.get_by_role("button", name=said).click()
        self.page.get_by_text(said).wait_for()
        self.page.get_by_role("menuitemradio", name="Plan").click()
        self.chat_on()
        self.assertEqual(self.asked(), [LARGE, SMALL, SMALL])


class RefusedTests(PickerCase):
    def test_where_the_first_message_is_refused_for_its_model_another_may_be_chosen(self):
        self.choose(LARGE)
        self.until_answering(LARGE)
        self.server.kill()
        self.server.settings["OPENAI_MODEL"] = SMALL
        self.server.start()
        self.send(asks(tokens=2))
        self.page.locator("[data-part=refusal]").wait_for()
        self.choose(SMALL)
        self.chat()
        self.assertEqual(self.asked(), [SMALL])


class TitleTests(PageCase):
    settings = {"TITLES": 1}

    def test_the_models_title_comes_to_every_tab(self):
        self.send(asks("Where?", tokens=3, gate="title", next={"text": "The way to the harbour"}))
        self.page.wait_for_url("**/c/*/")
        self.page.locator(REPLY).wait_for()
        second = self.open(self.page.url.removeprefix(self.server.url))
        second.locator("[data-part=page-title]", has_text="Where?").wait_for()
        self.upstream.release("title")
        for page in (self.page, second):
            page.locator("[data-part=page-title]", has_text="The way to the harbour").wait_for()
            page.locator("[data-part=title]", has_text="The way to the harbour").wait_for()
            page.wait_for_function("document.title.startsWith('The way to the harbour')")
