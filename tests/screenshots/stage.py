"""Where a scene is played: the servers, the person, and the camera."""

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from tests.browser import Browser
from tests.hands import BOX, REPLY, Hands
from tests.server import Server
from tests.upstream import Upstream
from tests.visitor import PASSWORD

from . import album, script
from .looks import COLOURS, DESKTOP, Camera
from .scene import Scene

# The sites, each with what makes it another.
SITES = {
    "chat": {"SIGN_UP": 1, "OPENAI_MODEL": "harbour-large,harbour-mini"},
    "demo": {"OPENAI_BASE_URL": "", "SIGN_UP": 1},
    "office": {"OPENAI_MODEL": "harbour-large,harbour-mini"},
    # Room for one reply of the greatest length, and little else.
    "thrifty": {"LIMIT_TOKENS": 2_400, "LIMIT_REPLY_TOKENS": 2_100},
    "strict": {"OPENAI_MODEL": "harbour-large", "LIMIT_PER_MINUTE": 1, "LIMIT_CHARACTERS": 400},
}
NAME = "ada"

# What Ada talked about before: titles and how many hours ago.
PAST = """
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.utils import timezone
from chat.models import Conversation
owner, now = get_user_model().objects.get(username={name!r}), timezone.now()
owner.email = {mail!r}
owner.save()
for title, hours, pinned in {past!r}:
    one = Conversation.objects.create(owner=owner, assistant="chat")
    one.add(parent=None, role="user", text=title, length=len(title))
    Conversation.objects.filter(id=one.id).update(
        updated=now - timedelta(hours=hours), pinned=pinned
    )
"""


class Theatre:
    """`with Theatre() as theatre: …`: one browser and one model server, and each site once, from
    when it is first asked for."""

    def __enter__(self) -> Self:
        self._open = ExitStack()
        self.upstream = self._open.enter_context(Upstream())
        self.upstream.answer(script.ANSWERS)
        self.browser = self._open.enter_context(Browser())
        self.mail = Path(self._open.enter_context(TemporaryDirectory(prefix="chat-mail-")))
        self._sites: dict[str, Server] = {}
        self._kept: list[str] = []
        self._ada: dict | None = None
        self._administrator: dict | None = None
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def site(self, name: str) -> Server:
        """The running server."""
        if name not in self._sites:
            usual = {
                "OPENAI_BASE_URL": self.upstream.url,
                "EMAIL_URL": f"filemail:///{self.mail}",
                # A model may hold still for as long as the pictures take.
                **{"FIRST_TOKEN_SECONDS": 600, "BETWEEN_TOKENS_SECONDS": 600},
            }
            server = Server("uvicorn", **usual | SITES[name])
            self._sites[name] = self._open.enter_context(server)
        server = self._sites[name]
        if server.process.poll() is not None:  # a scene has killed it
            server.start()
        return server

    def tidy(self) -> None:
        """Ada's list is as it was at first."""
        if not self._kept:
            return
        server, kept = self.site("chat"), self._kept
        with sqlite3.connect(server.data / "chat.sqlite3", timeout=30) as database:
            database.execute(
                "UPDATE chat_conversation SET deleted ="
                f" CASE WHEN id IN ({', '.join('?' * len(kept))}) THEN NULL"
                " ELSE coalesce(deleted, CURRENT_TIMESTAMP) END",
                kept,
            )
        database.close()

    def ada(self) -> dict:
        """Who has an account and a past, as the browser keeps her signed in."""
        if self._ada is None:
            server = self.site("chat")
            self._ada = self._signs("chat", "/sign-up/", NAME, "password1", "password2")
            told = PAST.format(name=NAME, mail=script.MAIL, past=script.PAST)
            server.shell(told)
            with sqlite3.connect(server.data / "chat.sqlite3") as database:
                rows = database.execute("SELECT id FROM chat_conversation WHERE deleted IS NULL")
                self._kept = [id for (id,) in rows]
            database.close()
        return self._ada

    def administrator(self) -> dict:
        """Who reads what others wrote."""
        if self._administrator is None:
            self.site("office").make_superuser("root", PASSWORD)
            self._administrator = self._signs("office", "/sign-in/", "root", "password")
        return self._administrator

    def _signs(self, site: str, path: str, name: str, *fields: str) -> dict:
        person = self.browser.person()
        page = person.new_page()
        page.goto(f"{self.site(site).url}{path}")
        page.fill("[name=username]", name)
        for field in fields:
            page.fill(f"[name={field}]", PASSWORD)
        page.press(f"[name={fields[-1]}]", "Enter")
        page.locator(BOX).wait_for()
        state = person.storage_state()
        person.close()
        return state


