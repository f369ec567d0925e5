"""A Sentry of our own: a little HTTP server that keeps what it is told."""

import gzip
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

SECONDS = 20


class Sentry:
    """`with Sentry() as sentry: Server(SENTRY_DSN=sentry.dsn) … sentry.wait(1)`"""

    def __init__(self) -> None:
        self.envelopes: list[str] = []
        sentry = self

        class Envelopes(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                sentry.envelopes.append(f"{self.path}\n{self.headers}\n{body.decode()}")
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Envelopes)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.dsn = f"http://publickey0123456789@127.0.0.1:{self._server.server_port}/1"

    def wait(self, count: int) -> list[str]:
        """What it was told, once it was told so often."""
        deadline = time.monotonic() + SECONDS
        while len(self.envelopes) < count:
            assert time.monotonic() < deadline, f"{count}: {self.envelopes}"
            time.sleep(0.05)
        return self.envelopes

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
