"""Ids, numbers, times, and states in an operator's words."""

from datetime import datetime
from uuid import UUID

from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from chat.models import Conversation, Message
from chat.protocol import REPLY_ERRORS


def short(id: UUID) -> str:
    """The beginning of an id: enough to find it by, and to tell two apart."""
    return str(id)[:8]


def chip(status: str) -> SafeString:
    """A status as a coloured word; a reply that is being written is live."""
    words = {Message.Status.RUNNING: _("Live"), "deleted": _("Deleted")}
    word = words.get(status) or Message.Status(status).label
    return format_html('<span class="chat-chip chat-chip-{}">{}</span>', status, word)


def label(conversation: Conversation, *, readable: bool) -> SafeString:
    """What a list calls a conversation: by its title only for one who may read it."""
    id = format_html('<span class="chat-id">{}</span>', short(conversation.id))
    if not readable:
        return id
    title = (not conversation.deleted and conversation.title) or _("Untitled")
    return format_html('<span class="chat-title">{}</span> {}', title, id)


def copy_chip(conversation: Conversation) -> SafeString:
    """The mark of an operator's copy; nothing for any other."""
    if conversation.copy_of_id is None:
        return SafeString()
    return format_html('<span class="chat-chip">{}</span>', _("Retry"))


def owner(conversation: Conversation) -> SafeString:
    """The owner's name, and whether it is a guest; select `owner__profile` with it."""
    name = conversation.owner.get_username()
    profile = getattr(conversation.owner, "profile", None)
    if profile is None or not profile.guest:
        return format_html("{}", name)
    return format_html(
        '<span class="chat-guest" title="{}">{}</span> <span class="chat-chip">{}</span>',
        name,
        name,
        _("guest"),
    )


def minute(time: datetime) -> str:
    """A time as a list has it, in one line."""
    return formats.date_format(timezone.localtime(time), _("j M Y, H:i"))


def moment(time: datetime) -> str:
    """A time with its seconds."""
    return formats.date_format(timezone.localtime(time), _("j M Y, H:i:s"))


def duration(seconds: float) -> str:
    """How long something took, as exactly as it matters."""
    if seconds < 60:
        return _("%(seconds)s s") % {"seconds": number(max(seconds, 0), 1)}
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": seconds}
    hours, minutes = divmod(minutes, 60)
    return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}


def milliseconds(ms: float) -> str:
    """How long something took that may be short."""
    if ms >= 1000:
        return duration(ms / 1000)
    if ms < 0.1:
        return _("< %(ms)s ms") % {"ms": number(0.1, 1)}
    return _("%(ms)s ms") % {"ms": number(ms, 0 if ms >= 10 else 1)}


def number(value: float, decimals: int = 0) -> str:
    """A number as it is written in the operator's language."""
    return formats.number_format(value, decimals, force_grouping=True)


def tokens(message: Message) -> str:
    """How many the model read and wrote, `~` where they are estimated; empty if it did not say."""
    about = "~" if message.usage_estimated else ""
    return read_and_written(message.prompt_tokens, message.completion_tokens, about)


def title_tokens(conversation: Conversation) -> str:
    """How many the model read and wrote to give the title; empty if it did not say."""
    return read_and_written(conversation.title_prompt_tokens, conversation.title_completion_tokens)


def read_and_written(read: int | None, written: int | None, about: str = "") -> str:
    """Tokens that a model read and wrote; empty if it did not say."""
    if written is None:
        return ""
    numbers = {"read": f"{about}{number(read or 0)}", "written": f"{about}{number(written)}"}
    return _("%(read)s → %(written)s") % numbers


def error(message: Message) -> str:
    """The sentence that the reader of a failed or broken-off reply was shown."""
    return sentence(message.error)


def sentence(code: str) -> str:
    """What an error's code means; empty where there is none."""
    if not code:
        return ""
    said, _retryable = REPLY_ERRORS.get(code, (code, False))
    return _(said)


def of_reply(message: Message, of_run: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What there is to know of a reply beside its text, as names and values; with what there is to
    know of its flow's run."""
    end = message.ended or timezone.now()
    facts = [
        (_("Model"), message.model),
        (
            _("Took") if message.is_final else _("Writing for"),
            duration((end - message.created).total_seconds()),
        ),
        *of_run,
        (_("Tokens"), tokens(message)),
        (_("Finish"), message.finish_reason),
        (_("Length"), _("%(count)s characters") % {"count": number(message.length)}),
        (_("Taken over"), number(message.kept) if message.kept else ""),
        (_("Error"), message.error),
        (_("Worker"), message.worker),
        (_("Lease until"), "" if message.is_final else moment(message.lease_until)),
    ]
    return [(name, value) for name, value in facts if value]
