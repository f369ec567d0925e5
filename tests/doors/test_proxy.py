"""What nginx passes on and what it keeps to itself, seen by a worker that only notes what comes."""

import contextlib
import json
import re
import resource
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from django.conf import settings
from django.test import SimpleTestCase

from tests.proxy import TEMPLATE, Proxy, filled
from tests.server import ROOT, free_port
from tests.services import need, wait_for

LOGS = ("access.log", "nginx.log")
# More than two processes of nginx have places for where nobody says how many, which is 1,024 each.
MANY = 3000


class Notes(BaseHTTPRequestHandler):
    """Answers with the headers that came; of `/dies/` it reads the request and hangs up."""

    seen: list[str] = []

    def do_GET(self) -> None:
        self.seen.append(self.command)
        if self.path == "/dies/":
            return
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


class ProxyTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        server = ThreadingHTTPServer(("127.0.0.1", 0), Notes)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        cls.addClassCleanup(thread.join)
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)
        cls.worker = f"127.0.0.1:{server.server_port}"
        cls.nobody = f"127.0.0.1:{free_port()}"

    def setUp(self) -> None:
        Notes.seen.clear()

    def proxy(self, *workers: str) -> Proxy:
        folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="chat-nginx-")))
        static = folder / "static"
        static.mkdir()
        return Proxy(folder, f"127.0.0.1:{free_port()}", list(workers or [self.worker]), static)

    def noted(self, url: str, **options: object) -> dict:
        with urllib.request.urlopen(url, **options) as answer:
            return json.load(answer)

    def test_nginx_takes_the_configuration_as_it_is(self):
        proxy = self.proxy("127.0.0.1:8001", "127.0.0.1:8002")
        done = proxy.check()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("warn", done.stderr)
        self.assertNotIn("${", (proxy.folder / "conf.d/chat.conf").read_text())

    def test_the_worker_hears_what_nginx_saw_and_not_what_a_browser_claims(self):
        with self.proxy() as proxy:
            url = f"http://{proxy.listen}/"
            claims = {
                "X-Forwarded-For": "192.0.2.7",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "elsewhere.example",
                "X-Forwarded-Port": "443",
                "X-Real-IP": "192.0.2.7",
                "Forwarded": "for=192.0.2.7",
            }
            heard = self.noted(urllib.request.Request(url, headers=claims))
        about = {
            name: value for name, value in heard.items() if name == "host" or "forward" in name
        }
        self.assertEqual(
            about,
            {"host": proxy.listen, "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http"},
        )
        self.assertNotIn("x-real-ip", heard)

    def test_a_worker_that_refuses_is_passed_over_and_asked_again_at_once(self):
        with self.proxy(self.nobody, self.worker) as proxy:
            for _ in range(10):
                self.noted(f"http://{proxy.listen}/")
        self.assertEqual(len(Notes.seen), 10)

    def test_a_post_that_reached_a_worker_is_not_sent_again(self):
        with self.proxy(self.worker, self.worker) as proxy:
            url = f"http://{proxy.listen}/dies/"
            for data, times in ((b"name=value", 1), (None, 2)):
                Notes.seen.clear()
                with self.assertRaises(urllib.error.HTTPError) as failed:
                    self.noted(url, data=data)
                self.assertEqual((failed.exception.code, len(Notes.seen)), (502, times))
                failed.exception.close()

    def test_what_is_searched_for_is_in_no_log_and_figures_are_not_passed_on(self):
        with self.proxy() as proxy:
            url = f"http://{proxy.listen}"
            searches = ("/search/?q=canary", "/admin/chat/conversation/?q=canary")
            for path in (*searches, "/password/MQ/canary-token/", "/c/1/"):
                self.noted(f"{url}{path}")
            with self.assertRaises(urllib.error.HTTPError) as refused:
                self.noted(f"{url}/metrics")
            self.assertEqual(refused.exception.code, 404)
            refused.exception.close()
        with self.proxy(self.nobody) as dead:
            for path in ("/search/?q=canary", "/c/1/"):
                with self.assertRaises(urllib.error.HTTPError) as failed:
                    self.noted(f"http://{dead.listen}{path}")
                failed.exception.close()
        logs = [folder / name for folder in (proxy.folder, dead.folder) for name in LOGS]
        said = "".join(log.read_text() for log in logs)
        self.assertIn("GET /c/1/", said)
        self.assertNotIn("canary", said)

    def open_many(self) -> None:
        """Let this process, and the nginx that it starts, have more files open."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MANY + 1000
        if hard != resource.RLIM_INFINITY and hard < wanted:
            self.skipTest(f"A process may have {hard} files open here, not {wanted}.")
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def said(self, proxy: Proxy, text: bytes) -> socket.socket:
        """A connection on which that was said."""
        host, port = proxy.listen.split(":")
        connection = self.enterContext(socket.create_connection((host, int(port)), timeout=10))
        connection.sendall(text)
        return connection

    def test_halves_of_requests_keep_nobody_out_and_are_not_kept(self):
        self.open_many()
        with self.proxy() as proxy:
            half = b"GET / HTTP/1.1\r\nHost: x\r\nX-A: "
            halves = [self.said(proxy, half) for _ in range(MANY)]
            for _ in range(10):  # of whichever process
                self.noted(f"http://{proxy.listen}/", timeout=5)
            until = time.monotonic() + 30  # nginx's own patience is a minute
            for connection in halves:
                connection.settimeout(max(until - time.monotonic(), 0.001))
                with contextlib.suppress(ConnectionResetError):
                    self.assertEqual(connection.recv(1), b"")
            self.noted(f"http://{proxy.listen}/", timeout=5)

    def test_an_address_has_so_many_answers_at_once_and_its_sockets_beside_them(self):
        self.open_many()
        most = int(re.search(r"limit_conn chat_answers (\d+);", TEMPLATE.read_text())[1])
        self.assertLess(most, MANY)
        proxy = self.proxy()
        with (proxy.static / "long.txt").open("wb") as file:
            file.truncate(16 * 1024 * 1024)  # far more than lies between the two
        with proxy:
            for _ in range(most):
                reader = self.said(proxy, b"GET /static/long.txt HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertEqual(reader.recv(12), b"HTTP/1.1 200")  # and nothing more is read
            for path in ("/", "/static/long.txt"):
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    self.noted(f"http://{proxy.listen}{path}")
                self.assertEqual(refused.exception.code, 429, path)
                refused.exception.close()
            self.noted(f"http://{proxy.listen}/ws/chat/")
            elsewhere = HTTPConnection(proxy.listen, timeout=5, source_address=("127.9.9.9", 0))
            with contextlib.closing(elsewhere):
                elsewhere.request("GET", "/")
                self.assertEqual(elsewhere.getresponse().status, 200)

    def test_who_has_a_network_of_ipv6_is_one_asker(self):
        networks = (
            ("2001:db8:1:2::5", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:ffff::"),
            ("2001:db8:1:3::5", "2001:db8:1:3:0:4:5:6"),
            ("2001:db8::5", "2001:db8::a:b:c:d"),
            ("2001:db8:1::5", "2001:db8:1::b:c:d"),
            ("192.0.2.1",),
            ("192.0.2.2",),
            ("::1",),
        )
        proxy = self.proxy()
        told = "set_real_ip_from 127.0.0.1; real_ip_header X-Address;"
        told += "location = /asker { return 200 $chat_asker; }"
        (proxy.tls / "told.conf").write_text(told)
        with proxy:
            found = []
            for addresses in networks:
                askers = set()
                for address in addresses:
                    headers = {"X-Address": address}
                    asked = urllib.request.Request(f"http://{proxy.listen}/asker", None, headers)
                    with urllib.request.urlopen(asked) as answer:
                        askers.add(answer.read())
                self.assertEqual(len(askers), 1, addresses)
                found += askers
        self.assertEqual(len(set(found)), len(networks))

    def test_a_file_in_the_folder_for_tls_turns_it_on(self):
        # The file of docs/operations.md, with ports and paths of this test.
        text = (ROOT / "docs/operations.md").read_text()
        given = re.search(r"```nginx\n(listen 443 ssl.*?)```", text, re.S)[1]
        proxy, port = self.proxy(), free_port()
        key, certificate = proxy.tls / "privkey.pem", proxy.tls / "fullchain.pem"
        subprocess.run(
            [need("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt"]
            + ["ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
            + ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
            check=True,
            capture_output=True,
        )
        conf = given.replace("listen 443", f"listen 127.0.0.1:{port}")
        (proxy.tls / "tls.conf").write_text(conf.replace("/etc/nginx/tls", str(proxy.tls)))
        trusting = ssl.create_default_context(cafile=certificate)
        with proxy:
            wait_for(port, proxy.process, proxy.log)
            heard = self.noted(f"https://127.0.0.1:{port}/", context=trusting)
            self.assertEqual(heard["x-forwarded-proto"], "https")
            self.assertEqual(heard["host"], f"127.0.0.1:{port}")
            opener = urllib.request.build_opener(Stays)
            with self.assertRaises(urllib.error.HTTPError) as moved:
                opener.open(f"http://{proxy.listen}/c/1/?a=b")
            moved.exception.close()
            self.assertEqual(moved.exception.headers["Location"], "https://127.0.0.1/c/1/?a=b")


class Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


class TemplateTests(SimpleTestCase):
    def test_a_silent_socket_outlives_many_heartbeats(self):
        found = re.findall(r"proxy_(?:read|send)_timeout (\d+)h;", TEMPLATE.read_text())
        self.assertEqual(len(found), 2)
        # Browsers let a tab behind others act once a minute.
        longest = max(settings.CHAT_TIMES["heartbeat"], 60)
        self.assertGreater(min(map(int, found)) * 3600, 10 * longest)

    def test_every_kind_of_static_file_has_its_type(self):
        types = re.search(r"types \{(.*?)\}", TEMPLATE.read_text(), re.S)[1]
        known = {f".{name}" for line in types.split(";") for name in line.split()[1:]}
        kinds = {path.suffix for path in (ROOT / "static").glob("**/*.*") if path.is_file()}
        self.assertGreater(len(kinds), 1)
        self.assertLessEqual(kinds, known)

    def test_only_names_of_its_own_are_filled_in(self):
        names = set(re.findall(r"\$\{(\w+)\}", TEMPLATE.read_text()))
        self.assertEqual(names, {"CHAT_LISTEN", "CHAT_WORKERS", "CHAT_STATIC", "CHAT_TLS"})
        text = filled(dict.fromkeys(names, "x"))
        self.assertIn("$http_upgrade", text)
        self.assertNotIn("${", text)
