"""A transcript that grows in the admin: what its socket tells to whom, and that it only reads."""

import re
from contextlib import asynccontextmanager
from uuid import uuid4

from tests.axe import violations
from tests.browser import Browser, require_browser
from tests.doors.test_sessions import ENDED, closed
from tests.hands import Hands
from tests.replies.case import ServerCase, asks
from tests.tabs import Tab
from tests.upstream import numbered
from tests.visitor import PASSWORD, Visitor

NEVER = 3600  # so that nothing but a bell can be what was heard

# An operator.
MAKE = """
from django.contrib.auth.models import Permission, User
user = User.objects.create_user({name!r}, password={password!r}, is_staff=True)
user.user_permissions.set(Permission.objects.filter(codename__in={permissions!r}))
"""
READS = ("view_conversation", "view_content")


class Transcript(Tab):
    """A socket of the admin's transcript."""

    path = "/ws/admin/"


class LiveCase(ServerCase):
    settings = {
        "SESSION_SECONDS": NEVER,
        "OPENAI_MODEL": "numbered,numbered-large",
        "ADMIN_REASON": 0,
    }

    @asynccontextmanager
    async def operator(self, *permissions: str):
        name = f"staff-{uuid4().hex[:8]}"
        about = {"name": name, "password": PASSWORD, "permissions": permissions}
        self.server.shell(MAKE.format(**about))
        async with Visitor(self.server.url) as visitor:
            await visitor.submit("/admin/login/?next=/admin/", username=name, password=PASSWORD)
            visitor.name = name
            yield visitor

    async def transcript(self, visitor: Visitor) -> Transcript:
        tab = Transcript(visitor, visitor.url, True)
        await tab.connect()
        return tab

    async def running(self, alice: Visitor) -> tuple[Tab, dict]:
        """Alice is being answered; the ack."""
        tab = await alice.tab()
        ack = await tab.send(asks(tokens=100_000, rate=20))
        await tab.text_of(ack["reply"], 12)
        return tab, ack


