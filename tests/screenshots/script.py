"""What is asked in the pictures, and what the model server answers."""

MAIL = "ada@harbour.example"
COVER = "streaming"  # the README’s picture

# The older conversations: title, hours ago, pinned.
PAST = [
    ("Packing list for a week at sea", 30 * 24, True),
    ("What the harbour lights mean", 2, False),
    ("Letter to the landlord", 5, False),
    ("Tides, explained to a nine-year-old", 26, False),
    ("Why does my bread not rise?", 28, False),
    ("Names for a small grey boat with a patched red sail and no engine", 75, False),
    ("SQL: the newest row of each group", 100, False),
    ("Eine Postkarte aus Stralsund", 140, False),
    ("Knots worth knowing", 24 * 20, False),
    ("Reading list for the winter", 24 * 45, False),
]

TIDE = "Why are there two tides a day?"
TIDE_ANSWER = """\
Because the Moon pulls on the near side of the Earth **more strongly** than on the far side. That \
difference stretches the oceans into two bulges:

1. one that faces the Moon, where its pull is strongest,
2. and one on the opposite side, where it is weakest and the water is left behind.

As the Earth turns, each coast passes through both bulges, so most places see *two* high tides in \
24 hours and 50 minutes. The extra 50 minutes are the distance that the Moon has moved on meanwhile.

The Sun does the same, less than half as strongly. When the two line up, at full and new Moon, the \
tides are largest: a **spring tide**. At half Moon they work against each other, and the range is \
smallest: a **neap tide**.
"""

SHORT = "And what is a neap tide?"
SHORT_ANSWER = (
    "A tide with a small range: at half Moon the Sun and the Moon pull at right angles, "
    "and partly undo each other."
)

CODE = "Write a function that finds the next high tide"
CODE_ANSWER = '''\
The tide table is sorted, so the next high tide is found by bisection:

```python
from bisect import bisect_right
from datetime import datetime


def next_high(table: list[datetime], now: datetime) -> datetime | None:
    """The first high tide after `now`, or None at the end of the table."""
    at = bisect_right(table, now)
    return table[at] if at < len(table) else None


if __name__ == "__main__":
    print(next_high(load("harwich.csv"), datetime.now()))
```

It looks at `log2(n)` rows, which for a year of tides is **ten**.
'''

TABLE = "Compare four harbours in a table"
TABLE_ANSWER = """\
All four have a marina, but they differ in how much water they have at low tide:

| Harbour | Depth at low tide | Berths | Best for |
|:---|---:|---:|:---|
| Harwich | 6.1 m | 220 | large ships, ferries |
| Wells | 0.4 m | 110 | flat bottoms and patience |
| Whitby | 1.5 m | 240 | a night on the way north |
| Amble | 0.8 m | 200 | families |

Wells dries out; arrive an hour before high water.
"""

RICH = "Show me everything that a reply can have"
RICH_ANSWER = """\
# Heaving to

A way to *stop* a sailing boat without anchoring: the jib pushes the bow one way, the rudder the \
other, and she lies quietly, drifting at about **a knot**.[^1]

## In four steps

1. Sail close-hauled.
2. Tack, but leave the jib sheet fast:
   - the jib is now *aback*,
   - the boat slows at once.
3. Ease the main.
4. Lash the helm to leeward.

### Before you begin

- [x] sea room to leeward
- [x] nothing loose below
- [ ] somebody on watch

> In a gale, heave to while you still can, not when you must.

| Force | Wind | Sea |
|:--|--:|:--|
| 6 | 22–27 kn | large waves |
| 8 | 34–40 kn | moderately high |

The drift over time $t$ is about $s = v\\,t$, and the heel follows from

$$
\\tan\\theta = \\frac{F_w \\, h_{ce}}{\\Delta \\, GM}
$$

```js
const drift = (knots, hours) => knots * hours; // nautical miles
```

Press <kbd>Ctrl</kbd> <kbd>K</kbd> for the commands, or read the \
[pilot book](https://example.org/pilot). ![A boat hove to](https://example.org/boat.jpg)

[^1]: With a long keel. Fin keels drift faster, and some will not heave to at all.
"""

