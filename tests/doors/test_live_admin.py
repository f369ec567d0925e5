"""A transcript that grows in the admin: what its socket tells to whom, and that it only reads."""

from contextlib import asynccontextmanager
from uuid import uuid4

from tests.browser import Browser, require_browser
from tests.doors.test_sessions import ENDED, closed
from tests.replies.case import ServerCase, asks
from tests.tabs import Tab
from tests.upstream import numbered
from tests.visitor import PASSWORD, Visitor

NEVER = 3600  # so that nothing but a bell can be what was heard

# An operator, by `manage.py shell`: name, and whether of a group that may read, or by themselves.
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
    settings = {"SIGN_UP": 1, "SESSION_SECONDS": NEVER, "ADMIN_REASON": 0}

    @asynccontextmanager
    async def operator(self, *permissions: str):
        name = f"staff-{uuid4().hex[:8]}"
        about = {"name": name, "password": PASSWORD, "permissions": permissions}
        made = self.server.manage("shell", "-c", MAKE.format(**about))
        self.assertEqual(made.returncode, 0, made.stderr)
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


class LiveTests(LiveCase):
    async def test_it_grows_as_its_owners_page_does(self):
        async with Visitor(self.server.url) as alice, self.operator(*READS) as rita:
            tab, ack = await self.running(alice)
            looked = await self.transcript(rita)
            await looked.open(ack["conversation"])
            length = len(looked.message(ack["reply"])["text"])
            await looked.text_of(ack["reply"], length + 24)
            await tab.say(type="stop", message=ack["reply"])
            ended = await looked.ended(ack["reply"])
            self.assertEqual(ended, await tab.ended(ack["reply"]))
            # What is asked next is told, too; of the owner's list nothing.
            more = await tab.ask(asks(tokens=3))
            self.assertEqual((await looked.ended(more["id"]))["text"], numbered(3))
            self.assertEqual(looked.count("conversation"), 0)

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


class PageTests(LiveCase):
    """In a browser: the page of the transcript, and of a retry."""

    @classmethod
    def setUpClass(cls) -> None:
        require_browser()
        super().setUpClass()
        cls.browser = cls.enterClassContext(Browser())
