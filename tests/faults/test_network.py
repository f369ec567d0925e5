"""What networks do: cases 32 to 36. However a connection ends or drags, nothing is lost by it."""

import asyncio
import base64
import json
import os
import random
import socket
from collections.abc import Iterable, Iterator
from contextlib import AsyncExitStack, suppress
from itertools import chain
from typing import ClassVar
from uuid import uuid4

from tests.replies.case import asks
from tests.server import Server
from tests.tabs import Person, Tab
from tests.upstream import numbered
from tests.wire import Wire

from . import figures, usage
from .aftermath import agreed, probe
from .case import FaultCase
from .soak import whole

AT_ONCE = 6  # sessions that are cut at the same time
WINDOW = 65_536
DRAIN = 1
EMOJI = "\N{GRINNING FACE}"
NOBODY = {"text": "", "status": "running"}


def edges(tape: bytes) -> Iterator[int]:
    """Where the frames of a recorded WebSocket begin and end."""
    at = tape.index(b"\r\n\r\n") + 4
    while at < len(tape):
        yield at
        masked, size = tape[at + 1] & 0x80, tape[at + 1] & 0x7F
        wide = {126: 2, 127: 8}.get(size, 0)
        size = int.from_bytes(tape[at + 2 : at + 2 + wide], "big") if wide else size
        at += 2 + wide + (4 if masked else 0) + size
    yield at


def cut_positions(tape: bytes, around: Iterable[int], stride: int) -> Iterable[int]:
    """Where to cut a session like this: `around` the edges of its frames, in a soak also at every
    `stride`th byte."""
    places = {edge + step for edge in edges(tape) for step in around} | {0}
    return sorted(places | set(whole((), range(0, len(tape) + 1, stride))))


class CutTests(FaultCase):
    """A session of about 40 frames, cut once at each place."""

    around = (-1, 0, 1)
    stride = 1

    async def test_32_a_connection_that_is_cut_anywhere_loses_and_doubles_nothing(self):
        with Wire(self.server.port) as wire:
            async with self.person() as alice:
                wire.up.tape, wire.down.tape = bytearray(), bytearray()
                await self.session(alice, wire)
                self.assertEqual(wire.cuts, 0)
                tapes = {"up": bytes(wire.up.tape), "down": bytes(wire.down.tape)}
        frames = sum(len(list(edges(tape))) - 1 for tape in tapes.values())
        self.assertGreaterEqual(frames, 40)
        self.places = [
            (way, at)
            for way, tape in tapes.items()
            for at in cut_positions(tape, self.around, self.stride)
        ]
        self.cut = 0
        everything = len(self.places)
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self.cut_sessions())
        # A session is not as long each time: text may come in fewer pieces.
        self.assertGreater(self.cut, everything * 0.6)

    async def cut_sessions(self) -> None:
        with Wire(self.server.port) as wire:
            async with self.person() as alice:
                while self.places:
                    way, at = self.places.pop()
                    wire.resets = at % 2 == 0
                    getattr(wire, way).cut_at = at
                    before = wire.cuts
                    try:
                        await self.session(alice, wire)
                    except Exception as error:
                        error.add_note(f"the session that was cut at byte {at} {way}")
                        raise
                    self.cut += wire.cuts - before
                    figures.count("sessions cut at a byte", wire.cuts - before)

    async def session(self, person: Person, wire: Wire) -> None:
        """A person asks twice and lets the second answer be made anew, come what may."""
        person.url = wire.url
        tab, mark = Tab(person, wire.url, True), uuid4().hex
        first = asks(f"{mark} first", tokens=12, rate=100, reasoning=3)
        second = asks(f"{mark} second", tokens=6, next={"tokens": 9})
        conversation = str(uuid4())
        one = await self.request(
            tab, type="send", conversation=conversation, text=first, assistant="plan"
        )
        two = await self.request(
            tab, type="send", conversation=conversation, text=second, parent=one["reply"]
        )
        new = await self.request(tab, type="regenerate", message=two["reply"])
        wire.heal()
        person.url = self.server.url
        messages = await agreed(person, conversation, tab)
        texts = [first, numbered(12), second, numbered(6)]
        self.assertEqual([message["text"] for message in messages], texts)
        self.assertEqual([message["status"] for message in messages], ["done"] * 4)
        self.assertEqual(messages[3]["siblings"], [two["reply"], new["reply"]])
        self.assertEqual([len(message["siblings"]) for message in messages], [1, 1, 1, 2])
        await tab.close()

    async def request(self, tab: Tab, **fields: object) -> dict:
        """Ask as a page does, and read the reply to its end; returns the ack."""
        frame = {"cid": str(uuid4())} | fields
        if frame["type"] == "send":
            frame.setdefault("parent", None)
        acks: list[dict] = []

        def answered() -> bool:
            acks.extend(ack for ack in tab.all("ack") if ack["cid"] == frame["cid"])
            return bool(acks)

        if tab.socket is not None:
            with suppress(ConnectionError):
                await tab.say(**frame)
        await tab.insist(answered, f"an answer to {frame}", **frame)
        reply, shown = acks[0]["reply"], acks[0]["conversation"]
        # Who was told the ack and nothing else knows what to open.
        opens = {} if tab.client.conversation else {"type": "open", "conversation": shown}
        await tab.insist(
            lambda: (tab.message(reply) or NOBODY)["status"] != "running",
            f"the end of {reply}",
            **opens,
        )
        return acks[0]


