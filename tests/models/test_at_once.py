"""Requests that come at the same moment, where the database can serve them so."""

from threading import Barrier, Thread
from uuid import UUID, uuid4

from django.db import connection
from django.test import TransactionTestCase, override_settings, skipUnlessDBFeature

from chat.models import Conversation, Message
from chat.protocol import Refused
from chat.replies.accept import accept

from .cast import WORKER, person
from .test_accept import LIMITS, frame

HOW_MANY = 6


# SQLite's test database is in memory, where threads do not wait for each other but fail.
@skipUnlessDBFeature("has_select_for_update")
@override_settings(CHAT_LIMITS=LIMITS | {"per_minute": 99})
class AtOnceTest(TransactionTestCase):
    def setUp(self) -> None:
        self.alice = person("alice")

    def send_at_once(self, requests: list[tuple[UUID, UUID]]) -> list:
        """What becomes of sends, each (cid, conversation), that start together."""
        barrier = Barrier(len(requests))
        outcomes = []

        def send(cid: UUID, conversation: UUID) -> None:
            said = frame("send", cid=cid, conversation=conversation, text="Hello", parent=None)
            barrier.wait(10)
            try:
                outcomes.append(accept(self.alice, said, worker=WORKER, model="demo"))
            except Refused as refused:
                outcomes.append(refused.code)
            finally:
                connection.close()

        threads = [Thread(target=send, args=request) for request in requests]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(len(outcomes), len(requests))
        return outcomes

    def test_the_same_request_is_accepted_once(self):
        outcomes = self.send_at_once([(uuid4(), uuid4())] * HOW_MANY)
        self.assertEqual(len({(o.conversation, o.message, o.reply) for o in outcomes}), 1)
        self.assertEqual(sum(o.task is not None for o in outcomes), 1)
        self.assertEqual(Message.objects.count(), 2)

    def test_a_conversation_has_one_active_reply(self):
        conversation = uuid4()
        outcomes = self.send_at_once([(uuid4(), conversation) for _ in range(HOW_MANY)])
        self.assertEqual(outcomes.count("busy"), HOW_MANY - 1)
        self.assertEqual(Message.objects.active().count(), 1)

    def test_nobody_has_more_active_replies_than_allowed(self):
        outcomes = self.send_at_once([(uuid4(), uuid4()) for _ in range(HOW_MANY)])
        self.assertEqual(outcomes.count("too_many"), HOW_MANY - LIMITS["active"])
        self.assertEqual(Message.objects.active().count(), LIMITS["active"])
        self.assertEqual(Conversation.objects.count(), LIMITS["active"])
