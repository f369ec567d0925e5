"""What a model is told before and beside the question, and how much that is."""

from django.conf import settings

from chat.flows.trim import trimmed
from chat.text import estimate_tokens

# A person's own instructions, after the site's.
OWN = """The person you talk with has written the following instructions for all of your answers. \
Follow them as far as they do not contradict what is said above.

<instructions>
{}
</instructions>"""


def system_prompt(instructions: str) -> str:
    """The system prompt: the site's, then the person's own, which are marked as theirs."""
    own = OWN.format(instructions) if instructions else ""
    return f"{settings.SYSTEM_PROMPT}\n\n{own}".strip()


def prompt_tokens(messages: list[dict], *, keep_last: int, instructions: str) -> int:
    """About how many tokens a model is sent of these messages: the newest that fit, and the last
    `keep_last`, which are sent even if they do not."""
    system = system_prompt(instructions)
    prompt = trimmed(messages, system, settings.CONTEXT_TOKENS, keep_last)
    return sum(estimate_tokens(message["content"]) for message in prompt)
