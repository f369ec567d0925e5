"""A tab of a real Chromium, and what its main thread does."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import CDPSession, Page, Route, async_playwright

from benchmarks.servers import ROOT
from tests.browser import ARGUMENTS, CHROMIUM

HERE = Path(__file__).parent
SHARED = {
    "/benchmark/marked.esm.js": ROOT / "static/vendor/marked/marked.esm.js",
    "/benchmark/css/": ROOT / "static/chat/css",
    "/benchmark/": HERE,
}
TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
VIEW = {"width": 1280, "height": 800}
WAIT = 60_000  # ms
MIB = 1024 * 1024
KEYS = 0.25  # seconds from one to the next


class Tab:
    """One page of a person who is known by a cookie."""

    def __init__(self, url: str, page: Page, devtools: CDPSession) -> None:
        self.url, self.page, self.devtools = url, page, devtools
        self._before: dict[str, float] = {}

    async def go(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def metrics(self) -> dict[str, float]:
        """What the browser has counted so far; durations are the main thread's CPU seconds."""
        told = await self.devtools.send("Performance.getMetrics")
        return {metric["name"]: metric["value"] for metric in told["metrics"]}

    async def begin(self, root: str | None = None) -> None:
        """Measure from here on; what is written into the element `root` is counted."""
        await self.page.evaluate("(root) => watch.begin(document.querySelector(root))", root or "_")
        self._before = await self.metrics()

    async def end(self) -> dict[str, float]:
        """What was measured since `begin`."""
        after = await self.metrics()
        spent = {name: value - self._before[name] for name, value in after.items()}
        report = await self.page.evaluate("watch.report()")
        return {name: value for name, value in report.items() if value is not None} | {
            "cpu": spent["TaskDuration"],
            "script": spent["ScriptDuration"],
            "layout": spent["LayoutDuration"] + spent["RecalcStyleDuration"],
        }

    async def size(self) -> dict[str, float]:
        """What there is now: elements, and what is left of the heap once nobody wants the rest."""
        for _ in range(2):
            await self.devtools.send("HeapProfiler.collectGarbage")
        elements = await self.page.evaluate("document.querySelectorAll('*').length")
        heap = (await self.metrics())["JSHeapUsedSize"] / MIB
        return {"elements": elements, "heap": heap}

    async def type_until(self, done: asyncio.Task) -> None:
        """Press a key again and again, until that is done."""
        await self.page.focus("[data-part=composer-input]")
        while not done.done():
            await self.page.keyboard.press("a")
            await asyncio.wait([done], timeout=KEYS)


async def _answer(route: Route) -> None:
    path = "/" + route.request.url.split("/", 3)[3]
    prefix = next(prefix for prefix in SHARED if path.startswith(prefix))
    file = SHARED[prefix] if path == prefix else SHARED[prefix] / path.removeprefix(prefix)
    await route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])


@asynccontextmanager
async def chromium() -> AsyncIterator:
    """The browser: `async with opened(browser, …) as tab`."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def opened(browser, url: str, cookie: str, *, throttle: int = 1) -> AsyncIterator[Tab]:
    """A tab of the person with this cookie, on a computer that is slower by a factor."""
    context = await browser.new_context(viewport=VIEW)
    name, value = cookie.split("=", 1)
    await context.add_cookies([{"name": name, "value": value, "url": url}])
    await context.add_init_script(path=HERE / "watch.js")
    await context.route("**/benchmark/**", _answer)
    # An answer that `_answer` made is of no known network, which may not ask a local one.
    await context.grant_permissions(["local-network-access"])
    context.set_default_timeout(WAIT)
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    await devtools.send("Emulation.setCPUThrottlingRate", {"rate": throttle})
    try:
        yield Tab(url, page, devtools)
    finally:
        await context.close()


def moment() -> float:
    """Seconds, for differences."""
    return time.perf_counter()
