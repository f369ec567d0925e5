"""What an operator sees: conversations read as threads, replies stopped, nothing edited.

Reading what was said needs the permission `chat.view_content` and a reason, which is logged.
Without the permission the columns that hold it are not loaded, and ids, numbers, times, states, and
tags are all there is to see.
"""

from django.contrib import admin

from .access import AccessAdmin
from .account import AccountAdmin
from .conversation import ConversationAdmin
from .message import MessageAdmin
from .overview import DayAdmin
from .policy import lift_trusted_types
from .profile import ProfileAdmin
from .tag import TagAdmin

__all__ = [
    "AccessAdmin",
    "AccountAdmin",
    "ConversationAdmin",
    "DayAdmin",
    "MessageAdmin",
    "ProfileAdmin",
    "TagAdmin",
]

lift_trusted_types(admin.site)
