import os
import subprocess
import sys
from uuid import uuid4

from django.test import SimpleTestCase

from tests.server import ROOT
from tests.services import Postgres


class PostgresTests(SimpleTestCase):
    def test_the_models_hold_on_postgresql_too(self):
        with Postgres() as postgres:
            done = subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/models"],
                cwd=ROOT,
                env=os.environ | {"DATABASE_URL": postgres.url(uuid4().hex)},
                capture_output=True,
                text=True,
            )
        self.assertEqual(done.returncode, 0, done.stdout[-3000:])
        self.assertNotIn("skipped", done.stdout.splitlines()[-1])
