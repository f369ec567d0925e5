"""Who is signed in by a session. It is only read: a look at it neither prolongs nor ends it."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from uuid import UUID

from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
    load_backend,
)
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends.base import SessionBase
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac


def users_of(keys: Iterable[str]) -> dict[str, AbstractBaseUser]:
    """The active user of each of these sessions that has one, by the session's key. Where sessions
    are kept in the database these are two queries, however many there are."""
    sessions = {
        key: session
        for key, session in _sessions(set(keys)).items()
        if session.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
    }
    model = get_user_model()
    ids = {key: model._meta.pk.to_python(session[SESSION_KEY]) for key, session in sessions.items()}
    users = model._default_manager.in_bulk(set(ids.values()))
    return {
        key: users[ids[key]]
        for key, session in sessions.items()
        if ids[key] in users and _is_signed_in(users[ids[key]], session)
    }


def expired_sessions() -> QuerySet | None:
    """The sessions that open nothing any more; None where they are not kept in the database."""
    store = _store()
    if not hasattr(store, "get_model_class"):
        return None
    return store.get_model_class().objects.filter(expire_date__lt=timezone.now())


def token_of(key: str) -> UUID:
    """A name for the session `key` that may be told to other processes: it opens nothing."""
    return UUID(salted_hmac("chat.session", key, algorithm="sha256").hexdigest()[:32])


def _sessions(keys: set[str]) -> dict[str, Mapping[str, str]]:
    store = _store()
    if not hasattr(store, "get_model_class"):
        return {key: store(key) for key in keys}
    # A cookie may hold anything; some of it PostgreSQL would not even look for.
    names = [key for key in keys if key.isascii() and key.isalnum()]
    rows = store.get_model_class().objects.filter(
        session_key__in=names, expire_date__gt=timezone.now()
    )
    return {row.session_key: row.get_decoded() for row in rows}


def _store() -> type[SessionBase]:
    return import_module(settings.SESSION_ENGINE).SessionStore


def _is_signed_in(user: AbstractBaseUser, session: Mapping[str, str]) -> bool:
    """Whether the user may be, and has the password with which the session began."""
    backend = load_backend(session[BACKEND_SESSION_KEY])
    may = getattr(backend, "user_can_authenticate", lambda user: user.is_active)
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    known = session.get(HASH_SESSION_KEY, "")
    return may(user) and any(constant_time_compare(known, hash) for hash in hashes)
