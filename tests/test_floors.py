"""The house keeps its shape: floors, one room for each library, one room for each kind of line.

Everything is read from the syntax tree, nothing is imported. The rules are functions of a module's
name and source, so that a made-up offender shows that each of them can fail.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from sys import stdlib_module_names

from django.test import SimpleTestCase

ROOT = Path(__file__).resolve().parent.parent

# What stands on which floor, and in which room of it. Rooms of one floor are strangers.
FLOORS = {
    "manage": (5, "house"),
    "chatproject": (5, "house"),
    "chat": (5, "house"),  # the package itself is empty; a new module needs a place below
    "chat.apps": (5, "house"),
    "chat.consumers": (4, "socket"),
    "chat.routing": (4, "socket"),
    "chat.session": (4, "socket"),
    "chat.lifespan": (4, "server"),
    "chat.backpressure": (4, "server"),
    "chat.flood": (4, "server"),
    "chat.probes": (4, "server"),
    "chat.queues": (4, "server"),
    "chat.bodies": (4, "server"),
    "chat.checks": (4, "checks"),
    "chat.views": (4, "pages"),
    "chat.urls": (4, "pages"),
    "chat.forms": (4, "pages"),
    "chat.passwords": (4, "pages"),
    "chat.admin": (4, "admin"),
    "chat.management": (4, "commands"),
    "chat.templatetags": (4, "tags"),
    "chat.export": (3, "export"),
    "chat.replies": (3, "replies"),
    "chat.flows": (2, "flows"),
    "chat.models": (1, "models"),
    "chat.migrations": (1, "models"),
    "chat.llm": (1, "llm"),
    "chat.codes": (0, "words"),
    "chat.events": (0, "words"),
    "chat.logs": (0, "words"),
    "chat.metrics": (0, "words"),
    "chat.plain": (0, "words"),
    "chat.protocol": (0, "words"),
    "chat.text": (0, "words"),
    "chat.words": (0, "words"),
}

# Where a library may be imported. Django is everywhere but for DJANGO_STRANGERS.
ROOMS = {
    "asgiref": ["chat.export.download", "chat.replies.sync"],  # Django's own
    "axes": ["chatproject.guesses"],
    "channels": ["chat.consumers", "chat.routing", "chat.replies.bus", "chatproject.asgi"],
    "channels_redis": ["chat.replies.bus"],
    "csp": ["chat.admin", "chatproject.settings"],
    "daphne": [
        "chat.backpressure",
        "chat.bodies",
        "chat.flood",
        "chat.lifespan",
        "chatproject.management.commands.runserver",
    ],
    "django": ["chat", "chatproject", "manage"],
    "environ": ["chatproject.environment"],
    "httpx2": ["chat.llm.openai_compatible"],  # the SDK's own HTTP client
    "openai": ["chat.llm.openai_compatible"],
    "pocketflow": ["chat.flows"],
    "prometheus_client": ["chat.metrics"],
    "psycopg": [],  # Django's own affair
    "pydantic": ["chat.protocol"],
    "sentry_sdk": ["chatproject.sentry"],
    "twisted": ["chat.backpressure", "chat.lifespan"],  # daphne's reactor
    "uvicorn": ["chat.flood", "chatproject.asgi"],
    "websockets": ["chat.flood"],  # uvicorn's own
    "whitenoise": ["chatproject.static"],
}
# Only the `__init__` of llm and flows knows Django: it reads the settings.
DJANGO_STRANGERS = re.compile(
    r"chat\.(codes|events|logs|metrics|plain|protocol|text|words|llm\..+|flows\..+)$"
)

# Names of attributes and functions, and the rooms in which they may be called.
CALLS = {
    "create_task": ["chat.replies"],
    "ensure_future": ["chat.replies"],
    "group_send": ["chat.replies.bus"],
    "AsyncOpenAI": ["chat.llm.openai_compatible"],
    **dict.fromkeys(
        ("raw", "RawSQL", "extra", "cursor", "create_cursor", "make_cursor", "execute"),
        ["chat.models.append"],
    ),
}
# Strings that mean only one thing, and the rooms in which they may stand.
STRINGS = {
    "running": ["chat.models", "chat.migrations"],
    "interrupted": ["chat.models", "chat.migrations"],
    **dict.fromkeys(("welcome", "ack", "pong", "bye"), ["chat.protocol"]),
    # What the upstream's API calls its pieces is that backend's affair.
    "delta": ["chat.protocol", "chat.llm.openai_compatible"],
}
# Who may see what is asked through a querysets' method, not by a filter that each caller writes.
OWNER_FILTERS = re.compile(r"(conversation__)?owner(_id|__\w+)?$")

NO_NAMES = {"utils", "helpers", "services", "managers"}
LINES = 320


def modules() -> dict[str, Path]:
    """Every module of the house by its name."""
    paths = [ROOT / "manage.py", *ROOT.glob("chat/**/*.py"), *ROOT.glob("chatproject/**/*.py")]
    return {name_of(path): path for path in paths}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def within(module: str, rooms: list[str]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def place(module: str) -> tuple[int, str]:
    """The floor and the room of a module of ours."""
    return FLOORS[entry(module)]


def entry(module: str) -> str:
    """The entry of FLOORS that a module falls under."""
    return max((name for name in FLOORS if within(module, [name])), key=len)


def imported(module: str, tree: ast.AST, *, package: bool = False) -> Iterator[str]:
    """The absolute names that a module imports, wherever in it the import stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                here = module.split(".")
                above = here[: len(here) - node.level + (1 if package else 0)]
                base = ".".join([*above, base] if base else above)
            # A name taken from a package may be one of its modules.
            yield from (f"{base}.{alias.name}" for alias in node.names)


