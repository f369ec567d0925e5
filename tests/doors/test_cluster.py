"""Two workers behind nginx: what one person does through the one, all see through the other, and
neither a restart nor a death of a worker loses a word."""

import asyncio
import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from uuid import uuid4

import aiohttp
import psycopg
from asgiref.sync import async_to_sync
from django.test import SimpleTestCase

from tests.cluster import WORKERS, Cluster
from tests.replies.case import asks
from tests.server import ROOT, environment, free_port, listens
from tests.tabs import Person, Tab
from tests.upstream import Upstream, numbered

PEOPLE = 20
TOKENS, RATE = 60, 30  # of a reply under load: two seconds
LONGEST = 120  # seconds that the whole of `make cluster` may take
DRAIN = 30  # far longer than these replies, so that none may be interrupted


class Page(Tab):
    """A tab that does what the page's script does: it comes again when its socket ends, and keeps
    what it sent until that is acknowledged."""

    async def come_again(self) -> None:
        while self.closed is not None:
            await asyncio.sleep(random.uniform(0.05, 0.5))  # the page waits longer still
            await self.close()
            self.frames.clear()
            await self.connect()  # never refused: nginx knows another worker
        if self.client.conversation:
            have = self.client.have()
            await self.say(type="open", conversation=self.client.conversation, have=have)

    async def ask(self, text: str, conversation: str) -> dict:
        """A question and the reply to it, through however many sockets; returns the reply."""
        shown = self.shown()
        parent = shown[-1]["id"] if shown else None
        frame = {"type": "send", "conversation": conversation, "text": text, "parent": parent}
        ack = await self.delivered(frame | {"cid": str(uuid4())})
        while not await self.has(lambda: self.is_final(ack["reply"]), "its end"):
            await self.come_again()
        return self.message(ack["reply"])

    async def delivered(self, frame: dict) -> dict:
        """The `ack` of what is sent again until there is one."""
        while True:
            seen = len(self.frames)

            def answer(seen: int = seen) -> dict | None:
                return next((f for f in self.frames[seen:] if f.get("cid") == frame["cid"]), None)

            with contextlib.suppress(ConnectionError):
                await self.say(**frame)
            if not await self.has(lambda answer=answer: answer(), "an answer"):
                await self.come_again()
            elif answer()["type"] == "ack":
                return answer()
            else:
                assert answer()["code"] == "unavailable", answer()
                await asyncio.sleep(answer()["retry_after"])

    async def has(self, holds, what: str) -> bool:
        """Wait until it holds; False if the socket ends first."""
        await self.until(lambda: holds() or self.closed is not None, what, seconds=60)
        return bool(holds())

    def is_final(self, message: str) -> bool:
        found = self.message(message)
        return found is not None and found["status"] != "running"


class ClusterTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.upstream = cls.enterClassContext(Upstream())
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="chat-cluster-")))
        folder.chmod(0o711)  # PostgreSQL's own user goes through it
        settings = environment(
            folder,
            OPENAI_BASE_URL=cls.upstream.url,
            OPENAI_MODEL="numbered",
            DRAIN_SECONDS=DRAIN,
        )
        cls.cluster = Cluster(folder, f"127.0.0.1:{free_port()}", settings)
        cls.enterClassContext(cls.cluster)

    def setUp(self) -> None:
        self.upstream.clear()

    def rows(self, sql: str, *values: object) -> list[tuple]:
        with psycopg.connect(self.cluster.database_url) as connection:
            return connection.execute(sql, values).fetchall()

    def worker_of(self, reply: str) -> str:
        """Which process wrote it."""
        return self.rows("SELECT worker FROM chat_message WHERE id = %s", reply)[0][0]

    async def test_two_tabs_on_two_workers_see_the_same(self):
        async with Person(self.cluster.url) as alice:
            here, there = await alice.tab(), await alice.tab()
            first = await here.send(asks(tokens=200, rate=100, reasoning=5), assistant="plan")
            await there.open(first["conversation"])
            await there.ended(first["reply"])
            await here.ended(first["reply"])
            self.assertEqual(here.shown(), there.shown())
            self.assertEqual(there.message(first["reply"])["text"], numbered(200))
            self.assertGreater(there.count("delta"), 10, "it came by the look each second alone")
            second = await there.send(asks(tokens=5))
            await here.ended(second["reply"])
            await there.ended(second["reply"])
            self.assertEqual(here.shown(), there.shown())
            self.assertNotEqual(self.worker_of(first["reply"]), self.worker_of(second["reply"]))

    async def test_a_reply_is_stopped_through_the_other_worker(self):
        async with Person(self.cluster.url) as alice:
            here, there = await alice.tab(), await alice.tab()
            ack = await here.send(asks(tokens=5000, rate=100))
            await there.open(ack["conversation"])
            await there.text_of(ack["reply"], 60)
            request = self.upstream.requests()[0]["id"]
            await there.say(type="stop", message=ack["reply"])
            closed = await asyncio.to_thread(self.upstream.wait_closed, request)
            self.assertEqual(closed["finished"], "client_closed")
            for tab in (here, there):
                await tab.ended(ack["reply"])
            self.assertEqual(here.shown(), there.shown())
            again = await there.ask(asks(tokens=3))
            self.assertNotEqual(self.worker_of(ack["reply"]), self.worker_of(again["id"]))

    async def test_the_page_and_its_files_come_through_nginx(self):
        agent = {"User-Agent": "Mozilla/5.0 (tests)"}
        async with aiohttp.ClientSession(headers=agent, auto_decompress=False) as http:
            async with http.get(f"{self.cluster.url}/") as page:
                self.assertIn("default-src 'none'", page.headers["Content-Security-Policy"])
                self.assertIn("no-store", page.headers["Cache-Control"])
                html = await page.text()
            script = html.partition('<script type="module" src="')[2].partition('"')[0]
            self.assertRegex(script, r"^/static/chat/js/app\.[0-9a-f]{12}\.js$")
            async with http.get(f"{self.cluster.url}{script}") as named_by_its_hash:
                headers = named_by_its_hash.headers
                self.assertIn("immutable", headers["Cache-Control"])
                self.assertEqual(headers["Content-Type"], "text/javascript; charset=utf-8")
                self.assertEqual(headers["Content-Encoding"], "gzip")
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
            async with http.get(f"{self.cluster.url}/static/chat/js/app.js") as plain:
                self.assertEqual(plain.headers["Cache-Control"], "max-age=60, public")
            for name in ("/static/nothing.js", "/static/../secrets/secret_key"):
                async with http.get(f"{self.cluster.url}{name}") as nothing:
                    self.assertEqual(nothing.status, 404)

    async def test_who_asks_without_end_hears_429_and_nobody_else(self):
        async def status(http: aiohttp.ClientSession) -> int:
            async with http.get(f"{self.cluster.url}/healthz") as answer:
                return answer.status

        elsewhere = aiohttp.TCPConnector(local_addr=("127.9.9.9", 0))
        said, clock = [], asyncio.get_running_loop().time
        async with aiohttp.ClientSession(connector=elsewhere) as stranger, asyncio.timeout(60):
            began = clock()
            while 429 not in said:
                said += await asyncio.gather(*(status(stranger) for _ in range(200)))
            took = clock() - began
        self.assertEqual(set(said), {200, 429})
        self.assertGreaterEqual(said.count(200), 500)
        self.assertLess(said.count(200), 510 + 50 * took)
        async with aiohttp.ClientSession() as somebody:
            self.assertEqual(await status(somebody), 200)

    async def test_pages_leave_no_connection_to_the_database_behind(self):
        async with Person(self.cluster.url) as alice:
            for _ in range(5):
                await asyncio.gather(*(alice.get("/conversations/") for _ in range(60)))
        async with asyncio.timeout(10):
            while self.connections() > 5 * WORKERS:  # its own threads' alone
                await asyncio.sleep(0.1)

    def connections(self) -> int:
        count = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'chat'"
        return self.cluster.postgres.execute(count)[0][0]

    async def test_a_rolling_restart_under_load_loses_nothing(self):
        rolled = asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            people = [
                await stack.enter_async_context(Person(self.cluster.url)) for _ in range(PEOPLE)
            ]
            async with asyncio.TaskGroup() as group:
                talks = [group.create_task(self.talk(person, rolled)) for person in people]
                # Each is in the middle of its first reply, on both workers.
                await asyncio.to_thread(self.upstream.wait_requests, PEOPLE, timeout=60)
                for worker in self.cluster.workers:
                    await asyncio.to_thread(worker.restart)
                rolled.set()
        told = [talk.result() for talk in talks]
        for replies in told:
            self.assertGreater(len(replies), 1)
            self.assertEqual({reply["text"] for reply in replies}, {numbered(TOKENS)})
            self.assertEqual({reply["status"] for reply in replies}, {"done"})
            # And so it stands in the database: each question once, with one reply.
            conversation = self.rows(
                "SELECT conversation_id FROM chat_message WHERE id = %s", replies[0]["id"]
            )[0][0]
            kept = self.rows(
                "SELECT role, status, text FROM chat_message WHERE conversation_id = %s "
                "ORDER BY seq",
                conversation,
            )
            self.assertEqual(len(kept), 2 * len(replies))
            self.assertEqual([row[0] for row in kept], ["user", "assistant"] * len(replies))
            self.assertEqual([row[2] for row in kept[1::2]], [r["text"] for r in replies])
        for worker in self.cluster.workers:
            self.assertNotIn("Traceback", worker.log.read_text())

    async def talk(self, person: Person, rolled: asyncio.Event) -> list[dict]:
        """One question after the other, until both workers are new; the replies as they came."""
        tab = Page(person, person.url, seen=True)
        await tab.connect()
        conversation, replies, last = str(uuid4()), [], False
        while not last:
            last = rolled.is_set()
            replies.append(await tab.ask(asks(tokens=TOKENS, rate=RATE), conversation))
        return replies

    async def test_a_killed_workers_readers_go_on_at_the_other(self):
        killed = self.cluster.workers[0]
        async with Person(self.cluster.url) as alice:
            tabs = [Page(alice, alice.url, seen=True) for _ in self.cluster.workers]
            acks = {}
            for tab in tabs:
                await tab.connect()
                acks[tab] = await tab.send(asks(tokens=300, rate=100))
            for tab in tabs:
                await tab.text_of(acks[tab]["reply"], 60)
            killed.kill()
            ends = [tab.until(lambda tab=tab: tab.closed, "the end of a socket") for tab in tabs]
            done, _ = await asyncio.wait(
                map(asyncio.create_task, ends), return_when=asyncio.FIRST_COMPLETED
            )
            await asyncio.gather(*done)
            (cut,) = [tab for tab in tabs if tab.closed]
            (whole,) = [tab for tab in tabs if tab is not cut]
            shown = cut.message(acks[cut]["reply"])["text"]
            await cut.come_again()
            # Started again, it settles what it left, without waiting for the lease.
            killed.start().ready()
            reply = await cut.ended(acks[cut]["reply"])
            self.assertEqual(
                (reply["status"], reply["error"]["code"]), ("interrupted", "lost_worker")
            )
            self.assertTrue(reply["text"].startswith(shown))
            self.assertTrue(numbered(300).startswith(reply["text"]))
            self.assertEqual((await Tab.ask(cut, asks(tokens=3)))["status"], "done")
            reply = await whole.ended(acks[whole]["reply"])
            self.assertEqual((reply["status"], reply["text"]), ("done", numbered(300)))


