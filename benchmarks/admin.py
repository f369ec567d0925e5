"""What an operator's pages cost with a thousand messages and with a million, in one run.

python -m benchmarks.admin [--messages 1000 1000000] [--folder FOLDER] [--markdown FILE]

Makes a database of each size in FOLDER, or takes the one that is there, asks for each page a few
times through Django's test client (no socket, no server), and prints the median and what it is
beside that of the smallest. A million messages take about an hour to make, most of it their search
index, and 10 GB; FOLDER keeps them for the next run. SQLite, on one core.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median

TALK = 10  # messages of a conversation
EACH = 25  # conversations of a person
DAYS = 365  # that they are spread over
SAID = 60  # words of a message
VOCABULARY = 20_000
ROUNDS = 7
AT_ONCE = 200  # conversations
RARE, FREQUENT, OWNER = "zanzibar", "b1", "person7"

PAGES = {
    "the list": "/admin/chat/conversation/",
    "the list, its second page": "/admin/chat/conversation/?p=2",
    "the list: failed ones": "/admin/chat/conversation/?newest=error",
    "search: a rare word": f"/admin/chat/conversation/?q={RARE}",
    "search: a frequent word": f"/admin/chat/conversation/?q={FREQUENT}",
    "search: a word that nobody said": "/admin/chat/conversation/?q=nobodysaidthis",
    "search: an owner's name": f"/admin/chat/conversation/?q={OWNER}",
    "search: how an id begins": "/admin/chat/conversation/?q={id}",
    "a transcript": "/admin/chat/conversation/{conversation}/change/",
    "the messages": "/admin/chat/message/",
    "the overview, 30 days": "/admin/chat/day/?days=30",
    "the overview, 365 days": "/admin/chat/day/?days=365",
}


def word(number: int) -> str:
    return f"b{number}"


def vocabulary() -> Iterator[str]:
    """Words as often as a language has them: the second half as often as the first, and so on."""
    chance = random.Random(7)
    while True:
        yield word(int(VOCABULARY ** chance.random()))


def make(messages: int) -> None:
    """So many messages, of so many people as it takes, spread over a year until now."""
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from chat.models import Conversation, Message, Profile

    User = get_user_model()
    User.objects.create_superuser("operator")
    talks = messages // TALK
    people = User.objects.bulk_create(
        User(username=f"person{number}", password="!") for number in range(-(-talks // EACH))
    )
    Profile.objects.bulk_create(Profile(user=person) for person in people)
    words, now, apart = vocabulary(), timezone.now(), timedelta(days=DAYS) / talks
    rare = random.Random(8).sample(range(talks), 5)
    for start in range(0, talks, AT_ONCE):
        conversations, rows = [], []
        for number in range(start, min(start + AT_ONCE, talks)):
            at = now - apart * number
            talk = Conversation(
                owner=people[number % len(people)],
                title=" ".join(next(words) for _ in range(5)),
                assistant="chat",
                last_seq=TALK,
                revision=1,
                created=at,
                updated=at,
            )
            conversations.append(talk)
            parent = None
            for seq in range(1, TALK + 1):
                text = " ".join(next(words) for _ in range(SAID))
                if seq == 1 and number in rare:
                    text += f" {RARE}"
                is_reply = not seq % 2
                parent = Message(
                    conversation=talk,
                    seq=seq,
                    parent=parent,
                    role=Message.Role.ASSISTANT if is_reply else Message.Role.USER,
                    status=Message.Status.ERROR
                    if seq == TALK and not number % 50
                    else Message.Status.DONE,
                    model=f"model{number % 5}" if is_reply else "",
                    text=text,
                    length=len(text),
                    created=at,
                )
                rows.append(parent)
        Conversation.objects.bulk_create(conversations)
        Message.objects.bulk_create(rows)
        print(f"\r{start + AT_ONCE} of {talks} conversations", end="", file=sys.stderr)


def index() -> None:
    """Make what is missing of the search's index."""
    from chat.models import Conversation, SearchEntry, bring_in

    while not bring_in(Conversation.objects.all(), seconds=30):
        print(f"\r{SearchEntry.objects.count()} in the index", end="", file=sys.stderr)
    print(file=sys.stderr)


def measure() -> dict[str, float]:
    """The median milliseconds of each page, after it was asked for once."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from chat.models import Conversation, Day

    client = Client()
    client.force_login(get_user_model().objects.get(username="operator"))
    conversation = Conversation.objects.order_by("-updated")[5].id
    while not Day.objects.latest(DAYS, seconds=60)[1]:
        pass
    found = {}
    for name, address in PAGES.items():
        address = address.format(conversation=conversation, id=str(conversation)[:6])
        took = []
        for _ in range(ROUNDS + 1):
            began = time.perf_counter()
            response = client.get(address, secure=True)
            took.append((time.perf_counter() - began) * 1000)
            if response.status_code != 200:
                raise SystemExit(f"{name}: {response.status_code}")
        found[name] = median(took[1:])
    return found


def child(folder: Path, messages: int) -> dict[str, float]:
    """The measures of one size, in a process of its own."""
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{folder.resolve()}/{messages}.sqlite3",
        "DATA_DIR": str(folder / "data"),
        "DEBUG": "0",
        "SECRET_KEY": "of a benchmark, long enough to be taken for one: 0123456789abcdef",
        "ALLOWED_HOSTS": "testserver",
        "SITE_ORIGINS": "https://testserver",
        "ADMIN_REASON": "0",
        "LOG_LEVEL": "error",
    }
    command = [sys.executable, "-m", "benchmarks.admin", "--child", str(messages)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def serve(messages: int) -> None:
    """In the child: make what is missing, and measure."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatproject.settings")
    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    if not get_user_model().objects.exists():
        make(messages)
    index()
    json.dump(measure(), sys.stdout)


def table(results: dict[int, dict[str, float]]) -> str:
    sizes = sorted(results)
    least = results[sizes[0]]
    lines = ["| page, ms | " + " | ".join(f"{size:,} messages" for size in sizes) + " |"]
    lines += ["| --- |" + " ---: |" * len(sizes)]
    for name in PAGES:
        cells = [f"{results[size][name]:,.0f}" for size in sizes]
        cells[1:] = [
            f"{cell} ({results[size][name] / least[name]:.2f})"
            for cell, size in zip(cells[1:], sizes[1:], strict=True)
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--folder", type=Path, help="where the databases are kept")
    parser.add_argument("--markdown", type=Path, help="write the table there as well")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        serve(options.child)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        result = table({size: child(folder, size) for size in options.messages})
    print(result)
    if options.markdown:
        options.markdown.write_text(result + "\n")


if __name__ == "__main__":
    main()
