"""What GitHub's runner is said: at most ten annotations of a step, and a summary that is kept."""

import os
import re
from pathlib import Path

import pytest
from support.in_process_reader import readiness
from support.outcomes import broken, checked, left_out, outcome, violation

from retry_contract.outcome import Drift, Outcome, Verdict
from retry_contract.report.github import (
    LARGEST_SUMMARY,
    Annotation,
    annotations,
    append_summary,
    cut_summary,
    refusal_summary,
)
from retry_contract.report.readiness_annotations import readiness_annotations
from retry_contract.report.summary import summary

HOSTILE = "a%0A::b\r\n::error::c, d: ##[group]e\x1b[2J\u202ef"


def many(number: int) -> Outcome:
    found = [violation(pointer=f"/member{index}") for index in range(number)]
    left = left_out("attempts-capped", "needs --provision simulator")
    drift = (Drift("/other", "undocumented field"),)
    return outcome(Verdict.BROKEN, checked(broken(*found), left, drift=drift))


def test_each_cause_is_an_error_of_its_own() -> None:
    (line,) = map(str, annotations(many(1)))
    assert line == (
        "::error title=retry-contract%3A /member0 is another string of 44 characters::"
        "expected the id in the path%0Aseen in accepted, request 2 (after-2025-02-24)%0A"
        "breaks message-id-kept"
    )


@pytest.mark.parametrize(
    ("number", "shown", "last"),
    [(9, 9, "/member8 is"), (10, 10, "and 1 more cause"), (2000, 10, "and 1,991 more causes")],
)
def test_nine_causes_are_shown_and_a_tenth_annotation_counts_the_rest(
    number: int, shown: int, last: str
) -> None:
    found = annotations(many(number))
    assert len(found) == shown
    assert found[-1].title.startswith(f"retry-contract: {last}")
    assert {annotation.level for annotation in found} == {"error"}
    assert number == shown or "--report DIR" in found[-1].lines[0]


@pytest.mark.parametrize(
    ("verdict", "level"),
    [(Verdict.NOT_TESTED, "warning"), (Verdict.USAGE_ERROR, "error")],
)
def test_run_without_a_cause_says_why(verdict: Verdict, level: str) -> None:
    (line,) = map(str, annotations(outcome(verdict, reason="no route")))
    assert line == f"::{level} title=retry-contract%3A {verdict}::{str(verdict).upper()}: no route."


def test_drift_that_fails_is_an_error() -> None:
    contract = checked(drift=(Drift("/other", "undocumented field"),))
    (found,) = annotations(outcome(Verdict.BROKEN, contract, reason="drift was found"))
    assert (found.level, found.lines) == (
        "error",
        (f"BROKEN {contract.contract}: drift was found.",),
    )


def test_kept_run_has_no_annotation() -> None:
    assert annotations(outcome(Verdict.KEPT, checked())) == ()


def test_hostile_text_stays_in_its_place() -> None:
    line = str(Annotation("error", HOSTILE, (HOSTILE, "second")))
    command = re.fullmatch(r"::error title=([^:,]*)::(.*)", line)
    assert command
    assert line.isprintable()
    assert "##[" not in line
    assert line.count("%0A") == 1
    assert "a%250A%3A%3Ab\\r\\n%3A%3Aerror%3A%3Ac%2C d%3A" in command[1]


def test_summary_of_2_000_causes_keeps_the_worst_within_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_bytes(b"x" * (LARGEST_SUMMARY - 4_000))
    assert append_summary(summary(many(2000)), {"GITHUB_STEP_SUMMARY": str(file)}) is None
    assert LARGEST_SUMMARY - 1_000 < file.stat().st_size <= LARGEST_SUMMARY
    added = file.read_text(encoding="utf-8").lstrip("x")
    assert added.startswith("\n## retry-contract: broken\n")
    assert "| /member0 is " in added
    assert "undocumented field" not in added
    assert added.endswith("`--report DIR` writes all of it.\n")


