from chatproject.settings import *  # noqa: F403

ROOT_URLCONF = "tests.doors.broken"
ASGI_APPLICATION = "tests.doors.broken_asgi.application"
CHAT_FLOWS = {"chat": "chat.flows.chat.build", "broken": "tests.doors.broken.build"}
