import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from chat import flows, llm, protocol
from chat.llm.base import LLMError
from chat.logs import fields
from chat.text import Cleaner, clean

logger = logging.getLogger("chat.ask")


class Terminal:
    """The `emit` of a flow: its text goes to `out`, what it does on the way to `err`."""

    def __init__(self, out, err) -> None:
        self._out, self._err = out, err
        self._cleaner = Cleaner()
        self.said_anything = False

    async def text(self, text: str) -> None:
        self.said_anything = True
        self._out.write(self._cleaner.push(text), ending="")
        self._out.flush()

    async def reasoning(self, text: str) -> None:
        self._err.write(clean(text), ending="")
        self._err.flush()

    async def retrying(self, attempt: int) -> None:
        self._err.write(f"[asking again, attempt {attempt + 1}]")

    @asynccontextmanager
    async def step(self, name: str, label: str) -> AsyncIterator[SimpleNamespace]:
        self._err.write(f"[{label} …]")
        step = SimpleNamespace(detail="")
        yield step
        if step.detail:
            self._err.write(step.detail)

    def close(self) -> None:
        """The answer is over: the prompt begins on a line of its own."""
        if self.said_anything:
            self._out.write(self._cleaner.rest())


class Command(BaseCommand):
    help = "Ask the model once, through the same flow as the chat. Piped input joins the question."

    def add_arguments(self, parser) -> None:
        parser.add_argument("question", nargs="?", default="")
        parser.add_argument("--flow", choices=flows.names(), default=flows.names()[0])
        parser.add_argument(
            "--model", default="", help="a model that is offered, or one of the server's"
        )
        parser.add_argument("--system", default=settings.SYSTEM_PROMPT, help="the system prompt")

    def handle(self, *, question: str, flow: str, model: str, system: str, **options) -> None:
        piped = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()
        question = clean("\n\n".join(part for part in (question, piped) if part.strip()))
        if not question:
            raise CommandError('There is no question. Try: manage.py ask "What can you do?"')
        try:
            asyncio.run(self._ask(question, flow, model, system))
        except LLMError as error:
            detail, _ = protocol.REPLY_ERRORS[error.code]
            raise CommandError(detail) from None
        except BrokenPipeError:
            # Whoever read the answer has had enough (`… | head`). Python would complain at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except KeyboardInterrupt:
            raise CommandError("Stopped.") from None
        except Exception:
            logger.exception("a flow failed", **fields(flow=flow))
            raise CommandError(protocol.REPLY_ERRORS["flow_error"][0]) from None

    async def _ask(self, question: str, flow: str, model: str, system: str) -> None:
        terminal = Terminal(self.stdout, self.stderr)
        asked = [{"role": "user", "content": question}]
        shared = flows.shared(asked, model=model, system=system)
        graph = flows.build(flow, llm=llm.named(model), emit=terminal)
        try:
            await graph.run_async(shared)
        finally:
            terminal.close()
        if not terminal.said_anything:
            raise LLMError("upstream_empty")
