"""What is remembered: people and their sessions, conversations, the tree of their messages, the
steps of a reply, what its flow did, the index of what was said, what it cost, what each day came
to, and what operators read and marked."""

from .access import Access
from .address import address_token, network_of
from .append import Append
from .arrival import Arrival
from .backlog import bring_in
from .charge import Charge, Pool
from .conversation import Conversation
from .day import Day, Figures
from .found import Excerpt, Found, find
from .inspection import may_follow, may_inspect
from .message import Ending, Message, lease_end
from .note import Note
from .profile import Profile
from .search import Indexed, SearchEntry
from .session import expired_sessions, token_of, users_of
from .step import Step
from .tag import Tag
from .trace import Call, NodeRun, Prompt, Run, Trace

__all__ = [
    "Access",
    "Append",
    "Arrival",
    "Call",
    "Charge",
    "Conversation",
    "Day",
    "Ending",
    "Excerpt",
    "Figures",
    "Found",
    "Indexed",
    "Message",
    "NodeRun",
    "Note",
    "Pool",
    "Profile",
    "Prompt",
    "Run",
    "SearchEntry",
    "Step",
    "Trace",
    "Tag",
    "address_token",
    "bring_in",
    "expired_sessions",
    "find",
    "lease_end",
    "may_follow",
    "may_inspect",
    "network_of",
    "token_of",
    "users_of",
]
