"""Whether this process can do its work: what a load balancer asks before it sends people here."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from time import monotonic

from django.conf import settings

from chat.models import Conversation

from . import process
from .database import in_database

OK = "ok"
# A part that says nothing for so long does not work (seconds). Who asks waits a little longer.
PATIENCE = 2
# Whoever asks again within this time is told the same: to ask often must cost nothing (seconds).
KEPT = 1
# A task of the process that had to start anew since is not trusted yet (seconds).
RECENT = 5
# So much room is left for what is being written (bytes).
LEAST_FREE = 64 * 1024 * 1024

_asking: dict[asyncio.AbstractEventLoop, tuple[float, asyncio.Task]] = {}


async def parts() -> dict[str, str]:
    """What each part says: "ok", or a word or two about what is wrong with it."""
    loop = asyncio.get_running_loop()
    asked, asking = _asking.get(loop, (0.0, None))
    if asking is None or (asking.done() and monotonic() - asked > KEPT):
        _asking.clear()
        asking = asyncio.ensure_future(_parts())
        _asking[loop] = monotonic(), asking
    return await asyncio.shield(asking)


async def _parts() -> dict[str, str]:
    checks = {"database": _database, "disk": _disk, "worker": _worker, "bus": _bus}
    said = await asyncio.gather(*map(_said, checks.values()))
    return dict(zip(checks, said, strict=True))


async def _said(check: Callable[[], Awaitable[str]]) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            return await check()
    except TimeoutError:
        return "does not answer"
    except Exception:
        return "fails"  # the reason names hosts and paths; the log says it where it is met


async def _database() -> str:
    """It answers, and has our tables."""
    await in_database(Conversation.objects.exists)
    return OK


async def _disk() -> str:
    return await asyncio.to_thread(_disk_says)


def _disk_says() -> str:
    try:
        with tempfile.TemporaryFile(dir=settings.DATA_DIR) as file:
            file.write(b"1")
    except OSError:
        return "cannot be written"
    return OK if shutil.disk_usage(settings.DATA_DIR).free >= LEAST_FREE else "nearly full"


async def _worker() -> str:
    """Replies are accepted, written, and settled here."""
    here = await process.current()
    if here.draining:
        return "draining"
    if here.writer.is_behind:
        return "behind with writing"
    recent = monotonic() - RECENT
    failed = sorted(task for task, at in here.failed.items() if at > recent)
    return f"failing: {', '.join(failed)}" if failed else OK


async def _bus() -> str:
    """The other workers are heard at once. Without it everything works, up to a second later."""
    bus = (await process.current()).bus
    if not bus.reaches_others:
        return "none"
    return OK if await bus.reaches_itself() else "lost"
