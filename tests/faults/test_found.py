"""What the walk and those who read the code for it have found, each as small as it can be."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from uuid import uuid4

import aiohttp
import psycopg
from channels.layers import get_channel_layer
from django.test import SimpleTestCase, override_settings

from chat.replies.bus import CHANGED, GATHER, Bus
from tests.replies.case import WorkersCase, asks
from tests.server import Server
from tests.services import Redis
from tests.tabs import Person, Tab
from tests.upstream import numbered
from tests.visitor import PASSWORD, Visitor
from tests.wire import Wire

from .aftermath import agreed

WAITING = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0
"""


class FoundTests(WorkersCase):
    settings = {"LEASE_SECONDS": 2, "SETTLE_SECONDS": 0.5}

    async def test_who_follows_a_reply_that_is_stopped_learns_how_its_steps_ended(self):
        async with Person(self.workers[0].url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=5000, rate=100), assistant="plan")
            await tab.until(lambda: tab.count("step"), "a step")
            address = self.workers[0].settings["DATABASE_URL"]
            with psycopg.connect(address) as slow, psycopg.connect(address, autocommit=True) as all:
                slow.execute(
                    "SELECT FROM chat_step WHERE message_id = %s FOR UPDATE", [ack["reply"]]
                )
                await tab.say(type="stop", message=ack["reply"])
                # Who stops it waits for the step, and its worker for who stops it; else the worker
                # finds that it has ended, and tells of a step that is running.
                async with asyncio.timeout(15):
                    while tab.message(ack["reply"])["status"] == "running":
                        if all.execute(WAITING).fetchone()[0] == 2:
                            break
                        await asyncio.sleep(0.01)
                slow.rollback()
            await tab.ended(ack["reply"])
            await agreed(alice, ack["conversation"], tab)

    async def test_who_looks_late_at_another_branch_and_what_follows_it_is_told_both(self):
        async with Person(self.workers[0].url) as alice:
            here, there = await self.tabs_of(alice)
            first = await here.ask(asks("one", tokens=3))
            await here.ask(asks("one, edited", tokens=3), parent=None)
            await there.open(here.client.conversation)
            self.workers[1].process.send_signal(signal.SIGSTOP)
            try:
                await here.say(type="select", message=first["id"])
                await here.until(lambda: here.message(first["id"]), "the other branch")
                await here.ask(asks("two", tokens=3))
            finally:
                self.workers[1].process.send_signal(signal.SIGCONT)
            await agreed(alice, here.client.conversation, here, there)

    async def test_a_request_whose_commit_got_no_answer_is_written_though_it_comes_again_elsewhere(
        self,
    ):
        settings = self.workers[0].settings | {"LEASE_SECONDS": 15}
        with Wire(self.postgres.port) as wire:
            address = settings["DATABASE_URL"].replace(str(self.postgres.port), str(wire.port))
            with Server(**settings | {"DATABASE_URL": address}) as worker:
                async with Person(worker.url) as alice:
                    tab = await alice.tab()
                    await tab.ask(asks(tokens=3))
                    wire.down.cut_before = b"COMMIT\0"
                    cid = str(uuid4())
                    refused = await tab.send(asks(tokens=5), cid=cid)
                    self.assertEqual((refused["code"], wire.cuts), ("unavailable", 1))
                    alice.url = self.workers[0].url
                    other = await alice.tab()
                    await other.open(tab.client.conversation)
                    ack = await other.send(asks(tokens=5), cid=cid)
                    self.assertTrue(ack["duplicate"])
                    reply = await other.ended(ack["reply"])
                    self.assertEqual((reply["status"], reply["text"]), ("done", numbered(5)))
                    self.assertEqual(other.shown()[-2]["cid"], cid)
                    self.assertEqual(len(other.shown()), 4)


class UnaskedTests(WorkersCase):
    settings = {"POLL_SECONDS": 3600}  # so that nobody looks who was not told to

    async def test_what_is_sent_while_the_state_is_read_follows_the_state_at_once(self):
        async with Person(self.workers[0].url) as alice:
            tab = await alice.tab()
            await tab.ask(asks(tokens=3), assistant="plan")
            late, fields = await alice.tab(), {"conversation": tab.client.conversation}
            address = self.workers[0].settings["DATABASE_URL"]
            with psycopg.connect(address) as slow, psycopg.connect(address, autocommit=True) as all:
                slow.execute("LOCK TABLE chat_step")
                await late.say(type="open", **fields)
                async with asyncio.timeout(15):
                    while not all.execute(WAITING).fetchone()[0]:
                        await asyncio.sleep(0.01)
                parent = tab.shown()[-1]["id"]
                ack = await late.send(asks(tokens=3, gate="state"), parent=parent, **fields)
                slow.rollback()
            await late.until(lambda: late.message(ack["reply"]), "the message")
            self.assertEqual(late.count("state"), 1)
            self.upstream.release("state")
            await late.ended(ack["reply"])


