from chatproject.settings import *  # noqa: F403

CHAT_FLOWS = {"checked": "tests.traced.checked", "chat": "chat.flows.chat.build"}
