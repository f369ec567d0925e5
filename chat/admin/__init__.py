"""What an operator sees: conversations read as threads, replies stopped, nothing edited.

Reading what was said needs the permission `chat.view_content`. Without it the columns that hold it
are not loaded, and ids, numbers, times, and states are all there is to see.
"""

from django.contrib import admin

from .account import AccountAdmin
from .conversation import ConversationAdmin
from .message import MessageAdmin
from .overview import DayAdmin
from .policy import lift_trusted_types
from .profile import ProfileAdmin

__all__ = ["AccountAdmin", "ConversationAdmin", "DayAdmin", "MessageAdmin", "ProfileAdmin"]

lift_trusted_types(admin.site)