class DaphneCutTests(CutTests):
    kind = "daphne"
    around = (0,)
    stride = 7  # where in a frame it is cut, the server sees in the same way


class HalfOpenTests(FaultCase):
    """A connection whose other end is gone without a word."""

    ping = 1
    flags: ClassVar[list[str]] = whole(
        [f"--ws-ping-interval={ping}", f"--ws-ping-timeout={ping}"], []
    )

    async def test_33_half_open_both_ways_the_slot_is_freed_and_the_reply_goes_on(self):
        with Wire(self.server.port) as wire:
            async with self.person() as alice:
                alice.url = wire.url
                tab = await alice.tab()
                ack = await tab.send(asks(tokens=400, gate="half-open", gate_after=20))
                await tab.text_of(ack["reply"], len(numbered(20)))
                wire.up.blocked = wire.down.blocked = True
                self.upstream.release("half-open")
                request = self.upstream.requests()[0]["id"]
                done = await asyncio.to_thread(self.upstream.wait_closed, request)
                self.assertEqual(done["finished"], "done")
                # Nothing was closed by the client, and yet nothing is held for it.
                await self.peace[0].returned(seconds=whole(25, 55))
                self.assertIsNone(tab.closed)
                self.assertEqual(tab.message(ack["reply"])["text"], numbered(20))
                wire.heal()
                await tab.reconnect()
                resumed = tab.all("state")[0]["messages"][-1]
                self.assertEqual(resumed["from"], len(numbered(20)))
                reply = await tab.ended(ack["reply"])
                self.assertEqual((reply["status"], reply["text"]), ("done", numbered(400)))
                await agreed(alice, ack["conversation"], tab)


class DaphneHalfOpenTests(HalfOpenTests):
    kind = "daphne"
    flags = whole(["--ping-interval=1", "--ping-timeout=1"], [])


class Mute:
    """A client that shakes hands, shows a conversation, and reads nothing more."""

    def __init__(self, person: Person, server: Server) -> None:
        self.socket = socket.socket()
        # The system is to hold as little of what was sent as it can.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", server.port))
        cookies = {cookie.key: cookie.value for cookie in person.http.cookie_jar}
        head = [
            "GET /ws/chat/ HTTP/1.1",
            f"Host: 127.0.0.1:{server.port}",
            f"Origin: {server.url}",
            f"Cookie: sessionid={cookies['sessionid']}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
        ]
        self.socket.sendall("\r\n".join([*head, "", ""]).encode())
        self.hear('"heartbeat"')

    def hear(self, word: str) -> None:
        heard = b""
        while word.encode() not in heard:
            heard += self.socket.recv(64)

    def say(self, **frame: object) -> None:
        said = json.dumps(frame).encode()
        size = bytes([0x80 | len(said)]) if len(said) < 126 else b"\xfe%b" % len(said).to_bytes(2)
        self.socket.sendall(b"\x81" + size + bytes(4) + said)  # its mask is zero

    def rest(self) -> bytes:
        """What still comes, read to the end."""
        heard = b""
        with suppress(ConnectionError):  # the server need not wait for it to be read
            while more := self.socket.recv(1 << 16):
                heard += more
        return heard

    def close(self) -> None:
        self.socket.close()


