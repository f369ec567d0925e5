from chat.llm.base import FINISH_REASONS, LLMError, Piece, Reasoning, Text, Usage
from chat.text import Cleaner

from .failure import failure_of, log_failure

MALFORMED_CHUNKS = 20


class Answer:
    """What has been read of one answer so far."""

    def __init__(self) -> None:
        self.begun = False  # text or reasoning came
        self.ended = False
        self.finish = ""
        self.usage: Usage | None = None
        self.malformed = 0
        self._text, self._reasoning = Cleaner(), Cleaner()

    def take(self, chunk: object) -> list[Piece]:
        """The pieces in one chunk, whatever it looks like. Raises `LLMError` after too many that
        make no sense."""
        if not isinstance(chunk, dict):
            return self._odd()
        self._count(chunk.get("usage"))
        choices = chunk.get("choices")
        if not choices:  # a report of usage, or of a filter
            return []
        choice = choices[0] if isinstance(choices, list) else None
        if not isinstance(choice, dict):
            return self._odd()
        if reason := choice.get("finish_reason"):
            known = isinstance(reason, str) and reason in FINISH_REASONS
            self.finish = reason if known else "other"
        delta = choice.get("delta") or {}
        if not isinstance(delta, dict):
            return self._odd()
        pieces: list[Piece] = []
        content, thought = delta.get("content"), delta.get("reasoning_content")
        thought = delta.get("reasoning") if thought is None else thought
        if thought and isinstance(thought, str) and (clean := self._reasoning.push(thought)):
            pieces.append(Reasoning(clean))
        if content and isinstance(content, str):
            if clean := self._text.push(content):
                pieces.append(Text(clean))
        elif content is not None and content != "":
            self._odd()
        self.begun = self.begun or bool(pieces)
        return pieces

    def end(self, error: Exception | None = None) -> None:
        """The stream is over, with `error` or without. Raises `LLMError` unless it had finished:
        what goes wrong after that takes nothing from the reply."""
        self.ended = True
        if error is None:
            failure = LLMError("upstream_cut" if self.begun else "upstream_empty")
        else:
            failure = failure_of(error, answering=True)
        if error is not None or not self.finish:
            log_failure(failure, error, finished=bool(self.finish))
        if not self.finish:
            raise failure from None

    def _count(self, usage: object) -> None:
        if not isinstance(usage, dict):
            return
        told = Usage(usage.get("prompt_tokens"), usage.get("completion_tokens"))
        if told.is_possible:
            self.usage = told

    def _odd(self) -> list[Piece]:
        self.malformed += 1
        if self.malformed > MALFORMED_CHUNKS:
            self.finish = ""
            self.end(LLMError("upstream_malformed"))
        return []
