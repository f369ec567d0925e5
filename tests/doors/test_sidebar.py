"""The list of conversations in a real browser: its pages, sections, menu, and marks."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.doors.test_page import PageCase
from tests.hands import ENTRY
from tests.replies.case import asks

LIST = "[data-part=conversations]"
LINK = f"{ENTRY} [data-part=link]"
TOAST = "[data-part=toast]"
DAY = 24 * 60 * 60

# So many conversations of the newest person, each so many seconds older than the one before.
MAKE = """
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.utils import timezone
from chat.models import Conversation
owner, now = get_user_model().objects.latest("id"), timezone.now()
for n in range({count}):
    one = Conversation.objects.create(owner=owner, assistant="chat")
    one.add(parent=None, role="user", text=f"Old {{n}}", length=5)
    Conversation.objects.filter(id=one.id).update(updated=now - timedelta(seconds=n * {apart}))
"""

# The list as it is drawn: headings and titles, in order.
NOTHING_IS_WRITTEN = """
() => {
  const key = Object.keys(localStorage).find((name) => name.startsWith("chat:unread:"));
  return JSON.parse(localStorage[key]).writing.length === 0;
}
"""
DRAWN = """
() => [...document.querySelectorAll(
  '[data-part=conversations] [data-part=section-name], [data-part=conversations] [data-part=title]'
)].map((element) => element.textContent)
"""
PLACES = """
() => [...document.querySelectorAll('[data-part=link]')]
  .map((link) => link.getBoundingClientRect().y)
