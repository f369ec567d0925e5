from django.db import connection

if connection.vendor == "sqlite":
    # SQLite takes one writer at a time anyway; `tests/test_on_postgres.py` runs these, too.
    collect_ignore = ["test_at_once.py"]
