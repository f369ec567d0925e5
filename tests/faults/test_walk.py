"""Case 40: whatever people and fate do, in any order, nothing is lost, doubled, or stuck."""

import json
import secrets
from pathlib import Path
from time import monotonic

import pytest

from tests.replies.case import WorkersCase
from tests.upstream import MODELS

from .soak import whole
from .walk import TITLE_PROMPT, UNDO, Account, walk, walk_again
from .world import World

SEEDS = Path(__file__).parent / "seeds"
SOAK_SECONDS = 600
MAKE = f"""
from django.contrib.auth import get_user_model
get_user_model().objects.create_user("bob", password={Account.password!r})
"""


class WalkTests(WorkersCase):
    """On two workers, one under uvicorn and one under daphne."""

    settings = {
        "LEASE_SECONDS": 2,
        "SETTLE_SECONDS": 0.5,
        "POLL_SECONDS": 0.5,
        "DRAIN_SECONDS": 1,
        "UNDO_SECONDS": UNDO,
        "OPENAI_MODEL": ",".join(MODELS),
        "TITLES": 1,
        "TITLE_PROMPT": TITLE_PROMPT,
        "RETRIES": 1,
        "LIMIT_PER_MINUTE": 100_000,
        "LIMIT_ACTIVE": 1000,
    }

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.workers[1].kill()
        cls.workers[1].kind = "daphne"
        cls.workers[1].start()
        cls.workers[0].shell(MAKE)
        cls.world = cls.enterClassContext(World(cls.workers, cls.redis, cls.upstream))

    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path) -> None:
        self.folder = tmp_path

    def test_40_walks_with_the_stored_seeds_and_in_a_soak_with_new_ones(self):
        for number in json.loads((SEEDS / "seeds.json").read_text()):
            walk(self.world, self.folder, number=number, walks=2, steps=40)
        until = monotonic() + whole(0, SOAK_SECONDS)
        while monotonic() < until:
            walk(self.world, self.folder, number=secrets.randbits(32), walks=5, steps=60)

    def test_40_walks_that_are_kept(self):
        for path in sorted(SEEDS.glob("walk-*.json")):
            walk_again(self.world, self.folder, path)
