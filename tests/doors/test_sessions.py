"""Accounts while tabs are open: who comes in, who goes, and what their sockets are told."""

import asyncio
import re
import tempfile
from pathlib import Path
from uuid import uuid4

from tests.replies.case import ServerCase, WorkersCase, asks
from tests.tabs import Tab
from tests.upstream import numbered
from tests.visitor import PASSWORD, Visitor

MOVED, ENDED = 1000, 4401
NEVER = 3600  # so that nothing but a bell can be what was heard


def name() -> str:
    return f"person-{uuid4().hex[:8]}"


async def closed(tab: Tab) -> int:
    """The code with which the server closes the tab, which it says before."""
    await tab.until(lambda: tab.closed, "an end of the socket")
    assert tab.frames[-1]["type"] == "bye", tab.frames[-1]
    assert tab.frames[-1]["code"] == tab.closed
    return tab.closed


async def back(tab: Tab) -> dict:
    """The tab connects again, as its page does; returns who it is welcomed as."""
    await tab.reconnect()
    return tab.all("welcome")[0]["user"]


async def lives(tab: Tab) -> None:
    """The socket is open still."""
    pongs = tab.count("pong")
    await tab.say(type="ping", n=pongs)
    await tab.until(lambda: tab.closed or tab.count("pong") > pongs, "a pong")
    assert tab.closed is None, tab.frames[-1]


class SessionsCase(ServerCase):
    settings = {"SIGN_UP": 1, "SESSION_SECONDS": NEVER}

    def here(self) -> Visitor:
        """A browser of somebody's: `async with self.here() as alice`."""
        return Visitor(self.server.url)

    async def account(self) -> str:
        """The name of an account that there is."""
        async with self.here() as someone:
            answer = await someone.sign_up(made := name())
            self.assertEqual((answer.status, answer.path), (200, "/"), answer.text)
        return made


class ComingInTests(SessionsCase):
    async def test_who_signs_up_keeps_everything_and_the_reply_goes_on(self):
        async with self.here() as alice:
            tab, second = await alice.tab(), await alice.tab()
            guest = tab.all("welcome")[0]["user"]
            self.assertTrue(guest["guest"])
            ack = await tab.send(asks("first", tokens=60, rate=0, gate="up", gate_after=20))
            await tab.text_of(ack["reply"], len(numbered(20)))
            made = name()
            self.assertEqual((await alice.sign_up(made)).path, "/")
            self.assertEqual([await closed(tab), await closed(second)], [MOVED, MOVED])
            now = await back(tab)
            self.assertEqual(now, {"id": guest["id"], "name": made, "guest": False})
            self.upstream.release("up")
            self.assertEqual((await tab.ended(ack["reply"]))["text"], numbered(60))
            # And from elsewhere it is the same account.
            async with self.here() as elsewhere:
                await elsewhere.sign_in(made)
                self.assertEqual(len(await elsewhere.titles()), 1)
                self.assertEqual(await back(await elsewhere.tab()), now)

    async def test_who_signs_in_takes_a_guests_conversations_along(self):
        account = await self.account()
        async with self.here() as elsewhere, self.here() as alice:
            await elsewhere.sign_in(account)
            open_elsewhere = await elsewhere.tab()
            me = open_elsewhere.all("welcome")[0]["user"]
            tab = await alice.tab()
            await tab.ask(asks("done", tokens=3))
            ack = await tab.send(
                asks("live", tokens=60, rate=0, gate="in", gate_after=20), str(uuid4()), parent=None
            )
            await tab.text_of(ack["reply"], len(numbered(20)))
            answer = await alice.sign_in(account, next=f"/c/{ack['conversation']}/")
            self.assertEqual(answer.path, f"/c/{ack['conversation']}/")
            self.assertIn(f'data-formerly="{tab.all("welcome")[0]["user"]["id"]}"', answer.text)
            self.assertEqual(await closed(tab), MOVED)
            self.assertEqual(await back(tab), me)
            self.upstream.release("in")
            self.assertEqual((await tab.ended(ack["reply"]))["text"], numbered(60))
            self.assertEqual(len(await alice.titles()), 2)
            # The account's other browser hears of what came.
            await open_elsewhere.until(
                lambda: (
                    len({f["conversation"]["id"] for f in open_elsewhere.all("conversation")}) == 2
                ),
                "two new entries",
            )
            await lives(open_elsewhere)

    async def test_an_accounts_own_conversations_go_nowhere(self):
        first, second = await self.account(), await self.account()
        async with self.here() as alice:
            await alice.sign_in(first)
            tab = await alice.tab()
            await tab.ask(asks("first's", tokens=1))
            self.assertIn('data-formerly=""', (await alice.sign_in(second)).text)
            self.assertEqual(await closed(tab), MOVED)
            self.assertEqual((await back(await alice.tab()))["name"], second)
            self.assertEqual(await alice.titles(), [])
            await alice.sign_in(first)
            self.assertEqual(len(await alice.titles()), 1)


