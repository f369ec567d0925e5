"""A random walk over everything that people do and everything that may befall the servers.

After each step every tab's strict client has accepted every frame, the ledger of what was shown and
promised is compared with the database, and one tab that has been there all along with a new one:
what is fetched later is what was fetched earlier and the frames since then.

Hypothesis chooses the steps. The processes are real, so a seed gives the same steps and never the
same timing: a failure may not come again, and to shrink one is of no use, so Hypothesis does
neither, and keeps no examples, which it forgets as soon as they pass. A walk that fails leaves its
history instead, which is every frame of every tab, and its steps: put into `seeds/`, these are
walked in each `make test`.
"""

import json
import re
import shutil
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from time import monotonic
from uuid import uuid4

import aiohttp
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from chat.models.conversation import title_of
from tests.reducer import FINAL
from tests.replies.case import asks
from tests.server import Server
from tests.tabs import Person
from tests.upstream import MODELS

from . import figures
from .ledger import Ledger
from .page import History, Page, request
from .world import DOWN, FROZEN, UP, World, eventually

# Which of what there is: any number will do, whatever there is by then.
WHICH = st.integers(0, 99)
WORKER = st.integers(0, 1)
MANNERS = {
    "whole": {},
    "thinking": {"reasoning": 8},
    "emoji": {"split_emoji": True},
    "cut": {"cut_after": 12},
    "reset": {"reset_after": 12},
    "failing": {"status": 500},
}

# What a change of a conversation is answered; and how long its deletion can be undone (seconds).
DONE, NOT_FOUND = 204, 404
UNDO = 5

# Whoever asks the model for a title, this is it.
TITLE = "By the model"
TITLE_PROMPT = f"A title, please. !!{json.dumps({'text': TITLE})}"

FOUND = re.compile(r'class="found-title"><a href="/c/([0-9a-f-]{36})/"')

LONG = {"where": "here", "manner": "whole", "tokens": 300, "rate": 100}
LONG |= {"plan": False, "in_passing": False}


class Unreliable(Exception):
    """A walk has failed already, and is not tried again."""


class Account(Person):
    """A person who signs in: `await bob.sign_in()`, after `async with Account(url, "bob")`."""

    password = "a password of the tests"

    def __init__(self, url: str, name: str) -> None:
        super().__init__(url)
        self.name = name

    async def sign_in(self) -> bool:
        async with self.http.get(f"{self.url}/sign-in/") as page:
            if page.status != 200:
                return False
        return await self._submit("/sign-in/", username=self.name, password=self.password)

    async def sign_out(self) -> bool:
        return await self._submit("/sign-out/")

    async def _submit(self, path: str, **fields: str) -> bool:
        """Post a form that leads to another page; False if the server cannot, now."""
        token = {cookie.key: cookie.value for cookie in self.http.cookie_jar}["csrftoken"]
        headers = {"X-CSRFToken": token, "Origin": self.url}
        async with self.http.post(
            f"{self.url}{path}", data=fields, headers=headers, allow_redirects=False
        ) as answer:
            assert answer.status in (302, 500), f"{path} answers {answer.status}"
            return answer.status == 302


# The steps that there are, as strategies of their names and arguments; and which are faults.
STEPS: list[st.SearchStrategy[tuple[str, dict]]] = []
FAULTS: set[str] = set()


