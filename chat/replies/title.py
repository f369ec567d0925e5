"""A title by the model: asked for once in a conversation, after its first reply that is done.

Until then, and whenever anything goes wrong, the first line of the question is the title. It is a
courtesy that nothing waits for: one short request, never repeated, and the owner's own title always
stands.
"""

import asyncio
import logging
import re
import unicodedata
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from uuid import UUID

from django.conf import settings
from django.db import transaction

from chat import events, llm, logs
from chat.llm.base import LLM, LLMError, Reasoning, Retrying, Text, Usage
from chat.models import Charge, Conversation, Message
from chat.models.conversation import TITLE_LENGTH
from chat.text import clean, estimate_tokens

from . import bus
from .accept import Task
from .live import LiveReply

logger = logging.getLogger("chat.replies")

# So much of the question and of the reply tells what they are about.
EXCERPT = 2_000
# A model that writes more than this (characters) does not write a title.
ANSWER = 4_000
# What it may give (tokens): some think aloud first.
TOKENS = 2_000

# What models put around a title that they were asked for alone.
THOUGHT = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL)
NAMED = re.compile(r"^((#+\s|title\s*:)\s*)+", re.IGNORECASE)
QUOTES = ('""', "''", "``", "**", "__", "“”", "„“", "‘’", "«»", "»«", "‹›", "「」", "『』", "《》")
# Invisible, but letters and emoji are joined by them.
JOINERS = "\u200c\u200d"


async def entitle(live: LiveReply, task: Task, write: Callable[..., Awaitable]) -> None:
    """Have the model of a reply that has ended write the conversation's title. Never raises.

    `write` runs a function that writes to the database.
    """
    if live.log.final is None or live.log.final["status"] != Message.Status.DONE:
        return
    id = task.reply.conversation_id
    try:
        question = task.messages[-task.keep_last]["content"][:EXCERPT]
        reply = (task.reply.text + live.log.text)[:EXCERPT]
        sent = estimate_tokens(question + reply + settings.TITLE_PROMPT)
        reserved = sent + TOKENS
        if not await write(_claim, id, task.reply.id, reserved):
            return
        async with asyncio.timeout(settings.CHAT_TIMES["title"]):
            said, given, usage = await ask(llm.named(task.reply.model), question, reply)
        cost = usage or Usage(sent, given)
        spent = {"prompt": cost.prompt_tokens, "completion": cost.completion_tokens}
        events.title_ended(task.reply.model, **spent)
        used = cost.prompt_tokens + cost.completion_tokens
        await write(Charge.objects.add, task.reply.id, used - reserved)
        if await write(_keep, id, cleaned(said), usage, instead_of=task.title):
            bus.ring(bus.CHANGED, id)
    except Exception as error:  # what it says may be what people said
        code = error.code if isinstance(error, LLMError) else type(error).__name__
        known = logs.fields(conversation=id, code=code)
        logger.warning("a conversation keeps its first title", **known)


async def ask(model: LLM, question: str, reply: str) -> tuple[str, int, Usage | None]:
    """What the model says when it is asked for a title, about how many tokens it gave, and what
    that cost as it reports it. Raises `LLMError`."""
    prompt = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": reply},
        {"role": "user", "content": settings.TITLE_PROMPT},
    ]
    said, thought, usage = "", "", None
    async with aclosing(model.stream(prompt, max_tokens=TOKENS)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Text):
                said += piece.text
            elif isinstance(piece, Reasoning):
                thought += piece.text
            elif isinstance(piece, Usage):
                usage = piece
            if isinstance(piece, Retrying) or len(said) > ANSWER:
                # It is not worth a second request, or a long one.
                return "", estimate_tokens(said + thought), usage
    return said, estimate_tokens(said + thought), usage


def cleaned(said: str) -> str:
    """The title in what a model said; "" if there is none that would do."""
    lines = THOUGHT.sub("", clean(said)).strip().splitlines()
    line = "".join(filter(_is_shown, " ".join(lines[0].split()) if lines else ""))
    title = _unquoted(NAMED.sub("", _unquoted(line)))
    title = title.removesuffix(".") if title.count(".") == 1 else title
    return title if len(title) <= TITLE_LENGTH and any(map(str.isalnum, title)) else ""


def _is_shown(character: str) -> bool:
    return character in JOINERS or (
        unicodedata.category(character)[0] != "C" and character != "\N{REPLACEMENT CHARACTER}"
    )


def _unquoted(line: str) -> str:
    """The line without the marks that stand around all of it."""
    line = line.strip()
    for opening, closing in QUOTES:
        inner = line[1:-1]
        if line[:1] == opening and line[-1:] == closing and not {opening, closing} & {*inner}:
            return _unquoted(inner)
    # Stressed twice is strong.
    return _unquoted(line[2:-2]) if re.fullmatch(r"\*\*[^*]+\*\*", line) else line


@transaction.atomic
def _claim(id: UUID, reply: UUID, tokens: int) -> bool:
    """Whether to ask; what that may cost is put on the reply's charge."""
    claimed = Conversation.objects.claim_title(id)
    if claimed:
        Charge.objects.add(reply, tokens)
    return claimed


@transaction.atomic
def _keep(id: UUID, title: str, usage: Usage | None, *, instead_of: str) -> bool:
    """Write down what came of it; whether the conversation has another title now."""
    if usage is not None:
        Conversation.objects.filter(id=id).update(
            title_prompt_tokens=usage.prompt_tokens,
            title_completion_tokens=usage.completion_tokens,
        )
    return bool(title) and Conversation.objects.entitle(id, title, instead_of=instead_of)
