"""How a process knows on this machine which workers are dead."""

import tempfile
import threading
from pathlib import Path

from django.test import SimpleTestCase, override_settings

from chat.replies.settle import Worker, settle_dead_workers


class LockTests(SimpleTestCase):
    def test_a_worker_that_is_just_beginning_is_not_taken_for_a_dead_one(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.enterContext(override_settings(DATA_DIR=Path(folder)))
        begun, failures = threading.Event(), []

        def look() -> None:
            while not begun.is_set():
                try:
                    settle_dead_workers()  # which asks the database of those alone that it finds
                except Exception as failure:
                    failures.append(failure)
                    return

        looking = threading.Thread(target=look)
        looking.start()
        try:
            workers = [Worker() for _ in range(200)]
        finally:
            begun.set()
            looking.join()
        self.assertEqual(failures, [])
        named = {path.name for path in (Path(folder) / "workers").iterdir()}
        self.assertEqual(named, {worker.id for worker in workers})