class SlowTests(FaultCase):
    slow = whole(2, 60)
    settings: ClassVar[dict] = {"SLOW_SECONDS": slow, "DRAIN_SECONDS": DRAIN}

    async def test_34_who_never_reads_costs_little_and_is_closed(self):
        # What is there already is more than the system takes for somebody who does not read.
        said, length, count = {"text": EMOJI, "piece": 1000}, 100_000, 20
        async with self.person() as alice:
            tab, there = await alice.tab(), {"conversation": str(uuid4())}
            await tab.ask(asks(**said, times=length), **there, parent=None)
            ack = await tab.send(asks(**said, times=length, gate="mute", gate_after=1), **there)
            await tab.text_of(ack["reply"], 1000)
            before = usage.memory(self.server)
            mutes = [await asyncio.to_thread(Mute, alice, self.server) for _ in range(count)]
            try:
                for mute in mutes:
                    mute.say(type="open", conversation=ack["conversation"])
                    await asyncio.to_thread(mute.hear, '"state"')
                self.upstream.release("mute")
                reply = await tab.ended(ack["reply"])
                self.assertEqual(reply["text"], EMOJI * length)
                self.assertLess(usage.memory(self.server) - before, count * usage.MIB)
                # They are told no more, though nobody has closed a thing.
                await tab.close()
                await self.nobody_is_told()
                # Whoever reads on comes to an end, and never to a silence.
                for mute in mutes:
                    heard = await asyncio.to_thread(mute.rest)
                    self.assertLess(len(heard), (length + WINDOW) * len(EMOJI.encode()) + 10_000)
            finally:
                for mute in mutes:
                    mute.close()
            await agreed(alice, ack["conversation"])

    async def test_34_who_asks_again_and_again_and_never_reads_costs_no_more(self):
        count = 4
        async with self.person() as alice:
            tab = await alice.tab()
            there = await self.conversations(tab)
            running = {"conversation": str(uuid4()), "parent": None}
            ack = await tab.send(asks(tokens=20_000, gate="asked", gate_after=1), **running)
            await tab.text_of(ack["reply"], len(numbered(1)))
            before = usage.memory(self.server)
            mutes = [await asyncio.to_thread(Mute, alice, self.server) for _ in range(count)]
            try:
                for mute in mutes:
                    self.flood(mute, [*there, ack["conversation"]])
                await self.quiet()
                self.assertLess(usage.memory(self.server) - before, count * usage.MIB)
                # The last eight wait, and not all that is in them: a megabyte each.
                for mute in mutes:
                    for number in range(9):
                        asked = [*there, ack["conversation"]][number % 3]
                        mute.say(type="open", conversation=asked, more=[[]] * 16_000)
                await self.quiet()
                self.assertLess(usage.memory(self.server) - before, 4 * count * usage.MIB)
                self.upstream.release("asked")
                await tab.ended(ack["reply"])
                await tab.close()
                await self.nobody_is_told()
            finally:
                self.upstream.release("asked")
                for mute in mutes:
                    mute.close()
            await agreed(alice, ack["conversation"])

    async def test_34_who_never_reads_holds_up_no_restart(self):
        async with self.person() as alice:
            tab = await alice.tab()
            there = await self.conversations(tab)
            mute = await asyncio.to_thread(Mute, alice, self.server)
            try:
                self.flood(mute, there)
                await self.quiet()
                self.server.process.terminate()
                code = await asyncio.to_thread(self.server.process.wait, DRAIN + 10)
                self.assertEqual(code, 0)
            finally:
                mute.close()
                self.server.kill()  # if it did not
            await tab.until(lambda: tab.closed, "the end of the socket")
            self.assertEqual(tab.closed, 4012)

    async def conversations(self, tab: Tab) -> list[str]:
        """Two that take some room to show."""
        there = [str(uuid4()), str(uuid4())]
        for conversation in there:
            where = {"conversation": conversation, "parent": None}
            await tab.ask(asks(text="x", times=100_000, piece=1000), **where)
        return there

    def flood(self, mute: Mute, conversations: list[str]) -> None:
        """Ask for more than the system takes for somebody who does not read: 4 MiB."""
        for number in range(100):
            mute.say(type="open", conversation=conversations[number % 2])
        mute.say(type="open", conversation=conversations[-1])

    async def test_34_frames_that_nobody_hears_are_a_flood_too(self):
        async with self.person() as alice, self.person() as bob:
            tab = await bob.tab()
            ping, pong, piece = (bytes([first, 0x80, 0, 0, 0, 0]) for first in (0x89, 0x8A, 0))
            text = bytes([1, 0x80, 0, 0, 0, 0])  # more of it is to come
            no_text = bytes([0x81, 0x81, 0, 0, 0, 0, 0xFF])  # that is no UTF-8
            for said in (ping * 5_000, pong * 5_000, text + piece * 5_000, no_text):
                mute = await asyncio.to_thread(Mute, alice, self.server)
                try:
                    with suppress(ConnectionError):  # it is cut off meanwhile
                        mute.socket.sendall(said)
                    await asyncio.to_thread(mute.rest)  # there is an end
                finally:
                    mute.close()
            await tab.ask("Hello")

    async def test_34_what_is_no_handshake_is_not_kept(self):
        head = b" HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
        for said in (b"POST /ws/chat/" + head, b"GET /ws/chat/?" + b"x" * 9_000 + head):
            with socket.create_connection(("127.0.0.1", self.server.port), 20) as line:
                line.sendall(said)
                with suppress(ConnectionError):
                    while await asyncio.to_thread(line.recv, 4096):
                        pass  # there is an end

    async def quiet(self) -> None:
        """Wait until the server has done what it was asked for."""
        before, same = -1.0, 0
        async with asyncio.timeout(30):
            while same < 10:
                await asyncio.sleep(0.1)
                now = usage.seconds(self.server)
                same = same + 1 if now - before < 0.02 else 0
                before = now

    async def nobody_is_told(self) -> None:
        async with asyncio.timeout(self.slow + 20):
            while (await probe(self.server))["tasks"].get("Follower.run"):
                await asyncio.sleep(0.1)

    async def test_34_who_acknowledges_nothing_is_closed_and_comes_back_to_all_of_it(self):
        async with self.person() as alice:
            quick, slow = await alice.tab(), await alice.tab(seen=False)
            ack = await quick.send(asks(tokens=20_000))
            await slow.open(ack["conversation"])
            await quick.ended(ack["reply"])
            await slow.until(lambda: slow.closed, "a close", seconds=self.slow + 20)
            self.assertEqual((slow.closed, slow.frames[-1]["code"]), (4008, 4008))
            self.assertLessEqual(sum(len(frame["text"]) for frame in slow.all("delta")), WINDOW)
            await slow.reconnect()
            self.assertEqual((await slow.ended(ack["reply"]))["text"], numbered(20_000))
            await agreed(alice, ack["conversation"], quick, slow)

    async def test_34_who_reads_slowly_reads_all_of_it(self):
        with Wire(self.server.port) as wire:
            async with self.person() as alice:
                alice.url = wire.url
                tab = await alice.tab()
                tokens = whole(5_000, 6_000)
                before = usage.memory(self.server)
                ack = await tab.send(asks(tokens=tokens, gate="slowly", gate_after=1))
                await tab.text_of(ack["reply"], len(numbered(1)))
                wire.down.rate = whole(10_000, 1_000)  # bytes a second
                self.upstream.release("slowly")
                ended = f"the end of {ack['reply']}"
                patience = 3 * len(numbered(tokens)) / wire.down.rate
                async with asyncio.timeout(patience + 30):
                    while (tab.message(ack["reply"]) or NOBODY)["status"] == "running":
                        await tab.until(lambda: self.is_over(tab, ack), ended, seconds=patience)
                        if tab.closed:
                            await tab.reconnect()
                self.assertEqual(tab.message(ack["reply"])["text"], numbered(tokens))
                self.assertLess(usage.memory(self.server) - before, 8 * usage.MIB)
                wire.heal()
                await agreed(alice, ack["conversation"], tab)

    def is_over(self, tab: Tab, ack: dict) -> bool:
        return bool(tab.closed) or tab.message(ack["reply"])["status"] != "running"


