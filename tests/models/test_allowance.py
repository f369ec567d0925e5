"""What a person may ask for, by the rows that their requests leave."""

from datetime import timedelta
from threading import Barrier, Thread
from uuid import uuid4

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection
from django.db.models.functions import Now
from django.test import (
    RequestFactory,
    TransactionTestCase,
    override_settings,
    skipUnlessDBFeature,
)

from chat.models import (
    Append,
    Arrival,
    Charge,
    Conversation,
    Ending,
    Message,
    Profile,
    address_token,
)
from chat.protocol import Refused
from chat.replies import tree
from chat.replies.accept import accept
from chat.replies.settle import remove_uncounted
from chat.replies.stop import stop
from chat.text import estimate_tokens
from chat.views.visitor import admit, person

from .cast import WORKER, Status, in_seconds
from .test_accept import LIMITS, AcceptCase, frame

HOME, CAFE = uuid4(), uuid4()
HOW_MANY = 6


def limits(**changes: int) -> override_settings:
    return override_settings(CHAT_LIMITS=LIMITS | {"active": 99} | changes)


def charge_of(reply) -> Charge:
    return Charge.objects.get(reply=reply)


class RateTest(AcceptCase):
    def age(self, reply, seconds: float) -> None:
        Charge.objects.filter(reply=reply).update(created=Now() - timedelta(seconds=seconds))

    def test_it_says_when_there_is_room_again(self):
        for ago in (40, 30, 20):
            accepted = self.send(conversation=uuid4())
            self.finish(accepted)
            self.age(accepted.reply, ago)
        refused = self.refused(
            self.alice, "send", conversation=self.talk.id, text="And?", parent=self.answer.id
        )
        self.assertEqual(refused.code, "rate")
        self.assertIn(refused.retry_after, range(18, 22))  # the oldest is 40 s old

    def test_requests_of_every_kind_of_the_last_minute_count(self):
        accepted = self.send()
        self.finish(accepted)
        self.finish(self.accept(self.alice, "regenerate", message=accepted.reply))
        self.finish(self.accept(self.alice, "regenerate", message=accepted.reply))
        self.assertSendRefused("rate")
        self.assertRefused("rate", self.alice, "continue", message=accepted.reply)
        self.age(accepted.reply, 61)
        self.assertIsNotNone(self.send().task)

    def test_a_clock_that_was_set_back_refuses_nobody(self):
        for _ in range(LIMITS["per_minute"]):
            accepted = self.send(conversation=uuid4())
            self.finish(accepted)
            self.age(accepted.reply, -3600)
        accepted = self.send(conversation=uuid4())
        self.assertEqual(accepted.left["messages"], LIMITS["per_minute"] - 1)
        self.finish(accepted)
        self.age(accepted.reply, 40)
        # And who is refused is told when there is room by the new clock.
        for _ in range(LIMITS["per_minute"] - 1):
            self.finish(self.send(conversation=uuid4()))
        refused = self.refused(self.alice, "send", conversation=uuid4(), text="And?")
        self.assertEqual(refused.code, "rate")
        self.assertIn(refused.retry_after, range(1, 22))

    def test_deleting_frees_nothing(self):
        for _ in range(LIMITS["per_minute"]):
            accepted = self.send(conversation=uuid4())
            tree.delete(self.alice, accepted.conversation)
            Conversation.objects.filter(id=accepted.conversation).delete()
        self.assertSendRefused("rate")

    def test_what_is_left_is_told(self):
        left = [self.finish_and_left() for _ in range(LIMITS["per_minute"])]
        self.assertEqual([found["messages"] for found in left], [2, 1, 0])
        self.assertGreater(left[0]["tokens"], left[1]["tokens"])

    def finish_and_left(self) -> dict:
        accepted = self.send(conversation=uuid4())
        self.finish(accepted)
        return accepted.left