THOUGHT = (
    "The person wants to leave at 14:00. The tide falls, so the depth over the bar shrinks. Two "
    "hours after high water there is about 1.9 m left, and most cruising boats draw 1.4 m to "
    "1.8 m. I should say what it depends on, and give a time after which it is too late."
)
REASONED = "Is it safe to leave at 14:00 with a falling tide?"
REASONED_ANSWER = (
    "Yes, until about **14:40**. After that there is less than 1.7 m over the bar, and the ebb "
    "runs against the wind. With a draught of 1.4 m or less you have until 15:30."
)
PLANNED = "Plan a day on the Orwell for two children"
PLANNED_ANSWER = """\
- Leave Ipswich at high water, so that the ebb carries you down
- Lunch at Pin Mill, where the sand dries and there is mud for hours
- Home with the flood, before the light goes
"""

LONG_QUESTION = "\n".join(
    [
        "Please turn this log into two friendly sentences:",
        "",
        "06:10 cast off, wind SW 3, sea slight",
        "06:40 passed the outer pier",
        "07:25 genoa up, engine off",
        "08:00 change of watch, all well",
        "09:15 first dolphins, off the port bow",
        "10:00 wind backing S 4",
        "10:30 reef in the main",
        "11:45 lunch below, soup",
        "12:30 rain, visibility two miles",
        "13:10 ferry crossing ahead, altered course",
        "14:00 sun again, reef out",
        "15:20 entered the river",
        "16:05 alongside, kettle on",
    ]
)
LONG_ANSWER = (
    "We left at dawn, met dolphins before ten, and reefed only once. By tea time we were in."
)

RTL = "اشرح لي المد والجزر في جملتين"
RTL_ANSWER = """\
المد والجزر هما ارتفاع وانخفاض مستوى **مياه البحر** مرتين في اليوم تقريبًا، بسبب جاذبية القمر والشمس.

1. يسمى أعلى ارتفاع *المد العالي*،
2. وأدنى انخفاض الجزر، كما في ميناء Harwich.

| الميناء | العمق |
|---|---|
| Harwich | 6.1 m |
"""

WAIT = "How long until high water?"
CUT = "Tell me the story of the lighthouse keeper"
CUT_ANSWER = (
    "The light had to burn from dusk to dawn, and for forty-one winters it did. Elias wound the "
    "clockwork every four hours, trimmed the wick, and wrote one line into the log: *all well*. "
    "On the night of the great storm he wrote nothing, because "
)
REFUSED = "What does this signal flag mean?"
BUSY = "Which way does the current set?"


def held(question: str) -> str:
    """The same question, whose answer stops in the middle until its gate is opened."""
    return f"{question} "


ANSWERS = {
    TIDE: {"text": TIDE_ANSWER, "piece": 12},
    SHORT: {"text": SHORT_ANSWER},
    CODE: {"text": CODE_ANSWER, "piece": 12},
    TABLE: {"text": TABLE_ANSWER, "piece": 12},
    RICH: {"text": RICH_ANSWER, "piece": 40},
    REASONED: {"text": REASONED_ANSWER, "reasoning": THOUGHT},
    PLANNED: {"text": PLANNED_ANSWER, "piece": 12},
    LONG_QUESTION: {"text": LONG_ANSWER},
    RTL: {"text": RTL_ANSWER, "piece": 8},
    CUT: {"text": CUT_ANSWER, "piece": len(CUT_ANSWER) // 40, "drop_after": 40},
    REFUSED: {"status": 401},
    BUSY: {"status": 429, "retry_after": 9},
    **{
        held(question): {"text": text, "piece": 4, "gate": gate, "gate_after": length // 4}
        for question, text, gate, length in (
            (TIDE, TIDE_ANSWER, "tide", 420),
            (CODE, CODE_ANSWER, "code", 380),
            (TABLE, TABLE_ANSWER, "table", 224),
            (PLANNED, PLANNED_ANSWER, "plan", 0),
            (WAIT, SHORT_ANSWER, "wait", 0),
            (SHORT, SHORT_ANSWER, "short", 40),
        )
    },
    held(REASONED): {
        "text": REASONED_ANSWER,
        "reasoning": THOUGHT,
        "gate": "thought",
        "gate_after": 180,
    },
}
