"""What is measured of the page. Each measure notes its numbers by row and column."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.markdown import markdown
from benchmarks.model import Model, Stream
from benchmarks.servers import Server

from .rows import ALL, LONG, NAIVE, SHORT, THIS, slower
from .tab import Tab, moment, opened

REPLY = "article[data-role=assistant]"
LAST = "[data-part=messages] > :last-child > :last-child"
INPUT = "[data-part=composer-input]"
# In the page: what draws a piece of a reply, timed.
TIME_FLUSHES = """async () => {
  const { href } = document.querySelector("link[rel=modulepreload][href*='markdown/stream']");
  const { prototype } = (await import(href)).StreamMarkdown;
  for (const name of ["flush", "finish"]) prototype[name] = watch.timed(prototype[name]);
}"""
ALL_SHOWN = "document.querySelector('[data-part=earlier]').hidden"
AT_TOP = "document.querySelector('chat-thread').scrollTop === 0"
FIRST_DRAWN = "document.querySelector('article[data-role=assistant] [data-rich]') !== null"
SCROLL = 4000  # pixels, one turn of the wheel
PATIENCE = 900  # seconds, for the way to the top, and for a page that has fallen behind
Results = dict[tuple[str, str], list[float]]  # (row, column): one number for each time


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    characters: int  # of the reply that is streamed
    rate: float  # tokens a second
    messages: int  # of the long conversation
    reply: int  # characters of one of its replies
    opens: int  # times that a conversation is opened
    streamed: int  # characters of the reply that is written into it


FULL = Effort(100_000, 200, 5_000, 1_500, 5, 20_000)
QUICK = Effort(20_000, 200, 600, 600, 3, 5_000)


class Measures:
    """All of them, of one browser at one server."""

    def __init__(self, browser, server: Server, model: Model, effort: Effort) -> None:
        self.browser, self.server, self.model, self.effort = browser, server, model, effort
        self.url = f"http://127.0.0.1:{server.port}"
        self.results: Results = defaultdict(list)

    def note(self, column: str, **numbers: float) -> None:
        for row, number in numbers.items():
            self.results[row.replace("_", " "), column].append(number)
        told = ", ".join(f"{row.replace('_', ' ')} {n:.3f}" for row, n in numbers.items())
        print(f"{column}: {told}", flush=True)

    # A long reply

    async def streaming(self) -> None:
        """A long reply, drawn by the page and by the naive one, on this computer and on one that is
        four times slower."""
        [guest] = self.server.seed(1)
        for throttle in 1, 4:
            for name, ask in (NAIVE, self._ask_naive), (THIS, self._ask):
                said = self.model.saying(markdown(self.effort.characters), self.effort.rate)
                async with opened(
                    self.browser, self.url, guest["cookie"], throttle=throttle
                ) as tab:
                    numbers = await ask(tab, said)
                    numbers |= await tab.size()
                self.note(slower(name, throttle), **_named("stream", numbers))

    async def _ask_naive(self, tab: Tab, said: Stream) -> dict[str, float]:
        await tab.go("/benchmark/naive.html")
        await tab.page.wait_for_selector("html[data-ready]", state="attached")

        async def ask() -> None:
            await tab.page.evaluate("(question) => ask(question)", f"Go. {said.directive()}")

        return await self._watch(tab, said, ask, "html[data-status=done]")

    async def _ask(self, tab: Tab, said: Stream) -> dict[str, float]:
        await tab.go("/")
        await tab.page.evaluate(TIME_FLUSHES)

        async def ask() -> None:
            await tab.page.fill(INPUT, f"Go. {said.directive()}")
            await tab.page.press(INPUT, "Enter")

        return await self._watch(tab, said, ask, f"{REPLY}[data-status=done]")

    async def _watch(
        self,
        tab: Tab,
        said: Stream,
        ask: Callable[[], Awaitable[None]],
        done: str,
        root: str = ".thread",
    ) -> dict[str, float]:
        """Measure from the question to the end of its reply, with keys typed meanwhile."""
        await tab.begin(root)
        began = moment()
        await ask()
        sent = asyncio.create_task(self._sent(said))
        await tab.type_until(sent)
        await tab.page.locator(done).last.wait_for(state="attached", timeout=PATIENCE * 1000)
        took = moment() - began
        return {"took": took} | await tab.end()

    async def _sent(self, said: Stream) -> None:
        """Until the model has said all of it: nothing asks the page meanwhile."""
        while len(said.sent) < said.tokens:
            await asyncio.sleep(0.1)

    # A long conversation

    async def conversation(self) -> None:
        """A conversation of 50 messages, a long one, and that with all of it loaded."""
        for column, count in (SHORT, 50), (LONG, self.effort.messages):
            [guest] = self.server.seed(1, 1, count, self.effort.reply)
            path = f"/c/{guest['conversations'][0]}/"
            for _ in range(self.effort.opens):
                async with opened(self.browser, self.url, guest["cookie"]) as tab:
                    await self._open(tab, column, path)
            async with opened(self.browser, self.url, guest["cookie"]) as tab:
                await tab.go(path)
                await tab.page.evaluate("watch.drawn")
                await self._reply(tab, column)
                if not await self._up(tab, column):
                    continue
                if column is LONG:
                    column = ALL
                await self._find_and_select(tab, column)
                if column is ALL:
                    await self._reply(tab, column)
                await self._edit(tab, column)

    async def _open(self, tab: Tab, column: str, path: str) -> None:
        response = await tab.page.goto(tab.url + path)
        drawn = await tab.page.evaluate("watch.drawn")
        body = await response.body()
        size = await tab.size()
        self.note(column, open_drawn=drawn, open_bytes=len(body) / 1024, **_named("open", size))

    async def _reply(self, tab: Tab, column: str) -> None:
        """A reply comes while its reader types."""
        said = self.model.saying(markdown(self.effort.streamed), self.effort.rate)

        async def ask() -> None:
            await tab.page.fill(INPUT, f"Go. {said.directive()}")
            await tab.page.press(INPUT, "Enter")

        numbers = await self._watch(tab, said, ask, f"{LAST} {REPLY}[data-status=done]")
        await tab.page.fill(INPUT, "")
        numbers["cpu"] /= numbers.pop("took")
        self.note(column, **_named("reply", numbers), **_named("reply", await tab.size()))

    async def _up(self, tab: Tab, column: str) -> bool:
        """Wheel to the top, with all older pages; whether that came to an end."""
        page = tab.page
        await page.mouse.move(700, 300)
        await tab.begin()
        began = moment()
        while not (await page.evaluate(AT_TOP) and await page.evaluate(ALL_SHOWN)):
            if moment() - began > PATIENCE:
                print(f"{column}: not at the top after {PATIENCE} s", flush=True)
                return False
            await page.mouse.wheel(0, -SCROLL)
            await page.evaluate("new Promise(requestAnimationFrame)")
        await page.wait_for_function(FIRST_DRAWN)
        numbers = {"took": moment() - began} | await tab.end()
        numbers |= await tab.size()
        self.note(column, **_named("up", numbers))
        return True

    async def _find_and_select(self, tab: Tab, column: str) -> None:
        """The browser's own search, from the top to what stands at the end, and Select all."""
        took = await tab.page.evaluate(
            """() => {
              getSelection().removeAllRanges();
              const began = performance.now();
              if (!find("Go. !!", true)) throw new Error("not found");
              const found = performance.now();
              getSelection().selectAllChildren(document.querySelector("[data-part=messages]"));
              const size = getSelection().toString().length;
              const selected = performance.now();
              getSelection().removeAllRanges();
              if (!size) throw new Error("nothing is selected");
              return { find: found - began, select: selected - found };
            }"""
        )
        self.note(column, **took)

    async def _edit(self, tab: Tab, column: str) -> None:
        """The last question is written anew: to the editor, and to the first word of the reply."""
        page = tab.page
        said = self.model.saying(markdown(200), 0)
        await tab.begin()
        began = moment()
        await page.locator("[data-action=edit]:not([hidden])").last.click()
        editor = page.locator("[data-part=edit-input]")
        await editor.fill(f"Again. {said.directive()}")
        shown = moment()
        await editor.press("Enter")
        await page.locator(f"{REPLY} [data-rich] h4").last.wait_for()
        numbers = {"editor": shown - began, "edit first": moment() - shown}
        self.note(column, **{name: 1000 * number for name, number in numbers.items()})


def _named(prefix: str, numbers: dict[str, float]) -> dict[str, float]:
    return {f"{prefix} {name}": number for name, number in numbers.items()}