@limits(per_minute=99)
class BudgetTest(AcceptCase):
    def spend(self, tokens: int, *, hours: float = 1) -> None:
        Charge.objects.create(
            reply=uuid4(),
            user=self.alice,
            prompt=0,
            tokens=tokens,
            created=Now() - timedelta(hours=hours),
        )

    def test_the_most_that_a_reply_may_cost_is_reserved_before_it_begins(self):
        accepted = self.send(text="x" * 40)
        charge = charge_of(accepted.reply)
        self.assertGreater(charge.prompt, 10)
        self.assertEqual(charge.tokens, charge.prompt + LIMITS["reply_tokens"])

    def test_it_is_what_it_cost_once_the_reply_is_final(self):
        accepted = self.send()
        ending = Ending(Status.DONE, prompt_tokens=7, completion_tokens=5)
        self.assertTrue(Message.objects.end(accepted.reply, ending))
        self.assertEqual(charge_of(accepted.reply).tokens, 12)

    def test_who_stops_pays_for_what_came(self):
        accepted = self.send()
        Message.objects.append([Append(accepted.reply, 0, "x" * 40)], worker=WORKER, lease=15)
        stop(self.alice, accepted.reply)
        charge = charge_of(accepted.reply)
        self.assertEqual(charge.tokens, charge.prompt + 10)

    def test_a_worker_that_died_is_paid_for_what_came(self):
        accepted = self.send()
        append = Append(accepted.reply, 0, "x" * 40, 0, "y" * 20)
        Message.objects.append([append], worker=WORKER, lease=15)
        Message.objects.filter(id=accepted.reply).update(lease_until=in_seconds(-1))
        self.assertEqual(len(Message.objects.stale().settle()), 1)
        charge = charge_of(accepted.reply)
        self.assertEqual(charge.tokens, charge.prompt + 15)

    def test_what_a_continued_reply_kept_is_not_paid_again(self):
        first = self.send()
        self.finish(first, "x" * 40, status="interrupted")
        again = self.accept(self.alice, "continue", message=first.reply)
        stop(self.alice, again.reply)
        charge = charge_of(again.reply)
        self.assertEqual(charge.tokens, charge.prompt)

    def test_a_reply_that_might_cost_more_than_is_left_is_refused(self):
        self.spend(LIMITS["tokens"] - LIMITS["reply_tokens"])
        self.assertSendRefused("budget")
        self.assertRefused("budget", self.alice, "regenerate", message=self.answer.id)
        self.assertIsNotNone(self.send(self.bob, conversation=self.bobs.id).task)

    def test_yesterday_is_forgotten(self):
        self.spend(LIMITS["tokens"], hours=24.1)
        self.assertIsNotNone(self.send().task)

    def test_a_clock_that_was_set_back_frees_no_tokens_of_the_day(self):
        self.spend(LIMITS["tokens"], hours=-1)
        self.assertSendRefused("budget")

    def test_what_lies_more_than_a_day_ahead_is_of_no_day(self):
        self.spend(LIMITS["tokens"], hours=-24.1)
        self.assertIsNotNone(self.send().task)

    def test_what_nothing_counts_any_more_is_removed(self):
        self.spend(1, hours=49)
        self.spend(2, hours=25)
        self.assertEqual(remove_uncounted(), 1)
        self.assertEqual(remove_uncounted(), 0)
        self.assertEqual(Charge.objects.get().tokens, 2)

    def test_it_says_when_there_is_room_again(self):
        self.spend(LIMITS["tokens"] - 500, hours=23)
        self.spend(500, hours=1)
        refused = self.refused(self.alice, "send", conversation=self.talk.id, text="And?")
        self.assertEqual(refused.code, "budget")
        self.assertAlmostEqual(refused.retry_after, 3600, delta=60)

    def test_a_reply_that_never_fits_waits_a_day(self):
        with limits(tokens=LIMITS["reply_tokens"]):
            refused = self.refused(self.alice, "send", conversation=self.talk.id, text="And?")
        self.assertEqual((refused.code, refused.retry_after), ("budget", 86_400))

    @limits(per_minute=99, tokens=0)
    def test_0_is_no_limit(self):
        self.spend(10**9)
        self.assertEqual(self.send().left, {"messages": 98})

    @limits(per_minute=99, tokens=0, all_tokens=1_000)
    def test_all_people_share_the_sites_own(self):
        self.spend(950)
        self.assertSendRefused("budget", self.bob, conversation=self.bobs.id)

    def test_a_deleted_account_leaves_what_it_cost(self):
        self.spend(900)
        tree.forget(self.alice)
        with limits(all_tokens=1_000):
            self.assertSendRefused("budget", self.bob, conversation=self.bobs.id)

    def test_a_repeated_request_costs_nothing(self):
        cid = uuid4()
        for _ in range(2):
            accepted = self.send(cid=cid)
        self.assertIsNone(accepted.left)
        self.assertEqual(Charge.objects.count(), 1)

    def test_a_long_conversation_costs_what_the_model_is_sent(self):
        with override_settings(CONTEXT_TOKENS=70):
            self.finish(self.send(text="x" * 100))
            accepted = self.send(text="y" * 100)
        self.assertIn(charge_of(accepted.reply).prompt, range(50, 71))

    @override_settings(CONTEXT_TOKENS=50)
    def test_what_is_sent_whatever_its_length_costs_all_of_it(self):
        self.finish(first := self.send(text="x" * 100), "€" * 400, status="interrupted")
        again = self.accept(self.alice, "continue", message=first.reply)
        self.assertGreater(charge_of(again.reply).prompt, 300)
        self.finish(again)
        self.assertGreater(charge_of(self.send(text="€" * 100).reply).prompt, 75)