class GoingTests(SessionsCase):
    async def test_signing_out_closes_the_tabs_of_that_session_alone(self):
        account = await self.account()
        async with self.here() as laptop, self.here() as phone:
            for browser in (laptop, phone):
                await browser.sign_in(account)
            tabs = [await laptop.tab(), await laptop.tab()]
            other = await phone.tab()
            ack = await other.send(asks(tokens=60, rate=0, gate="out", gate_after=20))
            self.assertEqual((await laptop.sign_out()).path, "/sign-in/")
            self.assertEqual([await closed(tab) for tab in tabs], [ENDED, ENDED])
            await lives(other)
            self.upstream.release("out")
            await other.ended(ack["reply"])
            # Who loads the page of a conversation again is asked who they are.
            page = f"/c/{ack['conversation']}/"
            self.assertEqual((await laptop.see(page)).path, f"/sign-in/?next={page}")

    async def test_another_password_leaves_this_session_alone(self):
        account, new = await self.account(), "another password of the tests"
        async with self.here() as laptop, self.here() as phone:
            for browser in (laptop, phone):
                await browser.sign_in(account)
            tab, other = await laptop.tab(), await phone.tab()
            fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
            answer = await laptop.submit("/password/", **fields)
            self.assertEqual(answer.path, "/settings/")
            self.assertIn("Other browsers are signed out", answer.text)
            self.assertEqual([await closed(tab), await closed(other)], [MOVED, ENDED])
            self.assertEqual((await back(tab))["name"], account)
            await lives(tab)
            self.assertEqual((await phone.see("/settings/")).path, "/sign-in/?next=/settings/")
            self.assertIn("correct username", (await phone.sign_in(account)).text)
            self.assertEqual((await phone.sign_in(account, new)).path, "/")

    async def test_who_is_deactivated_or_deleted_in_the_admin_is_out(self):
        self.server.make_superuser(root := name(), PASSWORD)
        async with self.here() as operator:
            login = "/admin/login/?next=/admin/auth/user/"
            answer = await operator.submit(login, username=root, password=PASSWORD)
            self.assertEqual(answer.path, "/admin/auth/user/")
            for door in ("change", "delete"):
                with self.subTest(door):
                    account = await self.account()
                    found = await operator.see(f"/admin/auth/user/?q={account}")
                    id = re.search(r"/admin/auth/user/(\d+)/change/", found.text)[1]
                    async with self.here() as alice:
                        await alice.sign_in(account)
                        tab = await alice.tab()
                        date = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00:00"}
                        fields = (
                            {"username": account, **date} if door == "change" else {"post": "yes"}
                        )
                        answer = await operator.submit(f"/admin/auth/user/{id}/{door}/", **fields)
                        self.assertEqual(answer.path, "/admin/auth/user/", answer.text)
                        self.assertEqual(await closed(tab), ENDED)
                        self.assertEqual(await closed(await alice.tab()), ENDED)
            # The operator goes by the same door, and then is nobody.
            self.assertEqual((await operator.submit("/admin/logout/")).path, "/sign-in/")
            self.assertIn("/admin/login/", (await operator.see("/admin/")).path)

    async def test_who_deletes_the_account_is_gone_with_everything(self):
        async with self.here() as alice:
            tab = await alice.tab()
            account = name()
            await alice.sign_up(account)
            await closed(tab)
            await back(tab)
            ack = await tab.send(asks(tokens=60, rate=0, gate="gone", gate_after=20))
            await tab.text_of(ack["reply"], len(numbered(20)))
            wrong = await alice.submit("/account/delete/", password="wrong")
            self.assertIn("not your password", wrong.text)
            await lives(tab)
            answer = await alice.submit("/account/delete/", password=PASSWORD)
            self.assertEqual(answer.path, "/goodbye/")
            self.assertEqual(await closed(tab), ENDED)
            request = self.upstream.requests()[0]["id"]
            self.assertEqual(self.upstream.wait_closed(request)["finished"], "client_closed")
            self.assertIn("correct username", (await alice.sign_in(account)).text)
            # The name is free again, and nothing is left of who had it.
            await alice.sign_up(account)
            self.assertEqual(await alice.titles(), [])

    async def test_a_guest_goes_with_everything_without_a_password(self):
        async with self.here() as alice:
            tab = await alice.tab()
            ack = await tab.ask(asks(tokens=1))
            self.assertTrue(ack)
            self.assertNotIn('type="password"', (await alice.see("/account/delete/")).text)
            self.assertEqual((await alice.submit("/account/delete/")).path, "/goodbye/")
            self.assertEqual(await closed(tab), ENDED)


