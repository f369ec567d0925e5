"""The project's application, but for a page that fails before Django is asked."""

from chatproject import asgi

from .broken import FAILS_OUTSIDE


async def application(scope: dict, receive, send) -> None:
    if scope["type"] == "http" and scope["path"] == FAILS_OUTSIDE:
        words = (await receive())["body"].decode()
        raise RuntimeError(words)
    await asgi.application(scope, receive, send)
