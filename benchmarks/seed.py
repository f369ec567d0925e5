"""Big data for a server that is measured, straight into its database.

python -m benchmarks.seed PEOPLE CONVERSATIONS MESSAGES [CHARACTERS]

Makes so many guests, each with so many conversations of so many messages (whose replies are so many
characters of Markdown), and prints a JSON list: of each guest the `cookie`, and the ids of the
`conversations`, the oldest first.
"""

import json
import os
import secrets
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatproject.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import (  # noqa: E402
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
)
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402

from chat.models import Conversation, Message, Profile  # noqa: E402

from .markdown import markdown  # noqa: E402
from .model import text  # noqa: E402

QUESTION, ANSWER = "Tell me more, and then some more.", text(100)
AT_ONCE = 5_000  # rows


def make_guests(count: int) -> list:
    """Guests as their first visit makes them."""
    User = get_user_model()
    guests = User.objects.bulk_create(
        User(username=f"guest-{secrets.token_hex(8)}", password=make_password(None))
        for _ in range(count)
    )
    Profile.objects.bulk_create(Profile(user=guest, guest=True) for guest in guests)
    return guests


def make_cookies(guests: list) -> list[str]:
    """A session of each, as its browser would send it."""
    store = SessionStore()
    sessions = [
        store.model(
            session_key=secrets.token_hex(16),
            session_data=store.encode(
                {
                    SESSION_KEY: str(guest.pk),
                    BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
                    HASH_SESSION_KEY: guest.get_session_auth_hash(),
                }
            ),
            expire_date=store.get_expiry_date(),
        )
        for guest in guests
    ]
    store.model.objects.bulk_create(sessions)
    return [f"{settings.SESSION_COOKIE_NAME}={session.session_key}" for session in sessions]


def make_conversations(guest, count: int, messages: int, answer: str) -> list[str]:
    conversations = [
        Conversation(owner=guest, title=f"Talk {number}", assistant="chat", last_seq=messages)
        for number in range(count)
    ]
    Conversation.objects.bulk_create(conversations, batch_size=AT_ONCE)
    rows = []
    for conversation in conversations:
        rows += chain(conversation, messages, answer)
        if len(rows) >= AT_ONCE or conversation is conversations[-1]:
            Message.objects.bulk_create(rows, batch_size=AT_ONCE)
            rows.clear()
    return [str(conversation.id) for conversation in conversations]


def chain(conversation: Conversation, count: int, answer: str) -> list[Message]:
    """Questions and replies, each after the one before it."""
    made = []
    for seq in range(1, count + 1):
        role = Message.Role.USER if seq % 2 else Message.Role.ASSISTANT
        said = QUESTION if seq % 2 else answer
        made.append(
            Message(
                conversation=conversation,
                seq=seq,
                parent=made[-1] if made else None,
                role=role,
                text=said,
                length=len(said),
            )
        )
    return made


def main() -> None:
    people, conversations, messages, *characters = map(int, sys.argv[1:])
    answer = markdown(*characters) if characters else ANSWER
    guests = make_guests(people)
    made = [
        {
            "cookie": cookie,
            "conversations": make_conversations(guest, conversations, messages, answer),
        }
        for guest, cookie in zip(guests, make_cookies(guests), strict=True)
    ]
    json.dump(made, sys.stdout)


if __name__ == "__main__":
    main()
