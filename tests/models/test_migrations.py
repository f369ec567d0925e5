from io import StringIO

from django.core.management import call_command
from django.db import models
from django.test import TestCase

from chat.models import Step


class MigrationTest(TestCase):
    def test_the_migrations_make_what_the_models_say(self):
        said = StringIO()
        try:
            call_command("makemigrations", check=True, dry_run=True, stdout=said, stderr=said)
        except SystemExit:
            self.fail(f"make a migration: {said.getvalue()}")
        self.assertIn("No changes detected", said.getvalue())

    def test_a_model_without_its_migration_would_be_seen(self):
        field = models.BooleanField(default=False)
        field.contribute_to_class(Step, "forgotten")
        self.addCleanup(forget, field)
        with self.assertRaises(SystemExit):
            call_command("makemigrations", check=True, dry_run=True, stdout=StringIO())


def forget(field: models.Field) -> None:
    Step._meta.local_fields.remove(field)
    delattr(Step, field.name)
    Step._meta._expire_cache()
