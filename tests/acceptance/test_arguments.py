"""`verify … -- ARGS`: what pytest prints next to the outcome."""

from __future__ import annotations

import functools
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retry_contract.endpoint.mock import mock_of
from retry_contract.service.faults import FAULTS
from retry_contract.verification import verification
from retry_contract.verification.report_folder import FILES

Done = subprocess.CompletedProcess[str]
Here = Callable[..., Done]

VERIFY = ("verify", "--fuzz", "0", "--contract", "after")
CAME = "another string of 44 characters"
OWN = """
def test_own_promise(accepted_retry):
    accepted_retry.keeps("message-id-kept")

def test_of_the_user():
    mine = [1]
    assert mine[0] == "my own"
"""


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The mock changes the id of a retried message."""
    faults = [FAULTS["id-changed"]]
    monkeypatch.setattr(verification, "mock_of", functools.partial(mock_of, faults=faults))


@pytest.mark.parametrize("extra", ["-v", "-x", "-k message-id-kept", "-q", "--no-header -vv"])
@pytest.mark.usefixtures("faulty")
def test_each_failure_is_printed_once(extra: str, here: Here) -> None:
    done = here(*VERIFY, "--", *extra.split())
    assert done.returncode == 1
    assert done.stdout.count(CAME) == 1
    assert "FAILURES" not in done.stderr
    assert "short test summary" not in done.stderr
    assert CAME not in done.stderr
    if "-v" in extra:
        assert "test_message_id_kept[after-2025-02-24] FAILED" in done.stderr
        assert "test_status_is_201[after-2025-02-24] PASSED" in done.stderr
    assert " broken in " in done.stderr


@pytest.mark.slow
def test_each_failure_is_printed_once_by_two_workers_too(command: Here) -> None:
    words = ("--", "-p", "faulty", "-p", "xdist", "-n", "2", "-k", "message-id-kept")
    done = command(*VERIFY, *words, env={"RETRY_CONTRACT_FAULT": "id-changed"})
    assert done.returncode == 1
    assert (done.stdout + done.stderr).count(CAME) == 1


@pytest.mark.parametrize("extra", ["--tb=short", "--tb short", "--tb=auto", "-rf", "-ra", "-vrA"])
@pytest.mark.usefixtures("faulty")
def test_failures_are_listed_by_pytest_if_it_is_asked_to(extra: str, here: Here) -> None:
    done = here(*VERIFY, "--", *extra.split(), "-k", "message-id-kept")
    assert done.returncode == 1
    # Where `CI` is set, pytest cuts no line of its summary, so that the cause stands there as well.
    listed, _, _ = done.stderr.partition("short test summary")
    assert done.stdout.count(CAME) == listed.count(CAME) == 1
    assert "= FAILURES =" in listed
    assert "1 failed" in done.stderr


@pytest.mark.usefixtures("faulty")
def test_test_of_the_user_shows_its_traceback(tmp_path: Path, here: Here) -> None:
    file = tmp_path / "test_own.py"
    file.write_text(OWN, encoding="utf-8")
    done = here(*VERIFY, "--", str(file), "-k", "own or user or message-id-kept")
    assert done.returncode == 1
    assert done.stdout.count(CAME) == 1
    assert CAME not in done.stderr
    assert 'assert mine[0] == "my own"' in done.stderr
    assert "test_of_the_user - AssertionError" in done.stderr
    assert "1 failed" in done.stderr
    assert "2 broken" in done.stderr


@pytest.mark.usefixtures("faulty")
def test_crash_shows_its_traceback(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    real = verification.Verification.check

    def check(self: verification.Verification, run: str, rule: str) -> Any:
        return real(self, run, rule) if rule == "message-id-kept" else 1 // 0

    monkeypatch.setattr(verification.Verification, "check", check)
    done = here(*VERIFY, "--", "-k", "message-id-kept or status-is-201")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "1 // 0" in done.stderr
    assert CAME not in done.stderr


def test_junit_xml_of_pytest_goes_where_the_arguments_say(tmp_path: Path, here: Here) -> None:
    report, file = tmp_path / "report", tmp_path / "own.xml"
    done = here(*VERIFY, "--report", report, "--", f"--junit-xml={file}", "-k", "message-id-kept")
    assert done.returncode == 0
    assert b"test_message_id_kept[" in file.read_bytes()
    assert {path.name for path in report.iterdir()} == {*FILES}
    assert b"test_message_id_kept[" not in (report / "junit.xml").read_bytes()


UNRULY = """
def pytest_runtest_setup(item):
    if "status_is_201" in item.name:
        raise ValueError("not of a rule")
"""


def test_test_that_fails_without_checking_a_rule_is_in_the_reports(
    tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unruly_plugin.py").write_text(UNRULY, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    report = tmp_path / "report"
    words = (*VERIFY, "--report", report, "--", "-p", "unruly_plugin")
    done = here(*words, "-k", "message-id-kept or status-is-201")
    assert done.returncode == 3
    document = json.loads((report / "report.json").read_text(encoding="utf-8"))
    assert document["outcome"] == "not tested"
    assert document["reason"].startswith("a test failed without checking a rule; ")
    assert b'errors="1"' in (report / "junit.xml").read_bytes()
