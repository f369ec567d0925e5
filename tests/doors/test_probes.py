"""What a load balancer and Prometheus are told, and who else is not."""

import asyncio
import http.client
import json
import os
import signal
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from django.test import SimpleTestCase

from chat.text import estimate_tokens
from tests.faults.test_tasks import until
from tests.replies.case import ServerCase, WorkersCase, asks
from tests.server import Server, manage
from tests.tabs import Person
from tests.upstream import numbered

TOKEN = "a token of the tests 0123"


def ask(
    port: int, path: str, *, method: str = "GET", host: str = "", **headers: str
) -> tuple[int, dict, str]:
    """The status, the headers, and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.putrequest(method, path, skip_host=True)
        for name, value in {"Host": host or f"127.0.0.1:{port}", **named}.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read().decode()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, body
    finally:
        connection.close()


def ready(port: int) -> tuple[int, dict]:
    status, _, body = ask(port, "/readyz")
    return status, json.loads(body)


async def until_ready(port: int, code: int, **parts: str) -> None:
    """Until `/readyz` answers so, and says so of these parts."""
    async with asyncio.timeout(30):
        while True:
            answer = await asyncio.to_thread(ready, port)
            if answer[0] == code and parts.items() <= answer[1].items():
                return
            await asyncio.sleep(0.1)


class ProbeTests(ServerCase):
    def test_a_server_that_serves_is_alive_and_ready(self):
        port = self.server.port
        self.assertEqual(json.loads(ask(port, "/healthz")[2]), {"status": "ok"})
        parts = {"database": "ok", "disk": "ok", "worker": "ok", "bus": "none"}
        self.assertEqual(ready(port), (200, {"status": "ready", **parts}))

    def test_whatever_host_is_asked_for_and_nothing_is_kept_of_it(self):
        for host in ("10.0.0.7:8000", "elsewhere.example", "_", "[::1]"):
            for path in ("/healthz", "/readyz"):
                status, headers, _ = ask(self.server.port, path, host=host)
                self.assertEqual((status, headers["cache-control"]), (200, "no-store"))
                self.assertNotIn("set-cookie", headers)
                self.assertEqual(headers["content-type"], "application/json")
        self.assertEqual(ask(self.server.port, "/", host="elsewhere.example")[0], 400)

    def test_head_has_no_body_and_nothing_else_is_answered(self):
        status, headers, body = ask(self.server.port, "/readyz", method="HEAD")
        self.assertEqual((status, body), (200, ""))
        self.assertGreater(int(headers["content-length"]), 10)
        self.assertIn(ask(self.server.port, "/readyz", method="POST")[0], (403, 404))
        self.assertEqual(ask(self.server.port, "/readyz/")[0], 404)

    async def test_without_its_table_it_is_not_ready_and_says_no_more_than_that(self):
        def rename(old: str, new: str) -> None:
            path = self.server.data / "chat.sqlite3"
            with closing(sqlite3.connect(path, isolation_level=None)) as database:
                database.execute("PRAGMA legacy_alter_table = ON")
                database.execute(f"ALTER TABLE {old} RENAME TO {new}")

        rename("chat_conversation", "away")
        try:
            await until_ready(self.server.port, 503, status="not ready", database="fails")
            _, _, body = ask(self.server.port, "/readyz")
            for secret in (str(self.server.data), "sqlite", "chat_conversation", "Error"):
                self.assertNotIn(secret, body)
            self.assertEqual(ask(self.server.port, "/healthz")[0], 200)
        finally:
            rename("away", "chat_conversation")
        # The tasks that met the missing table are trusted again after a while.
        await until_ready(self.server.port, 200, status="ready", worker="ok")

    async def test_a_folder_that_cannot_be_written(self):
        away = self.server.data.with_name(self.server.data.name + "-away")
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            await tab.ask(asks(tokens=3))  # the database is open
            os.rename(self.server.data, away)
            try:
                await until_ready(self.server.port, 503, disk="cannot be written")
            finally:
                os.rename(away, self.server.data)
            await until_ready(self.server.port, 200, disk="ok")

    async def test_a_database_that_is_locked_can_still_be_read_and_writing_falls_behind(self):
        server = Server(
            **{"OPENAI_BASE_URL": self.upstream.url, "OPENAI_MODEL": "numbered"},
            LEASE_SECONDS=2,
        )
        self.addCleanup(server.stop)
        server.start()
        async with Person(server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=2000, rate=50))
            await tab.text_of(ack["reply"], 6)
            with server.locked():
                await until_ready(server.port, 503, worker="behind with writing", disk="ok")
            await until_ready(server.port, 200, worker="ok")

    def test_no_figures_where_nobody_asked_for_them(self):
        self.assertEqual(ask(self.server.port, "/metrics")[0], 404)


class ProbesUnderDaphneTests(ProbeTests):
    kind = "daphne"


class DrainTests(ServerCase):
    settings: ClassVar[dict] = {"DRAIN_SECONDS": 30}

    async def test_who_drains_is_not_ready_but_alive(self):
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            ack = await tab.send(asks(tokens=10, gate="later", gate_after=5))
            await tab.text_of(ack["reply"], len(numbered(5)))
            self.server.process.send_signal(signal.SIGTERM)
            await until_ready(self.server.port, 503, status="not ready", worker="draining")
            self.assertEqual(ask(self.server.port, "/healthz")[0], 200)
            self.upstream.release("later")
            self.assertEqual((await tab.ended(ack["reply"]))["status"], "done")
        self.assertEqual(self.server.process.wait(30), 0)
        log = self.server.log.read_text()
        records = [json.loads(line) for line in log.splitlines()]
        messages = [record["message"] for record in records]
        self.assertEqual([m for m in messages if m.startswith("drain")], ["draining", "drained"])
        self.assertEqual(records[messages.index("draining")]["active"], 1)
        self.assertEqual(records[messages.index("drained")]["unfinished"], 0)


class BusTests(WorkersCase):
    settings: ClassVar[dict] = {"METRICS": 1}

    async def test_without_redis_it_is_degraded_and_goes_on_serving(self):
        port = self.workers[0].port
        await until_ready(port, 200, status="ready", bus="ok")
        self.assertGreaterEqual(figure(port, "chat_bus_lag_seconds_count"), 1)
        self.assertEqual(figure(port, "chat_bus_up"), 1)
        self.redis.kill()
        try:
            await until_ready(port, 200, status="degraded", bus="lost")
            await until(lambda: figure(port, "chat_bus_up") == 0, "bus that is down")
        finally:
            self.redis.start()
        await until_ready(port, 200, status="ready", bus="ok")
        await until(lambda: "the bus is back" in self.workers[0].log.read_text(), "line in the log")

    async def test_who_asks_often_is_told_the_same(self):
        port = self.workers[0].port
        await until_ready(port, 200, bus="ok")
        began, before = time.monotonic(), figure(port, "chat_bus_lag_seconds_count")
        for _ in range(100):
            self.assertEqual(ready(port)[0], 200)
        bells = figure(port, "chat_bus_lag_seconds_count") - before
        self.assertLessEqual(bells, time.monotonic() - began + 2)

    async def test_without_postgresql_it_is_not_ready(self):
        port = self.workers[0].port
        self.postgres.stop()
        try:
            await until_ready(port, 503, status="not ready")
            self.assertNotIn("127.0.0.1", ask(port, "/readyz")[2])
        finally:
            self.postgres.start()
        await until_ready(port, 200, status="ready", database="ok")


def figure(port: int, name: str, **headers: str) -> float:
    """One of the figures, by its name and labels."""
    status, _, body = ask(port, "/metrics", **headers)
    assert status == 200, body
    found = [line.rpartition(" ")[2] for line in body.splitlines() if line.startswith(f"{name} ")]
    assert len(found) == 1, f"{name} in\n{body}"
    return float(found[0])


class FiguresTests(ServerCase):
    settings: ClassVar[dict] = {"METRICS": 1, "RETRIES": 0}

    def figure(self, name: str) -> float:
        return figure(self.server.port, name)

    async def test_what_is_counted(self):
        port = self.server.port
        async with Person(self.server.url) as alice:
            tab = await alice.tab()
            self.assertEqual(self.figure("chat_sockets"), 1)
            ack = await tab.send(asks(tokens=20, gate="later", gate_after=5))
            await tab.text_of(ack["reply"], len(numbered(5)))
            self.assertEqual(self.figure("chat_replies_active"), 1)
            self.assertEqual(self.figure("chat_first_token_seconds_count"), 1)
            self.upstream.release("later")
            await tab.ended(ack["reply"])
            await until(lambda: self.figure("chat_replies_active") == 0, "end")
            self.assertEqual(self.figure('chat_replies_total{code="",status="done"}'), 1)
            count = 'chat_tokens_total{kind="completion",model="numbered"}'
            self.assertEqual(self.figure(count), 20)
            self.assertEqual(self.figure("chat_characters_committed_total"), len(numbered(20)))
            self.assertGreaterEqual(self.figure("chat_added_latency_seconds_count"), 2)
            self.assertGreaterEqual(self.figure("chat_commit_seconds_count"), 2)
            self.assertLess(self.figure("chat_added_latency_seconds_sum"), 60)
            stopped = await tab.send(asks(tokens=20, gate="never", gate_after=5))
            await tab.text_of(stopped["reply"], len(numbered(5)))
            await tab.say(type="stop", message=stopped["reply"])
            await tab.ended(stopped["reply"])
            failed = await tab.ask(asks(status=401))
            self.assertEqual(failed["status"], "error")
            for line in ('code="",status="stopped"', 'code="upstream_auth",status="error"'):
                name = f"chat_replies_total{{{line}}}"
                await until(lambda name=name: name in ask(port, "/metrics")[2], name)
            # Nobody was told what the stopped one cost: about as much as it is charged for.
            about = estimate_tokens(numbered(5))
            self.assertEqual(self.figure(count), 20 + about)
            self.assertEqual(self.figure('chat_upstream_failures_total{code="upstream_auth"}'), 1)
            await tab.say(type="send", text=1)
            await tab.error()
            self.assertEqual(self.figure('chat_refused_total{code="bad_field"}'), 1)
            self.assertEqual(self.figure("chat_messages_accepted_total"), 3)
            await tab.close()
        await until(lambda: self.figure("chat_sockets") == 0, "closed socket")
        self.assertEqual(self.figure('chat_sockets_closed_total{code="1000"}'), 1)
        self.assertEqual(self.figure("chat_replies_active"), 0)
        self.assertGreater(self.figure("process_resident_memory_bytes"), 1e6)

    def test_only_this_machine_is_told_and_no_proxy_on_it(self):
        port = self.server.port
        self.assertEqual(ask(port, "/metrics")[0], 200)
        self.assertEqual(ask(port, "/metrics", host="localhost")[0], 200)
        for headers in (
            {"X_Forwarded_For": "127.0.0.1"},
            {"Forwarded": "for=127.0.0.1"},
            {"X_Real_IP": "127.0.0.1"},
            {"Via": "1.1 proxy"},
        ):
            self.assertEqual(ask(port, "/metrics", **headers)[0], 404, headers)
        # Another site's page whose name now leads here.
        self.assertEqual(ask(port, "/metrics", host=f"elsewhere.example:{port}")[0], 404)


class FiguresUnderDaphneTests(FiguresTests):
    kind = "daphne"


class TokenTests(ServerCase):
    settings: ClassVar[dict] = {"METRICS_TOKEN": TOKEN}

    def test_whoever_has_the_token_and_nobody_else(self):
        port = self.server.port
        for said in ("", TOKEN, f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", "Bearer ", "Basic x"):
            status, _, body = ask(port, "/metrics", Authorization=said)
            self.assertEqual((status, json.loads(body)), (404, {"status": "not found"}))
        self.assertEqual(ask(port, "/metrics")[0], 404)
        headers = {"Authorization": f"Bearer {TOKEN}", "X_Forwarded_For": "192.0.2.7"}
        status, headers, body = ask(port, "/metrics", host="elsewhere.example", **headers)
        self.assertEqual(status, 200)
        self.assertTrue(headers["content-type"].startswith("text/plain"))
        self.assertIn("chat_sockets 0.0", body)


class StartTests(SimpleTestCase):
    def run_check(self, **settings: object) -> str:
        data = Path(self.enterContext(tempfile.TemporaryDirectory()))
        done = manage(data, "check", **settings)
        return done.stderr if done.returncode else ""

    def test_a_package_that_is_not_there_is_named(self):
        for name, setting, value in (
            ("prometheus_client", "METRICS", 1),
            ("sentry_sdk", "SENTRY_DSN", "http://key@127.0.0.1:9/1"),
        ):
            said = self.run_check(**{setting: value}, PYTHONPATH=self.hiding(name))
            self.assertIn("requirements-optional.txt", said)

    def hiding(self, package: str) -> Path:
        """A folder before which this package cannot be imported."""
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (folder / f"{package}.py").write_text("raise ImportError")
        return folder

    def test_a_token_that_can_be_guessed_is_refused(self):
        self.assertIn("METRICS_TOKEN is shorter", self.run_check(METRICS_TOKEN="secret"))
