"""What xdist's workers and their controller need to be told apart, and told."""

from __future__ import annotations

import pytest

FIELD = "retry_contract"
"""Under this name a worker and its controller hand each other what they have."""


def is_parallel(config: pytest.Config) -> bool:
    """Whether more than one process runs the tests, or this one is a worker."""
    option = config.option
    distributes = getattr(option, "distload", False) or getattr(option, "dist", "no") != "no"
    workers = getattr(option, "numprocesses", None) or (distributes and getattr(option, "tx", None))
    return hasattr(config, "workerinput") or bool(workers)
