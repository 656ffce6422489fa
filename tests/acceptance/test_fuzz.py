"""`verify` with generated cases, as a user runs it: processes, seeds, replays, loopback."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.server import Served, serve

pytestmark = pytest.mark.slow

LIBRARIES = ("hypothesis", "schemathesis")
LOOK = """
import sys
from retry_contract.plugin.session import ContractSession
def pytest_sessionfinish(session):
    found = [name for name in ("hypothesis", "schemathesis") if name in sys.modules]
    print("FUZZING LIBRARIES:", found, file=sys.stderr)
"""
FAULTY = ["--contract", "after", "--seed", "7", "--", "-p", "faulty"]

RUNS = {
    "seed": ["PYTHONHASHSEED=1", "verify", "--seed", "1", "--fuzz", "20", "--json"],
    "seed again": ["PYTHONHASHSEED=2", "verify", "--seed", "1", "--fuzz", "20", "--json"],
    "in CI": ["PYTHONHASHSEED=3", "CI=1", "verify", "--seed", "1", "--fuzz", "20", "--json"],
    "broken": ["RETRY_CONTRACT_FAULT=values-lost", "verify", "--fuzz", "50", "--json", *FAULTY],
    "broken again": [
        "RETRY_CONTRACT_FAULT=values-lost",
        "verify",
        "--fuzz",
        "50",
        "--json",
        *FAULTY,
    ],
    "generated alone": [
        *(
            "RETRY_CONTRACT_FAULT=values-lost",
            "verify",
            "--contract",
            "after",
            "--fuzz",
            "50",
            *FAULTY,
        ),
        *("-k", "generated"),
    ],
    "requests": [
        "RETRY_CONTRACT_FAULT=unknown-is-500",
        "verify",
        "--fuzz",
        "50",
        "--json",
        *FAULTY,
    ],
    "two workers": ["verify", "--seed", "1", "--fuzz", "20", "--json", "--", "-p", "xdist", "-n2"],
    "database": ["verify", "--fuzz", "10", "--example-database", "examples"],
}


def _document(done: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(done.stdout)
    del document["seconds"]
    return document


def _replays(done: Any) -> dict[str, str]:
    rules = [r for c in json.loads(done.stdout)["contracts"] for r in c["rules"]]
    return {r["rule"]: v["replay"] for r in rules for v in r.get("violations", ()) if "replay" in v}


def test_same_seed_gives_the_same_outcome_in_any_process(runs: Any) -> None:
    first = runs["seed"]
    assert first.returncode == 0
    for other in ("seed again", "in CI"):
        assert runs[other].returncode == 0
        assert _document(runs[other]) == _document(first), other
    assert _document(first)["seed"] == 1


def test_same_seed_gives_the_same_outcome_over_two_workers(
    runs: Any, shell: dict[str, str], tmp_path: Path
) -> None:
    alone = _document(runs["seed"])
    del (
        alone["requests"],
        alone["responses"],
        alone["sent"],
    )  # each worker observes for itself what its rules need
    by_verify = _document(runs["two workers"])
    tests = Path(__file__).parents[2] / "contract_tests"
    words = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--contract-seed=1"]
    report = tmp_path / "report"
    done = subprocess.run(
        [*words, "--contract-fuzz=20", f"--contract-report={report}", str(tests)],
        cwd=tests.parent,
        env=shell,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()
    for document in (by_verify, json.loads((report / "report.json").read_bytes())):
        assert {name: document[name] for name in alone} == alone


def test_same_seed_gives_the_same_violation(runs: Any) -> None:
    assert runs["broken"].returncode == runs["broken again"].returncode == 1
    assert _document(runs["broken"]) == _document(runs["broken again"])


def test_nothing_is_left_in_the_folder(runs: Any) -> None:
    for name in RUNS:
        runs[name]
        left = [path.name for path in runs.folders[name].iterdir()]
        assert left == (["examples"] if name == "database" else []), name


def test_failure_prints_case_rule_and_command(runs: Any) -> None:
    shown = runs["generated alone"].stdout
    assert "     rule       values-kept: " in shown
    assert "     breaks     generated-sequences-kept" in shown
    assert "     case       {" in shown
    assert "     replay     retry-contract verify --contract after-2025-02-24 --replay '" in shown


@pytest.mark.parametrize("run", ["broken", "requests"])
def test_command_replays_just_that_case(run: str, runs: Any, command: Any) -> None:
    fault = {"broken": "values-lost", "requests": "unknown-is-500"}[run]
    replays = _replays(runs[run])
    assert replays
    for rule, replay in replays.items():
        program, *arguments = shlex.split(replay)
        assert program == "retry-contract"
        again = command(
            *arguments, "--json", "--", "-p", "faulty", env={"RETRY_CONTRACT_FAULT": fault}
        )
        assert again.returncode == 1
        states = {
            r["rule"]: r["state"] for c in json.loads(again.stdout)["contracts"] for r in c["rules"]
        }
        assert [name for name, state in states.items() if state == "broken"] == [rule]
        kept = command(*arguments)
        assert kept.returncode == 3
        assert "the replayed case keeps the contract" in kept.stdout


def test_without_fuzzing_no_fuzzing_library_is_imported(command: Any, tmp_path: Path) -> None:
    (tmp_path / "look.py").write_text(LOOK, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), _source()])
    for fuzz, found in (("0", "[]"), ("1", "['hypothesis', 'schemathesis']")):
        done = command(
            "verify", "--fuzz", fuzz, "--", "-p", "look", env={"PYTHONPATH": path}, cwd=tmp_path
        )
        assert done.returncode == 0
        assert f"FUZZING LIBRARIES: {found}" in done.stderr
    done = command("verify", "--fuzz", "0")
    assert "--fuzz N                  generated-requests-answered" in done.stdout


def _source() -> str:
    import retry_contract

    return str(Path(retry_contract.__file__).parents[1])


# Over real HTTP


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serve() as served:
        yield served


def _verify(command: Any, served: Served, *more: str) -> Any:
    arguments = ["--provision", "simulator", "--contract", "after", "--seed", "1", *more]
    key = {"POSTMAN_API_KEY": served.key}
    done = command("verify", "--json", *served.options, *arguments, env=key)
    assert served.key not in done.stdout + done.stderr
    return done


def test_loopback_keeps_the_contract(command: Any, served: Served) -> None:
    done = _verify(command, served, "--fuzz", "10")
    assert done.returncode == 0, done.stdout
    states = {r["rule"]: r["state"] for r in json.loads(done.stdout)["contracts"][0]["rules"]}
    assert states["generated-requests-answered"] == "kept"
    assert states["generated-sequences-kept"] == "kept"


@pytest.mark.parametrize("fault", ["field-dropped", "values-lost", "cutover-flaps-by-request"])
def test_loopback_fault_is_found(fault: str, command: Any) -> None:
    with serve(faults=[fault]) as faulty:
        done = _verify(command, faulty, "--fuzz", "25", "--", "-k", "generated")
    assert done.returncode == 1
    assert _replays(done)


def test_loopback_without_provisioning_is_not_exercised(command: Any, served: Served) -> None:
    (message,) = served.failed()
    key = {"POSTMAN_API_KEY": served.key}
    arguments = ["--message", message, "--contract", "after", "--json", "--", "-k", "generated"]
    done = command("verify", *served.options, *arguments, env=key)
    assert done.returncode == 3
    reasons = {r.get("reason") for r in json.loads(done.stdout)["contracts"][0]["rules"]}
    assert any(r.startswith("needs --provision simulator: ") for r in reasons)
    # The message that the user named is still there to be retried by the other rules.
    assert served.service.messages[message].status == "failure"


def test_loopback_that_dies_is_not_tested(command: Any) -> None:
    with serve() as dying:
        url = dying.options
        key = {"POSTMAN_API_KEY": dying.key}
    done = command("verify", *url, "--provision", "simulator", "--fuzz", "5", "--json", env=key)
    assert done.returncode == 3
    assert json.loads(done.stdout)["outcome"] == "not tested"
