"""A deleted conversation stays for as long as it can be restored, and then goes for good."""

import sqlite3
from contextlib import closing

from tests.faults.world import eventually
from tests.replies.case import ServerCase, asks
from tests.tabs import Person

SECONDS = 30


class DeletionCase(ServerCase):
    settings = {"SETTLE_SECONDS": 0.5}

    def left(self) -> tuple[int, int]:
        """How many messages are there, and how many conversations have a title."""
        with closing(sqlite3.connect(self.server.data / "chat.sqlite3")) as database:
            counts = "select (select count(*) from chat_message), "
            counts += "(select count(*) from chat_conversation where title <> '')"
            return database.execute(counts).fetchone()

    async def until_removed(self) -> None:
        async def is_removed() -> bool:
            return self.left() == (0, 0)

        await eventually(is_removed, "removal", SECONDS)


class RemovalTests(DeletionCase):
    settings = DeletionCase.settings | {"UNDO_SECONDS": 1}

    async def test_a_server_removes_it_by_itself(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            await tab.ask(asks(tokens=3))
            await alice.delete(tab.client.conversation)
            await self.until_removed()
            self.assertEqual(await alice.restore(tab.client.conversation), 404)
            self.assertEqual((await alice.get("/conversations/"))["conversations"], [])

    async def test_what_a_killed_server_left_is_removed_by_the_next(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            await tab.ask(asks(tokens=3))
            await alice.delete(tab.client.conversation)
            self.server.kill()
            self.assertEqual(self.left(), (2, 1))
            self.server.start()
            await self.until_removed()


class CommandTests(DeletionCase):
    async def test_settle_removes_what_can_no_more_be_restored_and_nothing_else(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            await tab.ask(asks("one", tokens=1))
            other = await alice.tab()
            await other.ask(asks("two", tokens=1))
            await alice.delete(tab.client.conversation)
            self.server.kill()
            done = self.server.manage("settle")
            self.assertNotIn("removed", done.stdout)
            self.assertEqual(self.left(), (4, 2))
            done = self.server.manage("settle", UNDO_SECONDS=0.01)
            self.assertIn("1 deleted conversation removed.", done.stdout)
            self.assertEqual(self.left(), (2, 1))
