"""`retry-contract consumer --exec` with a reader that crashes after it has read others."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

Done = CompletedProcess[str]
FEW = ("--payloads", "12", "--seed", "1")
DEPENDS = "it depends on what was read before: "
READER = """
import json, os, sys

new = 0
for at, line in enumerate(sys.stdin):
    response = json.loads(line)
    new += "creatorId" in response
    {then}
    print("ok", json.dumps(response["id"]), flush={flush})
"""


@pytest.fixture
def check(
    tmp_path: Path, here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Try a reader that does something at each payload; return the exit code, and the JSON."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)

    def run(then: str, flush: bool = True) -> tuple[int, dict[str, Any]]:
        file = tmp_path / "reader.py"
        file.write_text(READER.format(then=then, flush=flush), "utf-8")
        done = here("consumer", "--exec", shlex.join([sys.executable, str(file)]), *FEW, "--json")
        return done.returncode, json.loads(done.stdout)

    return run


@pytest.mark.parametrize(
    ("then", "error"),
    [
        ("if new == 3: sys.exit('Error: tired')", "ended with exit status 1: Error: tired"),
        pytest.param("if at == 5: sys.exit(1)", "ended with exit status 1", marks=pytest.mark.slow),
        pytest.param(
            "if at % 7 == 6: print('error seventh', flush=True); continue",
            "seventh",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_crash_after_others_is_not_tested_as_an_error_is(
    then: str, error: str, check: Any
) -> None:
    code, found = check(then)
    after = next(s for s in found["scenarios"] if s["scenario"] == "after")
    assert (code, found["outcome"], after["verdict"]) == (3, "not tested", "not tested")
    assert after["error"] == DEPENDS + error
    assert after["failed"] >= 1


@pytest.mark.slow
def test_a_crash_at_one_payload_is_its_own_whatever_was_lost_with_it(check: Any) -> None:
    same = "response['createdAt'] == response['updatedAt']"
    code, found = check(f"if new and {same}: os._exit(3)", flush=False)
    verdicts = {s["scenario"]: s["verdict"] for s in found["scenarios"]}
    assert (code, verdicts["before"], verdicts["after"]) == (1, "ok", "breaks")
    assert not any((s.get("error") or "").startswith(DEPENDS) for s in found["scenarios"])
