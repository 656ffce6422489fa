"""A command that crashes after it has read others: docs/consumer.md, rules 1 and 7."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.in_process_reader import NOW

from retry_contract.consumer.process.attempt import Attempt, Ending
from retry_contract.consumer.process.readers import LineReader, Reader, python_reader
from retry_contract.consumer.reader.reader_check import check_reader
from retry_contract.consumer.reader.reader_scenarios import Readings
from retry_contract.consumer.readiness import CheckPlan, Readiness, Result, ScenarioOutcome
from retry_contract.contract.catalogue import catalogue
from retry_contract.outcome import UsageError, Verdict

GIVEN = [f'"{number}"' for number in range(12)]
PYTHON = [sys.executable, "-I", "-S", "-c"]
HANG = 30.0
"""Seconds after which a test fails that would hang."""

LOOP = "import os, sys\nfor at, line in enumerate(sys.stdin):\n    "
NUMBER = "int(line.strip()[1:-1])"
TIRED = "sys.exit('Error: tired')"
ENDED = "ended with exit status 1: Error: tired"
SECRET = "key_test_0123456789"


@pytest.fixture(autouse=True)
def _buffered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a process that ends at once lose its lines, as most programs do on a pipe."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


def ask(code: str, given: Sequence[str] = GIVEN) -> list[Attempt | None]:
    with contextlib.closing(LineReader([*PYTHON, LOOP + code], HANG)) as reader:
        return reader.ask(given)


def errors(attempts: Sequence[Attempt | None]) -> dict[int, str]:
    return {at: each.error for at, each in enumerate(attempts) if each and each.error}


def test_a_line_that_is_read_alone_after_a_crash_says_how_the_process_ended() -> None:
    found = ask(f"at == 5 and {TIRED}\n    print('ok', {NUMBER}, flush=True)")
    assert [each.read for each in found if each and each.is_read] == [*range(12)]
    assert errors(found) == {5: ENDED, 11: ENDED}


@pytest.mark.skipif(sys.platform == "win32", reason="no signal ends a process there")
def test_a_signal_is_a_crash_and_output_that_was_lost_with_it_hides_none() -> None:
    found = ask("at == 5 and os.kill(os.getpid(), 9)\n    print('ok')")
    assert all(each and each.is_read for each in found)
    assert {*errors(found).values()} == {"ended by signal 9"}


@pytest.mark.parametrize("flush", [True, False])
def test_a_crash_that_one_line_causes_explains_the_others(flush: bool) -> None:
    found = ask(f"({NUMBER} == 4 or at == 7) and os._exit(1)\n    print('ok', flush={flush})")
    assert errors(found) == {4: "ended with exit status 1"}


def test_a_command_that_ends_at_an_error_that_it_answers_has_failed_once() -> None:
    found = ask(
        f"n = {NUMBER}; print('error odd' if n == 4 else 'ok', flush=True); n == 4 and sys.exit(1)"
    )
    assert errors(found) == {4: "odd"}


@pytest.mark.parametrize("said", ["None", "print('done', file=sys.stderr)"])
def test_an_early_end_with_status_0_is_no_crash(said: str) -> None:
    code = f"at == 7 and ({said}, sys.exit())\n    print('ok', flush=True)"
    assert not errors(ask(code))


def test_a_command_that_crashes_time_and_again_is_given_up_without_a_usage_error() -> None:
    found = ask(f"at == 1 and {TIRED}\n    print('ok', flush=True)", GIVEN * 20)
    assert found[-1] is None
    assert {*errors(found).values()} == {ENDED}


def test_a_command_that_ends_time_and_again_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="does not answer each payload"):
        ask("at == 1 and sys.exit()\n    print('ok', flush=True)", GIVEN * 20)


Answer = Callable[[dict[str, Any]], Attempt]


class Scripted:
    """Reads well in a new process; each that reads many crashes at its third payload."""

    def __init__(self, answer: Answer, fewest: int = 3) -> None:
        self._answer, self._fewest = answer, fewest

    def ask(self, lines: Sequence[str]) -> list[Attempt | None]:
        found = list[Attempt | None](self.ask_alone(lines))
        third = found[2] if len(lines) >= self._fewest else None
        if third is not None and third.is_read:
            found[2] = Attempt(Ending.READ, third.returned, third.read, error=f"{ENDED} {SECRET}")
        return found

    def ask_alone(self, lines: Sequence[str]) -> list[Attempt | None]:
        return [self._answer(json.loads(line)) for line in lines]


def read(response: dict[str, Any]) -> Attempt:
    return Attempt(Ending.READ, True, response["id"])


def check(reader: Reader, payloads: int = 10) -> Readiness:
    return check_reader(CheckPlan("a", NOW, payloads, 7, SECRET), reader, catalogue())


def scenario(found: Readiness, name: str) -> ScenarioOutcome:
    return next(tried for tried in found.scenarios if tried.name == name)


def test_a_crash_that_no_payload_repeats_is_not_tested() -> None:
    found = check(Scripted(read))
    after = scenario(found, "after")
    assert (found.verdict, after.result) == (Verdict.NOT_TESTED, Result.NOT_TESTED)
    assert after.finding is not None
    assert after.finding.error.startswith(f"it depends on what was read before: {ENDED} ")
    assert after.finding.advice.startswith("let it read on to the end of its input: ")
    assert SECRET not in repr(found)


def test_a_crash_hides_no_failure_that_a_new_process_has() -> None:
    def refuses_another_order(response: dict[str, Any]) -> Attempt:
        plainest = response["id"].startswith("message_6f1c2b8e")
        if next(iter(response)) != "createdAt" and not plainest:
            return Attempt(Ending.RAISED, error="ValueError: an order")
        return read(response)

    found = check(Scripted(refuses_another_order))
    another_order = scenario(found, "after, in another order")
    assert (found.verdict, another_order.result) == (Verdict.BROKEN, Result.BREAKS)


def test_a_crash_hides_no_difference() -> None:
    found = check(Scripted(lambda response: Attempt(Ending.READ, True, len(response))))
    assert (found.verdict, scenario(found, "paired").result) == (Verdict.BROKEN, Result.DIFFERS)


def test_a_crash_among_the_rare_forms_is_a_matter_of_none_of_them() -> None:
    found = check(Scripted(read, fewest=8), payloads=1)
    rare = scenario(found, "after, in rare forms")
    assert (found.verdict, rare.result, rare.failed) == (Verdict.NOT_TESTED, Result.NOT_TESTED, 1)
    assert not [note for note in found.notes if "rare forms" in note]


def test_a_crash_while_one_payload_is_repeated_is_known_of_it() -> None:
    payload = {"id": "message_1"}
    readings = Readings(Scripted(read).ask, str)
    assert len(readings.repeat(payload, 4)) == 4
    known = readings.of(payload)
    assert known is not None
    assert known.error.startswith(ENDED)


@pytest.mark.parametrize("end", ["os._exit(1)", "sys.exit(1)"])
def test_a_python_function_that_ends_after_others_is_not_tested(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    source = f"if len(calls) % 7 == 0: {end}"
    begin = "import os, sys\ncalls = []\ndef read(response):\n    calls.append(1)\n"
    Path("app.py").write_text(f"{begin}    {source}\n    return response['id']\n", "utf-8")
    with contextlib.closing(python_reader("app:read", HANG)) as reader:
        assert check(reader).verdict is Verdict.NOT_TESTED