class LiveTests(Hands, LiveCase):
    async def test_it_grows_as_its_owners_page_does(self):
        async with Visitor(self.server.url) as alice, self.operator(*READS) as rita:
            tab, ack = await self.running(alice)
            looked = await self.transcript(rita)
            self.assertEqual(await self.readers(alice), 0)
            await looked.open(ack["conversation"])
            self.assertEqual(await self.readers(alice), 1)  # though no page was asked for
            length = len(looked.message(ack["reply"])["text"])
            await looked.text_of(ack["reply"], length + 24)
            await tab.say(type="stop", message=ack["reply"])
            ended = await looked.ended(ack["reply"])
            self.assertEqual(ended, await tab.ended(ack["reply"]))
            # What is asked next is told, too; of the owner's list nothing.
            more = await tab.ask(asks(tokens=3))
            self.assertEqual((await looked.ended(more["id"]))["text"], numbered(3))
            self.assertEqual(looked.count("conversation"), 0)

    async def readers(self, alice: Visitor) -> int:
        return (await alice.see("/settings/readers/")).text.count('class="reading"')

    async def test_it_only_reads(self):
        async with Visitor(self.server.url) as alice, self.operator(*READS) as rita:
            tab, ack = await self.running(alice)
            looked = await self.transcript(rita)
            await looked.open(ack["conversation"])
            for frame in (
                {"type": "send", "conversation": ack["conversation"], "text": "Hi"},
                {"type": "send", "conversation": str(uuid4()), "text": "Hi", "parent": None},
                {"type": "regenerate", "message": ack["reply"]},
                {"type": "continue", "message": ack["reply"]},
                {"type": "select", "message": ack["message"]},
                {"type": "stop", "message": ack["reply"]},
            ):
                refusals = looked.count("error")
                await looked.say(cid=str(uuid4()), **frame)
                await looked.until(lambda n=refusals: looked.count("error") > n, "a refusal")
                self.assertEqual(looked.all("error")[-1]["code"], "not_found", frame)
            self.assertEqual(tab.message(ack["reply"])["status"], "running")
            self.assertEqual(await rita.listed(), [])
            # The chat's own socket shows them nothing of it.
            own = await rita.tab()
            await own.say(type="open", conversation=ack["conversation"], have={})
            self.assertEqual((await own.error())["code"], "not_found")
            # What is deleted is not there, nor is what never was.
            await alice.delete(ack["conversation"])
            for id in (ack["conversation"], str(uuid4())):
                refusals = looked.count("error")
                await looked.say(type="open", conversation=id, have={})
                await looked.until(lambda n=refusals: looked.count("error") > n, "a refusal")
                self.assertEqual(looked.all("error")[-1]["code"], "not_found")

    async def test_who_may_not_read_transcripts_is_told_what_strangers_are(self):
        async with Visitor(self.server.url) as guest:
            self.assertEqual(await closed(await self.transcript(guest)), ENDED)
        for some in ((), READS[:1], READS[1:]):
            async with self.operator(*some) as sven:
                tab = await self.transcript(sven)
                self.assertEqual(await closed(tab), ENDED, some)
                self.assertEqual([frame["type"] for frame in tab.frames], ["bye"])

    async def test_a_permission_that_is_withdrawn_ends_it(self):
        async with Visitor(self.server.url) as alice, self.operator(*READS) as rita:
            _, ack = await self.running(alice)
            async with self.operator("view_user", "change_user") as boss:
                await self.withdrawn(alice, boss, rita, ack)

    async def withdrawn(self, alice, boss, rita, ack) -> None:
        looked = await self.transcript(rita)
        await looked.open(ack["conversation"])
        users = await boss.see(f"/admin/auth/user/?q={rita.name}")
        id = users.text.split("/admin/auth/user/")[-1].split("/")[0]
        date = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
        fields = {"username": rita.name, "is_active": "on", "is_staff": "on", **date}
        answer = await boss.submit(f"/admin/auth/user/{id}/change/", **fields)
        self.assertEqual(answer.path, "/admin/auth/user/", answer.text)
        self.assertEqual(await closed(looked), ENDED)
        self.assertEqual(await closed(await self.transcript(rita)), ENDED)

    def test_in_a_browser_it_grows_and_a_retry_grows_beside_it(self):
        require_browser()
        self.browser = self.enterContext(Browser())
        self.person = self.browser.person()
        asked = self.open("/")
        self.send(asks(tokens=40, gate="look", gate_after=20), asked)
        self.until_text(numbered(20), asked)
        talk = asked.url.split("/c/")[1].strip("/")
        page = self.signed_in(f"/admin/chat/conversation/{talk}/change/")
        reply = page.locator(".chat-assistant")
        self.until_said(reply, numbered(20))
        page.evaluate("window.stays = true")
        page.locator("[data-live-note=live]").wait_for()
        self.accept(page)
        self.upstream.release("look")
        self.until_said(reply, numbered(40))
        page.locator("[data-live-note=ended]").wait_for()
        reply.locator(".chat-chip-done").wait_for()
        # What is asked next comes by itself, and so does a retry of it, all by keyboard.
        self.send(asks(tokens=30, gate="again", gate_after=10), asked)
        self.until_said(reply.last, numbered(10))
        self.upstream.release("again")
        reply.last.locator(".chat-chip-done").wait_for()
        self.assertTrue(page.evaluate("window.stays"))
        reply.last.locator(".chat-retry summary").focus()
        page.keyboard.press("Enter")
        reply.last.locator("select[name=model]").select_option("numbered-large")
        self.accept(page)
        reply.last.locator(".chat-retry [type=submit]").press("Enter")
        page.wait_for_url("**/beside/")
        retried = page.locator(".chat-beside article").last
        retried.locator(".chat-chip-done").wait_for()
        self.until_said(retried, numbered(30))
        self.assertIn("numbered-large", retried.locator(".chat-facts").inner_text())
        self.accept(page)
        page.goto(f"{self.server.url}/admin/chat/conversation/{talk}/export/")
        self.accept(page)
        with page.expect_download() as download:
            page.get_by_role("button", name="Export").press("Enter")
        self.assertRegex(download.value.suggested_filename, r"\.csv$")
        self.assertEqual(self.browser.complaints, [])

    def accept(self, page) -> None:
        """Neither axe nor the browser has anything against the page as it is now."""
        self.assertEqual(self.browser.complaints, [])
        with self.browser.unheard():
            self.assertEqual(violations(page), [])

    def signed_in(self, path: str):
        self.server.make_superuser("root", PASSWORD)
        page = self.browser.person().new_page()
        page.goto(f"{self.server.url}/admin/login/?next={path}")
        page.fill("[name=username]", "root")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.locator(".chat-message").first.wait_for()
        return page

    def until_said(self, reply, text: str) -> None:
        """The transcript's reply says this, and nothing else, drawn as its reader sees it."""
        whole = re.compile(f"^{re.escape(text)}$")
        reply.locator("[data-part=drawn][data-rich]").filter(has_text=whole).wait_for()
