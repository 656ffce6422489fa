"""Whether a session is spread over processes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from retry_contract.plugin.session import is_parallel


@pytest.mark.parametrize(
    ("options", "parallel"),
    [
        ({}, False),
        ({"numprocesses": None, "dist": "no", "distload": False, "tx": []}, False),
        ({"numprocesses": 0, "dist": "no", "tx": []}, False),
        ({"numprocesses": None, "dist": "no", "tx": ["popen"]}, False),
        ({"numprocesses": 2, "dist": "load", "tx": ["popen", "popen"]}, True),
        ({"numprocesses": "auto", "dist": "no", "tx": []}, True),
        ({"numprocesses": None, "dist": "load", "tx": ["popen"]}, True),
        ({"numprocesses": None, "dist": "no", "distload": True, "tx": ["2*popen"]}, True),
    ],
)
def test_session_is_parallel(options: dict[str, Any], parallel: bool) -> None:
    config: Any = SimpleNamespace(option=SimpleNamespace(**options))
    assert is_parallel(config) == parallel
    config.workerinput = {}
    assert is_parallel(config), "a worker"