class DaphneComingInTests(ComingInTests):
    kind = "daphne"


class DaphneGoingTests(GoingTests):
    kind = "daphne"


class WithoutBellTests(SessionsCase):
    settings = {"SIGN_UP": 1, "SESSION_SECONDS": 0.5}

    async def test_a_command_is_heard_at_the_next_look(self):
        account = await self.account()
        async with self.here() as alice, self.here() as bob:
            await alice.sign_in(account)
            tab, other = await alice.tab(), await bob.tab()
            code = (
                "from django.contrib.auth import get_user_model as model; "
                f"model().objects.filter(username={account!r}).update(is_active=False)"
            )
            self.server.shell(code)
            self.assertEqual(await closed(tab), ENDED)
            await lives(other)


class MailTests(SessionsCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.mails = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="chat-mail-")))
        # Another slash: what follows is an absolute path.
        cls.settings = {**cls.settings, "EMAIL_URL": f"filemail:///{cls.mails}"}
        super().setUpClass()

    async def link(self) -> str:
        """Where the one mail leads, which comes after the answer."""
        async with asyncio.timeout(15):
            while True:
                said = "".join(mail.read_text() for mail in self.mails.iterdir())
                if found := re.findall(rf"{self.server.url}(/password/\S+)\s", said):
                    (link,) = found
                    return link
                await asyncio.sleep(0.05)

    async def test_a_forgotten_password_is_made_anew_by_mail(self):
        account, new = name(), "another password of the tests"
        async with self.here() as alice, self.here() as forgetful:
            await alice.sign_up(account, email=f"{account}@chat.example")
            tab = await alice.tab()
            for address in (f"{account}@chat.example", "nobody@chat.example"):
                answer = await forgetful.submit("/password/forgotten/", email=address)
                self.assertEqual(answer.path, "/sign-in/")
                self.assertIn("a link is on its way", answer.text)
            link = await self.link()
            page = await forgetful.see(link)
            self.assertEqual(page.status, 200)
            self.assertNotIn(link.split("/")[-2], page.path, "the token stays in the address")
            fields = {"new_password1": new, "new_password2": new}
            self.assertEqual((await forgetful.submit(page.path, **fields)).path, "/sign-in/")
            self.assertEqual(await closed(tab), ENDED)
            self.assertIn("does not work any more", (await forgetful.see(link)).text)
            self.assertEqual((await forgetful.sign_in(account, new)).path, "/")


class PreferencesTests(SessionsCase):
    async def test_the_model_is_told_what_the_person_asks_of_every_reply(self):
        async with self.here() as alice:
            fields = {"instructions": "Answer in rhymes.", "announce": "blocks", "theme": "dark"}
            answer = await alice.submit("/settings/", **fields)
            self.assertIn("Saved.", answer.text)
            self.assertIn('data-theme="dark"', answer.text)
            page = (await alice.see("/")).text
            self.assertIn('data-theme="dark"', page)
            self.assertIn('data-announce="blocks"', page)
            self.assertNotIn("data-enter-sends", page)
            tab = await alice.tab()
            await tab.ask(asks(tokens=1))
            system = self.upstream.requests()[0]["body"]["messages"][0]
            self.assertEqual(system["role"], "system")
            self.assertRegex(
                system["content"], r"(?s)^You are .*<instructions>\nAnswer in rhymes\.\n"
            )
            # Nobody else's replies are told it.
            async with self.here() as bob:
                await (await bob.tab()).ask(asks(tokens=1))
            told = self.upstream.requests()[1]["body"]["messages"][0]["content"]
            self.assertNotIn("instructions", told)


class WorkersSessionsTests(WorkersCase):
    settings = {"SIGN_UP": 1, "SESSION_SECONDS": NEVER}

    async def test_the_bell_is_heard_by_the_other_worker(self):
        async with Visitor(self.workers[0].url) as alice:
            here, there = await self.tabs_of(alice)
            guest = there.all("welcome")[0]["user"]["id"]
            alice.url = self.workers[0].url
            await alice.sign_up(name())
            self.assertEqual([await closed(here), await closed(there)], [MOVED, MOVED])
            here, there = await self.tabs_of(alice)
            self.assertEqual(there.all("welcome")[0]["user"]["id"], guest)
            alice.url = self.workers[0].url
            await alice.sign_out()
            self.assertEqual([await closed(here), await closed(there)], [ENDED, ENDED])