def strings(tree: ast.AST) -> Iterator[str]:
    """The strings of a module but for its docstrings."""
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def called(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def name_called(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def is_type_of_a_frame(node: ast.AST) -> bool:
    """`frame["type"]` or `frame.get("type")`."""
    match node:
        case ast.Subscript(slice=ast.Constant(value="type")):
            return True
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value="type"), *_]):
            return True
    return False


def types_built(tree: ast.AST) -> set[str]:
    """The values of `"type"` in the dictionaries that a module spells out, and what it compares a
    frame's type with."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                match key, value:
                    case ast.Constant(value="type"), ast.Constant(value=str(kind)):
                        found.add(kind)
        elif isinstance(node, ast.Compare) and any(
            map(is_type_of_a_frame, [node.left, *node.comparators])
        ):
            found.update(strings(node))
        elif isinstance(node, ast.Match) and is_type_of_a_frame(node.subject):
            found.update(string for case in node.cases for string in strings(case.pattern))
    found.discard("type")
    return found


# The rules: each says what it finds wrong with a module.


def wrong_floor(module: str, tree: ast.AST, package: bool) -> Iterator[str]:
    floor, room = place(module)
    for name in imported(module, tree, package=package):
        if name.split(".")[0] not in {"chat", "chatproject"}:
            continue
        other_floor, other_room = place(name)
        if other_floor > floor:
            yield f"floor {floor} imports {name} of floor {other_floor}"
        elif other_floor == floor and other_room != room:
            yield f"{room} imports {name} of its neighbour {other_room}"


def wrong_library(module: str, tree: ast.AST, package: bool) -> Iterator[str]:
    for name in imported(module, tree, package=package):
        library = name.split(".")[0]
        if library in stdlib_module_names or library in {"chat", "chatproject"}:
            continue
        if library not in ROOMS:
            yield f"imports {library}, which has no room"
        elif not within(module, ROOMS[library]):
            yield f"imports {library} outside its room"
        elif library == "django" and DJANGO_STRANGERS.match(module):
            yield "imports Django, which it must not know"


def wrong_environment(module: str, tree: ast.AST, package: bool) -> Iterator[str]:
    if module == "chatproject.environment":
        return
    if module != "chatproject.settings" and any(
        within(name, ["chatproject.environment"])
        for name in imported(module, tree, package=package)
    ):
        yield "asks for the environment, which only the settings do"
    names = {"environ", "getenv", "environb", "putenv"}
    allowed = 0
    if module in {"manage", "chatproject.asgi"}:
        for call in called(tree):
            match call:
                case ast.Call(
                    func=ast.Attribute(value=ast.Attribute(attr="environ"), attr="setdefault"),
                    args=[ast.Constant(value="DJANGO_SETTINGS_MODULE"), _],
                ):
                    allowed += 1
    found = sum(isinstance(node, ast.Attribute) and node.attr in names for node in ast.walk(tree))
    found += sum(name in {f"os.{one}" for one in names} for name in imported(module, tree))
    if found > allowed:
        yield "reads the environment itself"


def wrong_call(module: str, tree: ast.AST, package: bool) -> Iterator[str]:
    for call in called(tree):
        name = name_called(call)
        if name in CALLS and not within(module, CALLS[name]):
            yield f"calls {name}() outside its room"


def wrong_string(module: str, tree: ast.AST, package: bool) -> Iterator[str]:
    for string in strings(tree):
        if string in STRINGS and not within(module, STRINGS[string]):
            yield f"says {string!r} outside its room"


def wrong_frame(module: str, tree: ast.AST, package: bool) -> Iterator[str]:
    if module == "chat.protocol" or not within(module, ["chat"]) or within(module, ["chat.llm"]):
        return
    for kind in sorted(types_built(tree) & frame_types()):
        yield f"spells a {kind!r} frame, which only the protocol does"


def wrong_filter(module: str, tree: ast.AST, package: bool) -> Iterator[str]:
    if within(module, ["chat.models"]):
        return
    for call in called(tree):
        if name_called(call) in {"filter", "exclude", "get"} and any(
            keyword.arg and OWNER_FILTERS.match(keyword.arg) for keyword in call.keywords
        ):
            yield "filters by owner, which is a queryset's method"


def wrong_name(module: str, tree: ast.AST, package: bool) -> Iterator[str]:
    for part in set(module.split(".")) & NO_NAMES:
        yield f"is called {part}"


RULES = (
    wrong_floor,
    wrong_library,
    wrong_environment,
    wrong_call,
    wrong_string,
    wrong_frame,
    wrong_filter,
    wrong_name,
)


def wrongs(module: str, source: str, *, package: bool = False) -> list[str]:
    tree = ast.parse(source)
    return [f"{module} {wrong}" for rule in RULES for wrong in rule(module, tree, package)]


@cache
def frame_types() -> set[str]:
    """Every type of frame, as the protocol's own source has them."""
    tree = ast.parse((ROOT / "chat/protocol.py").read_text())
    literals = {
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Literal"
        and isinstance(node.slice, ast.Constant)
    }
    return types_built(tree) | literals