class GoingTests(WorkersCase):
    """What goes while it grows."""

    settings = {"SIGN_UP": 1}

    @contextmanager
    def held_up(self, when: str) -> Iterator[psycopg.Connection]:
        """Who does `when`, as "AFTER DELETE ON table", waits there meanwhile."""
        with psycopg.connect(self.workers[0].settings["DATABASE_URL"], autocommit=True) as holder:
            holder.execute("SELECT pg_advisory_lock(1)")
            holder.execute(
                "CREATE OR REPLACE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
                "'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END'"
            )
            holder.execute(f"CREATE TRIGGER wait {when} FOR EACH STATEMENT EXECUTE FUNCTION wait()")
            try:
                yield holder
            finally:
                holder.execute("SELECT pg_advisory_unlock_all()")
                holder.execute(f"DROP TRIGGER wait ON {when.split()[-1]}")

    async def waiting(
        self, holder: psycopg.Connection, count: int, *, unless: Callable[[], object] = bool
    ) -> None:
        async with asyncio.timeout(15):
            while holder.execute(WAITING).fetchone()[0] < count and not unless():
                await asyncio.sleep(0.01)

    async def test_a_conversation_is_deleted_while_a_step_of_its_reply_begins(self):
        async with Person(self.workers[0].url) as alice:
            tab = await alice.tab()
            await tab.ask(asks(tokens=3), assistant="plan")
            conversation = tab.client.conversation
            with self.held_up("BEFORE INSERT ON chat_step") as holder:
                await tab.send(asks(tokens=5, rate=0, gate="step"))
                await self.waiting(holder, 1)
                deleting = asyncio.create_task(alice.delete(conversation))
                await self.waiting(holder, 2)
            self.assertEqual(await deleting, 204)
            self.assertEqual((await alice.get("/conversations/"))["conversations"], [])

    async def test_a_person_goes_while_they_ask_something(self):
        async with Visitor(self.workers[0].url) as alice:
            await alice.sign_up(f"person-{uuid4().hex[:8]}")
            tab = (await self.tabs_of(alice))[1]
            await tab.ask(asks(tokens=3))
            alice.url = self.workers[0].url
            with self.held_up("AFTER DELETE ON chat_message") as holder:
                going = asyncio.create_task(alice.submit("/account/delete/", password=PASSWORD))
                await self.waiting(holder, 1)
                fields = {"cid": str(uuid4()), "conversation": str(uuid4()), "parent": None}
                await tab.say(type="send", text=asks(tokens=3), **fields)
                await self.waiting(holder, 2, unless=lambda: tab.count("ack") > 1)
            self.assertEqual((await going).path, "/goodbye/")
            await tab.until(lambda: tab.closed or tab.count("error"), "a refusal")
            self.assertNotIn("Traceback", self.workers[1].log.read_text())


class EndingTests(WorkersCase):
    kind = "daphne"
    settings = {"SIGN_UP": 1}

    @asynccontextmanager
    async def accepting(self, tab: Tab) -> AsyncIterator[tuple[psycopg.Connection, ...]]:
        """A request of `tab` waits within its accept for the first of these connections to roll
        back; the second looks on."""
        address = self.workers[0].settings["DATABASE_URL"]
        with psycopg.connect(address) as slow, psycopg.connect(address, autocommit=True) as all:
            slow.execute("SELECT FROM auth_user FOR UPDATE")
            fields = {"conversation": tab.client.conversation, "parent": tab.shown()[-1]["id"]}
            await tab.say(type="send", cid=str(uuid4()), text=asks(tokens=5), **fields)
            async with asyncio.timeout(15):
                while not all.execute(WAITING).fetchone()[0]:
                    await asyncio.sleep(0.01)
            yield slow, all

    async def test_who_signs_out_while_a_request_is_accepted_is_no_failure(self):
        async with Visitor(self.workers[1].url) as alice:
            await alice.sign_up(f"person-{uuid4().hex[:8]}")
            tab = await alice.tab()
            await tab.ask(asks(tokens=3))
            async with self.accepting(tab) as (slow, all):
                await alice.sign_out()
                await tab.until(lambda: tab.closed, "the end of the socket")
                slow.rollback()
                done = "SELECT FROM chat_message WHERE conversation_id = %s AND status = 'done'"
                async with asyncio.timeout(15):
                    while all.execute(done, [tab.client.conversation]).rowcount < 4:
                        await asyncio.sleep(0.01)
            self.assertNotIn("Traceback", self.workers[1].log.read_text())

    async def test_a_server_that_is_told_to_stop_while_it_accepts_writes_the_reply(self):
        async with Person(self.workers[0].url) as alice:
            tab, other = await self.tabs_of(alice)
            await tab.ask(asks(tokens=3))
            alice.url = self.workers[0].url
            async with self.accepting(tab) as (slow, _):
                self.workers[0].process.terminate()
                with suppress(OSError, aiohttp.ClientError):
                    while (late := await alice.tab()).closed is None:
                        await late.close()
                slow.rollback()
            await asyncio.to_thread(self.workers[0].process.wait, 15)
            await other.open(tab.client.conversation)
            reply = await other.ended(other.shown()[-1]["id"])
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(5)))


class BusTests(SimpleTestCase):
    async def test_a_bell_that_is_on_its_way_keeps_no_process_from_its_end(self):
        """Python 3.11's `wait_for`, in Redis's client, forgets a cancellation that comes as what it
        waits for is done: wherever it comes, the task ends."""
        layer = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer"}
        with Redis() as redis:
            layer["CONFIG"] = {"hosts": [{"address": redis.url, "socket_timeout": 5}]}
            with override_settings(CHANNEL_LAYERS={"default": layer}):
                bus = Bus("tests", {})
                for turns in range(100):
                    sending = asyncio.create_task(bus.send())
                    await asyncio.sleep(0)
                    bus.ring(CHANGED, uuid4())
                    await asyncio.sleep(GATHER)
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    sending.cancel()
                    done, _ = await asyncio.wait({sending}, timeout=5)
                    self.assertTrue(done, f"cancelled after {turns} turns, it goes on")
                await get_channel_layer().flush()
