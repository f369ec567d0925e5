from collections.abc import Iterable
from uuid import UUID

from chat.protocol import MessageObject, Step


class Log:
    """What is committed of one active reply, as far as this process knows.

    It begins where the reply's row stood when the process came to know it (`base`,
    `reasoning_base`) and only grows. Readers keep cursors of their own and are woken at each
    change.
    """

    def __init__(
        self, id: UUID, conversation: UUID, *, length: int, reasoning_length: int, local: bool
    ) -> None:
        self.id = id
        self.conversation = conversation
        self.local = local  # written by this process; else read from the row
        self.base = length
        self.reasoning_base = reasoning_length
        self.text = ""
        self.reasoning = ""
        self.steps: dict[str, tuple[int, Step]] = {}  # by id: the change that made it so, the step
        self.steps_changed = 0
        self.phase: tuple[str, int | None] | None = None
        self.final: MessageObject | None = None
        self.gone = False  # the row was deleted
        self.followed_elsewhere_until = 0.0  # monotonic: so long, other processes are rung
        self.readers: set = set()

    @property
    def length(self) -> int:
        return self.base + len(self.text)

    @property
    def reasoning_length(self) -> int:
        return self.reasoning_base + len(self.reasoning)

    def grow(self, text: str = "", reasoning: str = "", steps: tuple[Step, ...] = ()) -> None:
        """More was committed."""
        self.text += text
        self.reasoning += reasoning
        self._take(steps)
        self.wake()

    def tell_phase(self, phase: str, n: int | None = None) -> None:
        """Something that is worth knowing but not kept: waiting, thinking, retrying, saving."""
        self.phase = (phase, n)
        self.wake()

    def finish(self, final: MessageObject) -> None:
        """The row is final: `final` is its message object, with the text from `from` on."""
        known = self.length
        self.text += final["text"][max(known - final["from"], 0) :]
        known = self.reasoning_length
        self.reasoning += final.get("reasoning", "")[known:]
        self._take(final.get("steps", ()))
        self.final = final
        self.wake()

    def vanish(self) -> None:
        """The row is no more: its conversation was deleted."""
        self.gone = True
        self.wake()

    def _take(self, steps: Iterable[Step]) -> None:
        for step in steps:
            _, known = self.steps.get(step["id"], (0, None))
            if step != known:
                self.steps_changed += 1
                self.steps[step["id"]] = (self.steps_changed, step)

    def wake(self) -> None:
        for reader in self.readers:
            reader.wake()
