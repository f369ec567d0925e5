"""Record what a real server says to a tab, for the tests of both reducers.

    python -m tests.record

Writes `tests/page/frames/recorded-*.json`: the frames of one tab, and the state that a fresh tab is
told at the end. Run it when the protocol changes.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.replies.case import asks
from tests.server import Server
from tests.tabs import Person, Tab
from tests.upstream import Upstream

FRAMES = Path(__file__).parent / "page" / "frames"


async def branches(tab: Tab) -> None:
    """Regenerate, edit, and select."""
    first = await tab.ask(asks("one", tokens=12, rate=200))
    ack = await tab.again("regenerate", first["id"])
    second = await tab.ended(ack["reply"])
    await tab.ask(asks("two", tokens=8, rate=200))
    await tab.ask(asks("one, edited", tokens=5, rate=200), parent=None)
    await tab.say(type="select", message=second["id"])
    await tab.until(lambda: tab.message(second["id"]), "the earlier branch")


async def stopped(tab: Tab) -> None:
    """Stop in the middle, continue, and a failure."""
    going_on = {"tokens": 6, "start": 500, "rate": 100}
    ack = await tab.send(asks(tokens=500, rate=100, next=going_on))
    await tab.text_of(ack["reply"], 100)
    await tab.say(type="stop", message=ack["reply"])
    await tab.ended(ack["reply"])
    ack = await tab.again("continue", ack["reply"])
    await tab.ended(ack["reply"])
    await tab.ask(asks(status=401))


async def thinking(tab: Tab) -> None:
    """A plan, reasoning, emoji, and a reply that is still being written."""
    await tab.ask(asks(tokens=10, reasoning=6, rate=100, split_emoji=True), assistant="plan")
    ack = await tab.send(asks(tokens=60, rate=40))
    await tab.text_of(ack["reply"], 6 * 10)


async def record(play: Callable[[Tab], Awaitable[None]]) -> None:
    with Upstream() as upstream:
        settings = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODEL": "numbered"}
        with Server("uvicorn", **settings) as server:
            async with Person(server.url) as alice:
                tab, fresh = await alice.tab(), await alice.tab()
                await play(tab)
                await fresh.open(tab.client.conversation)
                recording = {
                    "note": play.__doc__,
                    "frames": tab.frames,
                    "later": fresh.all("state")[-1],
                }
    path = FRAMES / f"recorded-{play.__name__}.json"
    path.write_text(json.dumps(recording, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    for play in (branches, stopped, thinking):
        asyncio.run(record(play))
