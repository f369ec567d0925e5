"""What might come over the socket: frames, almost frames, and what only looks like JSON."""

import json
from uuid import UUID

from hypothesis import strategies as st

from tests.protocol.test_client_frames import LEAST

IDS = st.uuids().map(str)
TEXT = st.text(max_size=20)  # lone surrogates too
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.integers(0, 400).map(lambda digits: 10**digits),
    st.sampled_from([2**53, 2**53 + 1, 2**63, -1, -0.0, 1e308]),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXT, IDS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT | IDS, inner, max_size=4),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    sorted({"type"} | {field for fields in LEAST.values() for field in fields})
    + ["have", "parent", "assistant", "model", "reasoning", "__class__", "model_fields_set"]
)


@st.composite
def objects(draw: st.DrawFn) -> dict:
    """A frame as a browser would send it, with some fields replaced, added, or gone."""
    kind = draw(st.sampled_from(sorted(LEAST)))
    frame = {"type": kind} | LEAST[kind]
    frame |= draw(st.dictionaries(FIELDS | TEXT, VALUES, max_size=3))
    if draw(st.booleans()):
        frame.pop(draw(st.sampled_from(sorted(frame))))
    if draw(st.booleans()):
        frame["have"] = draw(st.dictionaries(IDS | TEXT, NUMBERS, max_size=4))
    return frame


def written(value: object) -> st.SearchStrategy[str]:
    """`value` as JSON: with escapes, or with the characters as they are."""
    return st.booleans().map(lambda escaped: json.dumps(value, ensure_ascii=escaped))


OBJECTS = objects().flatmap(written)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """JSON with something cut out, put in, or doubled."""
    text = draw(OBJECTS)
    start, end = sorted(draw(st.integers(0, len(text))) for _ in range(2))
    odd = draw(st.sampled_from(['"', "{", "[", "]", "}", ",", ":", "\\u", "\\ud800", "\0", "1e9"]))
    middle = draw(st.sampled_from(["", odd, text[start:end] * 2]))
    return text[:start] + middle + text[end:]


@st.composite
def heavy(draw: st.DrawFn) -> str:
    """As much as a frame can hold of what may be costly: depth, digits, keys."""
    count = draw(st.sampled_from([10, 900, 1_100, 4_400, 100_000]))
    ids = [str(UUID(int=number)) for number in range(min(count, 4_400))]
    value = draw(
        st.sampled_from(
            [
                "[" * count,
                "[" * count + "]" * count,
                '{"a":' * count + "1" + "}" * count,
                "9" * count,
                "-" + "9" * count,
                "0." + "9" * count,
                "1e" + "9" * count,
                '"' + "\\ud800" * count + '"',
                '"' + "x" * count + '"',
                "{" + ",".join(f'"{number}":1' for number in range(count)) + "}",
                "{" + ",".join(['"a":1'] * count) + "}",
                "{" + ",".join(f'"{id}":1' for id in ids) + "}",
                "[" + ",".join(["1"] * count) + "]",
                "\n" * count + "1",
            ]
        )
    )
    field = draw(FIELDS)
    kind = draw(st.sampled_from(sorted(LEAST)))
    least = json.dumps({"type": kind} | LEAST[kind])
    return draw(st.sampled_from([value, f'{least[:-1]},"{field}":{value}}}']))


FRAMES = st.one_of(OBJECTS, damaged(), TEXT, VALUES.flatmap(written))
