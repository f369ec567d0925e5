import json
from uuid import UUID

from django.test import SimpleTestCase

from chat import protocol
from chat.protocol import Refused

from .test_client_frames import ID, LEAST, OTHER, frame


def final_message(**fields) -> protocol.MessageObject:
    return {
        "id": ID,
        "seq": 2,
        "parent": OTHER,
        "role": "assistant",
        "status": "done",
        "text": "Yes",
        "from": 0,
        "length": 3,
        "model": "demo",
        "assistant": "chat",
        "created": "2025-01-01T00:00:00+00:00",
        "siblings": [ID],
    } | fields


class ErrorTest(SimpleTestCase):
    def test_a_refusal_says_what_was_refused_and_why(self):
        answer = protocol.error(Refused("busy"), frame("stop"))
        self.assertEqual(
            answer,
            {
                "type": "error",
                "code": "busy",
                "detail": protocol.REFUSALS["busy"],
                "re": "stop",
                "message": ID,
            },
        )

    def test_the_names_come_back_as_the_client_had_them(self):
        for kind, fields in LEAST.items():
            with self.subTest(kind):
                answer = protocol.error(Refused("not_found"), frame(kind))
                names = {"cid", "conversation", "message"}
                expected = {key: fields[key] for key in names & set(fields) if fields[key]}
                self.assertEqual({key: answer[key] for key in names & set(answer)}, expected)

    def test_a_name_in_another_spelling_comes_back_in_that_spelling(self):
        answer = protocol.error(Refused("bad_field"), frame("stop", message=ID.upper()))
        self.assertEqual(answer["message"], ID.upper())

    def test_nothing_else_comes_back(self):
        noise = {"text": "secret", "parent": ID, "have": {ID: 1}, "n": 1, "assistant": "a", "x": 1}
        answer = protocol.error(Refused("bad_field"), frame("send") | noise)
        known = {"type", "code", "detail", "re", "cid", "conversation"}
        self.assertEqual(set(answer), known)

    def test_what_is_no_name_does_not_come_back(self):
        for wrong in (None, 7, "x", "x" * 37, "x" * 100_000, [ID], {"id": ID}):
            with self.subTest(str(wrong)[:9]):
                answer = protocol.error(Refused("bad_field"), frame("stop", message=wrong))
                self.assertNotIn("message", answer)

    def test_what_comes_back_can_be_sent(self):
        answer = protocol.error(Refused("bad_field"), frame("stop", message="\ud800" * 36))
        self.assertEqual(protocol.encode(answer).encode().decode(), protocol.encode(answer))

    def test_a_type_that_is_not_known_is_not_repeated(self):
        for wrong in ("hello", "x" * 100_000, None, 1, ["open"], {}):
            with self.subTest(str(wrong)[:9]):
                self.assertEqual(protocol.error(Refused("bad_type"), {"type": wrong})["re"], "")

    def test_without_a_frame_there_is_nothing_to_repeat(self):
        answer = protocol.error(Refused("bad_json"))
        self.assertEqual(set(answer), {"type", "code", "detail", "re"})
        self.assertEqual(answer["re"], "")

    def test_when_to_try_again_is_said_where_it_is_known(self):
        self.assertEqual(protocol.error(Refused("rate", retry_after=7))["retry_after"], 7)
        self.assertEqual(protocol.error(Refused("rate", retry_after=0))["retry_after"], 0)
        self.assertNotIn("retry_after", protocol.error(Refused("busy")))

    def test_every_refusal_has_its_sentence(self):
        for code, detail in protocol.REFUSALS.items():
            with self.subTest(code):
                self.assertEqual(protocol.error(Refused(code))["detail"], detail)
                self.assertRegex(detail, r"^[A-Z].+\.$")


class EndTest(SimpleTestCase):
    def test_it_tells_the_end_and_not_the_text(self):
        self.assertEqual(
            protocol.end(final_message()),
            {"type": "end", "message": ID, "status": "done", "length": 3},
        )

    def test_it_tells_all_that_is_known_of_the_end(self):
        known = {
            "reasoning_length": 9,
            "finish_reason": "stop",
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "estimated": False},
            "error": protocol.reply_error("upstream_cut"),
        }
        told = protocol.end(final_message(kept=1, reasoning="hm", cid=OTHER, **known))
        self.assertEqual(
            told, {"type": "end", "message": ID, "status": "done", "length": 3} | known
        )

    def test_every_error_of_a_reply_has_its_sentence(self):
        for code, (detail, retryable) in protocol.REPLY_ERRORS.items():
            with self.subTest(code):
                self.assertEqual(
                    protocol.reply_error(code),
                    {"code": code, "detail": detail, "retryable": retryable},
                )
                self.assertRegex(detail, r"^[A-Z].+\.$")


class FrameTest(SimpleTestCase):
    def test_a_delta_counts_code_points(self):
        for build in (protocol.delta, protocol.reasoning):
            with self.subTest(build.__name__):
                told = build(ID, 5, "a👍🏽")
                self.assertEqual((told["from"], told["to"], told["text"]), (5, 8, "a👍🏽"))
                self.assertEqual((told["type"], told["message"]), (build.__name__, ID))

    def test_an_ack_names_everything_in_lower_case(self):
        one, two, three, four = (UUID(int=number) for number in range(1, 5))
        told = protocol.ack(cid=one, duplicate=True, conversation=two, message=three, reply=four)
        self.assertEqual(
            told,
            {
                "type": "ack",
                "cid": str(one),
                "duplicate": True,
                "conversation": str(two),
                "message": str(three),
                "reply": str(four),
            },
        )

    def test_a_phase_has_a_number_only_if_it_counts(self):
        self.assertNotIn("n", protocol.status(ID, "thinking"))
        self.assertEqual(protocol.status(ID, "retrying", 1)["n"], 1)

    def test_every_close_code_says_why(self):
        codes = {
            value
            for name, value in vars(protocol).items()
            if name.startswith("CLOSE_") and isinstance(value, int)
        }
        self.assertEqual(codes, set(protocol.CLOSE_DETAILS))
        for code in codes:
            with self.subTest(code):
                self.assertEqual(
                    protocol.bye(code),
                    {"type": "bye", "code": code, "detail": protocol.CLOSE_DETAILS[code]},
                )

    def test_frames_are_short_and_readable_on_the_wire(self):
        sent = protocol.encode(protocol.delta(ID, 0, "é👍"))
        self.assertIn('"text":"é👍"', sent)
        self.assertNotIn(" ", sent)
        self.assertEqual(json.loads(sent)["text"], "é👍")
