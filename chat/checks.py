"""What cannot work refuses to start, with the reason: Django's system checks."""

from pathlib import Path

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import connection
from django.utils.module_loading import import_string

# File systems over a network: SQLite's write-ahead log needs the memory of one machine.
NETWORK = {"nfs", "nfs4", "cifs", "smb3", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs"}
MOUNTS = Path("/proc/mounts")


@register
def check_flows(app_configs, **kwargs) -> list[CheckMessage]:
    """Every flow that is offered can be built."""
    errors = []
    for name, path in settings.CHAT_FLOWS.items():
        try:
            import_string(path)
        except ImportError as error:
            errors.append(Error(f"CHAT_FLOWS[{name!r}] is not there: {error}", id="chat.E001"))
    if not settings.CHAT_FLOWS:
        errors.append(Error("CHAT_FLOWS offers no flow.", id="chat.E002"))
    return errors


@register
def check_models(app_configs, **kwargs) -> list[CheckMessage]:
    """Every model that is offered has one name, and no other has it."""
    errors, names = [], []
    for backend in settings.CHAT_LLMS:
        models = settings.LLMS.get(backend, {}).get("MODELS", [])
        if backend not in settings.LLMS:
            errors.append(Error(f"CHAT_LLMS names {backend!r}, which LLMS lacks.", id="chat.E005"))
        elif backend != "default" and not models:
            hint = f"Name them: LLMS[{backend!r}]['MODELS']."
            errors.append(Error(f"{backend!r} offers no models.", hint=hint, id="chat.E006"))
        names += [model if backend == "default" else f"{backend}:{model}" for model in models]
    if settings.CHAT_LLMS[:1] != ["default"]:
        errors.append(Error("CHAT_LLMS does not begin with 'default'.", id="chat.E007"))
    for name in sorted({name for name in names if names.count(name) > 1}):
        hint = "Rename the backend in LLMS, or leave the model out of MODELS."
        errors.append(Error(f"Two models are called {name!r}.", hint=hint, id="chat.E008"))
    return errors


@register(deploy=True)
def check_cost(app_configs, **kwargs) -> list[CheckMessage]:
    """Where strangers may come, somebody has said what a day may cost at most."""
    is_open = settings.GUESTS or settings.SIGN_UP
    if not is_open or settings.CHAT_LIMITS["all_tokens"]:
        return []
    hint = "Set LIMIT_ALL_TOKENS: who has many addresses has as many allowances."
    return [Warning("Strangers may spend without an end.", hint=hint, id="chat.W001")]


@register
def check_channel_layer(app_configs, **kwargs) -> list[CheckMessage]:
    """A layer in memory reaches no other worker, and drops what it holds too much of."""
    layers = getattr(settings, "CHANNEL_LAYERS", {})
    if "InMemory" in layers.get("default", {}).get("BACKEND", ""):
        hint = "Set REDIS_URL, or name no layer: one process needs none."
        return [Error("The channel layer is in memory.", hint=hint, id="chat.E003")]
    return []


@register
def check_sqlite_is_local(app_configs, **kwargs) -> list[CheckMessage]:
    """SQLite on a network's file system loses what it was told to keep."""
    if connection.vendor != "sqlite" or not MOUNTS.exists():
        return []
    kind = file_system_of(Path(settings.DATABASES["default"]["NAME"]), MOUNTS.read_text())
    if kind not in NETWORK:
        return []
    hint = "Put DATA_DIR on a local disk, or use PostgreSQL (DATABASE_URL)."
    return [Error(f"The SQLite database lies on a network ({kind}).", hint=hint, id="chat.E004")]


def file_system_of(path: Path, mounts: str) -> str:
    """The kind of file system that `path` lies on, by the table of mounts."""
    best, kind = "", ""
    for line in mounts.splitlines():
        _, point, name, *_ = line.split()
        point = point.replace("\\040", " ")
        if path.resolve().is_relative_to(point) and len(point) >= len(best):
            best, kind = point, name
    return kind
