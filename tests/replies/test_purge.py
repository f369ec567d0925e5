"""`manage.py settle` beside a server on which people chat."""

import asyncio
import sqlite3
from contextlib import AsyncExitStack, closing
from typing import ClassVar

from tests.replies.case import ServerCase, asks
from tests.tabs import Person
from tests.upstream import numbered


class PurgeTests(ServerCase):
    settings: ClassVar[dict] = {"GUEST_DAYS": 30, "KEEP_DAYS": 90, "SESSION_SECONDS": 1}

    def sql(self, statement: str) -> list[tuple]:
        path = self.server.data / "chat.sqlite3"
        with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as database:
            return database.execute(statement).fetchall()

    def counts(self) -> tuple:
        tables = ("auth_user", "django_session", "chat_conversation where last_seq > 0")
        return tuple(self.sql(f"SELECT count(*) FROM {table}")[0][0] for table in tables)

    async def test_it_counts_and_then_removes_beside_a_reply_that_is_being_written(self):
        async with AsyncExitStack() as stack:
            people = [Person(self.server.url) for _ in range(4)]
            await self.chat_and_purge(*[await stack.enter_async_context(one) for one in people])

    async def chat_and_purge(self, alice: Person, bob: Person, charlie: Person, _: Person) -> None:
        old, busy, idle = await alice.tab(), await bob.tab(), await charlie.tab()
        await old.ask(asks(tokens=3))
        self.sql("UPDATE auth_user SET last_login = '2020-01-01 00:00:00'")
        self.sql("UPDATE chat_conversation SET updated = '2020-01-01 00:00:00'")
        self.sql(
            "UPDATE django_session SET expire_date = '2020-01-01 00:00:00' WHERE session_key = "
            "(SELECT session_key FROM django_session WHERE session_key NOT IN ("
            f"'{self.session(alice)}', '{self.session(bob)}', '{self.session(charlie)}'))"
        )
        ack = await busy.send(asks(tokens=300, rate=50))
        await busy.text_of(ack["reply"], 12)
        before = self.counts()
        said = (await self.settle("--dry-run")).splitlines()
        for line in ("No replies to settle.", "1 old conversation to remove."):
            self.assertIn(line, said)
        self.assertIn("2 idle guests to remove.", said)  # charlie, and who has no tab
        self.assertIn("1 ended session to remove.", said)
        self.assertEqual(self.counts(), before)
        said = await self.settle()
        self.assertIn("1 old conversation removed.", said)
        self.assertIn("ended session removed.", said)
        # Alice's conversation went first, so she has none any more.
        self.assertIn("3 idle guests removed.", said)
        users, sessions, talks = self.counts()
        self.assertEqual((users, sessions, talks), (before[0] - 3, before[1] - 1, before[2] - 1))
        reply = await busy.ended(ack["reply"])
        self.assertEqual((reply["status"], reply["text"]), ("done", numbered(300)))
        await idle.until(lambda: idle.closed == 4401, "a close", seconds=30)
        self.assertNotIn("removed", await self.settle())

    async def settle(self, *arguments: str) -> str:
        done = await asyncio.to_thread(self.server.manage, "settle", *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def session(self, person: Person) -> str:
        return {cookie.key: cookie.value for cookie in person.http.cookie_jar}["sessionid"]

    async def test_a_database_that_is_busy_is_a_sentence(self):
        self.sql(
            "INSERT INTO django_session (session_key, session_data, expire_date) "
            "VALUES ('ended', '', '2020-01-01 00:00:00')"
        )
        self.addCleanup(self.sql, "DELETE FROM django_session WHERE session_key = 'ended'")
        with self.server.locked():
            done = await asyncio.to_thread(self.server.manage, "settle")
        self.assertEqual(done.returncode, 1)
        self.assertIn("is done by the next run", done.stderr)
        self.assertNotIn("Traceback", done.stderr)