class DaphneSlowTests(SlowTests):
    kind = "daphne"


class LatencyTests(FaultCase):
    delay = 0.25  # each way
    seed = 35

    def spoil(self, wire: Wire, *, slice: int, stall: float) -> None:
        for number, way in enumerate((wire.up, wire.down)):
            way.delay, way.slice, way.stalls, way.stall = self.delay, slice, 0.1, stall
            way.dice = random.Random(self.seed + number)

    async def test_35_a_bad_line_changes_no_text(self):
        with Wire(self.server.port) as wire:
            async with self.person() as alice:
                near = await alice.tab()
                alice.url = wire.url
                self.spoil(wire, slice=1, stall=0.001)
                far = await alice.tab()
                ack = await far.send(asks("👩‍👩‍👧", tokens=150, rate=100, reasoning=5))
                await near.open(ack["conversation"])
                reply = await far.ended(ack["reply"])
                self.assertEqual((reply["status"], reply["text"]), ("done", numbered(150)))
                self.assertGreater(far.count("delta"), 1)
                alice.url = self.server.url
                await agreed(alice, ack["conversation"], far, near)

    async def test_35_a_stop_is_not_held_up_by_a_bad_line(self):
        with Wire(self.server.port) as wire:
            async with self.person() as alice:
                alice.url = wire.url
                self.spoil(wire, slice=64, stall=0.02)
                tab = await alice.tab()
                ack = await tab.send(asks(tokens=100_000, rate=300))
                shown = await tab.text_of(ack["reply"], 600)
                clock = asyncio.get_running_loop().time
                pressed = clock()
                await tab.say(type="stop", message=ack["reply"])
                reply = await tab.ended(ack["reply"])
                self.assertLess(clock() - pressed, 1 + 2 * self.delay)
                self.assertEqual(reply["status"], "stopped")
                self.assertTrue(reply["text"].startswith(shown))
                self.assertTrue(numbered(100_000).startswith(reply["text"]))
                request = self.upstream.requests()[0]["id"]
                closed = await asyncio.to_thread(self.upstream.wait_closed, request)
                self.assertEqual(closed["finished"], "client_closed")
                await agreed(alice, ack["conversation"], tab)


