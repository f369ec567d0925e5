"""nginx with the configuration that compose.yaml gives it, as a process of its own."""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Self

from tests.server import ROOT
from tests.services import need, wait_for

TEMPLATE = ROOT / "nginx.conf.template"

MAIN = ROOT / "nginx.conf"

# Where an image or a distribution has its logs and folders; here all are in one.
PLACES = """\
access_log access.log;
client_body_temp_path temporary;
proxy_temp_path temporary;
fastcgi_temp_path temporary;
uwsgi_temp_path temporary;
scgi_temp_path temporary;
"""


def filled(variables: Mapping[str, str]) -> str:
    """The template as the nginx image fills it in: what it has no value for stays as it is."""
    return Template(TEMPLATE.read_text()).safe_substitute(variables)


class Proxy:
    """`with Proxy(folder, "127.0.0.1:8000", workers=[…], static=…) as proxy: …`"""

    def __init__(self, folder: Path, listen: str, workers: list[str], static: Path) -> None:
        self.program = need("nginx", "/usr/sbin", "/usr/local/sbin")
        self.folder = folder
        self.listen = listen
        self.workers = workers
        self.static = static
        self.tls = folder / "tls"  # a file in here is taken in
        self.tls.mkdir(parents=True, exist_ok=True)
        self.log = folder / "nginx.log"
        self.process: subprocess.Popen | None = None

    def start(self) -> Self:
        self.write()
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stderr=log, process_group=0
            )
        wait_for(int(self.listen.rpartition(":")[2]), self.process, self.log)
        return self

    def write(self) -> None:
        # As shipped, but not a process for each core: several of these may run at once.
        main = MAIN.read_text().replace("worker_processes auto;", "worker_processes 2;")
        (self.folder / "nginx.conf").write_text(main)
        servers = [f"server {worker} max_fails=0;" for worker in self.workers]
        variables = {
            "CHAT_LISTEN": self.listen,
            "CHAT_WORKERS": "\n    ".join(servers),
            "CHAT_STATIC": str(self.static),
            "CHAT_TLS": str(self.tls),
        }
        conf = self.folder / "conf.d"
        conf.mkdir(exist_ok=True)
        (conf / "places.conf").write_text(PLACES)
        (conf / "chat.conf").write_text(filled(variables))

    def check(self) -> subprocess.CompletedProcess[str]:
        """`nginx -t`."""
        self.write()
        return subprocess.run([*self._command(), "-t"], capture_output=True, text=True)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _command(self) -> list[str]:
        said = "daemon off; pid nginx.pid;"
        if os.geteuid() == 0:
            # Whom nginx gives its work to cannot read everywhere that root may be at home.
            said += " user root root;"
        conf = str(self.folder / "nginx.conf")
        return [self.program, "-p", str(self.folder), "-c", conf, "-e", "stderr", "-g", said]
