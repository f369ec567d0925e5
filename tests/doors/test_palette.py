"""The palette: what can be done and where one can go, found by a little of its name."""

from tests.doors.test_keyboard import BOX, HELP, KeyboardCase

PALETTE = "[data-part=palette-dialog]"
CHOSEN = f"{PALETTE} [role=option][aria-selected=true]"


class PaletteTests(KeyboardCase):
    def palette(self, text: str = "") -> None:
        self.press("Control+k")
        self.page.locator(CHOSEN).wait_for()  # its script has come
        self.type(text)

    def until_chosen(self, text: str) -> None:
        self.page.locator(CHOSEN).filter(has_text=text).wait_for()

    def test_another_conversation_by_a_little_of_its_title(self):
        for title in ("Harbour lights", "A plan for the week"):
            self.say(title)
        self.palette()
        self.until_chosen("Harbour lights")  # the latest that is not shown
        self.type("har")
        self.until_chosen("Harbour lights")
        self.press("Enter")
        self.page.locator("[data-part=page-title]", has_text="Harbour lights").wait_for()

    def test_the_arrows_go_round_and_the_box_keeps_the_focus(self):
        self.say("Only")
        self.palette()
        self.until_chosen("New chat")
        self.press("ArrowUp")
        self.until_chosen("Search everything")
        self.press("ArrowDown", "ArrowDown")
        self.until_chosen("Rename this conversation")
        self.until_at("[data-part=palette-input]")
        active = self.page.get_attribute("[data-part=palette-input]", "aria-activedescendant")
        self.assertEqual(self.page.locator(CHOSEN).get_attribute("id"), active)
        self.press("Control+k")
        self.page.locator(PALETTE).wait_for(state="hidden")
        self.until_at(f"[data-part={BOX}]")

    def test_enter_before_its_script_has_come_is_not_lost(self):
        held = []
        self.page.route("**/command-palette*.js", lambda route: held.append(route))
        with self.page.expect_request("**/command-palette*.js"):
            self.press("Control+k")
        self.type("keyboard")
        self.press("Enter")
        held[0].continue_()
        self.page.locator(HELP).wait_for()
        self.assertFalse(self.page.locator(PALETTE).is_visible())

    def test_the_theme_is_changed_at_once_and_stays(self):
        for name, theme in (("dark", "dark"), ("light", "light"), ("device", "")):
            self.palette(f"theme {name}")
            with self.page.expect_response("**/theme/"):
                self.press("Enter")
            self.page.wait_for_function(
                "dark => (getComputedStyle(document.body).colorScheme === 'dark') === dark",
                arg=theme == "dark",
            )
            self.page.reload()
            self.assertEqual(self.page.locator("html").get_attribute("data-theme") or "", theme)

    def test_what_is_not_there_is_searched_for_everywhere(self):
        self.say("Only")
        self.palette("sea & tide")
        self.until_chosen("Search everything for “sea & tide”")
        self.press("Enter")
        self.page.wait_for_url("**/search/?q=sea%20%26%20tide")
        self.assertEqual(self.page.input_value("[data-part=input]"), "sea & tide")

    def test_what_cannot_be_done_now_is_not_offered(self):
        self.palette("delete")
        self.until_chosen("Search everything")
        self.press("Escape")
        self.say("Only")
        self.page.fill(f"[data-part={BOX}]", "half a question")
        self.palette("pin this")
        self.until_chosen("Pin this conversation")
        self.hold("Enter")
        self.page.locator("[data-key=pinned]").wait_for()
        self.assertEqual(self.page.input_value(f"[data-part={BOX}]"), "half a question")
        self.palette("pin this")
        self.until_chosen("Unpin this conversation")

    def test_rename_and_delete_and_undo(self):
        self.say("Only")
        self.press("Control+Shift+S")  # the list comes back to show the title that is typed
        self.palette("rename")
        self.press("Enter")
        self.until_at("[data-part=rename-input]")
        self.type("Renamed")
        self.press("Enter")
        self.until_titles("Renamed")
        self.press("Shift+Escape")
        self.palette("delete")
        self.press("Enter")
        self.page.locator("[data-part=gone]").wait_for()
        self.until_at("[data-part=gone-undo]")
        self.press("Enter")
        self.until_titles("Renamed")
        self.until_at(f"[data-part={BOX}]")

    def test_by_touch(self):
        person = self.browser.person(
            viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True
        )
        self.addCleanup(person.close)
        page = person.new_page()
        page.goto(f"{self.server.url}/")
        page.tap(".topbar [popovertarget=sidebar]")
        page.tap("[data-action=palette]")
        page.locator(f"{PALETTE} [role=option]", has_text="Keyboard shortcuts").tap()
        page.locator(HELP).wait_for()
        page.tap(f"{HELP} [aria-label=Close]")
        page.locator(HELP).wait_for(state="hidden")
        page.wait_for_function("document.activeElement.matches('.topbar [popovertarget=sidebar]')")

    def test_beside_it_one_leaves_it(self):
        self.palette()
        self.page.mouse.click(20, 700)
        self.page.locator(PALETTE).wait_for(state="hidden")

    def test_an_input_method_keeps_its_enter(self):
        self.palette("new")
        self.page.evaluate(
            """() => document.activeElement.dispatchEvent(
              new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true })
            )"""
        )
        self.assertTrue(self.page.locator(PALETTE).is_visible())