def too_long() -> list[str]:
    """The modules of the chat that want to be split by noun; a migration is not written by hand."""
    return [
        module
        for module, path in modules().items()
        if within(module, ["chat"])
        and not within(module, ["chat.migrations"])
        and len(path.read_text().splitlines()) > LINES
    ]


class HouseTest(SimpleTestCase):
    def test_every_module_keeps_the_rules(self):
        found = modules()
        self.assertGreater(len(found), 30)  # or it looked in the wrong place
        for module, path in found.items():
            with self.subTest(module):
                package = path.name == "__init__.py"
                self.assertEqual(wrongs(module, path.read_text(), package=package), [])

    def test_every_module_of_the_chat_has_its_place(self):
        without = [name for name in modules() if entry(name) == "chat" and name != "chat"]
        self.assertEqual(without, [], "give it a floor and a room in FLOORS")

    def test_the_places_exist(self):
        self.assertEqual(set(FLOORS) - set(modules()), set())

    def test_every_requirement_has_its_rooms(self):
        imports = {}
        for name, distributions in packages_distributions().items():
            for distribution in distributions:
                imports.setdefault(re.sub("[-_.]+", "-", distribution).lower(), set()).add(name)
        files = ("requirements.txt", "requirements-optional.txt")
        lines = [line for file in files for line in (ROOT / file).read_text().splitlines()]
        required = [re.match(r"[\w.-]+", line)[0].lower() for line in lines if line[:1].isalpha()]
        self.assertIn("django", required)
        for requirement in required:
            with self.subTest(requirement):
                self.assertTrue(imports[requirement] & set(ROOMS), "name its rooms in ROOMS")

    def test_a_module_fits_on_a_few_screens(self):
        self.assertEqual(too_long(), [])

    def test_the_frame_types_are_found_in_the_protocol(self):
        some = {"open", "send", "ping", "welcome", "state", "delta", "end", "error", "bye"}
        self.assertLessEqual(some, frame_types())


