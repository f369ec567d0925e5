"""The parser of the socket's frames, against whatever a browser, or what says it is one, sends."""

import json
from time import process_time

from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from chat import protocol
from chat.protocol import Refused
from tests.protocol.test_client_frames import LEAST

from .frames import FRAMES, heavy
from .rounds import ROUND, SECONDS, rounds

LIMIT = 10  # seconds of CPU for one frame
# What was found once: each of them was looked at before they were counted.
MANY_HELD = json.dumps(
    {"type": "open", **LEAST["open"], "have": {str(number): 1 for number in range(40_000)}}
)


class ProtocolTests(SimpleTestCase):
    """A frame is understood or refused; nothing else comes of it, and its answer can be sent."""

    tried, slowest = 0, (0.0, "")

    @classmethod
    def tearDownClass(cls) -> None:
        if SECONDS:
            took, text = cls.slowest
            told = f"{text[:80]!a} ({len(text)})"
            print(f"\n{cls.tried} frames; the slowest, {took * 1000:.1f} ms: {told}")
        super().tearDownClass()

    def test_any_frame(self):
        self.fuzz(FRAMES)

    def test_frames_that_are_costly_to_read(self):
        self.examine(MANY_HELD)
        self.fuzz(heavy())

    def fuzz(self, frames: st.SearchStrategy) -> None:
        @ROUND
        @given(frames)
        def one(text: str) -> None:
            self.examine(text)

        rounds(one)

    def examine(self, text: str) -> None:
        frame: dict = {}
        began = process_time()
        try:
            frame = protocol.load(text)
            said = protocol.parse(frame)
        except Refused as refused:
            self.answers(refused, frame)
        else:
            self.assertEqual(said.type, frame["type"])
            self.assertEqual(protocol.parse(frame), said)
            # What was understood may still be refused.
            self.answers(Refused("busy"), frame)
        took = process_time() - began
        self.assertLess(took, LIMIT, text[:200])
        cls = type(self)
        cls.tried += 1
        cls.slowest = max(cls.slowest, (took, text))

    def answers(self, refused: Refused, frame: dict) -> None:
        """What the socket says of a frame that is refused is short, and can be sent and read."""
        told = protocol.encode(protocol.error(refused, frame)).encode()
        self.assertLess(len(told), 1000)
        self.assertIn(json.loads(told)["code"], protocol.REFUSALS)
