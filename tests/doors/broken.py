"""A page and a flow that fail with what people said in their hands and on their lips, in a server
that is started with `DJANGO_SETTINGS_MODULE=tests.doors.broken_settings`."""

import asyncio

from django.http import HttpRequest
from django.urls import include, path

FAILS = "/fails/"
FAILS_OUTSIDE = "/fails/outside/"


def fails(request: HttpRequest) -> None:
    words = request.POST["words"]
    raise RuntimeError(f"could not take {words!r}\n{words}")


def build(*, llm, emit):
    return Flow()


class Flow:
    async def run_async(self, shared: dict) -> None:
        words = shared["messages"][-1]["content"]
        asyncio.get_running_loop().create_task(_fail(words))  # nobody waits for it
        await asyncio.sleep(0)
        await _fail(words)


async def _fail(words: str) -> None:
    try:
        int(words)
    except ValueError as error:
        raise LookupError(words) from error


urlpatterns = [path("fails/", fails), path("", include("chatproject.urls"))]