class Stage(Hands):
    """One scene: `with Stage(theatre) as stage: stage.show(scene)`."""

    def __init__(self, theatre: Theatre) -> None:
        self.theatre = theatre
        self.upstream = theatre.upstream
        self._after = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._after.close()

    def later(self, act: Callable[[], object]) -> None:
        """Done when the scene is over."""
        self._after.callback(act)

    # Coming

    def ada(self, path: str = "/", **options: object) -> None:
        """She comes to the usual site, with her conversations."""
        self._come("chat", path, storage_state=self.theatre.ada(), **options)

    def administrator(self, path: str) -> None:
        """Who reads in the admin what others wrote."""
        self._come("office", path, storage_state=self.theatre.administrator())

    def guest(self, site: str = "chat", path: str = "/", **options: object) -> None:
        """Somebody new."""
        self._come(site, path, **options)

    def _come(self, site: str, path: str, **options: object) -> None:
        self.server = self.theatre.site(site)
        self._scripts = options.get("java_script_enabled", True)
        self.person = self.theatre.browser.person(locale="en-GB", **options)
        self.later(self.person.close)
        self.page = self.open(path)

    def ask(self, question: str, status: str = "done", page=None) -> None:
        """A question of the script, and its reply until that is so."""
        before = (page or self.page).locator(f"{REPLY}[data-status={status}]").count()
        self.send(question, page)
        (page or self.page).locator(f"{REPLY}[data-status={status}]").nth(before).wait_for()

    def until_length(self, length: int) -> None:
        """Wait until so much of the last reply is shown."""
        self.page.wait_for_function(
            "length => [...document.querySelectorAll('article [data-part=text]')]"
            ".at(-1).textContent.length >= length",
            arg=length,
        )

    def hold_clock(self) -> None:
        """What the page counts from now on stays at nothing, however long the pictures take."""
        self.page.evaluate("() => { const now = performance.now(); performance.now = () => now; }")

    def at_end(self) -> None:
        """The reader is at the end, wherever a change of the view on a busy machine left them."""
        thread = self.page.locator("[data-part=thread]")
        thread.evaluate(
            "(thread) => { thread.scrollTop = thread.scrollHeight;"
            " thread.dispatchEvent(new Event('scroll')); }"
        )
        self.page.locator(".to-end").evaluate(
            "(button) => Promise.all(button.getAnimations().map((a) => a.finished))"
        )

    def on_phone(self) -> None:
        """What is done from now on is done on a phone."""
        self.page.set_viewport_size({"width": 390, "height": 844})

    def visible(self, selector: str) -> None:
        self.page.locator(f"{selector}:visible").first.wait_for()

    # The pictures

    def show(self, scene: Scene) -> None:
        """Play it, and take its pictures."""
        self.theatre.tidy()
        before = scene.play(self) or (lambda: None)
        camera = Camera(self.page, self._scripts)
        for look in scene.looks:
            camera.look(look)
            before()
            for mark in scene.marks:
                self.page.locator(mark).first.wait_for(state="attached")
            camera.take(album.FOLDER / f"{scene.name}-{look.name}.webp")
            if (scene.name, look) == (script.COVER, DESKTOP[0]):
                camera.look(look, scale=2)
                camera.take(album.COVER, 2 * COLOURS)
