from time import monotonic, sleep

from django.core.management import BaseCommand, CommandError
from django.db import OperationalError

from chat.models import Conversation, Day, Message, bring_in
from chat.replies.purge import leftovers
from chat.replies.settle import settle_dead_workers, settle_stale

YEAR = 366  # days


class Command(BaseCommand):
    help = (
        "End the replies whose worker is gone, keep what each day came to, bring what was said "
        "into the search, and remove what is kept no longer: deleted conversations, old ones "
        "(KEEP_DAYS), guests without any (GUEST_DAYS), ended sessions, failed sign-ins and locks "
        "that nobody counts any more. Safe beside running servers; run it once a day."
    )

    def add_arguments(self, parser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="only say what there is, and change nothing"
        )

    def handle(self, *, dry_run: bool, **options) -> None:
        try:
            self._count() if dry_run else self._settle()
        except OperationalError:
            raise CommandError(
                "The database is away or busy. What is left is done by the next run."
            ) from None

    def _count(self) -> None:
        stale = Message.objects.stale().count()
        self.stdout.write(f"{stale or 'No'} {'reply' if stale == 1 else 'replies'} to settle.")
        for leftover in leftovers():
            self.stdout.write(f"{leftover.counted(leftover.rows.count())} to remove.".capitalize())

    def _settle(self) -> None:
        settled = [*settle_dead_workers(), *settle_stale()]
        for reply in settled:
            self.stdout.write(f"interrupted: reply {reply.id}")
        count = len(settled)
        self.stdout.write(f"{count or 'No'} {'reply' if count == 1 else 'replies'} settled.")
        # What the days came to, before anything goes that they are counted from.
        Day.objects.latest(YEAR, seconds=float("inf"))
        # What is not searched by its owner is found by operators all the same.
        bring_in(Conversation.objects.all(), seconds=float("inf"))
        began = monotonic()
        while Conversation.objects.keep_tokens():
            sleep(monotonic() - began)  # the servers' turn
            began = monotonic()
        for leftover in leftovers():
            if removed := sum(leftover.remove_all()):
                self.stdout.write(f"{leftover.counted(removed)} removed.")
