"""Requests that come at the same moment, where the database can serve them so."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Barrier, Thread
from uuid import UUID, uuid4

from django.contrib.auth import get_user_model
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.test import TransactionTestCase, override_settings, skipUnlessDBFeature

from chat.models import Access, Conversation, Message, Run, Trace
from chat.protocol import Refused
from chat.replies import trace, tree
from chat.replies.accept import accept
from chat.replies.retry import retry

from .cast import WORKER, ask, person, reply
from .test_accept import LIMITS, frame

HOW_MANY = 6
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


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


@skipUnlessDBFeature("has_select_for_update")
class MeanwhileTest(TransactionTestCase):
    """What comes while something else is not yet committed."""

    def setUp(self) -> None:
        self.alice, self.rita = person("alice"), person("rita")
        self.talk, self.answer = self.answered(self.alice)
        self.errors: list[DatabaseError] = []

    def answered(self, owner, **fields) -> tuple[Conversation, Message]:
        talk = Conversation.objects.create(owner=owner, assistant="chat", **fields)
        return talk, reply(ask(talk), "Because.", worker=WORKER)

    @contextmanager
    def while_open(self, meanwhile: Callable[[], object]) -> Iterator[Callable[[], None]]:
        """A transaction for the body, in which `meanwhile` is done, or waits for it to be over:
        when the body calls what it is given, or at its end."""

        def do() -> None:
            try:
                meanwhile()
            except DatabaseError as error:
                self.errors.append(error)
            finally:
                connection.close()

        doing = Thread(target=do)

        def begin() -> None:
            doing.start()
            waiting, until = 0, time.monotonic() + 30
            with connection.cursor() as cursor:
                while doing.is_alive() and not waiting and time.monotonic() < until:
                    cursor.execute(WAITING)
                    (waiting,) = cursor.fetchone()
                    doing.join(0.01)

        with transaction.atomic():
            yield begin
            if doing.ident is None:
                begin()
        doing.join(30)

    def test_a_copy_goes_with_the_original_that_is_deleted_while_it_is_made(self):
        with self.while_open(lambda: tree.delete(self.alice, self.talk.id)):
            chosen = {"assistant": "chat", "model": "", "worker": WORKER, "default": "demo"}
            retry(self.rita, self.answer.id, **chosen)
        self.assertFalse(Conversation.objects.copies().exists())

    def test_what_is_deleted_while_its_trace_is_kept_goes(self):
        copy, retried = self.answered(self.rita, copy_of=self.answer)
        for message, remove in (
            (retried, Conversation.objects.filter(id=copy.id).discard),
            (self.answer, lambda: Conversation.objects.remove_at_once(self.talk.id)),
        ):
            kept = Trace(Run(message=message, graph={}, ms=1), [], [], [])
            with self.subTest(message), self.while_open(remove):
                trace.save(kept, message.conversation_id, WORKER)
                self.assertEqual(Run.objects.count(), 1)
            self.assertEqual(self.errors, [])
            self.assertFalse(Message.objects.filter(id=message.id).exists())

    def test_who_goes_is_gone_though_an_operator_begins_to_read(self):
        with self.while_open(lambda: Access.objects.log(self.rita, self.talk)) as begin:

            def at_last(execute, sql: str, *args):
                if sql.startswith('DELETE FROM "auth_user"'):
                    begin()
                return execute(sql, *args)

            with connection.execute_wrapper(at_last):
                tree.forget(self.alice)
        self.assertFalse(get_user_model().objects.filter(username="alice").exists())
