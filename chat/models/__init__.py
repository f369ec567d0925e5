"""What is remembered: people and their sessions, conversations, the tree of their messages, the
steps of a reply."""

from .append import Append
from .conversation import Conversation
from .message import Ending, Message, lease_end
from .profile import Profile
from .session import token_of, users_of
from .step import Step

__all__ = [
    "Append",
    "Conversation",
    "Ending",
    "Message",
    "Profile",
    "Step",
    "lease_end",
    "token_of",
    "users_of",
]
