"""Django's sessions in the database, whose keys come from cookies, which may hold anything."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    def _validate_session_key(self, key: str | None) -> bool:
        """What was never made is not looked for: PostgreSQL fails with some of it."""
        return bool(super()._validate_session_key(key)) and key.isascii() and key.isalnum()