class GuestTest(AcceptCase):
    def guest(self, address=HOME) -> AbstractBaseUser:
        return Profile.objects.make_guest(address).user

    def send_as(self, user: AbstractBaseUser):
        accepted = self.send(user, conversation=uuid4())
        self.finish(accepted)
        return accepted

    def test_guests_of_one_address_share_what_they_may_ask(self):
        for _ in range(LIMITS["address_per_minute"]):
            self.send_as(self.guest())
        self.assertSendRefused("rate", self.guest(), conversation=uuid4())
        self.assertIsNotNone(self.send_as(self.guest(CAFE)).task)
        self.assertIsNotNone(self.send_as(self.alice).task)

    def test_and_the_tokens_of_a_day(self):
        guest = self.guest()
        Charge.objects.create(
            reply=uuid4(), user=guest, address=HOME, prompt=0, tokens=LIMITS["address_tokens"]
        )
        self.assertSendRefused("budget", self.guest(), conversation=uuid4())
        guest.delete()
        self.assertSendRefused("budget", self.guest(), conversation=uuid4())

    def test_an_account_has_its_own(self):
        for _ in range(LIMITS["address_per_minute"]):
            self.send_as(self.guest())
        newcomer = self.guest()
        newcomer.profile.become_account(HOME)
        self.assertIsNotNone(self.send_as(newcomer).task)


@limits(address_people=2)
class ArrivalTest(AcceptCase):
    def admit(self, address=HOME) -> bool:
        return Arrival.objects.admit(address, most=2)

    def test_so_many_are_new_from_an_address_in_an_hour(self):
        self.assertEqual([self.admit() for _ in range(3)], [True, True, False])
        self.assertTrue(self.admit(CAFE))
        self.assertTrue(self.admit(None))
        Arrival.objects.filter(address=HOME).update(created=Now() - timedelta(minutes=61))
        self.assertTrue(self.admit())
        self.assertTrue(self.admit())
        # Nor does it count who came before the clock was set back.
        Arrival.objects.filter(address=HOME).update(created=Now() + timedelta(minutes=1))
        self.assertTrue(self.admit())

    def test_who_goes_again_leaves_no_room(self):
        for _ in range(2):
            request = RequestFactory().get("/", headers={"User-Agent": "Firefox"})
            request.user, request.session = AnonymousUser(), SessionStore()
            tree.forget(person(request, may_be_new=True))
        self.assertFalse(admit(address_token("127.0.0.1")))

    def test_what_nothing_counts_any_more_is_removed(self):
        self.admit()
        Arrival.objects.update(created=Now() - timedelta(minutes=61))
        self.admit()
        self.assertEqual(remove_uncounted(), 1)
        self.assertEqual(Arrival.objects.count(), 1)


# SQLite's test database is in memory, where threads do not wait for each other but fail.
@skipUnlessDBFeature("has_select_for_update")
class AtOnceTest(TransactionTestCase):
    def send_at_once(self, people: list[AbstractBaseUser]) -> list[str]:
        """The refusals of a request of each of these people, all at the same moment."""
        barrier, refused = Barrier(len(people)), []

        def send(person: AbstractBaseUser) -> None:
            said = frame("send", conversation=uuid4(), text="Hello", parent=None)
            barrier.wait(10)
            try:
                accept(person, said, worker=WORKER, model="demo")
            except Refused as error:
                refused.append(error.code)
            finally:
                connection.close()

        threads = [Thread(target=send, args=[person]) for person in people]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        return refused

    @limits(per_minute=2)
    def test_one_person(self):
        alice = Profile.objects.make_guest().user
        self.assertEqual(self.send_at_once([alice] * HOW_MANY), ["rate"] * (HOW_MANY - 2))

    @limits(address_per_minute=2)
    def test_the_guests_of_one_address(self):
        guests = [Profile.objects.make_guest(HOME).user for _ in range(HOW_MANY)]
        self.assertEqual(self.send_at_once(guests), ["rate"] * (HOW_MANY - 2))

    def test_those_who_are_new(self):
        admitted = []

        def come() -> None:
            admitted.append(Arrival.objects.admit(HOME, most=2))
            connection.close()

        threads = [Thread(target=come) for _ in range(HOW_MANY)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(sorted(admitted), [False] * (HOW_MANY - 2) + [True] * 2)

    @limits(tokens=0, address_tokens=0)
    def test_everybody(self):
        fits = LIMITS["reply_tokens"] + 50
        people = [Profile.objects.make_guest().user for _ in range(HOW_MANY)]
        self.assertLess(estimate_tokens("Hello"), 50)
        with limits(all_tokens=2 * fits):
            self.assertEqual(self.send_at_once(people), ["budget"] * (HOW_MANY - 2))
        self.assertEqual(Charge.objects.count(), 2)