class DesignTest(SimpleTestCase):
    """docs/design.md describes this house."""

    def setUp(self) -> None:
        self.text = (ROOT / "docs/design.md").read_text()

    def test_the_table_of_libraries_is_the_one_that_is_kept(self):
        table = self.text.split("| Library | Its rooms |\n|---|---|\n")[1].split("\n\n")[0]
        documented = {}
        for row in table.splitlines():
            library, *rooms = re.findall(r"`(.*?)`", row)
            documented[library] = {room.removesuffix(".py").replace("/", ".") for room in rooms}
        kept = {library: set(rooms) for library, rooms in ROOMS.items() if library != "django"}
        self.assertEqual(documented, kept)

    def test_the_places_that_it_names_exist(self):
        named = re.findall(r"`((?:chat|chatproject|tests)/[\w/.]+)`", self.text)
        self.assertGreater(len(named), 10)
        missing = {path for path in named if not (ROOT / path).exists()}
        # The admin's room and the backends' are folders or modules, as they like.
        self.assertEqual({path for path in missing if not (ROOT / f"{path}.py").exists()}, set())

    def test_the_modules_of_the_life_of_a_reply_are_all_named(self):
        life = self.text.split("## The life of a reply")[1]
        modules = {path.stem for path in ROOT.glob("chat/replies/*.py")} - {"__init__"}
        named = set(re.findall(r"`(?:chat/replies/)?(\w+)(?:\.py)?`", life))
        self.assertEqual(modules - named, set())


