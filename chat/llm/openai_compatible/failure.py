import email.utils
import math
import re
import time
from typing import Any

from chat import events
from chat.llm.base import LLMError

RATE = re.compile(r"rate.?limit|too many requests|insufficient.quota|overloaded", re.IGNORECASE)
TOO_LONG = re.compile(
    r"context.?(length|window|size)|maximum context|too many (input |prompt )?tokens"
    r"|(prompt|input|request|messages?) (is |are )?too (long|large)",
    re.IGNORECASE,
)


def failure_of(error: Exception, *, answering: bool) -> LLMError:
    """What an exception means: while the reply streams (`answering`), or before."""
    from openai import APIConnectionError, APIError, APIStatusError

    match error:
        case LLMError():
            return error
        case TimeoutError():
            return LLMError("upstream_timeout")
        case APIStatusError(status_code=401 | 403):
            return LLMError("upstream_auth")
        case APIStatusError(status_code=429):
            return LLMError("upstream_rate", retry_after(error.response.headers))
        case APIStatusError(status_code=413):
            return LLMError("context_too_long")
        case APIStatusError(status_code=400 | 422) if TOO_LONG.search(f"{error.code} {error.body}"):
            return LLMError("context_too_long")
        case APIStatusError():
            return LLMError("upstream_error", retry_after(error.response.headers))
        case APIConnectionError():
            return LLMError("upstream_cut" if answering else "upstream_unreachable")
        case APIError():  # an error in place of a chunk
            said = f"{error.code} {error.type} {error.body}"
            if error.code == "429" or RATE.search(said):
                return LLMError("upstream_rate")
            return LLMError("context_too_long" if TOO_LONG.search(said) else "upstream_error")
    return LLMError("upstream_malformed" if answering else "upstream_error")


def retry_after(headers: Any) -> float | None:
    """The seconds that `Retry-After` asks for, as a number or as a date."""
    value = headers.get("retry-after", "")
    try:
        seconds = float(value)
    except ValueError:
        date = email.utils.parsedate_tz(value)
        seconds = email.utils.mktime_tz(date) - time.time() if date else math.nan
    return max(0.0, seconds) if math.isfinite(seconds) else None


def log_failure(
    failure: LLMError, error: Exception | None, attempt: int = 0, *, finished: bool = False
) -> None:
    """Without a key, a prompt, or anything that the server said."""
    events.upstream_failed(
        failure.code,
        status=getattr(error, "status_code", None),
        error=type(error).__name__,
        attempt=attempt,
        finished=finished,
    )