def test_broken_stands_before_drift_and_both_before_what_was_not_exercised() -> None:
    text = summary(many(2000))
    places = [text.index(part) for part in ("/member0", "1,900 more", "drift", "not exercised")]
    assert places == sorted(places)


def test_summary_is_cut_at_a_line_and_never_in_a_character() -> None:
    text = "first\n" + "é" * 99 + "\n"
    cut = cut_summary(text * 20_000).decode()
    assert len(cut.encode()) <= LARGEST_SUMMARY
    assert set(cut.partition("\n\n")[0].splitlines()) == {"first", "é" * 99}


def test_summary_follows_what_the_step_has_said(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    for text in ("# one\n", "# two\n"):
        assert append_summary(text, {"GITHUB_STEP_SUMMARY": str(file)}) is None
    assert file.read_text(encoding="utf-8") == "\n# one\n\n# two\n"


def test_full_summary_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "summary.md"
    file.write_bytes(b"x" * LARGEST_SUMMARY)
    said = append_summary("# one\n", {"GITHUB_STEP_SUMMARY": str(file)})
    assert said == "the job summary is full: nothing was added to it"
    assert file.stat().st_size == LARGEST_SUMMARY


def test_without_a_file_for_it_there_is_no_summary() -> None:
    assert append_summary("# one\n", {}) is None


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    said = append_summary("# one\n", {"GITHUB_STEP_SUMMARY": str(tmp_path / "pipe")})
    assert said == "the job summary was not written: GITHUB_STEP_SUMMARY names no regular file"


def test_summary_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    named = {"GITHUB_STEP_SUMMARY": str(tmp_path / "absent" / "summary.md")}
    said = append_summary("# one\n", named)
    assert said == "the job summary was not written: No such file or directory"


def test_reason_of_a_refusal_is_text_and_no_markup() -> None:
    reason = "<img>![a](b) \\[c](d)\n# e"
    text = refusal_summary("retry-contract verify", Verdict.USAGE_ERROR, reason)
    heading, _, shown, end = text.split("\n")
    assert (heading, end) == ("## retry-contract verify: usage error", "")
    assert shown.startswith("&lt;img>!\\[a](b) ")
    # A backslash of the text is one, and escapes no bracket: before each stands one that does.
    assert re.findall(r"(\\*)\[", shown) == ["\\", "\\" * 3]
    assert "# e" in shown


@pytest.mark.parametrize("room", [0, 1])
def test_summary_that_just_goes_in_is_whole(room: int) -> None:
    text = "x" * (LARGEST_SUMMARY - 1 - room) + "\n"
    assert cut_summary(text) == text.encode()
    assert cut_summary(text, room + 1) == b""  # one line, which is too long now


def test_summary_that_is_no_unicode_is_written(tmp_path: Path) -> None:
    named = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    assert append_summary("a\ud800\n", named) is None
    assert (tmp_path / "summary.md").read_bytes() == b"\na\\ud800\n"


def test_file_that_is_over_the_limit_already_gets_nothing() -> None:
    assert cut_summary("a\nb\n", LARGEST_SUMMARY + 100) == b""


def test_ready_code_has_no_annotation_whatever_does_not_count() -> None:
    def reads(response: dict[str, object]) -> object:
        if len(response) > 10:
            raise ValueError("one more field")
        return response["id"]

    found = readiness(reads)
    assert found.verdict is Verdict.KEPT
    assert any(outcome.finding for outcome in found.scenarios)
    assert readiness_annotations(found) == ()


def test_annotation_of_code_says_where_it_fails_in_one_line_each() -> None:
    def fails(response: dict[str, object]) -> object:
        raise ValueError("first\n::error::second")

    annotations = readiness_annotations(readiness(fails))
    assert annotations
    for text in map(str, annotations):
        assert "%0Aat " in text
        assert "\n" not in text
        assert "%0A::error" not in text
