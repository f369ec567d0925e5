import asyncio
import logging
import random
import re
import time
from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING, Any

from chat.llm.base import LLM, Finish, LLMError, Piece, Retrying
from chat.logs import fields

from .answer import Answer
from .client import client_of
from .failure import TOO_LONG, failure_of, log_failure
from .limit import Limit

if TYPE_CHECKING:
    from openai import AsyncStream

logger = logging.getLogger("chat.llm")
AFTER_FINISH_SECONDS = 2  # only the usage is still to come
MODELS_SECONDS = 3
MODEL_KEPT_SECONDS = 60  # a server of one's own may serve another model tomorrow
# A server that refuses one of these is asked again with the other name, or without.
OPTIONAL = {
    "stream_options": None,
    "temperature": None,
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": None,
}

LENGTHS = ("max_tokens", "max_completion_tokens")

# What each server refused for each model, as OPTIONAL has it: it is not asked so again.
_refusals: dict[tuple[str, str], set[str]] = {}
# The model that a server without a configured one serves, and until when that is believed.
_first_models: dict[str, tuple[str, float]] = {}


class OpenAICompatible(LLM):
    """A server at `base_url`, with or without an `api_key`.

    `models` are the names to offer, the default first; without any, the server's first is taken.
    Limits in seconds: `first_token_seconds` from the request to the first text or reasoning, all
    `retries` included; `between_tokens_seconds`; `whole_reply_seconds`; `connect_seconds`.
    Between attempts it waits about `backoff_seconds`, then twice that, or as long as the server
    asks for, which may be `retry_after_limit` at most. An answer has `max_tokens` where the caller
    asks for no other number.
    """

    def __init__(
        self,
        *,
        model: str = "",
        base_url: str = "https://api.openai.com/v1",
        api_key: str = "",
        models: Sequence[str] = (),
        first_token_seconds: float = 60,
        between_tokens_seconds: float = 30,
        whole_reply_seconds: float = 600,
        connect_seconds: float = 5,
        retries: int = 2,
        backoff_seconds: float = 0.5,
        retry_after_limit: float = 10,
        max_tokens: int | None = None,
    ) -> None:
        super().__init__(model=model or (models[0] if models else ""))
        self.base_url = base_url
        self.api_key = api_key
        self.configured = list(models)
        self.first_token_seconds = first_token_seconds
        self.between_tokens_seconds = between_tokens_seconds
        self.whole_reply_seconds = whole_reply_seconds
        self.connect_seconds = connect_seconds
        self.retries = retries
        self.backoff_seconds = backoff_seconds
        self.retry_after_limit = retry_after_limit
        self.max_tokens = max_tokens

    async def name(self) -> str:
        """The model's name; the server's first, if none is configured, or "" if it lists none."""
        if not self.model:
            known, until = _first_models.get(self.base_url, ("", 0.0))
            if time.monotonic() > until:
                known = next(iter(await self.models()), "")
                if known:
                    _first_models[self.base_url] = known, time.monotonic() + MODEL_KEPT_SECONDS
            self.model = known
        return self.model

    async def models(self) -> list[str]:
        """What the server lists, configured names first; or only those, if it lists nothing."""
        try:
            async with asyncio.timeout(MODELS_SECONDS):
                client = await client_of(self.base_url, self.api_key)
                answer: Any = await client.get("/models", cast_to=object)
            listed = [str(entry["id"]) for entry in answer["data"]]
        except Exception as error:  # whatever the server answers, the page still offers something
            logger.warning("models not listed", **fields(error=type(error).__name__))
            return self.configured
        known = [name for name in self.configured if name in listed]
        return known + [name for name in listed if name not in known]

    async def stream(
        self,
        messages: list[dict],
        *,
        max_tokens: int | None = None,
        temperature: float | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """As `LLM.stream`. Asks again only while the server has not begun to answer."""
        loop = asyncio.get_running_loop()
        whole = loop.time() + self.whole_reply_seconds
        limit = Limit(loop, min(whole, loop.time() + self.first_token_seconds))
        upstream: AsyncStream[object] | None = None
        try:
            body = _body(messages, max_tokens or self.max_tokens, temperature)
            attempt = 0
            while upstream is None:
                attempt += 1
                try:
                    upstream = await limit.hold(self._ask(body))
                except Exception as error:
                    delay = self._delay(error, attempt, limit.at - loop.time())
                else:
                    break
                yield Retrying(attempt)
                await asyncio.sleep(delay)

            answer = Answer()
            while not answer.ended:
                try:
                    chunk = await limit.hold(upstream.__anext__())
                except StopAsyncIteration:
                    answer.end()
                except Exception as error:  # the SDK lets bare ValueErrors of bad answers through
                    answer.end(error)
                else:
                    upstream.response.stream.pending = 0
                    for piece in answer.take(chunk):
                        yield piece
                        # Only now: the time that the reader took is not the server's.
                        limit.until(min(whole, loop.time() + self.between_tokens_seconds))
                    if answer.finish:
                        limit.until(min(whole, loop.time() + AFTER_FINISH_SECONDS))
            if answer.usage:
                yield answer.usage
            yield Finish(answer.finish)
        finally:
            limit.close()
            if upstream is not None:
                await upstream.close()

    async def _ask(self, body: dict[str, Any]) -> "AsyncStream[object]":
        """The stream of one request, repeated without what the server refuses, which leaves
        `body`. Raises whatever the SDK raises."""
        body["model"] = await self.name()
        client = await client_of(self.base_url, self.api_key)
        refusals = _refusals.setdefault((self.base_url, self.model), set())
        for name in OPTIONAL:
            if name in refusals:
                _replace(body, name)
        from openai import APIStatusError, AsyncStream, Timeout

        # The limits of a reply are kept here: comments would feed the SDK's read timeout for ever.
        timeout = Timeout(None, connect=self.connect_seconds, pool=self.connect_seconds)
        while True:
            try:
                # Untyped: a chunk that is made into objects costs ten times as much.
                return await client.post(
                    "/chat/completions",
                    body=body,
                    cast_to=object,
                    options={"timeout": timeout},
                    stream=True,
                    stream_cls=AsyncStream[object],
                )
            except APIStatusError as error:
                said = f"{error.code} {error.body}"
                if error.status_code in (400, 422) and TOO_LONG.search(said):
                    if not any(length in body for length in LENGTHS):
                        raise
                    # Perhaps the prompt fits, only not together with the longest answer. That is
                    # this prompt's affair, whatever it says of a parameter: the next one has both.
                    for length in LENGTHS:
                        body.pop(length, None)
                    continue
                name = _refused(error.status_code, error.param, said, body)
                if name is None:
                    raise
                refusals.add(name)
                _replace(body, name)

    def _delay(self, error: Exception, attempt: int, left: float) -> float:
        """The seconds to wait before the next attempt. Raises `LLMError` if there is to be none:
        after the last, or where the wait would not fit into the `left` seconds."""
        failure = failure_of(error, answering=False)
        log_failure(failure, error, attempt)
        status = getattr(error, "status_code", None)
        again = failure.code == "upstream_unreachable" or (
            status is not None
            and (status in (408, 409, 429) or status >= 500)
            and error.code != "insufficient_quota"
        )
        asked = failure.retry_after or 0
        if again and asked > self.retry_after_limit:
            raise LLMError("upstream_rate", asked) from None
        delay = self.backoff_seconds * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)
        delay = max(delay, asked)
        if not again or attempt > self.retries or delay >= left:
            raise failure from None
        return delay


def _body(
    messages: list[dict], max_tokens: int | None, temperature: float | None
) -> dict[str, Any]:
    body: dict[str, Any] = {"messages": messages, "stream": True}
    body["stream_options"] = {"include_usage": True}
    if max_tokens is not None:
        body["max_tokens"] = max_tokens
    if temperature is not None:
        body["temperature"] = temperature
    return body


def _replace(body: dict[str, Any], name: str) -> None:
    """Give an optional parameter its other name, or leave it out if it has none."""
    if name in body:
        value, other = body.pop(name), OPTIONAL[name]
        if other:
            body[other] = value


def _refused(status: int, param: str | None, said: str, body: dict[str, Any]) -> str | None:
    """Which optional parameter of `body` an answer of this status refuses."""
    names = [name for name in OPTIONAL if name in body]
    if status not in (400, 422):
        return None
    if param in names:
        return param
    return next((name for name in names if re.search(rf"\b{name}\b", said)), None)
