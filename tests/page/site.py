"""What the JavaScript tests run on: the project's scripts, the tests, no view of Django's.

`/run/<module>` is a page that loads one test module, under the site's own content security policy.
"""

import json
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string

from chat import protocol
from tests.page.hostile import PAYLOADS
from tests.reducer import Client

HERE = Path(__file__).parent
MODULES = sorted(path.name for path in (HERE / "js").glob("*.test.js"))
FOLDERS = {"/static/": settings.BASE_DIR / "static", "/js/": HERE / "js"}
CONTEXT = {"limits": {"characters": 100}, "enter_sends": True}
KEYS = (
    *("id", "seq", "parent", "role", "status", "text", "length", "reasoning", "reasoning_length"),
    *("steps", "finish_reason", "error", "siblings"),
)


def shown(frames: list[dict]) -> list[dict]:
    """What Python's client shows after these frames: all that two clients must agree on."""
    client = Client()
    for frame in frames:
        client.hear(frame)
    return [{key: message.get(key) for key in KEYS} for message in client.shown()]


def recordings() -> list[dict]:
    """Frames as one socket was told them, and `later`: the state that a new socket gets then."""
    paths = sorted((HERE / "frames").glob("*.json"))
    found = [{"name": path.stem, **json.loads(path.read_text())} for path in paths]
    return [recording | {"python": shown(recording["frames"])} for recording in found]


def corpus() -> list[dict]:
    """Documents to draw: those made for it, and the project's own."""
    root = settings.BASE_DIR
    paths = [*(HERE / "corpus").glob("*.md"), *root.glob("*.md"), *root.glob("docs/*.md")]
    return [
        {"name": f"{path.parent.name}/{path.name}", "text": path.read_bytes().decode()}
        for path in sorted(paths)
    ]


class Handler(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/run/"):
            self.answer("text/html", page(self.path.removeprefix("/run/")))
        elif self.path == "/recordings.json":
            self.answer("application/json", json.dumps(recordings()))
        elif self.path == "/codes.json":
            codes = {"refusals": [*protocol.REFUSALS], "failures": [*protocol.REPLY_ERRORS]}
            self.answer("application/json", json.dumps(codes))
        elif self.path == "/corpus.json":
            self.answer("application/json", json.dumps(corpus()))
        elif self.path == "/hostile.json":
            self.answer("application/json", json.dumps({"payloads": PAYLOADS}))
        else:
            super().do_GET()

    def answer(self, kind: str, body: str) -> None:
        data = body.encode()
        self.send_response(200)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", policy())
        self.end_headers()
        self.wfile.write(data)

    def translate_path(self, path: str) -> str:
        for prefix, folder in FOLDERS.items():
            if path.startswith(prefix) and ".." not in path:
                return str(folder / path.removeprefix(prefix))
        return str(HERE / "there is no such file")

    def log_message(self, *_: object) -> None:
        pass


def page(module: str) -> str:
    drawn = {
        name: render_to_string(f"chat/_{name}.html", CONTEXT)
        for name in ("code", "image", "composer")
    }
    templates = "".join(
        f'<template id="{name}-template">{markup}</template>' for name, markup in drawn.items()
    )
    return (
        f'<!doctype html><html lang="en" data-module="{module}"><title>{module}</title>'
        f'<link rel="icon" href="data:,">{templates}'
        '<script type="module" src="/js/run.js"></script>'
    )


def policy() -> str:
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    return "; ".join(f"{name} {' '.join(map(str, values))}" for name, values in directives.items())


class Site:
    """`with Site() as site: … site.url`"""

    def __enter__(self) -> "Site":
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
