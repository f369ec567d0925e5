"""What is a flood of frames, counted without a socket; with one: tests/faults/test_network.py."""

from django.test import SimpleTestCase, override_settings

from chat.flood import TIMES, Count

TEXT, CONTINUATION, PING = 1, 0, 9
FRAMES = 20


@override_settings(CHAT_LIMITS={"frames": FRAMES})
class CountTests(SimpleTestCase):
    def test_more_frames_than_a_page_sends_are_one(self):
        count = Count()
        found = [count.is_flood(PING, True) for _ in range(TIMES * FRAMES + 1)]
        self.assertEqual(found, [False] * TIMES * FRAMES + [True])

    def test_pieces_of_a_message_that_never_ends_are_one_however_slowly_they_come(self):
        count = Count(within=-1)  # each frame comes long after the one before
        said = [count.is_flood(CONTINUATION, False) or count.is_flood(PING, True) for _ in range(5)]
        self.assertFalse(any(said))
        self.assertFalse(count.is_flood(CONTINUATION, True))
        found = [count.is_flood(TEXT, False) for _ in range(TIMES * FRAMES + 1)]
        self.assertEqual(found, [False] * TIMES * FRAMES + [True])

    def test_whole_messages_in_their_time_are_none(self):
        count = Count(within=-1)
        self.assertFalse(any(count.is_flood(TEXT, True) for _ in range(10 * FRAMES)))
