"""What is remembered: people and their sessions, conversations, the tree of their messages, the
steps of a reply, the index of what was said, and what it cost."""

from .address import address_token, network_of
from .append import Append
from .arrival import Arrival
from .backlog import bring_in
from .charge import Charge, Pool
from .conversation import Conversation
from .found import Excerpt, Found, find
from .message import Ending, Message, lease_end
from .profile import Profile
from .search import Indexed, SearchEntry
from .session import expired_sessions, token_of, users_of
from .step import Step

__all__ = [
    "Append",
    "Arrival",
    "Charge",
    "Conversation",
    "Ending",
    "Excerpt",
    "Found",
    "Indexed",
    "Message",
    "Pool",
    "Profile",
    "SearchEntry",
    "Step",
    "address_token",
    "bring_in",
    "expired_sessions",
    "find",
    "lease_end",
    "network_of",
    "token_of",
    "users_of",
]