class RulesTest(SimpleTestCase):
    """Each rule catches what it is there for."""

    OFFENDERS = (
        ("chat.protocol", "from chat.models import Message", "floor 0 imports"),
        ("chat.models.message", "from chat.replies import bus", "floor 1 imports"),
        ("chat.models.message", "from ..replies.bus import ring", "floor 1 imports"),
        ("chat.llm.base", "from chat.models import Message", "of its neighbour models"),
        ("chat.flows.chat", "from chat import replies", "floor 2 imports"),
        ("chat.flows.chat", "def f():\n    import chat.views", "floor 2 imports"),
        ("chat.replies.run", "from chat.consumers import ChatConsumer", "floor 3 imports"),
        ("chat.views", "from . import consumers", "of its neighbour socket"),
        ("chat.views", "from .session import user_of", "of its neighbour socket"),
        ("chat.consumers", "from chat.views import page", "of its neighbour pages"),
        ("chat.management.commands.ask", "from chat.admin import x", "of its neighbour admin"),
        ("chat.replies.run", "from chatproject import settings", "floor 3 imports"),
        ("chat.flows.chat", "from openai import AsyncOpenAI", "imports openai outside"),
        ("chat.replies.run", "import pocketflow", "imports pocketflow outside"),
        ("chat.views", "from channels.layers import get_channel_layer", "imports channels"),
        ("chat.models.message", "from pydantic import BaseModel", "imports pydantic outside"),
        ("chat.views", "import langchain", "imports langchain, which has no room"),
        ("chat.protocol", "from django.conf import settings", "imports Django"),
        ("chat.llm.demo", "from django.conf import settings", "imports Django"),
        ("chat.views", "import os\nkey = os.environ['KEY']", "reads the environment"),
        ("chat.views", "from os import getenv", "reads the environment"),
        ("chatproject.settings", "import os\nos.getenv('KEY')", "reads the environment"),
        ("chatproject.urls", "from .environment import text", "asks for the environment"),
        (
            "chatproject.asgi",
            "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'x')\nos.environ['A']",
            "reads the environment",
        ),
        ("chat.consumers", "asyncio.create_task(run())", "calls create_task()"),
        ("chat.consumers", "layer.group_send('a', {})", "calls group_send()"),
        ("chat.replies.stop", "Message.objects.raw('SELECT 1')", "calls raw()"),
        ("chat.views", "with connection.cursor() as c:\n    c.execute('x')", "calls execute()"),
        ("chat.consumers", "kind = 'delta'", "says 'delta'"),
        ("chat.replies.stop", "rows.filter(status='running')", "says 'running'"),
        ("chat.consumers", "send({'type': 'state', 'n': 1})", "spells a 'state' frame"),
        ("chat.consumers", "if frame['type'] == 'stop':\n    pass", "spells a 'stop' frame"),
        ("chat.consumers", "if frame.get('type') in ('open',):\n    x", "spells a 'open' frame"),
        (
            "chat.consumers",
            "match frame['type']:\n    case 'send':\n        pass",
            "spells a 'send' frame",
        ),
        ("chat.views", "Conversation.objects.filter(owner=user)", "filters by owner"),
        ("chat.views", "Message.objects.get(conversation__owner=user)", "filters by owner"),
        ("chat.helpers", "", "is called helpers"),
        ("chat.models.managers", "", "is called managers"),
    )
    INNOCENTS = (
        ("chat.consumers", "from chat.replies import process\nfrom . import session"),
        ("chat.replies.run", "from chat import flows, llm\nfrom .live import LiveReply"),
        ("chat.models.append", "from django.db import models\ncursor.execute('UPDATE x')"),
        ("chat.flows.chat", "from pocketflow import AsyncFlow\nfrom chat.llm.base import LLM"),
        ("chat.protocol", "import json\nimport pydantic\nframe = {'type': 'delta'}"),
        ("manage", "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'x')"),
        ("chat.consumers", '"""delta"""\ndef f():\n    """ack"""'),
        ("chat.consumers", "if event['kind'] == 'stop':\n    send({'kind': 'state'})"),
    )

    def test_each_rule_catches_its_offender(self):
        for module, source, complaint in self.OFFENDERS:
            with self.subTest(source, module=module):
                self.assertIn(complaint, "\n".join(wrongs(module, source)))

    def test_every_rule_has_an_offender(self):
        for rule in RULES:
            with self.subTest(rule.__name__):
                self.assertTrue(
                    any(
                        list(rule(module, ast.parse(source), False))
                        for module, source, _ in self.OFFENDERS
                    )
                )

    def test_the_innocent_go_free(self):
        for module, source in self.INNOCENTS:
            with self.subTest(source, module=module):
                self.assertEqual(wrongs(module, source), [])

    def test_a_package_resolves_its_own_names(self):
        source = "from .consumers import ChatConsumer"
        self.assertEqual(
            list(imported("chat.replies", ast.parse(source), package=True)),
            ["chat.replies.consumers.ChatConsumer"],
        )
        self.assertEqual(
            list(imported("chat.replies.run", ast.parse("from .. import consumers"))),
            ["chat.consumers"],
        )


class TestsTest(SimpleTestCase):
    """The base class of a test names its floor, and the lower floors need neither mocks nor time
    (but for the backends, whose servers may be slow)."""

    BASES = {
        "protocol": {"SimpleTestCase"},
        "llm": {"SimpleTestCase"},
        "flows": {"SimpleTestCase"},
        "models": {"TestCase", "TransactionTestCase"},
    }

    def trees(self) -> Iterator[tuple[str, Path, ast.AST]]:
        for floor in self.BASES:
            paths = sorted((ROOT / "tests" / floor).glob("**/*.py"))
            self.assertGreater(len(paths), 1, floor)
            for path in paths:
                yield floor, path, ast.parse(path.read_text())

    def test_the_base_class_names_the_floor(self):
        bases = {"SimpleTestCase", "TestCase", "TransactionTestCase", "LiveServerTestCase"}
        for floor, path, tree in self.trees():
            with self.subTest(path.name, floor=floor):
                used = {name.rpartition(".")[2] for name in imported("tests", tree)}
                self.assertLessEqual(used & bases, self.BASES[floor])

    def test_no_mocks_and_no_sleep(self):
        for floor, path, tree in self.trees():
            if floor == "llm":
                continue
            with self.subTest(path.name, floor=floor):
                self.assertFalse([name for name in imported("tests", tree) if ".mock" in name])
                self.assertNotIn("sleep", map(name_called, called(tree)))
