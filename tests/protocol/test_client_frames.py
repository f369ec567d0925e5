import json
from uuid import UUID

from django.test import SimpleTestCase

from chat import protocol
from chat.protocol import Refused

ID = "0b6f1f3e-5c1d-4a6e-9d27-3f6c1a2b4c5d"
OTHER = "7d9e2c40-11aa-4bcd-8eef-0123456789ab"

# Every frame with the fewest fields that it may have.
LEAST = {
    "open": {"conversation": None},
    "send": {"cid": ID, "conversation": OTHER, "text": "Hello"},
    "regenerate": {"cid": ID, "message": OTHER},
    "continue": {"cid": ID, "message": OTHER},
    "select": {"message": ID},
    "stop": {"message": ID},
    "seen": {"message": ID, "offset": 0},
    "ping": {"n": 1},
}
NOT_IDS = (
    ID.upper(),
    ID[:-1].upper() + "F",
    ID.replace("-", ""),
    f"{{{ID}}}",
    ID + " ",
    ID[:-1],
    "g" + ID[1:],
    "",
    "null",
    "\ud800" + ID[1:],
    7,
    True,
    [ID],
    {"id": ID},
)
# UUID() takes these for an id; the protocol does not.
OTHER_SPELLINGS = (
    "urn:" + ID.replace("-", ""),
    ID[:-3] + "_" + ID[-2:],  # an underscore between two digits of a number
    ID[:-1] + "\uff15",  # a full-width digit
    ID[:7] + "-" + ID[7] + ID[9:],  # a hyphen elsewhere
)
NOT_OFFSETS = (-1, 1.0, 0.5, True, False, "1", None, [], 2**53 + 1, 10**400)


def frame(type: str, **fields) -> dict:
    return {"type": type} | LEAST[type] | fields


def without(frame: dict, field: str) -> dict:
    return {key: value for key, value in frame.items() if key != field}


def said(frame: dict) -> protocol.ClientFrame:
    """What the server understands of `frame` after its way over the wire."""
    return protocol.parse(protocol.load(json.dumps(frame)))


class FrameCase(SimpleTestCase):
    def assertRefused(self, code: str, frame: dict) -> None:
        with self.assertRaises(Refused) as caught:
            said(frame)
        self.assertEqual(caught.exception.code, code, frame)

    def assertLoadRefused(self, text: str) -> None:
        with self.assertRaises(Refused) as caught:
            protocol.load(text)
        self.assertEqual(caught.exception.code, "bad_json")


