"""A model that needs nothing: it says that it is a demo, and how to connect a real one."""

import asyncio
import re
from collections.abc import AsyncGenerator

from chat.text import estimate_tokens

from .base import LLM, Finish, Piece, Text, Usage

PIECE = re.compile(r"\s*\S{1,12}|\s+")  # about a word
QUOTED = 120  # characters of a question that are given back

DEMO = "I am a demo model: a few prepared answers, no intelligence. To get a real one:\n\n"

CONNECT = """\
Set two environment variables and start the server again:

```sh
export OPENAI_API_KEY=sk-…        # OpenAI, or any service that gives you a key
export OPENAI_MODEL=gpt-4o-mini   # which of its models
```

A model on your own machine needs an address instead of a key:

| Server | `OPENAI_BASE_URL` |
|---|---|
| Ollama | `http://localhost:11434/v1` |
| LM Studio | `http://localhost:1234/v1` |
| llama.cpp | `http://localhost:8080/v1` |
| vLLM | `http://localhost:8000/v1` |

With Ollama, for example:

```sh
ollama pull llama3.2
export OPENAI_BASE_URL=http://localhost:11434/v1
export OPENAI_MODEL=llama3.2
```

Everything that speaks OpenAI's API works the same way."""

ABOUT = """\
This is a chat for language models that you run yourself. It is a Django project: conversations \
are rows in your database, the admin shows them, and a reply is a small graph of nodes that you \
can change.

I am its **demo model**: a few prepared answers, no intelligence. Ask me how to

- connect a model,
- show Markdown and a table,
- write some code,
- survive a refresh or a crash."""

MARKDOWN = """\
## What a reply can look like

Words can be **strong**, *stressed*, ~~struck out~~, or `code`; a \
[link](https://www.djangoproject.com/) leads out of here.

1. Lists are numbered,
2. or they are not:
   - and they nest,
   - as deep as you like.

> What someone else said stands aside.

| Piece | What it is | How many |
|:---|:---|---:|
| Conversation | a tree of messages | 1 |
| Branch | one path through it | 3 |
| Message | yours, or a reply | 12 |

```python
def greet(name: str) -> str:
    return f"Ahoy, {name}!"
```

---

That was a table, and some code. A real model writes such things by itself; I am only a demo."""

CODE = '''\
Here is a function, prepared earlier:

```python
from collections.abc import Iterator


def primes(limit: int) -> Iterator[int]:
    """The primes up to `limit`, by the sieve of Eratosthenes."""
    composite = bytearray(limit + 1)
    for number in range(2, limit + 1):
        if not composite[number]:
            yield number
            multiples = range(number * number, limit + 1, number)
            composite[number * number :: number] = b"\\x01" * len(multiples)


print(list(primes(50)))
```

It prints `[2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47]`. The button in the corner of \
the block copies it. A real model would write what you ask for; I am only a demo.'''

SURVIVE = """\
I am only a demo, but this part is real. Try it: **reload this page now**, while I am still writing.

1. Every character is written to the database *before* you are shown it. So what you have seen \
cannot get lost.
2. The reply belongs to the conversation, not to your browser. Close the tab, and it goes on; \
open the page on your phone, and it is there.
3. After a reload the page asks for what it does not have yet, and goes on from that very \
character. Nothing is missing and nothing comes twice.
4. If the server itself is killed in the middle of a reply, the text so far stays. The reply is \
marked as interrupted, and you can *continue* or *retry* it.

What you type while the connection is away waits in the page, and is sent once, however often \
the connection breaks."""

# The first topic that has a word of the question, or its beginning, is the answer; with its title.
# What the page suggests is understood in German and Arabic, too.
TOPICS = (
    (
        r"refresh|reload|crash|surviv|interrupt|clos\w* (the|this|my) tab"
        r"|den tab schließ|أغلق علامة التبويب",
        SURVIVE,
        "What a reply survives",
    ),
    (
        r"connect|api.key|base.url|openai|ollama|vllm|llama|lm.studio|real model"
        r"|verbind|أربط",
        f"{DEMO}{CONNECT}",
        "How to connect a model",
    ),
    (r"markdown|table|tabelle|جدول", MARKDOWN, "A table and some code"),
    (r"code|python|function|script", CODE, "A sieve for prime numbers"),
    (
        r"what is this|(who|what) are you|what can you do|(hello|hi|help)\W*$"
        r"|was kannst du|ماذا يمكنك",
        ABOUT,
        "What this chat can do",
    ),
)
TITLE = re.compile(r"\btitle for this conversation\b", re.IGNORECASE)
TITLE_WORDS = 6
GO_ON = re.compile(r"\b(continue|go on|carry on)\b", re.IGNORECASE)


class Demo(LLM):
    """Prepared answers, a word each `seconds_between`. The same messages give the same answer."""

    def __init__(self, *, model: str = "", seconds_between: float = 0.025) -> None:
        super().__init__(model=model or "demo")
        self.seconds_between = seconds_between

    async def stream(
        self,
        messages: list[dict],
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """As `LLM.stream`; never fails. `temperature` changes nothing."""
        text, reason = answer(messages), "stop"
        if max_tokens is not None and estimate_tokens(text) > max_tokens:
            text, reason = cut(text, max_tokens), "length"
        for piece in PIECE.findall(text):
            await asyncio.sleep(self.seconds_between)
            yield Text(piece)
        prompt = sum(estimate_tokens(said(message)) for message in messages)
        yield Usage(prompt, estimate_tokens(text))
        yield Finish(reason)


def answer(messages: list[dict]) -> str:
    """The whole answer to `messages`. Where they end with the beginning of an answer and a wish to
    go on, it is the rest of that answer."""
    if len(messages) > 2 and messages[-2]["role"] == "assistant" and GO_ON.search(asked(messages)):
        begun, whole = said(messages[-2]), answer(messages[:-2])
        if begun != whole and whole.startswith(begun):
            return whole.removeprefix(begun)
    question = asked(messages)
    if len(messages) > 1 and TITLE.search(question):
        return title(asked(messages[:-1]))
    for words, text, _ in TOPICS:
        if re.search(rf"\b({words})", question, re.IGNORECASE):
            return text
    count = sum(message["role"] == "user" for message in messages)
    return general(question, count)


def asked(messages: list[dict]) -> str:
    """The last question."""
    return next((said(entry) for entry in reversed(messages) if entry["role"] == "user"), "")


def said(message: dict) -> str:
    """The text of a message, which may have parts of other kinds."""
    content = message["content"]
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def title(question: str) -> str:
    """A title for a conversation that begins with `question`."""
    for words, _, name in TOPICS:
        if re.search(rf"\b({words})", question, re.IGNORECASE):
            return name
    first = question.split()[:TITLE_WORDS]
    return " ".join(first).rstrip(".,;:!?…") or "A conversation"


def general(question: str, count: int) -> str:
    """What there is to say about a question that nothing is prepared for."""
    start = " ".join(question.split())
    quoted = start if len(start) <= QUOTED else start[:QUOTED].rstrip() + "…"
    seen = "your first message" if count <= 1 else f"message number {count} from you"
    return f"""\
I am a demo model, so I cannot really answer this:

> {quoted}

But I have read it: it is {seen} in this conversation, and a real model would get all of them.

{CONNECT}"""


def cut(text: str, tokens: int) -> str:
    """As much of `text` as `tokens` may hold."""
    return text.encode()[: tokens * 4].decode(errors="ignore")
