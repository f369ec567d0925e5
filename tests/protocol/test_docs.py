"""docs/protocol.md describes the frames that chat/protocol.py builds and takes, and no others."""

import re
from pathlib import Path
from uuid import uuid4

from django.test import SimpleTestCase

from chat import protocol
from chat.llm.base import ERROR_CODES
from chat.models import Conversation
from chat.protocol import Refused
from chat.replies.snapshot import PAGE, PAGE_CHARACTERS, entry
from tests.test_floors import frame_types

from .test_client_frames import ID, LEAST, frame
from .test_server_frames import final_message

DOCS = (Path(__file__).resolve().parent.parent.parent / "docs/protocol.md").read_text()

ACCEPTED = {
    "cid": uuid4(),
    "duplicate": False,
    "conversation": uuid4(),
    "message": uuid4(),
    "reply": uuid4(),
}
# Each frame of the server's, with as little and with as much as it may say.
LEAST_AND_MOST = (
    [protocol.welcome(user={}, limits={}, heartbeat=20)],
    [protocol.state(conversation={}, messages=[])],
    [protocol.ack(**ACCEPTED), protocol.ack(**ACCEPTED, left={})],
    [protocol.message(ID, final_message())],
    [protocol.delta(ID, 0, "x")],
    [protocol.reasoning(ID, 0, "x")],
    [protocol.step(ID, {})],
    [protocol.status(ID, "waiting"), protocol.status(ID, "retrying", 1)],
    [
        protocol.end(final_message()),
        protocol.end(
            final_message(
                reasoning="x",
                reasoning_length=1,
                finish_reason="stop",
                usage={},
                error=protocol.reply_error("storage"),
            )
        ),
    ],
    [protocol.conversation({})],
    [
        protocol.error(Refused("bad_json")),
        protocol.error(Refused("rate", retry_after=1), frame("send") | frame("stop")),
    ],
    [protocol.pong(1)],
    [protocol.bye(4400), protocol.bye(4029, retry_after=10)],
)


def section(title: str) -> str:
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", DOCS, re.MULTILINE | re.DOTALL)[1]


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def fields(said: list[str]) -> tuple[set[str], set[str]]:
    """The names that are always there, and those that may be absent."""
    optional = {name.removesuffix("?") for name in said if name.endswith("?")}
    return {name for name in said if not name.endswith("?")}, optional


def frames(title: str) -> dict[str, tuple[set[str], set[str]]]:
    """Of each type of frame in a section's table, its fields."""
    return {names(kind)[0]: fields(names(said)) for kind, said, _ in rows(title)}


def braces(start: str) -> list[str]:
    """The names in the braces that follow `start`."""
    return re.split(r",\s+", re.search(rf"{start}[^`]*`\{{([^}}]*)\}}`", DOCS)[1])


class FramesTest(SimpleTestCase):
    def test_every_frame_of_the_browsers_with_its_fields(self):
        models = {
            model.model_fields["type"].annotation.__args__[0]: model
            for model in protocol.ClientFrame.__args__
        }
        documented = {
            names(kind)[0]: fields(names(said)) for kind, said, _ in rows("From the browser")
        }
        self.assertEqual(set(documented), protocol.TYPES)
        for kind, (required, optional) in documented.items():
            with self.subTest(kind):
                known = {k: v for k, v in models[kind].model_fields.items() if k != "type"}
                self.assertEqual(required, {k for k, v in known.items() if v.is_required()})
                self.assertEqual(optional, {k for k, v in known.items() if not v.is_required()})
                self.assertEqual(required, set(LEAST[kind]))

    def test_every_frame_of_the_servers_with_its_fields(self):
        built = {}
        for samples in LEAST_AND_MOST:
            least, most = set(samples[0]), set().union(*samples)
            built[samples[0]["type"]] = (least - {"type"}, most - least)
        documented = {
            names(kind)[0]: fields(names(said)) for kind, said, _ in rows("From the server")
        }
        self.assertEqual(documented, built)

    def test_every_frame_that_can_be_built_is_among_them(self):
        self.assertEqual(set(frames("From the server")), frame_types() - protocol.TYPES)


class ObjectsTest(SimpleTestCase):
    def test_a_message_and_its_parts(self):
        for start, kind in (
            ("A message", protocol.MessageObject),
            ("A step", protocol.Step),
            ("`usage` is", protocol.Usage),
            ("`error` is", protocol.ReplyError),
        ):
            with self.subTest(start):
                required, optional = fields(braces(start))
                self.assertEqual(required, set(kind.__required_keys__))
                self.assertEqual(optional, set(kind.__optional_keys__))


class CodesTest(SimpleTestCase):
    def test_every_refusal(self):
        documented = {names(code)[0]: fate for code, _, fate in rows("Refusals")}
        self.assertEqual(set(documented), set(protocol.REFUSALS))
        for code, fate in documented.items():
            with self.subTest(code):
                self.assertEqual("mistake" in fate, code.startswith("bad_"))

    def test_every_error_of_a_reply(self):
        documented = {names(code)[0]: again for code, _, again in rows("How a reply fails")}
        known = {
            code: "yes" if retryable else "no"
            for code, (_, retryable) in protocol.REPLY_ERRORS.items()
        }
        self.assertEqual(documented, known)

    def test_every_error_of_a_model_is_an_error_of_a_reply(self):
        self.assertLessEqual(ERROR_CODES, set(protocol.REPLY_ERRORS))

    def test_every_close_code(self):
        documented = {int(code) for code, *_ in rows("Closing")}
        self.assertEqual(documented, set(protocol.CLOSE_DETAILS))


class NumbersTest(SimpleTestCase):
    def test_the_numbers_are_those_of_the_code(self):
        said = " ".join(DOCS.split())
        self.assertIn(f"`welcome.v` is {protocol.VERSION}.", said)
        self.assertIn(f"sends at most {protocol.WINDOW:,} code points", said)
        self.assertIn(f"at most {PAGE} messages", said)
        self.assertIn(f"{PAGE_CHARACTERS:,} code points", said)

    def test_the_entry_of_the_list(self):
        conversation = Conversation()
        conversation.active = False
        self.assertEqual(set(braces("A `conversation` is")), set(entry(conversation)))
