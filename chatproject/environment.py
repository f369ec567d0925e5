"""The environment, read strictly: what cannot be meant refuses to start, with a plain sentence.

A `.env` beside `manage.py` counts as environment, and `NAME_FILE` may hold the path of a file whose
content is the setting: a secret then stands in no process list.
"""

import warnings
from collections.abc import Container
from ipaddress import ip_network
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

FILE = Path(__file__).resolve().parent.parent / ".env"
if FILE.exists():
    environ.Env.read_env(FILE)
env = environ.FileAwareEnv()


def text(name: str, default: str = "") -> str:
    """The setting, without the space around it; an empty one counts as not set."""
    try:
        return env.str(name, default).strip() or default
    except OSError as error:
        raise ImproperlyConfigured(
            f"The file that {name}_FILE names cannot be read ({error.strerror})."
        ) from None


def choice(name: str, default: str, known: Container[str], example: str) -> str:
    """One of the known words."""
    value = text(name, default)
    if value not in known:
        raise ImproperlyConfigured(f"{name} is {value!r}, which is not known. Try {example}.")
    return value


def address(name: str) -> str:
    """The address of an HTTP server, or ""."""
    value = text(name)
    if value and not value.startswith(("http://", "https://")):
        raise ImproperlyConfigured(f"{name} is {value!r}. Begin it with http:// or https://.")
    return value


def words(name: str, default: list[str] | None = None) -> list[str]:
    """A list, by commas."""
    value = text(name)
    return [word.strip() for word in value.split(",") if word.strip()] or default or []


def networks(name: str) -> list[str]:
    """Addresses and networks of machines, by commas."""
    found = words(name)
    for network in found:
        try:
            ip_network(network)
        except ValueError:
            raise ImproperlyConfigured(
                f"{name} names {network!r}, which is no address or network. "
                "Write it as 127.0.0.1, or 10.0.0.0/8."
            ) from None
    return found


def switch(name: str, default: bool) -> bool:
    """On or off. DEBUG=off that was read as "on" would publish tracebacks."""
    value = text(name, "1" if default else "0").lower()
    if value not in {"1", "0", "true", "false"}:
        raise ImproperlyConfigured(f"{name} is {value!r}. Set it to 1 or 0.")
    return value in {"1", "true"}


def count(name: str, default: int, least: int = 1, most: int = 10**9) -> int:
    """A whole number from `least` to `most`."""
    value = text(name, str(default))
    if not value.isdecimal() or not least <= int(value) <= most:
        raise ImproperlyConfigured(
            f"{name} is {value!r}. Set it to a whole number from {least} to {most}."
        )
    return int(value)


def seconds(name: str, default: float) -> float:
    """A time, more than 0."""
    value = text(name, str(default))
    try:
        number = float(value)
    except ValueError:
        number = 0
    if not 0 < number < 1e9:
        raise ImproperlyConfigured(f"{name} is {value!r}. Set it to a number of seconds.")
    return number


def mail(name: str) -> dict:
    """Django's settings for the mail server at an URL, {} if none is named."""
    if not text(name):
        return {}
    try:
        found = env.email(name)
    except (ValueError, ImproperlyConfigured):
        raise ImproperlyConfigured(
            f"{name} is not the address of a mail server. "
            "Write it as smtp+tls://user:password@host:587."
        ) from None
    usual = 465 if found.get("EMAIL_USE_SSL") else 587 if found.get("EMAIL_USE_TLS") else 25
    return {key: value for key, value in found.items() if value} | {
        "EMAIL_PORT": found["EMAIL_PORT"] or usual
    }


def database(name: str, default: str) -> dict:
    """Django's description of the database at an URL."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it would print the URL, password and all
            found = env.db(name, default)
    except (ValueError, KeyError):
        found = {}
    if not found.get("ENGINE"):
        raise ImproperlyConfigured(
            f"{name} is not the address of a database. "
            "Write it as postgres://user:password@host/name, or sqlite:////absolute/path."
        )
    return found