class JsonTest(FrameCase):
    def test_an_object_is_taken(self):
        self.assertEqual(protocol.load('{"type": "ping", "n": 1}'), {"type": "ping", "n": 1})

    def test_what_is_not_json_is_refused(self):
        for text in ("", " ", "ping", "{", '{"type": "ping"', "{'type': 'ping'}", "\ufeff{}", "\0"):
            with self.subTest(text):
                self.assertLoadRefused(text)

    def test_what_is_no_object_is_refused(self):
        for text in ("[]", "null", "true", "1", '"ping"', '[{"type": "ping", "n": 1}]'):
            with self.subTest(text):
                self.assertLoadRefused(text)

    def test_what_only_python_takes_for_json_is_refused(self):
        for text in ("NaN", '{"n": NaN}', '{"n": Infinity}', '{"n": -Infinity}'):
            with self.subTest(text):
                self.assertLoadRefused(text)

    def test_a_hundred_thousand_brackets_are_refused(self):
        for text in ("[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000):
            with self.subTest(text[:5]):
                self.assertLoadRefused(text)

    def test_a_number_of_5000_digits_is_refused(self):
        self.assertLoadRefused("9" * 5000)
        self.assertLoadRefused(f'{{"type": "ping", "n": {"9" * 5000}}}')

    def test_deep_values_of_unknown_fields_do_no_harm(self):
        deep = f'{{"type": "ping", "n": 1, "x": {"[" * 500}{"]" * 500}}}'
        self.assertEqual(protocol.parse(protocol.load(deep)).n, 1)


class TypeTest(FrameCase):
    def test_every_type_has_its_frame(self):
        self.assertEqual(set(LEAST), protocol.TYPES)
        for kind in LEAST:
            with self.subTest(kind):
                self.assertEqual(said(frame(kind)).type, kind)

    def test_an_unknown_type_is_refused(self):
        for kind in ("", "Open", "open ", "delta", "hello", "__class__"):
            with self.subTest(kind):
                self.assertRefused("bad_type", {"type": kind})

    def test_a_type_that_is_no_string_is_refused(self):
        for kind in (None, 1, True, [], ["open"], {"open": 1}):
            with self.subTest(kind):
                self.assertRefused("bad_type", {"type": kind})
        self.assertRefused("bad_type", {})

    def test_the_last_of_doubled_keys_counts(self):
        text = '{"type": "open", "type": "ping", "n": 1, "n": 2}'
        self.assertEqual(protocol.parse(protocol.load(text)).n, 2)


class FieldTest(FrameCase):
    def test_a_missing_field_is_refused(self):
        for kind, fields in LEAST.items():
            for field in fields:
                with self.subTest(f"{kind} without {field}"):
                    self.assertRefused("bad_field", without(frame(kind), field))

    def test_unknown_fields_are_ignored(self):
        for kind in LEAST:
            with self.subTest(kind):
                least = said(frame(kind))
                self.assertEqual(said(frame(kind, later="x", n2=[1], **{"\ud800": None})), least)

    def test_an_id_in_any_other_shape_is_refused(self):
        ids = {"cid", "conversation", "message"}
        for kind, fields in LEAST.items():
            for field in ids & set(fields):
                for wrong in NOT_IDS:
                    with self.subTest(f"{kind}.{field}", wrong=wrong):
                        self.assertRefused("bad_field", frame(kind, **{field: wrong}))

    def test_an_id_has_one_spelling(self):
        for wrong in OTHER_SPELLINGS:
            with self.subTest(wrong):
                self.assertEqual(len(wrong), 36)
                self.assertRefused("bad_field", frame("stop", message=wrong))

    def test_an_id_that_must_be_there_is_not_null(self):
        for kind, field in (("send", "cid"), ("send", "conversation"), ("stop", "message")):
            with self.subTest(kind):
                self.assertRefused("bad_field", frame(kind, **{field: None}))

    def test_an_offset_is_a_whole_number_and_nothing_else(self):
        for kind, field in (("seen", "offset"), ("seen", "reasoning"), ("ping", "n")):
            for wrong in NOT_OFFSETS:
                with self.subTest(f"{kind}.{field}", wrong=str(wrong)[:9]):
                    self.assertRefused("bad_field", frame(kind, **{field: wrong}))

    def test_an_infinite_number_is_refused(self):
        with self.assertRaises(Refused) as caught:
            protocol.parse(protocol.load('{"type": "ping", "n": 1e999}'))
        self.assertEqual(caught.exception.code, "bad_field")

    def test_the_largest_offset_is_the_largest_whole_number_of_a_browser(self):
        self.assertEqual(said(frame("ping", n=2**53)).n, 2**53)


class OpenTest(FrameCase):
    def test_the_conversation_and_what_is_held_of_it(self):
        asked = said(frame("open", conversation=ID, have={OTHER: 7}))
        self.assertEqual(asked.conversation, UUID(ID))
        self.assertEqual(asked.have, {UUID(OTHER): 7})

    def test_no_conversation_is_said_with_null(self):
        self.assertIsNone(said(frame("open", conversation=None)).conversation)
        self.assertEqual(said(frame("open")).have, {})

    def test_have_names_at_most_a_hundred_messages(self):
        def have(count: int) -> dict:
            return {str(UUID(int=number)): 1 for number in range(count)}

        self.assertEqual(len(said(frame("open", have=have(100))).have), 100)
        self.assertRefused("bad_field", frame("open", have=have(101)))

    def test_have_maps_ids_to_offsets(self):
        for wrong in NOT_OFFSETS:
            with self.subTest(wrong=str(wrong)[:9]):
                self.assertRefused("bad_field", frame("open", have={ID: wrong}))
        for wrong in ([], [ID], "x", None, {"x": 1}, {ID.upper(): 1}, {"": 1}):
            with self.subTest(wrong=wrong):
                self.assertRefused("bad_field", frame("open", have=wrong))


class SendTest(FrameCase):
    def test_all_of_it(self):
        sent = said(frame("send", parent=ID, assistant="plan"))
        self.assertEqual((sent.cid, sent.conversation), (UUID(ID), UUID(OTHER)))
        self.assertEqual((sent.text, sent.parent, sent.assistant), ("Hello", UUID(ID), "plan"))
        self.assertTrue(sent.names_parent)

    def test_no_parent_is_something_else_than_null(self):
        self.assertFalse(said(frame("send")).names_parent)
        self.assertTrue(said(frame("send", parent=None)).names_parent)
        self.assertIsNone(said(frame("send", parent=None)).parent)

    def test_text_is_a_string(self):
        for wrong in (None, 1, True, ["a"], {"text": "a"}):
            with self.subTest(wrong):
                self.assertRefused("bad_field", frame("send", text=wrong))

    def test_text_comes_as_it_is_whatever_is_in_it(self):
        # What is wrong with it is for `accept` to say, which may first answer an earlier `cid`.
        for text in (
            "",
            " \n",
            "a\0b",
            "\ud83d",
            "\udc4d\ud83d",
            "👍🏽",
            "\u202eabc",
            "x" * 100_000,
        ):
            with self.subTest(ascii(text[:9])):
                self.assertEqual(said(frame("send", text=text)).text, text)

    def test_an_assistant_has_a_short_name_or_none(self):
        self.assertIsNone(said(frame("send", assistant=None)).assistant)
        for wrong in ("x" * 65, 1, ["chat"], "\ud800"):
            with self.subTest(ascii(wrong)):
                self.assertRefused("bad_field", frame("send", assistant=wrong))


class SeenTest(FrameCase):
    def test_both_cursors(self):
        seen = said(frame("seen", offset=5, reasoning=3))
        self.assertEqual((seen.message, seen.offset, seen.reasoning), (UUID(ID), 5, 3))

    def test_without_reasoning_none_of_it_was_seen(self):
        self.assertEqual(said(frame("seen")).reasoning, 0)


class FrozenTest(FrameCase):
    def test_a_frame_does_not_change(self):
        with self.assertRaises(ValueError):
            said(frame("ping")).n = 2
