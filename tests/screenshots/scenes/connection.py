"""Without a connection."""

import socket

from tests.screenshots import script
from tests.screenshots.scene import scene


def _offline(stage):
    stage.ada()
    stage.ask(script.TIDE)
    stage.server.kill()
    stage.visible("[data-part=banner]")


def _counting(stage):
    banner = stage.page.locator("[data-part=banner-text]", has_text=" s…")
    return lambda: banner.wait_for(timeout=30_000)


@scene("[data-part=banner]:not([hidden])")
def offline(stage):
    """The server is away, and is tried again."""
    _offline(stage)
    return _counting(stage)


@scene("[data-part=queued]:not([hidden])", 'article[data-status="queued"]')
def queued(stage):
    """What is sent meanwhile is kept."""
    _offline(stage)
    stage.send(script.SHORT)
    stage.visible("[data-part=queued]")
    return _counting(stage)


@scene("[data-part=banner]:not([hidden])")
def connecting(stage):
    """Something answers there, but not yet the chat."""
    _offline(stage)
    silent = socket.socket()
    silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    silent.bind(("127.0.0.1", stage.server.port))
    silent.listen()
    stage.later(silent.close)
    banner = stage.page.locator("[data-part=banner-text]", has_text="Connecting")
    return lambda: banner.wait_for(timeout=40_000)


@scene("article[data-status=done]")
def reconnected(stage):
    """It is back: what was kept is sent, and nothing is said about it."""
    _offline(stage)
    stage.send(script.SHORT)
    stage.server.start()
    stage.page.evaluate("dispatchEvent(new Event('online'))")
    stage.page.locator("article[data-status=done]").nth(3).wait_for()


@scene("[data-part=banner]:not([hidden])")
def out_of_date(stage):
    """The page is of an older version, from a cache: to load it again, once, did not help."""
    stage.ada()
    stage.ask(script.SHORT)

    stage.page.add_init_script(
        "document.addEventListener('readystatechange', () =>"
        " (document.querySelector('chat-app').dataset.protocol = '0'))"
    )
    stage.page.reload()
    stage.visible("[data-action=reload]")
