"""What the databases find words by, each its own way."""

from django.db import migrations

# The words stay in the table, of which this is only the index. `ascii` takes every character that
# is not ASCII as a letter: what a word is was decided before.
SQLITE = (
    """
    CREATE VIRTUAL TABLE chat_search USING fts5 (
        scope, text, content='chat_searchentry', content_rowid='id', tokenize='ascii', prefix='2 3'
    )
    """,
    """
    CREATE TRIGGER chat_search_insert AFTER INSERT ON chat_searchentry BEGIN
        INSERT INTO chat_search (rowid, scope, text) VALUES (new.id, new.scope, new.text);
    END
    """,
    """
    CREATE TRIGGER chat_search_delete AFTER DELETE ON chat_searchentry BEGIN
        INSERT INTO chat_search (chat_search, rowid, scope, text)
        VALUES ('delete', old.id, old.scope, old.text);
    END
    """,
    """
    CREATE TRIGGER chat_search_update AFTER UPDATE ON chat_searchentry BEGIN
        INSERT INTO chat_search (chat_search, rowid, scope, text)
        VALUES ('delete', old.id, old.scope, old.text);
        INSERT INTO chat_search (rowid, scope, text) VALUES (new.id, new.scope, new.text);
    END
    """,
)
SQLITE_BACK = (
    "DROP TRIGGER chat_search_update",
    "DROP TRIGGER chat_search_delete",
    "DROP TRIGGER chat_search_insert",
    "DROP TABLE chat_search",
)

# Not by `to_tsvector`, which has its own idea of a word and differs with the locale. And a worker of
# the version before, which deletes a message, knows nothing of its entry.
POSTGRESQL = (
    # Kept, for it takes longer to make than to look into: frequent words are found by walking
    # through the latest entries of a scope, rare ones by the index of words.
    """
    ALTER TABLE chat_searchentry ADD COLUMN words tsvector GENERATED ALWAYS AS (
        array_to_tsvector(array_append(string_to_array(btrim(text), ' '), '@' || scope))
    ) STORED
    """,
    "CREATE INDEX search_words ON chat_searchentry USING gin (words)",
    "CREATE INDEX search_latest ON chat_searchentry (scope, id)",
    """
    DO $$
    DECLARE found record;
    BEGIN
        FOR found IN
            SELECT conname AS name, conrelid::regclass AS tabl, pg_get_constraintdef(oid) AS said
            FROM pg_constraint
            WHERE contype = 'f'
                AND conrelid IN ('chat_searchentry'::regclass, 'chat_indexed'::regclass)
        LOOP
            EXECUTE format(
                'ALTER TABLE %s DROP CONSTRAINT %I, ADD CONSTRAINT %I %s', found.tabl, found.name,
                found.name, replace(found.said, ' DEFERRABLE', ' ON DELETE CASCADE DEFERRABLE')
            );
        END LOOP;
    END $$
    """,
)
POSTGRESQL_BACK = (
    "DROP INDEX search_latest",
    "ALTER TABLE chat_searchentry DROP COLUMN words",
)


class SQL(migrations.RunSQL):
    """Statements for one kind of database; every other has nothing to do."""

    def __init__(self, vendor: str, statements: tuple[str, ...], back: tuple[str, ...]) -> None:
        super().__init__([(sql, None) for sql in statements], [(sql, None) for sql in back])
        self.vendor = vendor

    def database_forwards(self, app_label, schema_editor, from_state, to_state) -> None:
        if schema_editor.connection.vendor == self.vendor:
            super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(self, app_label, schema_editor, from_state, to_state) -> None:
        if schema_editor.connection.vendor == self.vendor:
            super().database_backwards(app_label, schema_editor, from_state, to_state)


class Migration(migrations.Migration):
    dependencies = [("chat", "0005_search")]

    operations = [
        SQL("sqlite", SQLITE, SQLITE_BACK),
        SQL("postgresql", POSTGRESQL, POSTGRESQL_BACK),
    ]
