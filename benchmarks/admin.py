"""What an operator's pages cost with a thousand messages and with a million, in one run.

python -m benchmarks.admin [--messages 1000 1000000] [--folder FOLDER] [--markdown FILE]

Makes a database of each size in FOLDER, or takes the one that is there, asks for each page a few
times through Django's test client (no socket, no server), and prints the median of what that took
of the processor, whatever else the machine does, and what it is beside that of the smallest. A
million messages take a few minutes to make, and 3 GB; FOLDER keeps them for the next run. SQLite.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROUNDS = 15

PAGES = {
    "the list": "/admin/chat/conversation/",
    "the list, its second page": "/admin/chat/conversation/?p=2",
    "the list: failed ones": "/admin/chat/conversation/?newest=error",
    "the list: those in order": "/admin/chat/conversation/?newest=done",
    "search: a rare word": "/admin/chat/conversation/?q={rare}",
    "search: a frequent word": "/admin/chat/conversation/?q={frequent}",
    "search: a word that nobody said": "/admin/chat/conversation/?q=nobodysaidthis",
    "search: an owner's name": "/admin/chat/conversation/?q={owner}",
    "search: what all names have": "/admin/chat/conversation/?q=person",
    "search: how an id begins": "/admin/chat/conversation/?q={id}",
    "a transcript": "/admin/chat/conversation/{conversation}/change/",
    "the messages": "/admin/chat/message/",
    "the messages: failed ones": "/admin/chat/message/?status=error",
    "the overview, 30 days": "/admin/chat/day/?days=30",
    "the overview, 365 days": "/admin/chat/day/?days=365",
}


def measure() -> dict[str, float]:
    """The median milliseconds of each page, after it was asked for once."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from chat.models import Conversation, Day

    from . import year

    client = Client()
    client.force_login(get_user_model().objects.get(username="operator"))
    conversation = Conversation.objects.select_related("owner").order_by("-updated")[5]
    about = {
        "conversation": conversation.id,
        "id": str(conversation.id)[:6],
        "owner": conversation.owner.username,
        "rare": year.RARE,
        "frequent": year.FREQUENT,
    }
    while not Day.objects.latest(year.DAYS, seconds=60)[1]:
        pass
    found = {}
    for name, address in PAGES.items():
        took = []
        for _ in range(ROUNDS + 1):
            began = time.process_time()
            response = client.get(address.format_map(about), secure=True)
            took.append((time.process_time() - began) * 1000)
            if response.status_code != 200:
                raise SystemExit(f"{name}: {response.status_code}")
        found[name] = median(took[1:])
    return found


def measured(folder: Path, messages: int) -> dict[str, float]:
    """The measures of one size, whose database is made if it is not there."""
    database = folder / f"{messages}.sqlite3"
    if not database.exists():
        unfinished = database.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        child(folder, unfinished, "--make", str(messages))
        unfinished.rename(database)
    return json.loads(child(folder, database, "--measure"))


def child(folder: Path, database: Path, *command: str) -> str:
    """What a process of its own prints, which has this database."""
    environment = os.environ | {
        "DATABASE_URL": f"sqlite:///{database.resolve()}",
        "DATA_DIR": str(folder / "data"),
        "DEBUG": "0",
        "SECRET_KEY": "of a benchmark, long enough to be taken for one: 0123456789abcdef",
        "ALLOWED_HOSTS": "testserver",
        "SITE_ORIGINS": "https://testserver",
        "ADMIN_REASON": "0",
        "LOG_LEVEL": "error",
    }
    command = [sys.executable, "-m", "benchmarks.admin", *command]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def serve(options: argparse.Namespace) -> None:
    """In the child: make, or measure."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatproject.settings")
    django.setup()
    from django.core.management import call_command

    if options.make:
        from . import year

        year.make(options.make)
        return
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    json.dump(measure(), sys.stdout)


def table(results: dict[int, dict[str, float]]) -> str:
    sizes = sorted(results)
    least = results[sizes[0]]
    heads = " | ".join(f"{size:,} messages" for size in sizes)
    lines = [f"| page, ms | {heads} | ratio |", "| --- |" + " ---: |" * (len(sizes) + 1)]
    for name in PAGES:
        cells = " | ".join(f"{results[size][name]:,.0f}" for size in sizes)
        ratio = results[sizes[-1]][name] / least[name]
        lines.append(f"| {name} | {cells} | {ratio:.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--folder", type=Path, help="where the databases are kept")
    parser.add_argument("--markdown", type=Path, help="write the table there as well")
    parser.add_argument("--make", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make or options.measure:
        serve(options)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        result = table({size: measured(folder, size) for size in options.messages})
    print(result)
    if options.markdown:
        options.markdown.write_text(result + "\n")


if __name__ == "__main__":
    main()
