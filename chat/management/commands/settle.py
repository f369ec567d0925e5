from django.core.management import BaseCommand

from chat.replies.settle import remove_deleted, settle_dead_workers, settle_stale


class Command(BaseCommand):
    help = (
        "End the replies whose worker is gone, and remove what people deleted, as every running "
        "server does by itself."
    )

    def handle(self, **options) -> None:
        settled = [*settle_dead_workers(), *settle_stale()]
        for reply in settled:
            self.stdout.write(f"interrupted: reply {reply.id}")
        count = len(settled)
        self.stdout.write(f"{count or 'No'} {'reply' if count == 1 else 'replies'} settled.")
        removed = 0
        while some := remove_deleted():
            removed += some
        if removed:
            what = "conversation" if removed == 1 else "conversations"
            self.stdout.write(f"{removed} deleted {what} removed.")
