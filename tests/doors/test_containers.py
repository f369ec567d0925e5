"""The files for containers, as far as they can be tried without an engine that runs them."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import yaml
from django.conf import settings
from django.test import SimpleTestCase

from tests.cluster import WORKERS, image_command
from tests.proxy import MAIN, TEMPLATE
from tests.server import ROOT, SECRET_KEY, free_port
from tests.services import wait_for
from tests.test_readme import settings_read

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
CHATS = ["chat-1", "chat-2", "migrate"]


def seconds(text: str) -> int:
    return int(re.fullmatch(r"(\d+)s", text)[1])


class ComposeTests(SimpleTestCase):
    def test_the_workers_are_the_clusters(self):
        self.assertEqual(len([name for name in SERVICES if name.startswith("chat-")]), WORKERS)
        self.assertEqual(SERVICES["chat-1"], SERVICES["chat-2"])

    def test_every_name_is_a_setting(self):
        known = set(settings_read((ROOT / "chatproject/settings.py").read_text()))
        for name in CHATS:
            given = {key.removesuffix("_FILE") for key in SERVICES[name]["environment"]}
            self.assertLessEqual(given, known)
        inside = set(re.findall(r"\b([A-Z_]+)=", re.search(r"^ENV (.+)$", DOCKERFILE, re.M)[1]))
        self.assertLessEqual(inside - {"PYTHONUNBUFFERED"}, known)

    def test_every_secret_that_is_read_is_there(self):
        for service in SERVICES.values():
            paths = [
                value
                for name, value in service.get("environment", {}).items()
                if name.endswith("_FILE")
            ]
            self.assertEqual(
                {path.removeprefix("/run/secrets/") for path in paths},
                set(service.get("secrets", [])),
            )
            self.assertLessEqual(set(service.get("secrets", [])), set(COMPOSE["secrets"]))

    def test_nginx_is_given_every_name_of_its_template_and_every_worker(self):
        proxy = SERVICES["proxy"]
        given = {name for name in proxy["environment"] if name.startswith("CHAT_")}
        self.assertEqual(given, set(re.findall(r"\$\{(\w+)\}", TEMPLATE.read_text())))
        port = image_command()[image_command().index("--port") + 1]
        lines = [f"server {name}:{port} max_fails=0;" for name in ("chat-1", "chat-2")]
        self.assertEqual(proxy["environment"]["CHAT_WORKERS"], " ".join(lines))
        mounts = dict(volume.split(":")[:2] for volume in proxy["volumes"])
        self.assertEqual(mounts["static"], proxy["environment"]["CHAT_STATIC"])
        self.assertEqual(mounts["./data/tls"], proxy["environment"]["CHAT_TLS"])
        self.assertTrue((ROOT / "nginx.conf.template").samefile(TEMPLATE))
        self.assertIn("./nginx.conf.template", mounts)
        self.assertTrue((ROOT / "nginx.conf").samefile(MAIN))
        self.assertEqual(mounts["./nginx.conf"], "/etc/nginx/nginx.conf")

    def test_nginx_has_the_same_room_with_containers_and_without(self):
        room = re.findall(r"(worker_connections|worker_rlimit_nofile) (\d+);", MAIN.read_text())
        sed = re.search(r"^sed -i '(.*)'", OperationsTests.text, re.M)[1]
        said = re.findall(r"(worker_connections|worker_rlimit_nofile) (\d+);", sed)
        self.assertEqual(said, room)
        (_, connections), (_, files) = room
        self.assertGreater(int(files), 2 * int(connections))
        self.assertEqual(SERVICES["proxy"]["ulimits"]["nofile"], int(files))

    def test_a_worker_is_given_the_time_to_drain(self):
        chat = SERVICES["chat-1"]
        given = chat["environment"]["DRAIN_SECONDS"]
        drain = int(re.fullmatch(r"\$\{DRAIN_SECONDS:-(\d+)\}", given)[1])
        command = image_command()
        graceful = int(command[command.index("--timeout-graceful-shutdown") + 1])
        self.assertGreater(seconds(chat["stop_grace_period"]), drain + graceful + 5)

    def test_what_one_waits_for_and_mounts_is_there_and_healthy(self):
        volumes = set(COMPOSE["volumes"])
        for service in SERVICES.values():
            for other, wants in service.get("depends_on", {}).items():
                if wants["condition"] == "service_healthy" and not other.startswith("chat-"):
                    self.assertIn("healthcheck", SERVICES[other])  # theirs is the image's
            for volume in service.get("volumes", []):
                source = volume.partition(":")[0]
                self.assertTrue(source in volumes or source.startswith("./"), source)

    def test_only_nginx_can_be_reached(self):
        self.assertEqual([name for name in SERVICES if "ports" in SERVICES[name]], ["proxy"])


class OperationsTests(SimpleTestCase):
    """docs/operations.md says what is so."""

    text = (ROOT / "docs/operations.md").read_text()

    def test_the_files_that_it_names_exist(self):
        named = set(re.findall(r"`((?:tests|chat|docs)/[\w/.]+)`", self.text))
        self.assertGreater(len(named), 5)
        self.assertEqual([path for path in named if not (ROOT / path).exists()], [])

    def test_a_worker_without_containers_is_told_what_one_with_them_is(self):
        line = re.search(r"^ExecStart=(\S+) ((?:.*\\\n)*.*)$", self.text, re.M)[2]
        told = line.replace("\\\n", " ").replace("127.0.0.1", "0.0.0.0").replace("%i", "8000")
        self.assertEqual(told.split(), image_command()[1:])

    def test_its_settings_are_settings(self):
        known = set(settings_read((ROOT / "chatproject/settings.py").read_text()))
        rows = self.text.split("## Settings that matter")[1].split("\n\n")[1]
        named = set(re.findall(r"`([A-Z_]+)`", rows))
        self.assertGreater(len(named), 5)
        self.assertLessEqual(named, known)


class ImageTests(SimpleTestCase):
    """The commands of the Dockerfile, on the files that it would copy, in a folder."""

    def setUp(self) -> None:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="chat-image-")))
        self.app, self.data = folder / "app", folder / "data"
        self.data.mkdir()
        self.app.mkdir()
        for name in re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.M):
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, self.app / name)
        given = dict(pair.split("=", 1) for pair in shlex.split(self.instruction("ENV")))
        given = {name: value.replace("/app", str(self.app)) for name, value in given.items()}
        self.environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            **given,
            "DATA_DIR": str(self.data),
        }

    def instruction(self, beginning: str) -> str:
        lines = DOCKERFILE.replace("\\\n", "").splitlines()
        (found,) = [line for line in lines if line.startswith(beginning + " ")]
        return found.removeprefix(beginning + " ")

    def run_in_image(self, command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.app,
            env=self.environment | more,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def test_the_image_has_what_it_needs_to_serve(self):
        (collect,) = re.findall(r"^RUN (.*collectstatic.*)$", DOCKERFILE, re.M)
        done = self.run_in_image(["sh", "-c", collect])
        self.assertEqual(done.returncode, 0, done.stderr)
        # The one-shot service, but for where its volume is.
        *shell, prepare = SERVICES["migrate"]["command"]
        shared = self.data / "shared"
        shared.mkdir()
        prepare = prepare.replace("/srv/static", str(shared))
        settings_of_a_site = {
            "SECRET_KEY_FILE": self.secret("secret_key", SECRET_KEY + "\n"),
            "DATABASE_URL_FILE": self.secret("url", f"sqlite:///{self.data}/chat.sqlite3\n"),
            "OPENAI_API_KEY_FILE": self.secret("openai_api_key", ""),
            "ALLOWED_HOSTS": "chat.example",
            "TRUSTED_PROXIES": "127.0.0.1",
        }
        done = self.run_in_image([*shell, prepare], **settings_of_a_site)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((shared / "staticfiles.json").exists())

        port = free_port()
        log = self.data / "log"
        with log.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", *image_command(), "--host", "127.0.0.1"]
                + ["--port", str(port)],
                cwd=self.app,
                env=self.environment | settings_of_a_site,
                stdout=out,
                stderr=out,
            )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_for(port, process, log)
        health = self.instruction("HEALTHCHECK").partition("CMD ")[2]
        done = self.run_in_image([*yaml.safe_load(health.replace("8000", str(port)))])
        self.assertEqual(done.returncode, 0, done.stderr)
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/sign-in/",
            headers={"Host": "chat.example", "X-Forwarded-Proto": "https"},  # as nginx says
        )
        with urllib.request.urlopen(request) as page:
            hashed = re.search(r'href="/static/(.+?\.[0-9a-f]{12}\.css)"', page.read().decode())[1]
        self.assertTrue((shared / hashed).exists())

    def secret(self, name: str, value: str) -> str:
        path = self.data / name
        path.write_text(value)
        return str(path)

    def test_the_largest_message_passes(self):
        command = image_command()
        most = int(command[command.index("--ws-max-size") + 1])
        self.assertGreaterEqual(most, settings.FRAME_BYTES)

    def test_it_installs_exactly_what_is_locked_and_runs_as_nobody_special(self):
        self.assertIn("--require-hashes -r requirements.lock", DOCKERFILE)
        self.assertLess(DOCKERFILE.index("\nUSER chat"), DOCKERFILE.index("\nCMD"))

    def test_no_secret_and_no_data_is_copied(self):
        lines = (ROOT / ".dockerignore").read_text().splitlines()
        patterns = [line for line in lines if line and not line.startswith("#")]
        self.assertEqual(patterns[0], "*")
        kept = {line.removeprefix("!") for line in patterns if line.startswith("!")}
        self.assertTrue(all((ROOT / name).exists() for name in kept))
        self.assertFalse(kept & {"data", ".env", ".git", "tests"})
