"""What a flow did is kept with its reply, and never costs one."""

import asyncio
import sqlite3
from contextlib import closing

from tests.replies.case import ServerCase, asks
from tests.tabs import Person
from tests.upstream import numbered


class TraceTests(ServerCase):
    def on_disk(self, sql: str) -> list[tuple]:
        database = sqlite3.connect(self.server.data / "chat.sqlite3", timeout=30)
        with closing(database), database:
            return database.execute(sql).fetchall()

    async def until(self, sql: str, expected: list[tuple]) -> None:
        async with asyncio.timeout(30):
            while await asyncio.to_thread(self.on_disk, sql) != expected:
                await asyncio.sleep(0.05)

    async def test_a_reply_has_its_trace_with_its_end_and_a_stopped_one_soon_after(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            await tab.ask(asks(tokens=3), assistant="plan")
            nodes = "SELECT name, error FROM chat_noderun ORDER BY message_id, position"
            self.assertEqual(self.on_disk(nodes), [("Plan", ""), ("Trim", ""), ("Reply", "")])
            steps = self.on_disk("SELECT node FROM chat_step")
            self.assertEqual(steps, [(1,)])
            self.on_disk("DELETE FROM chat_noderun")
            ack = await tab.send(asks(tokens=1000, rate=100), assistant="chat")
            await tab.text_of(ack["reply"], 60)
            await tab.say(type="stop", message=ack["reply"])
            await tab.ended(ack["reply"])
            await self.until(nodes, [("Trim", ""), ("Reply", "cancelled")])

    async def test_a_trace_that_the_database_refuses_costs_no_reply(self):
        refuse = "BEGIN SELECT RAISE(ABORT, ''); END"
        self.on_disk(f"CREATE TRIGGER refused BEFORE INSERT ON chat_noderun {refuse}")
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            end = await tab.ask(asks(tokens=3))
        self.on_disk("DROP TRIGGER refused")
        self.assertEqual((end["status"], end["text"]), ("done", numbered(3)))
