"""What is remembered: people and their sessions, conversations, the tree of their messages, the
steps of a reply, and the index of what was said."""

from .append import Append
from .backlog import bring_in
from .conversation import Conversation
from .found import Excerpt, Found, find
from .message import Ending, Message, lease_end
from .profile import Profile
from .search import Indexed, SearchEntry
from .session import expired_sessions, token_of, users_of
from .step import Step

__all__ = [
    "Append",
    "Conversation",
    "Ending",
    "Excerpt",
    "Found",
    "Indexed",
    "Message",
    "Profile",
    "SearchEntry",
    "Step",
    "bring_in",
    "expired_sessions",
    "find",
    "lease_end",
    "token_of",
    "users_of",
]
