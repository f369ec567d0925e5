import errno
import io
import socket

from daphne.management.commands.runserver import Command as DaphneCommand
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper
from django.db import DatabaseError, connection

from chat import llm
from chat.llm.demo import Demo


class Command(DaphneCommand):
    """Daphne's runserver, with a first run made easy: the default SQLite database is migrated, and
    one box says where the chat is, who answers, and where the data lies."""

    default_addr = settings.BIND
    default_port = str(settings.PORT)

    def inner_run(self, *args, **options) -> None:
        self._check_port()
        self._check_static_files()
        if connection.vendor == "sqlite":
            self._migrate()
        else:
            self._check_database()
        self.check(display_num_errors=False)
        self._print_box()
        self.stdout = OutputWrapper(io.StringIO())  # the box says it all
        super().inner_run(*args, **options)

    def check_migrations(self) -> None:
        if connection.vendor != "sqlite":
            super().check_migrations()

    def _check_port(self) -> None:
        """Whether the address is free: Daphne would go on without a word if it were not."""
        family = socket.AF_INET6 if self.use_ipv6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.addr, int(self.port)))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise CommandError(
                        f"Port {self.port} is in use. Stop what uses it, or choose another: "
                        f"PORT={int(self.port) + 1} make run"
                    ) from None
                raise CommandError(
                    f"Cannot listen on {self.addr}:{self.port} ({error.strerror}). "
                    "Set BIND and PORT to an address of this machine."
                ) from None

    def _check_static_files(self) -> None:
        """With DEBUG=0 they have to be collected, or every page would be an error."""
        if not settings.DEBUG and not (settings.STATIC_ROOT / "staticfiles.json").exists():
            raise CommandError("The static files are missing. Run: manage.py collectstatic")

    def _check_database(self) -> None:
        try:
            connection.ensure_connection()
        except DatabaseError:
            raise CommandError(
                "The database cannot be reached. Start it, or correct DATABASE_URL."
            ) from None

    def _migrate(self) -> None:
        database = settings.DATABASES["default"]["NAME"]
        try:
            settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
            call_command("migrate", verbosity=0, interactive=False)
        except (OSError, DatabaseError) as error:
            raise CommandError(
                f"The database {database} cannot be written ({error}). Make its folder writable, "
                "or name another with DATA_DIR or DATABASE_URL."
            ) from None

    def _print_box(self) -> None:
        host = f"[{self.addr}]" if self._raw_ipv6 else self.addr
        rows = [
            ("Chat", f"http://{host}:{self.port}/"),
            ("Answers", self._answers()),
            ("Data", str(settings.DATA_DIR)),
        ]
        if not get_user_model().objects.filter(is_superuser=True).exists():
            rows.append(("Admin", "none yet; make one: .venv/bin/python manage.py createsuperuser"))
        else:
            rows.append(("Admin", f"http://{host}:{self.port}/admin/"))
        lines = [f"{name:<8} {value}" for name, value in rows]
        width = max(map(len, lines))
        edge = "─" * (width + 2)
        box = [f"╭{edge}╮", *(f"│ {line:<{width}} │" for line in lines), f"╰{edge}╯"]
        self.stdout.write("\n".join(box) + "\n")
        self.stdout.flush()

    def _answers(self) -> str:
        answers = llm.get()
        if isinstance(answers, Demo):
            return "the demo model (connect another: OPENAI_API_KEY or OPENAI_BASE_URL in .env)"
        model = answers.model or "the first model it offers"
        address = settings.LLMS["default"].get("BASE_URL")
        return f"{model} at {address}" if address else model
