"""Whether a session is spread over processes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from retry_contract.plugin.session import is_parallel, session_of
from retry_contract.verification.option_table import OPTIONS


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


@pytest.mark.parametrize("is_worker", [True, False])
def test_only_the_controller_makes_a_new_record(is_worker: bool, tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    file.write_bytes(b"of another worker")
    given: dict[str, Any] = {option.destination: None for option in OPTIONS}
    given |= {"retry_contract_record": str(file), "keyword": ""}
    hook = SimpleNamespace(
        pytest_retry_contract_state=SimpleNamespace(get_hookimpls=list),
        pytest_retry_contract_progress=None,
    )
    config: Any = SimpleNamespace(
        stash=pytest.Stash(),
        getoption=lambda name, *_: given[name],
        hook=hook,
        pluginmanager=SimpleNamespace(register=lambda *_: None),
    )
    if is_worker:
        config.workerinput = {}
    assert session_of(config).options.record == file
    assert file.read_bytes() == (b"of another worker" if is_worker else b"")
