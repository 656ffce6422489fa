"""What a run says in a job of GitHub Actions: annotations, and the job summary."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.sessions import ask, run_session

from retry_contract.endpoint.mock import mock_of
from retry_contract.service.faults import FAULTS
from retry_contract.verification import verification

Here = Callable[..., subprocess.CompletedProcess[str]]
VERIFY = ("verify", "--contract", "after", "--fuzz", "0")
FAULTY = """
from retry_contract.service.faults import FAULTS
from retry_contract.verification import verification
real = verification.mock_of
faults = [FAULTS["creator-id-missing"]]
verification.mock_of = lambda *given, **named: real(*given, **named, faults=faults)
"""


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The job summary of a step: the file that the runner gives to each step, empty."""
    file = tmp_path / "step_summary"
    file.touch()
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(file))
    return file


@pytest.fixture
def _faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    real, faults = mock_of, [FAULTS["creator-id-missing"]]
    monkeypatch.setattr(
        verification, "mock_of", lambda *given, **named: real(*given, **named, faults=faults)
    )


def commands(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.lstrip().startswith("::")]


@pytest.mark.usefixtures("_faulty")
def test_broken_run_annotates_each_cause_before_the_outcome(
    here: Here, job: Path, tmp_path: Path
) -> None:
    done = here(*VERIFY, "--report", tmp_path / "reports")
    assert (done.returncode, done.stderr) == (1, "")
    (line,) = commands(done.stdout)
    assert done.stdout.splitlines()[0] == line
    assert line.startswith(
        "::error title=retry-contract%3A /creatorId is absent::expected a non-empty string%0A"
    )
    written = (tmp_path / "reports" / "summary.md").read_text(encoding="utf-8")
    assert job.read_text(encoding="utf-8") == f"\n{written}"
    assert "## retry-contract: broken" in written


@pytest.mark.usefixtures("_faulty")
def test_under_json_annotations_go_to_standard_error(here: Here, job: Path) -> None:
    done = here(*VERIFY, "--json")
    assert json.loads(done.stdout)["outcome"] == "broken"
    (line,) = commands(done.stderr)
    assert line.startswith("::error title=retry-contract%3A /creatorId is absent::")
    assert "## retry-contract: broken" in job.read_text(encoding="utf-8")


def test_kept_run_adds_the_summary_alone(here: Here, job: Path) -> None:
    done = here(*VERIFY)
    assert (done.returncode, commands(done.stdout + done.stderr)) == (0, [])
    assert "## retry-contract: kept" in job.read_text(encoding="utf-8")


def test_outside_of_a_job_nothing_of_it_is_said(
    here: Here, job: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_ACTIONS")
    done = here("consumer", "math:sqrt", "--payloads", "3")
    assert (done.returncode, commands(done.stdout + done.stderr)) == (1, [])
    assert job.read_bytes() == b""


def test_not_tested_run_is_a_warning(here: Here, job: Path) -> None:
    done = here(*VERIFY, "--", "-k", "key_required")
    assert done.returncode == 3
    (line,) = commands(done.stdout)
    assert line.startswith("::warning title=retry-contract%3A not tested::NOT TESTED: ")
    assert "## retry-contract: not tested" in job.read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [(*VERIFY, "--campaing", "a"), ("consumer", "--payloads", "0")])
@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_usage_error_is_an_error(
    words: tuple[str, ...], as_json: tuple[str, ...], here: Here, job: Path
) -> None:
    done = here(*words, *as_json)
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    reason = second.removeprefix(f"retry-contract {words[0]}: ")
    assert first == f"::error title=retry-contract {words[0]}%3A usage error::{reason}"
    assert f"## retry-contract {words[0]}: usage error" in job.read_text(encoding="utf-8")


def test_other_commands_say_nothing(here: Here, job: Path) -> None:
    done = here("validate", "--campaing")
    assert (done.returncode, commands(done.stderr), job.read_bytes()) == (2, [], b"")


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_code_that_is_not_ready_is_annotated(
    as_json: tuple[str, ...], here: Here, job: Path
) -> None:
    done = here("consumer", "math:sqrt", "--payloads", "3", *as_json)
    assert done.returncode == 1
    first, *_ = commands(done.stderr if as_json else done.stdout)
    assert first.startswith("::error title=retry-contract consumer%3A breaks ")
    assert "must be real number" in first
    text = job.read_text(encoding="utf-8")
    assert "## retry-contract: not ready" in text
    if as_json:
        assert json.loads(done.stdout)["outcome"] == "not ready"


def test_code_that_is_ready_is_not_annotated(here: Here, job: Path) -> None:
    done = here("consumer", "json:dumps", "--payloads", "3")
    assert (done.returncode, commands(done.stdout + done.stderr)) == (0, [])
    assert "## retry-contract: ready" in job.read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [VERIFY, ("consumer", "json:dumps", "--payloads", "3")])
def test_summary_that_cannot_be_written_does_not_lose_the_verdict(
    words: tuple[str, ...],
    here: Here,
    job: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "absent" / "summary"))
    done = here(*words)
    assert done.returncode == 0
    said = "the job summary was not written: No such file or directory"
    assert done.stderr == f"retry-contract {words[0]}: {said}\n"
    assert "KEPT" in done.stdout or "READY" in done.stdout


def test_under_pytest_the_annotations_stand_before_the_outcome(tmp_path: Path) -> None:
    job = tmp_path / "step_summary"
    variables = {"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(job)}
    asked = ask("--contract-version=after", "-k", "creator_id", plugin=FAULTY, variables=variables)
    session = run_session(tmp_path, asked)
    assert session.exit_code == 1
    section = session.output.partition("= retry-contract =")[2]
    (line,) = commands(section)
    assert line.startswith("::error title=retry-contract%3A /creatorId is absent::")
    assert section.index(line) < section.index("\nBROKEN ")
    assert "## retry-contract: broken" in job.read_text(encoding="utf-8")
