"""Copies of a running server's data, made and put back by the commands of docs/operations.md."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from uuid import uuid4

from django.test import SimpleTestCase

from tests.replies.case import asks
from tests.server import ROOT, Server
from tests.services import Postgres
from tests.tabs import Person
from tests.upstream import Upstream, numbered

OPERATIONS = (ROOT / "docs/operations.md").read_text()
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def documented(beginning: str) -> str:
    """The line of docs/operations.md that begins so."""
    return re.search(rf"^{re.escape(beginning)}.*$", OPERATIONS, re.M)[0]


def run(command: str, folder: Path, **variables: str) -> None:
    programs = [str(Path(sys.executable).parent), *map(str, PROGRAMS), os.environ["PATH"]]
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={"PATH": os.pathsep.join(programs), **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command}:\n{done.stderr}"


class BackupCase(SimpleTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.upstream = cls.enterClassContext(Upstream())
        cls.settings = {
            "OPENAI_BASE_URL": cls.upstream.url,
            "OPENAI_MODEL": "numbered",
            "LEASE_SECONDS": 2,
        }

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="chat-backup-")))

    async def copied_while_a_reply_is_written(self, old: Server, new: Server, copy, put_back):
        """What is over is whole in the copy; what was being written is there as far as it was."""
        async with Person(old.url) as alice:
            tab = await alice.tab()
            await tab.ask(asks(tokens=50, next={"tokens": 400, "rate": 100}))
            ack = await tab.send("and then?")
            await tab.text_of(ack["reply"], 60)
            shown = tab.message(ack["reply"])["text"]
            self.assertIn("1 conversation found", await self.search(alice))
            copy()
            whole = await tab.ended(ack["reply"])
            self.assertEqual((whole["status"], whole["text"]), ("done", numbered(400)))
            put_back()
            new.start()
            alice.url = new.url
            later = await alice.tab()
            await later.open(ack["conversation"])
            broken = await later.ended(ack["reply"])
            self.assertEqual(later.shown()[:3], tab.shown()[:3])
            self.assertEqual(
                (broken["status"], broken["error"]["code"]), ("interrupted", "lost_worker")
            )
            self.assertTrue(broken["text"].startswith(shown))
            self.assertTrue(numbered(400).startswith(broken["text"]))
            self.assertEqual((await later.ask(asks(tokens=3)))["status"], "done")
            self.assertIn("1 conversation found", await self.search(alice))

    async def search(self, person: Person) -> str:
        async with person.http.get(f"{person.url}/search/?q=and+then") as response:
            return await response.text()


class SqliteTests(BackupCase):
    async def test_a_copy_of_the_running_database(self):
        old, new = Server(**self.settings), Server(**self.settings)
        for server in (old, new):
            self.addCleanup(server.stop)
        old.start()

        def copy() -> None:
            (self.folder / "data").symlink_to(old.data)
            command = documented(".venv/bin/python -c")
            run(command.replace(".venv/bin/python", "python"), self.folder)

        def put_back() -> None:
            shutil.move(self.folder / "backup.sqlite3", new.data / "chat.sqlite3")

        await self.copied_while_a_reply_is_written(old, new, copy, put_back)


class PostgresTests(BackupCase):
    async def test_a_dump_into_another_postgresql(self):
        with Postgres() as here, Postgres() as there:
            address, other = here.url(uuid4().hex), there.url(uuid4().hex)
            old = Server(**self.settings, DATABASE_URL=address)
            new = Server(**self.settings, DATABASE_URL=other)
            for server in (old, new):
                self.addCleanup(server.stop)
            self.assertEqual(old.manage("migrate", "--verbosity=0").returncode, 0)
            old.start()
            dump, restore = documented("pg_dump"), documented("pg_restore")
            await self.copied_while_a_reply_is_written(
                old,
                new,
                lambda: run(dump, self.folder, DATABASE_URL=address),
                lambda: run(restore, self.folder, DATABASE_URL=other),
            )


class MoveTests(BackupCase):
    async def test_from_sqlite_to_postgresql(self):
        with Postgres() as postgres:
            old = Server(**self.settings)
            new = Server(**self.settings, DATABASE_URL=postgres.url(uuid4().hex))
            for server in (old, new):
                self.addCleanup(server.stop)
            old.start()
            async with Person(old.url) as alice:
                tab = await alice.tab()
                await tab.ask(asks(tokens=30, reasoning=3), assistant="plan")
                await tab.ask(asks("and then", tokens=3))
                self.assertIn("1 conversation found", await self.search(alice))
                old.kill()
                for server, command in ((old, "dumpdata"), (new, "migrate"), (new, "loaddata")):
                    line = documented(f".venv/bin/python manage.py {command}")
                    words = line.replace("all.json", f"{self.folder}/all.json").split()[2:]
                    done = server.manage(*words)
                    self.assertEqual(done.returncode, 0, done.stderr)
                new.start()
                alice.url = new.url
                later = await alice.tab()
                await later.open(tab.client.conversation)
                self.assertEqual(
                    [(m["id"], m["role"], m["status"], m["text"]) for m in later.shown()],
                    [(m["id"], m["role"], m["status"], m["text"]) for m in tab.shown()],
                )
                self.assertEqual((await later.ask(asks(tokens=3)))["status"], "done")
                self.assertIn("1 conversation found", await self.search(alice))
            # And whoever is new takes no number that came along.
            async with Person(new.url) as bob:
                self.assertEqual((await (await bob.tab()).ask(asks(tokens=2)))["status"], "done")