class DaphneLatencyTests(LatencyTests):
    kind = "daphne"


class ReturnTests(FaultCase):
    crowd = whole(10, 50)
    each = 10
    seconds = 30

    async def test_36_all_who_come_back_at_once_after_a_restart_are_served(self):
        async with AsyncExitStack() as stack:
            people = [await stack.enter_async_context(self.person()) for _ in range(self.crowd)]
            tabs = {person: await self.gathered(person) for person in people}
            self.server.kill()
            self.server.start()
            async with asyncio.timeout(self.seconds):
                await asyncio.gather(*(self.back(tab) for tab in chain(*tabs.values())))
            for person, ours in tabs.items():
                messages = await agreed(person, ours[0].client.conversation, *ours)
                self.assertEqual(messages[-1]["status"], "interrupted")
                self.assertTrue(messages[-1]["text"].startswith(numbered(30)))
                self.assertTrue(numbered(5000).startswith(messages[-1]["text"]))

    async def back(self, tab: Tab) -> None:
        """As a page that was open when the server went, but without its jitter."""
        await tab.until(lambda: tab.closed, "the end of the socket")
        tab.frames.clear()
        await tab.insist(lambda: tab.count("state"), "a state")

    async def gathered(self, person: Person) -> list[Tab]:
        """The tabs of one person, which all follow one reply."""
        first = await person.tab()
        ack = await first.send(asks(tokens=5000, gate=uuid4().hex, gate_after=30))
        others = [await person.tab() for _ in range(self.each - 1)]
        for tab in others:
            await tab.open(ack["conversation"])
        for tab in (first, *others):
            await tab.text_of(ack["reply"], len(numbered(30)))
        return [first, *others]


class DaphneReturnTests(ReturnTests):
    kind = "daphne"
