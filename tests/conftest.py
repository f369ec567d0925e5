from pathlib import Path

import pytest
from hypothesis import settings

# No test is timed: a busy machine is no failure.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Whatever takes a minute or two in one piece comes first, so that the processes end together.
LONG = {
    "test_on_postgres.py",
    "test_cluster.py",
    "test_walk.py",
    "test_network.py",
    "test_death.py",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: Path(item.path).name not in LONG)
