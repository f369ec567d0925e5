"""An operator's view of a site: people, their conversations, and the pages of the admin."""

from datetime import timedelta
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import reverse
from django.utils import timezone

from chat.models import Conversation, Message, Step, lease_end

CANARY = "zanzibar-canary"
RUNNING, INTERRUPTED, ERROR = "running", "interrupted", "error"
CONVERSATIONS = "/admin/chat/conversation/"
MESSAGES = "/admin/chat/message/"


def change(row) -> str:
    return reverse(f"admin:chat_{row._meta.model_name}_change", args=[row.pk])


def delete(row) -> str:
    return reverse(f"admin:chat_{row._meta.model_name}_delete", args=[row.pk])


def stop(reply: Message) -> str:
    return reverse("admin:chat_conversation_stop", args=[reply.conversation_id, reply.pk])


def days_from_now(days: int) -> str:
    return (timezone.localdate() + timedelta(days=days)).isoformat()


@override_settings(ADMIN_REASON=False)  # tests/doors/test_accountable.py is of it
class AdminCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        users = get_user_model().objects
        cls.alice = users.create_user("alice")
        cls.bob = users.create_user("bob")
        cls.root = users.create_superuser("root")
        kinds = ["conversation", "message", "profile"]
        views = [f"view_{kind}" for kind in kinds]
        changes = [f"{what}_{kind}" for what in ("change", "delete") for kind in kinds]
        cls.olga = cls.operator("olga", *views, *changes, "view_user", "delete_user")
        cls.rita = cls.operator("rita", *views, "view_content")

    @staticmethod
    def operator(name: str, *permissions: str):
        user = get_user_model().objects.create_user(name, is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        return user

    def talk(self, owner=None, question: str = "How far is the moon?") -> Conversation:
        """A conversation that begins with a question."""
        talk = Conversation.objects.create(owner=owner or self.alice, assistant="chat")
        self.ask(talk, None, question)
        return talk

    def ask(self, talk: Conversation, parent: Message | None, text: str) -> Message:
        return talk.add(parent=parent, role="user", text=text, length=len(text), cid=uuid4())

    def reply(
        self, talk: Conversation, text: str = "", status: str = "done", parent=None, **fields
    ) -> Message:
        fields = {"model": "small", "worker": "w1", "lease_until": lease_end(60), **fields}
        return talk.add(
            parent=parent or talk.messages.order_by("seq").last(),
            role="assistant",
            status=status,
            assistant=talk.assistant,
            text=text,
            length=len(text),
            **fields,
        )

    def step(self, reply: Message, **fields) -> Step:
        position = reply.steps.count() + 1
        return Step.objects.create(
            message=reply, position=position, started=timezone.now(), **fields
        )

    def get(self, url: str, status: int = 200, **query) -> str:
        response = self.client.get(url, query)
        self.assertEqual(response.status_code, status, url)
        return response.content.decode()

    def listed(self, **query) -> set:
        response = self.client.get(CONVERSATIONS, query)
        self.assertEqual(response.status_code, 200)
        return {row.pk for row in response.context["cl"].result_list}

    def queries_of(self, url: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            self.get(url)
        return len(queries)
