"""What the tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import hypothesis
import pytest

# The import mode of these tests puts nothing on the path, and benchmarks use the server too.
sys.path.insert(0, str(Path(__file__).parent))


def pytest_configure(config: pytest.Config) -> None:
    """Let pytest-cov 7.1 find nothing to pause at its own marker no_cover, under --no-cov."""
    if config.getoption("no_cov", default=False):
        config.pluginmanager.unregister(name="_cov")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure no coverage of generated histories: it takes longer than they do."""
    for item in items:
        if item.path.parts[-2:] == ("contract_tests", "test_histories.py"):
            item.add_marker(pytest.mark.no_cover)


hypothesis.settings.register_profile(
    "tests", derandomize=True, deadline=None, database=None, max_examples=30
)
hypothesis.settings.load_profile("tests")
