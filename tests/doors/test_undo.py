"""Deleting a conversation of the list, and bringing it back."""

from tests.doors.test_sidebar import TOAST, SidebarCase
from tests.replies.case import asks


class DeleteTests(SidebarCase):
    def test_it_goes_at_once_and_undo_brings_it_back_in_every_tab(self):
        for title in ("First", "Second", "Third"):
            self.say(title)
        other = self.open("/")
        self.choose("delete", "Second")
        for page in (self.page, other):
            self.until_titles("Third", "First", page=page)
        self.page.locator(TOAST).get_by_text("Deleted “Second”").wait_for()
        self.page.locator("[role=status]").get_by_text("is deleted. To undo it").wait_for()
        self.assertFalse(other.locator(TOAST).is_visible())
        self.until_focused("First")  # what has taken its place
        self.page.locator(f"{TOAST} [data-action=undo]").click()
        for page in (self.page, other):
            self.until_titles("Third", "Second", "First", page=page)
        self.assertFalse(self.page.locator(TOAST).is_visible())

    def test_control_z_undoes_it_but_not_while_there_is_text_to_undo(self):
        for title in ("First", "Second"):
            self.say(title)
        self.choose("delete", "First")
        self.until_titles("Second")
        self.page.fill("[data-part=composer-input]", "words")
        self.page.press("[data-part=composer-input]", "Control+z")
        self.page.locator(TOAST).wait_for()
        self.page.fill("[data-part=composer-input]", "")
        self.choose("delete", "Second")
        self.page.locator(TOAST).get_by_text("Second").wait_for()
        for back in (["Second"], ["Second", "First"]):
            self.page.keyboard.press("Control+z")
            self.until_titles(*back)
            self.page.locator(TOAST).get_by_text(back[-1]).wait_for(state="hidden")

    def test_an_undo_that_does_not_reach_the_server_may_be_tried_again(self):
        self.say("Back")
        self.page.goto(f"{self.server.url}/")
        self.choose("delete", "Back")
        self.page.route("**/restore/", lambda route: route.abort())
        self.page.locator(f"{TOAST} [data-action=undo]").click()
        self.page.get_by_text("That did not work.").wait_for()
        self.page.unroute("**/restore/")
        self.page.locator(f"{TOAST} [data-action=undo]").click()
        self.until_titles("Back")
        self.browser.complaints.clear()  # the browser's own, of what did not get through

    def test_the_shown_one_says_that_it_is_deleted_here_and_elsewhere_and_comes_back(self):
        self.say("Shown")
        self.send(asks(tokens=1000, rate=100))
        self.page.locator("[data-part=stop]").wait_for()
        other = self.open(self.page.url.removeprefix(self.server.url))
        other.locator("[data-part=stop]").wait_for()
        self.choose("delete", "Shown")
        for page in (self.page, other):
            page.get_by_text("This conversation was deleted.").wait_for()
            self.assertTrue(page.locator("[data-part=composer-input]").is_disabled())
            page.locator("[data-part=stop]").wait_for(state="hidden")
        self.assertIn("/c/", self.page.url)
        self.assertFalse(other.locator("[data-part=gone-undo]").is_visible())
        self.page.locator("[data-part=gone-undo]").click()
        for page in (self.page, other):
            page.locator("[data-part=gone]").wait_for(state="hidden")
            self.until_status("stopped", page)
        self.send(asks(tokens=3), other)
        for page in (self.page, other):
            page.locator("article").nth(5).wait_for()
            self.until_status("done", page)
            self.assertEqual(page.locator("article").count(), 6)

    def test_the_offer_lasts_as_long_as_nobody_is_at_it_and_8_seconds(self):
        self.page.clock.install()
        for title in ("First", "Second"):
            self.say(title)
        self.choose("delete", "Second")
        toast = self.page.locator(TOAST)
        toast.wait_for()
        self.page.clock.fast_forward(6_000)
        toast.hover()
        self.page.clock.fast_forward(20_000)
        self.assertTrue(toast.is_visible())
        self.page.mouse.move(900, 300)
        toast.locator("button").focus()
        self.page.clock.fast_forward(20_000)
        self.assertTrue(toast.is_visible())
        self.page.locator("[data-part=new-chat]").focus()
        self.page.clock.fast_forward(6_000)
        self.assertTrue(toast.is_visible())
        self.page.clock.fast_forward(3_000)
        toast.wait_for(state="hidden")
        self.page.keyboard.press("Control+z")
        self.page.goto(f"{self.server.url}/")
        self.until_titles("First")

    def test_the_last_one_leaves_a_word_and_the_focus_to_new_chat(self):
        self.say("Only")
        self.page.goto(f"{self.server.url}/")
        self.choose("delete", "Only")
        self.page.get_by_text("Your conversations will be listed here.").wait_for()
        self.page.wait_for_function("document.activeElement.dataset.part === 'new-chat'")
        self.page.keyboard.press("Control+z")
        self.until_titles("Only")


class TooLateTests(SidebarCase):
    settings = {"UNDO_SECONDS": 0.01}

    def test_what_cannot_be_brought_back_says_so(self):
        self.say("Gone")
        self.page.goto(f"{self.server.url}/")
        self.choose("delete", "Gone")
        self.page.locator(f"{TOAST} [data-action=undo]").click()
        self.page.get_by_text("It is too late to bring this back").wait_for()
        self.assertEqual(self.titles(), [])
