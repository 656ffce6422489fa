"""A report that cannot be written: before a run, and after it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from support.server import serve
from support.sessions import ask, run_session

from retry_contract import new_file
from retry_contract.verification.report_folder import FILES
from retry_contract.verification.verification import Verification

Run = Callable[..., CompletedProcess[str]]
REAL = new_file.replace
VERIFY = ("verify", "--fuzz", "0", "--contract", "after")
CONSUMER = ("consumer", "json:dumps", "--payloads", "3")
FULL = "could not be written: No space left on device"


@pytest.fixture(params=FILES)
def missing(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a file for which the disk is full."""
    name: str = request.param

    def replace(file: Path, content: bytes) -> None:
        if file.name == name:
            raise OSError(28, "No space left on device", str(file))
        REAL(file, content)

    monkeypatch.setattr(new_file, "replace", replace)
    return name


def test_kept_run_is_no_green_without_its_report(missing: str, here: Run, tmp_path: Path) -> None:
    done = here(*VERIFY, "--report", tmp_path)
    assert done.returncode == 2
    assert "accepted 17 of 17" in done.stdout
    said = f"USAGE ERROR: the contract is kept, but {missing} {FULL}.\n"
    assert done.stdout.endswith(said)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == (set() if missing == "report.json" else {*FILES} - {missing})
    if "report.json" in names:
        report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
        assert (report["outcome"], FULL in report["reason"]) == ("usage error", True)
    if "summary.md" in names:
        assert "## retry-contract: usage error" in (tmp_path / "summary.md").read_text("utf-8")
    if "junit.xml" in names:
        assert b'errors="1"' in (tmp_path / "junit.xml").read_bytes()
    shown = json.loads(here(*VERIFY, "--report", tmp_path, "--json").stdout)
    assert (shown["outcome"], FULL in shown["reason"]) == ("usage error", True)


def test_ready_code_is_no_green_without_its_report(missing: str, here: Run, tmp_path: Path) -> None:
    done = here(*CONSUMER, "--report", tmp_path)
    assert (done.returncode, done.stdout.split(" for ")[0]) == (2, "USAGE ERROR")
    assert f"It is ready, but {missing} {FULL}.\n" in done.stdout
    if (tmp_path / "report.json").exists():
        report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
        assert report["outcome"] == "usage error"
    assert done.stderr == f"retry-contract consumer: --report: {missing} {FULL}\n"
    shown = here(*CONSUMER, "--report", tmp_path, "--json")
    document = json.loads(shown.stdout)
    assert (shown.returncode, document["outcome"]) == (2, "usage error")
    assert document["reason"] == f"It is ready, but {missing} {FULL}."


def test_code_that_breaks_stays_not_ready(missing: str, here: Run, tmp_path: Path) -> None:
    done = here("consumer", "json:loads", "--payloads", "3", "--report", tmp_path, "--json")
    assert (done.returncode, json.loads(done.stdout)["outcome"]) == (1, "not ready")
    assert f"{missing} {FULL}" in done.stderr


def test_error_inside_the_kit_loses_no_verdict(
    here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr("retry_contract.report.files.summary", fail)
    done = here(*VERIFY, "--report", tmp_path)
    assert done.returncode == 2
    assert "but summary.md could not be written: ZeroDivisionError in the kit.\n" in done.stdout


def test_two_commands_do_not_share_a_folder(here: Run, tmp_path: Path) -> None:
    assert here(*CONSUMER, "--report", tmp_path).returncode == 0
    kept = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    done = here(*VERIFY, "--report", tmp_path)
    assert done.returncode == 2
    assert f"holds the report of consumer; give {tmp_path / 'verify'}" in done.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == kept
    assert here(*VERIFY, "--report", tmp_path / "verify").returncode == 0
    assert here(*VERIFY, "--report", tmp_path / "verify").returncode == 0


@pytest.mark.slow
def test_under_pytest_too(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "report.json").write_text("{}", encoding="utf-8")
    session = run_session(tmp_path, ask("--contract-report={folder}/out", junit=False))
    assert session.exit_code == 4
    assert "holds report.json of another tool" in session.output + session.errors


def test_report_of_a_run_at_the_same_time_stays(
    here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = '{"format": 1, "outcome": "usage error", "reason": "another run"}'
    real = Verification.close

    def close(self: Verification) -> None:
        (tmp_path / "report.json").write_text(other, encoding="utf-8")
        real(self)

    monkeypatch.setattr(Verification, "close", close)
    done = here(*VERIFY, "--report", tmp_path)
    assert done.returncode == 2
    assert "report.json of another run is there by now" in done.stdout
    assert (tmp_path / "report.json").read_text(encoding="utf-8") == other


@pytest.mark.parametrize("words", [["--baseline", "nowhere"], ["--contract", "aftr"]])
def test_usage_error_leaves_no_earlier_report(words: list[str], here: Run, tmp_path: Path) -> None:
    assert here(*VERIFY, "--report", tmp_path).returncode == 0
    assert here(*VERIFY, *words, "--report", tmp_path).returncode == 2
    assert [*tmp_path.iterdir()] == []


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, ...]]:
    """The options of a run on a service."""
    with serve() as served:
        monkeypatch.setenv("POSTMAN_API_KEY", served.key)
        yield (*served.options, *(f"--message={id_}" for id_ in served.failed()))


def test_baseline_in_the_place_of_a_report_is_refused(
    here: Run, live: tuple[str, ...], tmp_path: Path
) -> None:
    words = ("--report", tmp_path, "--write-baseline", tmp_path / "report.json")
    done = here(*VERIFY, *live, *words)
    assert (done.returncode, "is a file of --report" in done.stderr) == (2, True)


def test_report_says_too_that_the_baseline_is_missing(
    here: Run, live: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def replace(file: Path, content: bytes) -> None:
        if file.name == "b.json":
            raise OSError(28, "No space left on device", str(file))
        REAL(file, content)

    monkeypatch.setattr(new_file, "replace", replace)
    words = ("--report", tmp_path / "r", "--write-baseline", tmp_path / "b.json")
    assert here(*VERIFY, *live, *words).returncode == 2
    report = json.loads((tmp_path / "r" / "report.json").read_text(encoding="utf-8"))
    assert report["outcome"] == "usage error"
