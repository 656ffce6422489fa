"""What xdist's workers and their controller need to be told apart, and told."""

from __future__ import annotations

from typing import Any

import pytest

FIELD = "retry_contract"
"""Under this name a worker and its controller hand each other what they have."""


def is_parallel(config: pytest.Config) -> bool:
    """Whether more than one process runs the tests, or this one is a worker."""
    option = config.option
    distributes = getattr(option, "distload", False) or getattr(option, "dist", "no") != "no"
    workers = getattr(option, "numprocesses", None) or (distributes and getattr(option, "tx", None))
    return hasattr(config, "workerinput") or bool(workers)


def leave_to_controller(config: pytest.Config) -> bool:
    """Let xdist's controller, which has the same options, say what is wrong with them.

    Returns whether this process is one of its workers, whose own usage error would be lost.
    """
    output: dict[str, Any] | None = getattr(config, "workeroutput", None)
    if output is not None:
        output[FIELD] = {}
    return output is not None