def step(**arguments: st.SearchStrategy) -> Callable:
    """A step of a walk. Its arguments do not depend on what happened, so that a seed's walk is the
    same whatever the timing, and may be walked again from a file."""

    def made(work: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        STEPS.append(st.tuples(st.just(work.__name__), st.fixed_dictionaries(arguments)))
        return work

    return made


def fault(**arguments: st.SearchStrategy) -> Callable:
    """A step that befalls people while somebody is being answered."""

    def made(work: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        FAULTS.add(work.__name__)
        return step(**arguments)(work)

    return made


class Walk(RuleBasedStateMachine):
    def __init__(self, world: World, folder: Path) -> None:
        super().__init__()
        self.world = world
        self.folder = folder
        self.folder.mkdir()
        self.ledger = Ledger()
        self.history = History(folder / "history.jsonl")
        self.steps: list[tuple[str, dict]] = []
        self.people: list[Person] = []
        self.pages: list[Page] = []
        self.owners: dict[str, Person] = {}  # of each conversation
        self.thrown_away: dict[str, float] = {}  # by people, and not restored: since when
        # What people gave a conversation, and were told that it holds: by its id, and what it is.
        self.given: dict[tuple[str, str], object] = {}
        self.words: list[str] = []  # each of one question, or of one title, of this walk alone
        self.name = uuid4().hex[:8]
        self.running: set[str] = set()
        self.questions = count(1)
        self.failure: BaseException | None = None
        self.guarded(self._begin())

    # What Hypothesis calls

    @rule(step=st.deferred(lambda: st.one_of(STEPS)))
    def take(self, step: tuple[str, dict]) -> None:
        """One step. All are one rule: of several, Hypothesis would leave out some in each walk, and
        often nearly all."""
        if step[0] in FAULTS and not self.running:
            self.walked("send", LONG | {"page": len(self.steps)})
        self.walked(*step)

    def walked(self, name: str, given: dict) -> None:
        self.steps.append((name, given))
        self.history.write("walk", name, given)
        figures.count("steps walked")
        self.guarded(getattr(self, name)(**given))

    @invariant()
    def holds(self) -> None:
        if not self.failure:
            self.guarded(self._check())

    def teardown(self) -> None:
        try:
            if not self.failure:
                self.guarded(self._finish())
        finally:
            self.world.run(self._leave())
            self.history.close()

    def guarded(self, work: Awaitable[None]) -> None:
        """Do it; if it fails, say where everything stands that is known of this walk."""
        try:
            self.world.run(work)
        except BaseException as error:
            self.failure = error
            self.history.write("walk", "failed", repr(error))
            self.history.write("world", "is", self.world.run(self.world.situation()))
            (self.folder / "steps.json").write_text(json.dumps(self.steps, indent=1) + "\n")
            for number, worker in enumerate(self.world.workers):
                shutil.copy(worker.log, self.folder / f"worker-{number}.log")
            error.add_note(f"The history, the steps, and the logs are in {self.folder}")
            raise

    # Steps: what people do

    @step()
    async def agree(self) -> None:
        """Nothing but a look at every tab."""
        for page in self.pages:
            await self._compare(page)

    @step(
        page=WHICH,
        where=st.sampled_from(["here", "elsewhere", "earlier"]),
        manner=st.sampled_from(sorted(MANNERS)),
        tokens=st.sampled_from([1, 30, 120, 400]),
        rate=st.sampled_from([0, 100, 400]),
        plan=st.booleans(),
        in_passing=st.booleans(),
    )
    async def send(self, page, where, manner, tokens, rate, plan, in_passing) -> None:
        tab = await self._page(page)
        directive = {"tokens": tokens, "rate": rate, **MANNERS[manner]}
        text = self._text(**directive)
        more = {"assistant": "plan"} if plan else {}
        if where == "earlier" and (asked := _of_role(tab, "user")):
            more["parent"] = asked[page % len(asked)]["parent"]
        await self._send(tab, tab.due if where != "elsewhere" else None, text, in_passing, **more)

    @step(
        page=WHICH,
        kind=st.sampled_from(["regenerate", "continue"]),
        in_passing=st.booleans(),
        model=st.sampled_from([None, *MODELS]),
    )
    async def again(self, page, kind, in_passing, model=None) -> None:
        tab = await self._page(page)
        more = {"model": model} if model and kind == "regenerate" else {}
        if replies := _of_role(tab, "assistant"):
            message = replies[page % len(replies)]["id"]
            await self._request(tab, request(kind, message=message, **more), in_passing)

    @step(page=WHICH, which=WHICH)
    async def repeat(self, page, which) -> None:
        """Say again what was acknowledged: the answer is the same."""
        tab = await self._live_page(page)
        frames = [
            request.frame
            for request in self.ledger.requests.values()
            if request.ack and self.owners[request.ack["conversation"]] is tab.person
        ]
        if frames and (answer := await tab.demand(frames[which % len(frames)])):
            conversation = self.ledger.requests[answer["cid"]].ack["conversation"]
            gone = conversation in self.ledger.deleted
            code = answer.get("code", "ack")
            assert code in ("ack", "unavailable") or gone, f"said again, it is {answer}"

    @step(page=WHICH, other=WHICH, same=st.booleans())
    async def together(self, page, other, same) -> None:
        """Two tabs of a person say the same request, or two, at the same time."""
        one = await self._live_page(page)
        two = await self._live_page(other, one.person)
        if one is two:
            return
        conversation = one.due or str(uuid4())
        texts = [self._text(tokens=60, rate=100) for _ in range(2)]
        frames = [self._question(one, conversation, text) for text in texts]
        if same:
            frames[1] = frames[0]
        for tab, frame in zip((one, two), frames, strict=True):
            await tab.put(frame)
        for tab in (one, two):
            await tab.caught_up()

    @step(page=WHICH)
    async def read(self, page) -> None:
        """Read to the end."""
        tab = await self._live_page(page)

        async def is_read() -> bool:
            gone = tab.due in self.ledger.deleted  # nothing more is told of it
            return gone or not tab.is_open or all(one["status"] in FINAL for one in tab.shown())

        if await tab.caught_up():
            await eventually(is_read, f"end of what {tab.name} reads")

    @step(page=WHICH, presses=st.integers(1, 3), in_passing=st.booleans())
    async def stop(self, page, presses, in_passing) -> None:
        tab = await self._page(page)
        replies = _of_role(tab, "assistant")
        if not replies:
            return
        reply, before = replies[-1], len(tab.all("error"))
        waits = tab.is_live and not in_passing
        if waits and reply["status"] not in FINAL:
            self.ledger.stopped(reply["id"])
        for _ in range(presses):
            await tab.say(type="stop", message=reply["id"])
        if not waits or not await tab.caught_up():
            return
        if not any(error["re"] == "stop" for error in tab.all("error")[before:]):
            await self._committed(reply["id"], lambda row: row["status"] in FINAL, "stopped")

    @step(page=WHICH, message=WHICH)
    async def select(self, page, message) -> None:
        tab = await self._live_page(page)
        ids = [id for one in tab.shown() for id in one["siblings"]]
        if not ids:
            return
        id, before = ids[message % len(ids)], len(tab.all("error"))
        await tab.say(type="select", message=id)
        if await tab.caught_up() and len(tab.all("error")) == before and self._is_calm():
            await self._committed(id, lambda row: row["shown"], "shown")

    @step(page=WHICH, conversation=WHICH)
    async def open(self, page, conversation) -> None:
        tab = await self._live_page(page)
        made = {row["conversation"] for row in self.rows}
        mine = [one for one in self.owners if one in made and self.owners[one] is tab.person]
        await tab.show([*mine, None][conversation % (len(mine) + 1)])

    @step(page=WHICH)
    async def pry(self, page) -> None:
        """Try what is somebody else's."""
        tab = await self._live_page(page)
        foreign = [row for row in self.rows if self.owners[row["conversation"]] is not tab.person]
        if not foreign:
            return
        row = foreign[page % len(foreign)]
        before = len(tab.all("error"))
        for type in ("stop", "select"):
            await tab.say(type=type, message=row["id"])
        await tab.say(type="open", conversation=row["conversation"])
        if await tab.caught_up():
            await tab.until(
                lambda: tab.closed or len(tab.all("error")) >= before + 3, "three refusals"
            )
            codes = {error["code"] for error in tab.all("error")[before:]}
            assert codes <= {"not_found", "unavailable"}, f"a stranger was told {codes}"
        if tab.is_open:
            await tab.show(tab.due)

    @step(page=WHICH)
    async def rename(self, page) -> None:
        title = f"Title {self.name} {next(self.questions)}"
        self.words.append(title)
        await self._give(page, "title", title)

    @step(page=WHICH, pinned=st.booleans())
    async def pin(self, page, pinned) -> None:
        await self._give(page, "pinned", pinned)

    @step(page=WHICH, model=st.sampled_from(MODELS))
    async def choose(self, page, model) -> None:
        """Have another model answer from now on."""
        await self._give(page, "model", model, kept="" if model == MODELS[0] else model)

    @step(person=WHICH, which=WHICH)
    async def search(self, person, which) -> None:
        """Found is what the person has now, and nothing that is removed, or another's."""
        person, word = self.people[person % len(self.people)], self.words[which % len(self.words)]

        async def answered() -> tuple[set, str, set] | None:
            before = await self._having(word, person)
            person.url = (await self.world.some_worker(which)).url
            page = await self._page_of(person, "/search/", q=f'"{word}" ')
            done = page is not None and "data-behind" not in page
            return (before, page, await self._having(word, person)) if done else None

        before, page, after = await eventually(answered, f"answer to a search for {word}")
        found = {*FOUND.findall(page)}
        assert before & after <= found <= before | after, f"{word} is found in {found}: {before}"

    @step(page=WHICH)
    async def export(self, page) -> None:
        """What was shown until now is what is taken along."""
        tab = await self._live_page(page)
        known, conversation = self.ledger.known(), tab.due
        if conversation not in self.owners:
            return
        tab.person.url = (await self.world.some_worker(page)).url
        file = await self._page_of(tab.person, f"/c/{conversation}/export/", **{"as": "json"})
        if file is None:
            return
        rows = {row["id"]: row for row in json.loads(file)["messages"]}
        for id, (text, _, final) in known.items():
            if self.ledger.shown[id].conversation == conversation:
                assert rows[id]["text"].startswith(text), f"{text!r} of {id} is not taken along"
                assert not final or rows[id]["status"] == final["status"], f"{final}: {rows[id]}"
        for other in self.people:
            if other is not self.owners[conversation]:
                other.url = tab.person.url
                path = f"/c/{conversation}/export/"
                assert await self._page_of(other, path) is None, f"{other} has {conversation}"

    @step(which=WHICH, tokens=st.sampled_from([30, 400]))
    async def adopt(self, which, tokens) -> None:
        """A guest signs in while they are answered: what they said is the account's."""
        owner = next(one for one in self.people if isinstance(one, Account))
        guest = Account((await self.world.some_worker(which)).url, owner.name)
        await guest.__aenter__()
        page = self._new_page(guest, "a guest")
        await page.come(await self.world.some_worker(which))
        frame = self._question(page, str(uuid4()), self._text(tokens=tokens, rate=100))
        accepted = (await page.demand(frame) or {}).get("type") == "ack"
        guest.url = owner.url = (await self.world.some_worker(which + 1)).url
        await eventually(guest.sign_in, "a page after the sign-in")
        await page.leave()
        await guest.http.close()
        self.owners[frame["conversation"]] = owner
        assert not accepted or frame["conversation"] in await owner.listed(), "it is not adopted"

    @step(page=WHICH)
    async def delete(self, page) -> None:
        tab = await self._live_page(page)
        since = monotonic()
        if tab.due not in self.owners:
            return
        if await self._change(tab, tab.person.delete, tab.due) == DONE:
            self.ledger.deletes(tab.due)
            self.thrown_away[tab.due] = since

    @step(which=WHICH)
    async def restore(self, which) -> None:
        """Undo a deletion: every tab that showed the conversation shows it again."""
        if not self.thrown_away:
            return
        conversation, since = list(self.thrown_away.items())[-1 - which % 2 :][0]
        tab = await self._live_page(which, self.owners[conversation])
        answer = await self._change(tab, tab.person.restore, conversation)
        assert answer != NOT_FOUND or monotonic() - since > UNDO, f"{conversation} was removed"
        if answer == DONE:
            del self.thrown_away[conversation]
            self.ledger.deleted.discard(conversation)

    @step(person=WHICH)
    async def sign_out(self, person) -> None:
        """Sign out, be nobody, and sign in again, while replies are being written."""
        accounts = [one for one in self.people if isinstance(one, Account)]
        person = accounts[person % len(accounts)]
        worker = await self.world.some_worker()
        person.url = worker.url
        await eventually(person.sign_out, "a page after the sign-out")
        mine = [page for page in self.pages if page.person is person]
        for page in mine:
            await eventually(lambda page=page: page.is_refused(worker), "a refusal of nobody")
        await eventually(person.sign_in, "a page after the sign-in")
        for number, page in enumerate(mine):
            await page.come(await self.world.some_worker(number))

    # Steps: what befalls them

    @fault(page=WHICH)
    async def drop(self, page) -> None:
        await self.pages[page % len(self.pages)].drop()

    @fault(page=WHICH, worker=WORKER)
    async def come(self, page, worker) -> None:
        await self.pages[page % len(self.pages)].come(await self.world.some_worker(worker))

    @fault(worker=WORKER)
    async def kill(self, worker) -> None:
        worker = self.world.workers[worker]
        await self.world.kill(worker)
        await self._orphan(worker)

    @fault(worker=WORKER)
    async def freeze(self, worker) -> None:
        worker = self.world.workers[worker]
        await self.world.freeze(worker)
        await self._orphan(worker)

    @fault(worker=WORKER)
    async def drain(self, worker) -> None:
        await self.world.drain(self.world.workers[worker])

    @fault(worker=WORKER, patiently=st.booleans())
    async def heal(self, worker, patiently) -> None:
        """It comes back: at once, or when the other has ended what it left."""
        await self._heal(self.world.workers[worker], patiently)

    @fault(how=st.sampled_from([UP, FROZEN, DOWN, "flush"]))
    async def redis(self, how) -> None:
        if how == UP:
            await self.world.cure_redis()
        else:
            await self.world.trouble_redis(how)

    @fault()
    async def cut_database(self) -> None:
        await self.world.cut_database()

    # What the steps share

    async def _begin(self) -> None:
        self.rows: list[dict] = []
        for worker in self.world.workers:
            await self.world.heal(worker)
        await self.world.cure_redis()
        self.world.upstream.clear()
        url = self.world.workers[0].url
        for person, tabs in ((Person(url), 2), (Account(url, "bob"), 3)):
            await person.__aenter__()
            self.people.append(person)
            if isinstance(person, Account):
                await eventually(person.sign_in, "a page after the sign-in")
            for number in range(tabs):
                name = f"{type(person).__name__.lower()} {number}"
                page = self._new_page(person, name)
                self.pages.append(page)
                await page.come(await self.world.some_worker(number))
            mine = self.pages[-tabs:]
            await self._send(mine[0], None, self._text(tokens=30, rate=100))
            for page in mine[1:]:  # all look at the same, to begin with
                await page.show(mine[0].due)

    def _new_page(self, person: Person, name: str) -> Page:
        return Page(self.world, self.ledger, self.history, person, name)

    async def _leave(self) -> None:
        for page in self.pages:
            await page.leave()
        for person in self.people:
            await person.http.close()

    async def _page(self, number: int) -> Page:
        """A tab, come back if its socket is gone; its worker may be frozen."""
        page = self.pages[number % len(self.pages)]
        if not page.is_open:
            await page.come(await self.world.some_worker(number))
        return page

    async def _live_page(self, number: int, person: Person | None = None) -> Page:
        """A tab (of this person's) that is told of what happens now."""
        pages = [page for page in self.pages if person in (None, page.person)]
        page = pages[number % len(pages)]
        if not page.is_live:
            await page.come(await self.world.some_worker(number))
        return page

    def _text(self, **directive: object) -> str:
        """A question that no other is like, and how it is answered, and continued."""
        going_on = {"tokens": 40, "start": 5000, "rate": 100}
        self.words.append(f"{self.name}q{next(self.questions)}")
        return asks(self.words[-1], **directive, next=going_on)

    def _question(self, page: Page, conversation: str, text: str, **more: object) -> dict:
        """A question after the last reply that the page shows."""
        here = conversation == page.client.conversation
        replies = _of_role(page, "assistant") if here else []
        more.setdefault("parent", replies[-1]["id"] if replies else None)
        self.owners.setdefault(conversation, page.person)
        return request("send", conversation=conversation, text=text, **more)

    async def _send(
        self, page: Page, conversation: str | None, text: str, in_passing=False, **more: object
    ) -> None:
        if conversation is None or conversation in self.ledger.deleted:
            conversation = str(uuid4())
            more.pop("parent", None)
        await self._request(page, self._question(page, conversation, text, **more), in_passing)

    async def _request(self, page: Page, frame: dict, in_passing: bool) -> None:
        if in_passing or not page.is_live:
            await page.put(frame)
        else:
            await page.demand(frame)

    async def _change(
        self, page: Page, change: Callable[..., Awaitable[int]], conversation: str, **fields: str
    ) -> int | None:
        """The status of the answer; None or 500: nobody knows whether it is done."""
        page.person.url = (await self.world.some_worker()).url
        try:
            status = await change(conversation, **fields)
        except aiohttp.ClientError:
            return None
        assert status in (DONE, NOT_FOUND, 500), f"{change.__name__} answers {status}"
        return status

    async def _give(self, page: int, what: str, value: object, *, kept: object = None) -> None:
        """Give what a tab shows a `title`, a `model`, or have it `pinned`."""
        tab = await self._live_page(page)
        if tab.due in self.owners and tab.due not in self.ledger.deleted:
            self.given.pop((tab.due, what), None)
            if await self._change(tab, tab.person.change, tab.due, **{what: value}) == DONE:
                self.given[tab.due, what] = value if kept is None else kept

    async def _page_of(self, person: Person, path: str, **query: str) -> str | None:
        """What the person is answered; None if it is not there, or the server cannot, now."""
        try:
            async with person.http.get(f"{person.url}{path}", params=query) as answer:
                assert answer.status in (200, 404, 500), f"{path} answers {answer.status}"
                return await answer.text() if answer.status == 200 else None
        except aiohttp.ClientError:
            return None

    async def _having(self, word: str, person: Person) -> set[str]:
        """The person's conversations that are there, and have this word."""
        messages, conversations = await self.world.rows(self.ledger.conversations)
        said = [(row["conversation"], row["text"]) for row in messages if row["role"] == "user"]
        said += [(one["id"], one["title"]) for one in conversations]
        there = {one["id"] for one in conversations if not one["deleted"]}
        return {
            id
            for id, text in said
            if id in there and self.owners[id] is person and f"{text} ".startswith(f"{word} ")
        }

    async def _orphan(self, worker: Server) -> None:
        """Remember what was being written there: somebody else has to end it."""
        ids = self.world.ids(worker)
        for row in await self._read():
            if row["status"] not in FINAL and row["worker"] in ids:
                self.ledger.orphaned(row["id"])

    async def _heal(self, worker: Server, patiently: bool) -> None:
        if patiently and self.world.state[worker] != UP and self.world.healthy():
            # A worker under daphne begins to look after others with its first socket.
            looker = self._new_page(self.people[0], "somebody who looks")
            await looker.come(await self.world.some_worker())
            ids = self.world.ids(worker)

            async def is_settled() -> bool:
                rows = await self._read()
                return all(row["status"] in FINAL or row["worker"] not in ids for row in rows)

            await eventually(is_settled, "end of what a lost worker left")
            await looker.leave()
        await self.world.heal(worker)

    def _is_calm(self) -> bool:
        """Whether nothing is under way but what the step itself does."""
        return not any(page.unanswered for page in self.pages)

    async def _committed(self, id: str, holds: Callable[[dict], bool], what: str) -> None:
        row = next((row for row in await self._read() if row["id"] == id), None)
        if row is not None:
            assert holds(row), f"{id} was to be {what}: {row}"

    async def _read(self) -> list[dict]:
        return (await self.world.rows(self.ledger.conversations))[0]

    # What must hold

    async def _check(self) -> None:
        for page in self.pages:
            page.check()
        known = self.ledger.known()
        self.rows, conversations = await self.world.rows(self.ledger.conversations)
        self.ledger.audit(known, self.rows, conversations)
        self.running = {row["id"] for row in self.rows if row["status"] not in FINAL}
        there = {one["id"]: one for one in conversations if not one["deleted"]}
        for (id, what), value in self.given.items():
            assert id not in there or there[id][what] == value, f"not {value} is in {there[id]}"
        for row in self.rows:
            if row["seq"] == 1 and row["conversation"] in there:
                titles = {title_of(row["text"]), TITLE, *self.words}
                assert row["title"] in titles, f"nobody gave the title of {row}"
        await self._compare(self.pages[len(self.steps) % len(self.pages)])

    async def _compare(self, page: Page, worker: int | None = None) -> None:
        """What a tab shows by now is what a new one is shown."""
        if not page.is_live or not await page.caught_up():
            return
        if page.due is None or page.due in self.ledger.deleted:
            return
        fresh = self._new_page(page.person, f"{page.name}, again")
        fresh.due = page.due
        await fresh.come(
            await self.world.some_worker(len(self.steps) if worker is None else worker)
        )

        async def is_same() -> bool:
            page.check()
            fresh.check()
            return not (page.is_live and fresh.is_live) or _is_same(page, fresh)

        await eventually(is_same, f"agreement of {page.name} with a new tab")
        await fresh.leave()

    async def _finish(self) -> None:
        """All is well again: everything comes to an end, and everybody agrees on it."""
        await self.world.cure_redis()
        if not self.world.healthy():
            await self.world.some_worker()
        for worker in self.world.workers:
            await self._heal(worker, patiently=True)
        for number, page in enumerate(self.pages):
            if not page.is_open:
                await page.come(self.world.workers[number % 2])
            await page.caught_up()
            await eventually(page.is_answered, f"answers to {page.name}")

        async def is_quiet() -> bool:
            rows = await self._read()
            return all(row["status"] in FINAL and not row["deleted"] for row in rows)

        await eventually(is_quiet, "end of every reply, and of what was deleted")
        await self._check()
        for page in self.pages:
            for worker in (0, 1):
                await self._compare(page, worker)
        for person in self.people:
            person.url = self.world.workers[0].url
            ids = {id for id in await person.listed() if id in self.owners}
            there = {row["conversation"] for row in self.rows}
            assert ids == {one for one in there if self.owners[one] is person}, "the list is wrong"

        async def is_idle() -> bool:
            return all(request["finished"] for request in self.world.upstream.requests())

        await eventually(is_idle, "end of every request to the model")
        assert not await self.world.words_left(), "words of what is removed are left"


def _of_role(page: Page, role: str) -> list[dict]:
    return [message for message in page.shown() if message["role"] == role]


def _is_same(page: Page, fresh: Page) -> bool:
    """Whether both show the same, as far as both show it: a new tab knows fewer messages. Of a
    reply that is being written, one may be told more than the other by now."""
    count = min(len(page.shown()), len(fresh.shown()))
    if page.client.conversation != fresh.client.conversation or not count:
        return False
    pairs = zip(page.shown()[-count:], fresh.shown()[-count:], strict=True)
    return all(_settled(one, two) for one, two in pairs)


def _settled(one: dict, two: dict) -> bool:
    growing = {"text", "length", "reasoning", "reasoning_length", "steps"}
    if one["status"] in FINAL or two["status"] in FINAL:
        return one == two
    return all(one.get(key) == two.get(key) for key in (one.keys() | two.keys()) - growing)


def walk(world: World, folder: Path, *, number: int, walks: int, steps: int) -> None:
    """Walk with a seed of this number: so many walks, each of so many steps. The first of them is
    Hypothesis's simplest, which takes the first step again and again."""
    begun: list[Walk] = []

    def machine() -> Walk:
        # Hypothesis would walk a failed one again, to see whether that was chance.
        if any(walk.failure for walk in begun):
            raise Unreliable
        begun.append(Walk(world, folder / f"{number}-{len(begun)}"))
        return begun[-1]

    try:
        run_state_machine_as_test(
            seed(number)(machine),
            settings=settings(
                max_examples=walks,
                stateful_step_count=steps,
                phases=[Phase.generate],
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except Exception as error:
        failure = next((walk.failure for walk in begun if walk.failure), error)
        failure.add_note(f"The seed was {number}.")
        raise failure from None


def walk_again(world: World, folder: Path, path: Path) -> None:
    """Walk the steps of a file."""
    walk = Walk(world, folder / path.stem)
    try:
        for name, given in json.loads(path.read_text()):
            walk.walked(name, given)
            walk.holds()
    finally:
        walk.teardown()