class MakeClusterTests(SimpleTestCase):
    """`make cluster`, as a person sees it."""

    def command(self, *arguments: str, **settings: object) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.cluster", *arguments],
            cwd=ROOT,
            env=environment(self.folder) | {name: str(v) for name, v in settings.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="chat-cluster-")))
        self.folder.chmod(0o711)

    def test_it_says_where_it_is_starts_again_what_ends_and_stops_at_ctrl_c(self):
        port = free_port()
        cluster = self.command(PORT=port)
        # Whatever goes wrong, what is waited for below then comes to an end.
        limit = threading.Timer(LONGEST, cluster.terminate)
        limit.start()
        self.addCleanup(cluster.kill)
        self.addCleanup(limit.cancel)
        said = ""
        while "╰" not in said:
            line = cluster.stdout.readline()
            self.assertTrue(line, cluster.stderr.read() if not line else "")
            said += line
        self.assertIn(f"http://127.0.0.1:{port}/", said)
        async_to_sync(self.asks_the_demo)(f"http://127.0.0.1:{port}")
        account = ["createsuperuser", "--noinput", "--username=op", "--email=op@chat.example"]
        made = self.command(*account, PORT=port)
        out, err = made.communicate(timeout=LONGEST)
        self.assertEqual(made.returncode, 0, err)
        pid = int(re.search(r"Worker-1 +pid (\d+)", said)[1])
        os.kill(pid, signal.SIGKILL)
        self.assertIn("worker-1 ended and was started again", cluster.stdout.readline())
        cluster.send_signal(signal.SIGINT)
        out, err = cluster.communicate(timeout=LONGEST)
        self.assertEqual((cluster.returncode, err), (0, ""))
        self.assertFalse(listens(port))
        secrets = self.folder / "cluster" / "secrets"
        self.assertEqual({path.stat().st_mode & 0o777 for path in secrets.iterdir()}, {0o600})

    async def asks_the_demo(self, url: str) -> None:
        async with Person(url) as alice:
            tab = await alice.tab()
            self.assertEqual((await tab.ask("What can you do?"))["status"], "done")

    def test_what_cannot_be_is_one_plain_sentence(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            for settings, sentence in (
                ({"PATH": ""}, "apt install nginx-light postgresql redis-server"),
                ({"PORT": port}, f"Port {port} is in use"),
                ({"PORT": "http"}, "Set it to a whole number"),
            ):
                with self.subTest(settings):
                    cluster = self.command(**settings)
                    out, err = cluster.communicate(timeout=LONGEST)
                    self.assertEqual((cluster.returncode, out), (1, ""))
                    self.assertIn(sentence, err)
                    self.assertEqual(len(err.strip().splitlines()), 1, err)
            beside = self.command("check", PORT=free_port())
            out, err = beside.communicate(timeout=LONGEST)
            self.assertIn("The cluster is not running", err)
