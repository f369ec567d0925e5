"""The commands, run as a person runs them."""

import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from django.test import SimpleTestCase

from tests.replies.case import asks
from tests.server import ROOT, Server, environment, free_port, manage
from tests.upstream import Upstream, numbered


class AskTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.upstream = cls.enterClassContext(Upstream())
        cls.data = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def ask(self, *arguments: str, piped: str = "", **settings: object):
        settings = {"OPENAI_BASE_URL": self.upstream.url, "OPENAI_MODEL": "numbered", **settings}
        return subprocess.run(
            [sys.executable, "manage.py", "ask", *arguments],
            cwd=ROOT,
            env=environment(self.data, **settings),
            input=piped,
            capture_output=True,
            text=True,
        )

    def test_the_answer_goes_to_the_terminal(self):
        done = self.ask(asks(tokens=5))
        self.assertEqual((done.returncode, done.stdout), (0, numbered(5) + "\n"))

    def test_flow_model_and_system_are_choices_and_piped_input_joins(self):
        self.upstream.clear()
        done = self.ask(
            asks(tokens=3),
            *("--flow", "plan", "--model", "numbered-large", "--system", "Be brief."),
            piped="and this",
        )
        self.assertEqual(done.stdout, numbered(3) + "\n")
        self.assertIn("Planning the answer", done.stderr)
        plan, answer = (request["body"] for request in self.upstream.requests())
        self.assertEqual(answer["model"], "numbered-large")
        self.assertTrue(answer["messages"][0]["content"].startswith("Be brief."))
        self.assertTrue(plan["messages"][-1]["content"].endswith("and this"))

    def test_without_a_key_the_demo_answers(self):
        done = self.ask("What can you do?", OPENAI_BASE_URL="", OPENAI_MODEL="")
        self.assertEqual(done.returncode, 0)
        self.assertIn("demo", done.stdout)

    def test_a_failure_is_a_sentence_and_exit_1(self):
        cases = [
            (self.ask(asks(status=401)), "refused the key"),
            (self.ask("hi", OPENAI_BASE_URL="http://127.0.0.1:9/v1", RETRIES=0), "be reached"),
            (self.ask(""), "There is no question"),
        ]
        for done, sentence in cases:
            self.assertEqual(done.returncode, 1)
            self.assertIn(sentence, done.stderr)
            self.assertNotIn("Traceback", done.stderr)


class RunserverTests(SimpleTestCase):
    def run_to_its_end(self, data: Path, **settings: object) -> subprocess.CompletedProcess[str]:
        return manage(data, "runserver", "--noreload", **{"DEBUG": 1, **settings})

    def test_the_first_run_makes_everything_and_says_where_it_is(self):
        server = Server("runserver", DEBUG=1, SECRET_KEY="")
        self.addCleanup(server.stop)
        (server.data / "chat.sqlite3").unlink()
        server.start()
        box = server.log.read_text()
        for said in (server.url, "demo model", str(server.data), "createsuperuser"):
            self.assertIn(said, box)
        self.assertTrue((server.data / "chat.sqlite3").exists())
        self.assertEqual((server.data / "secret_key").stat().st_mode & 0o777, 0o600)
        key = (server.data / "secret_key").read_text()
        request = urllib.request.Request(server.url, headers={"User-Agent": "Mozilla/5.0"})
        with urllib.request.urlopen(request) as page:
            self.assertIn("chat-app", page.read().decode())
        # A second run keeps the data.
        server.kill()
        made = server.manage("createsuperuser", "--noinput", "--username=op", "--email=o@o.example")
        self.assertEqual(made.returncode, 0, made.stderr)
        server.log.write_text("")
        server.start()
        self.assertNotIn("createsuperuser", server.log.read_text())
        self.assertEqual((server.data / "secret_key").read_text(), key)

    def test_what_cannot_be_is_one_plain_sentence(self):
        with tempfile.TemporaryDirectory() as folder, Server("runserver", DEBUG=1) as other:
            data = Path(folder)
            (data / "a file").touch()
            cases = [
                ({"PORT": other.port}, f"Port {other.port} is in use"),
                ({"PORT": free_port(), "BIND": "192.0.2.1"}, "Set BIND and PORT"),
                ({"DATABASE_URL": f"sqlite:///{data}/a file/db"}, "cannot be written"),
                ({"DATA_DIR": data / "a file", "SECRET_KEY": ""}, "cannot be made"),
                ({"TIME_ZONE": "Berlin"}, "Try Europe/Berlin"),
                ({"LANGUAGE_CODE": "klingon"}, "not known"),
                ({"OPENAI_BASE_URL": "localhost:11434"}, "Begin it with http://"),
                ({"OPENAI_API_KEY_FILE": "/nowhere"}, "OPENAI_API_KEY_FILE names cannot be read"),
                ({"PORT": 99999}, "to 65535"),
                ({"DATABASE_URL": "postgres://a:b@127.0.0.1:9/c"}, "cannot be reached"),
                ({"DEBUG": 0, "STATIC_ROOT": data}, "Run: manage.py collectstatic"),
                ({"DEBUG": 0, "SECRET_KEY": "short"}, "shorter than 32"),
                ({"DEBUG": "off"}, "Set it to 1 or 0"),
                ({"PORT": "http"}, "whole number"),
                ({"DATABASE_URL": "somewhere"}, "not the address of a database"),
                ({"DEBUG": 0, "SECRET_KEY": ""}, "SECRET_KEY is not set"),
                ({"DEBUG": 0, "ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS contains *"),
            ]
            for settings, sentence in cases:
                with self.subTest(settings):
                    done = self.run_to_its_end(data, **settings)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn(sentence, done.stderr)
                    self.assertNotIn("Traceback", done.stderr)
                    self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