"""


class SidebarCase(PageCase):
    def make(self, count: int, *, apart: float = DAY, page=None) -> None:
        made = self.server.manage("shell", "-c", MAKE.format(count=count, apart=apart))
        self.assertEqual(made.returncode, 0, made.stderr)
        (page or self.page).reload()

    def say(self, text: str, page=None) -> None:
        """A new conversation with this title, and a short reply."""
        page = page or self.page
        page.goto(f"{self.server.url}/")
        self.send(f"{text}\n{asks(tokens=1)}", page)
        self.until_status("done", page)
        self.entry(text, page).wait_for()

    def titles(self, page=None) -> list[str]:
        return (page or self.page).locator(f"{ENTRY} [data-part=title]").all_text_contents()

    def until_titles(self, *titles: str, page=None) -> None:
        (page or self.page).wait_for_function(
            "titles => JSON.stringify([...document.querySelectorAll('[data-part=conversation] "
            "[data-part=title]')].map((title) => title.textContent)) === JSON.stringify(titles)",
            arg=list(titles),
        )

    def until_count(self, count: int, page=None) -> None:
        (page or self.page).wait_for_function(
            "count => document.querySelectorAll('[data-part=conversation]').length === count",
            arg=count,
        )

    def focused(self, page=None) -> str:
        """The title of the entry that has the focus; else what has it."""
        return (page or self.page).evaluate(
            "() => document.activeElement.closest('[data-part=conversation]')"
            "?.querySelector('[data-part=title]').textContent ?? document.activeElement.tagName"
        )

    def until_focused(self, title: str, page=None) -> None:
        (page or self.page).wait_for_function(
            "title => document.activeElement.closest('[data-part=conversation]')"
            "?.querySelector('[data-part=title]').textContent === title",
            arg=title,
        )


class PagesTests(SidebarCase):
    def test_more_come_as_the_reader_scrolls_and_by_the_button(self):
        self.make(170)
        self.until_count(50)
        self.page.locator(LIST).hover()
        self.page.mouse.wheel(0, 100_000)
        self.until_count(100)
        # By the keyboard: the button comes into sight as it gets the focus, and that is enough.
        self.page.locator(f"{LIST} [data-action=more]").focus()
        self.until_count(150)
        self.page.locator(f"{LIST} [data-action=more]").press("Enter")
        self.until_count(170)
        self.assertEqual(self.titles(), [f"Old {n}" for n in range(170)])
        self.assertFalse(self.page.locator(f"{LIST} [data-action=more]").is_visible())
        self.until_focused("Old 169")

    def test_one_that_is_far_down_is_renamed_from_the_palette(self):
        self.make(120)
        address = self.page.evaluate(
            "async () => { let next = null, found;"
            " do { const page = await (await fetch('/conversations/' + (next ? '?before='"
            " + encodeURIComponent(next) : ''))).json();"
            " found = page.conversations.find(({ title }) => title === 'Old 110');"
            " next = page.next; } while (!found); return `/c/${found.id}/`; }"
        )
        self.page.goto(f"{self.server.url}{address}")
        self.page.keyboard.press("Control+k")
        self.page.locator("[role=option][aria-selected=true]").wait_for()
        self.page.keyboard.type("rename")
        self.page.keyboard.press("Enter")
        box = self.page.locator("[data-part=rename-input]")
        box.fill("Far down")
        box.press("Enter")
        self.page.locator("[data-part=page-title]", has_text="Far down").wait_for()

    def test_pages_that_were_loaded_outlive_a_reconnect(self):
        self.make(120)
        self.page.locator(LIST).hover()
        self.page.mouse.wheel(0, 100_000)
        self.until_count(100)
        self.server.kill()
        self.page.locator("[data-part=banner]").wait_for()
        # One was renamed and one deleted while there was no socket.
        done = self.server.manage(
            "shell",
            "-c",
            "from chat.models import Conversation\n"
            "mine = Conversation.objects.order_by('-created')[:120]\n"
            "next(one for one in mine if one.title == 'Old 7').delete_content()\n"
            "nine = next(one for one in mine if one.title == 'Old 9')\n"
            "Conversation.objects.filter(id=nine.id).update(title='Nine')",
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.server.start()
        self.page.evaluate("dispatchEvent(new Event('online'))")
        self.until_count(99)
        expected = [f"Old {n}" for n in range(100) if n != 7]
        expected[8] = "Nine"
        self.assertEqual(self.titles(), expected)

    def test_what_no_bell_told_is_there_when_the_tab_is_looked_at_again(self):
        for title in ("First", "Second"):
            self.say(title)
        elsewhere = (
            "from chat.models import Conversation as C; "
            "C.objects.filter(title='First').update(title='Renamed'); "
            "[c.mark_deleted() for c in C.objects.filter(title='Second')]"
        )
        done = self.server.manage("shell", "-c", elsewhere)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
        self.until_titles("Renamed")

    def test_a_failed_page_is_asked_for_again_by_the_button(self):
        self.make(60)
        self.page.route("**/conversations/?before=*", lambda route: route.abort())
        self.page.locator(LIST).hover()
        self.page.mouse.wheel(0, 100_000)
        more = self.page.locator(f"{LIST} [data-action=more]")
        more.press("Enter")
        self.page.get_by_text("That did not work").wait_for()
        self.assertEqual(len(self.titles()), 50)
        self.page.unroute_all()
        more.press("Enter")
        self.until_count(60)


class SectionTests(SidebarCase):
    def test_the_script_changes_nothing_that_the_server_drew(self):
        for zone in ("Pacific/Auckland", "America/Los_Angeles", "Europe/Berlin"):
            person = self.browser.person(timezone_id=zone)
            self.addCleanup(person.close)
            page = person.new_page()
            page.goto(f"{self.server.url}/")
            self.make(40, apart=7 * 60 * 60 + 7, page=page)
            page.locator(f"{LIST} li").first.wait_for()
            blind = self.without_script(person)
            self.assertEqual(page.evaluate(DRAWN), blind.evaluate(DRAWN), zone)
            self.assertEqual(page.evaluate(PLACES), blind.evaluate(PLACES), zone)
            self.assertIn("Today", page.evaluate(DRAWN))
            month = datetime.now(ZoneInfo(zone)) - timedelta(days=11)
            self.assertIn(f"{month:%B %Y}", page.evaluate(DRAWN))

    def without_script(self, person):
        """The same page as the server drew it."""
        page = person.new_page()
        page.route("**/*.js", lambda route: route.abort())
        page.goto(f"{self.server.url}/")
        return page

    def test_a_page_that_was_drawn_for_another_zone_is_corrected(self):
        """Nine hours ago was yesterday for one of three people who live eight hours apart."""
        found = {}
        for zone in ("Asia/Shanghai", "Etc/UTC", "Etc/GMT+8"):
            person = self.browser.person(timezone_id=zone)
            self.addCleanup(person.close)
            page = person.new_page()
            page.goto(f"{self.server.url}/")
            self.make(2, apart=9 * 60 * 60, page=page)
            blind = self.without_script(person)
            found[zone] = blind.evaluate(DRAWN)
            away = {"name": "zone", "value": "Etc/GMT+12", "url": self.server.url}
            person.add_cookies([away])
            page.reload()
            page.wait_for_function(
                f"drawn => JSON.stringify(({DRAWN})()) === JSON.stringify(drawn)", arg=found[zone]
            )
        self.assertEqual(len({len(drawn) for drawn in found.values()}), 2, found)

    def test_midnight_passes_while_the_page_is_open(self):
        self.page.clock.install()
        self.make(1)
        self.page.wait_for_function(f"({DRAWN})()[0] === 'Today'")
        self.page.clock.fast_forward(DAY * 1000)
        self.page.wait_for_function(f"({DRAWN})()[0] === 'Yesterday'")
        self.page.clock.fast_forward(DAY * 1000)
        self.page.wait_for_function(f"({DRAWN})()[0] === 'Last 7 days'")

    def test_a_section_is_a_group_that_its_heading_names(self):
        self.make(3)
        self.page.get_by_role("group", name="Today").get_by_role("link", name="Old 0").wait_for()
        self.page.get_by_role("heading", name="Last 7 days", level=2).wait_for()


class PinTests(SidebarCase):
    def test_every_tab_sees_it_pinned_and_unpinned(self):
        for title in ("First", "Second"):
            self.say(title)
        other = self.open("/")
        self.until_titles("Second", "First")
        self.choose("pin", "First")
        for page in (self.page, other):
            self.until_titles("First", "Second", page=page)
            self.assertEqual(page.evaluate(DRAWN)[0], "Pinned")
        self.until_focused("First")  # it has moved, and the focus with it
        self.choose("unpin", "First", other)
        for page in (self.page, other):
            self.until_titles("Second", "First", page=page)
            self.assertEqual(page.evaluate(DRAWN)[0], "Today")


class RenameTests(SidebarCase):
    def test_f2_renames_where_the_focus_is_and_escape_leaves_it(self):
        self.say("First")
        self.page.locator(LINK).focus()
        self.page.keyboard.press("F2")
        self.page.keyboard.type("Another")
        self.page.keyboard.press("Escape")
        self.assertEqual((self.titles(), self.focused()), (["First"], "First"))
        self.page.keyboard.press("F2")
        self.page.keyboard.type("Renamed")
        self.page.keyboard.press("Enter")
        self.until_titles("Renamed")
        self.assertEqual(self.focused(), "Renamed")
        self.page.reload()
        self.assertEqual(self.titles(), ["Renamed"])

    def test_what_is_told_while_a_title_is_typed_loses_nothing(self):
        for title in ("First", "Second"):
            self.say(title)
        self.choose("rename", "First")
        self.page.keyboard.type("Ren")
        other = self.open("/")
        self.say("Third", other)
        self.choose("rename", "Second", other)
        other.keyboard.type("Two")
        other.keyboard.press("Enter")
        self.until_titles("Third", "Two", "First", page=other)
        self.page.keyboard.type("amed")
        self.assertEqual(self.page.locator("[data-part=rename-input]").input_value(), "Renamed")
        self.page.keyboard.press("Enter")
        for page in (self.page, other):
            self.until_titles("Third", "Two", "Renamed", page=page)

    def test_what_was_told_meanwhile_is_drawn_when_the_title_stays(self):
        for title in ("First", "Second"):
            self.say(title)
        self.choose("rename", "First")
        other = self.open("/")
        self.choose("delete", "First", other)
        self.until_titles("Second", page=other)
        self.page.keyboard.press("Escape")
        self.until_titles("Second")


class UnreadTests(SidebarCase):
    def test_a_reply_that_ended_elsewhere_is_marked_until_it_is_opened(self):
        self.say("Looked at")
        self.page.goto(f"{self.server.url}/")
        self.send(f"Aside\n{asks(tokens=60, rate=0, gate='aside', gate_after=20)}")
        self.entry("Aside").locator("[data-part=live]").wait_for()
        self.entry("Looked at").locator("[data-part=link]").click()
        self.entry("Aside").locator("[data-part=live]").wait_for()
        self.assertFalse(self.entry("Aside").locator("[data-part=unread]").is_visible())
        self.upstream.release("aside")
        self.entry("Aside").locator("[data-part=unread]").wait_for()
        self.page.reload()
        self.entry("Aside").locator("[data-part=unread]").wait_for()
        self.assertEqual(self.page.locator("[data-part=unread]:visible").count(), 1)
        other = self.open("/")
        self.entry("Aside", other).locator("[data-part=unread]").wait_for()
        self.entry("Aside").locator("[data-part=link]").click()
        self.until_status("done")
        for page in (self.page, other):
            self.entry("Aside", page).locator("[data-part=unread]").wait_for(state="hidden")

    def test_a_tab_that_was_away_does_not_mark_what_was_read_in_another(self):
        self.say("Looked at")
        self.page.goto(f"{self.server.url}/")
        self.send(f"Aside\n{asks(tokens=60, rate=0, gate='away', gate_after=20)}")
        self.entry("Aside").locator("[data-part=live]").wait_for()
        other = self.open("/")
        self.entry("Aside", other).locator("[data-part=live]").wait_for()
        event = "(name) => dispatchEvent(new PageTransitionEvent(name, { persisted: true }))"
        other.evaluate(event, "pagehide")
        self.upstream.release("away")
        self.until_status("done")
        self.entry("Aside").locator("[data-part=live]").wait_for(state="hidden")
        # What another tab has kept comes here a moment later, and is looked at here, too.
        other.wait_for_function(NOTHING_IS_WRITTEN)
        other.evaluate("() => dispatchEvent(new StorageEvent('storage'))")
        other.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => drawn()))")
        with other.expect_response("**/conversations/"):
            other.evaluate(event, "pageshow")
        self.entry("Aside", other).locator("[data-part=live]").wait_for(state="hidden")
        self.entry("Aside", other).locator("[data-part=unread]").wait_for(state="hidden")


class KeyboardTests(SidebarCase):
    def test_arrows_home_and_end_go_through_the_list(self):
        self.make(5)
        self.page.locator(LINK).nth(1).focus()
        for key, title in (
            ("ArrowDown", "Old 2"),
            ("ArrowUp", "Old 1"),
            ("Home", "Old 0"),
            ("ArrowUp", "Old 0"),
            ("End", "Old 4"),
            ("ArrowDown", "Old 4"),
        ):
            self.page.keyboard.press(key)
            self.assertEqual(self.focused(), title, key)
        # By Tab one comes to the menu of each, too.
        self.page.keyboard.press("Home")
        self.page.keyboard.press("Tab")
        self.page.keyboard.press("Enter")
        self.page.locator("[data-part=menu]").wait_for()
        self.page.keyboard.press("Escape")
        self.page.locator("[data-part=menu]").wait_for(state="hidden")
        self.assertEqual(self.focused(), "Old 0")
        self.page.keyboard.press("ArrowDown")
        self.assertEqual(self.focused(), "Old 1")

    def test_in_the_drawer_of_a_phone_too(self):
        self.page.set_viewport_size({"width": 390, "height": 800})
        self.make(3)
        self.page.locator(".topbar [popovertarget=sidebar]").click()
        menu = self.page.locator("[data-part=menu]")
        self.entry("Old 1").locator("[data-action=menu]").click()
        menu.wait_for()
        self.page.keyboard.press("Escape")
        menu.wait_for(state="hidden")
        self.until_focused("Old 1")
        self.assertTrue(self.page.locator(LIST).is_visible())
        self.choose("delete", "Old 1")
        self.until_titles("Old 0", "Old 2")
        self.page.keyboard.press("Control+z")
        self.until_titles("Old 0", "Old 1", "Old 2")
        self.assertTrue(self.page.locator(LIST).is_visible())
        self.choose("delete", "Old 1")
        self.page.locator(f"{TOAST} [data-action=undo]").click()
        self.until_titles("Old 0", "Old 1", "Old 2")
        self.assertTrue(self.page.locator(LIST).is_visible())
        self.page.keyboard.press("Escape")
        self.page.locator(LIST).wait_for(state="hidden")
