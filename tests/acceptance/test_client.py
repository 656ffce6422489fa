"""`retry-contract consumer --client`, as a user runs it on code that makes the call."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from support.clients import REAL_KEY

Done = CompletedProcess[str]
TESTS = Path(__file__).parents[1]
slow = pytest.mark.slow
REFUSALS = (
    *("400 unknown message", "400 not failed", "400 batch not ready", "400 attempts spent"),
    *("400 address not listed", "401 wrong key", "403 key of another campaign"),
)
PASSING = ("429 once", "429 each time", "500 HTML page")
CLOSED, SILENT = "connection closed", "no answer"
UNASKED = "it asked nothing of the base_url that it was given, and "
CUT = ("201 cut off", "201 stalls")
ALL = (
    *("before", "after", "paired", "through the cutover"),
    *(*REFUSALS, *PASSING, CLOSED, SILENT, *CUT),
)


@pytest.fixture
def called(
    here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, dict[str, Any], dict[str, dict[str, Any]]]]:
    """Try a client; return the exit code, the document, and its situations by name."""
    monkeypatch.chdir(TESTS)

    def run(
        name: str, module: str = "clients"
    ) -> tuple[int, dict[str, Any], dict[str, dict[str, Any]]]:
        target = f"support.{module}:{name}"
        done = here("consumer", "--client", target, "--timeout", "2", "--json")
        found = json.loads(done.stdout)
        return done.returncode, found, {s["situation"]: s for s in found["situations"]}

    return run


def failing(situations: dict[str, dict[str, Any]]) -> set[str]:
    return {name for name, told in situations.items() if told["verdict"] != "ok"}


@pytest.mark.parametrize(
    "name",
    [
        "good",
        pytest.param("asynchronous", marks=slow),
        pytest.param("standard_library", marks=slow),
        pytest.param("whole_response", marks=slow),
        pytest.param("whole_response_of_requests", marks=slow),
        pytest.param("tells_by_value", marks=slow),
        pytest.param("waits_for_delivery", marks=slow),
        pytest.param("tries_thrice", marks=slow),
        pytest.param("tells_by_text", marks=slow),
        pytest.param("knows_a_code", marks=slow),
        pytest.param("looks_before_it_fails", marks=slow),
    ],
)
def test_a_client_that_tells_a_refusal_is_ready(name: str, called: Any) -> None:
    code, found, situations = called(name)
    assert (code, found["outcome"], failing(situations)) == (0, "ready", set())
    assert tuple(situations) == ALL
    assert situations["through the cutover"]["tried"] == 3
    assert all(situations[name]["tried"] == 2 for name in REFUSALS)


@pytest.mark.parametrize(
    ("name", "fails", "error"),
    [
        pytest.param(
            "closed",
            {"after", "paired", "through the cutover"},
            "the retry was accepted, but it raised ValueError: unknown field",
            marks=slow,
        ),
        ("always_true", {*REFUSALS, *PASSING}, "it returned the same as after a retry that was"),
        pytest.param(
            "says_the_same", {*REFUSALS, *PASSING}, "it returned the same as after", marks=slow
        ),
        pytest.param(
            "sends_anew", {*REFUSALS, *PASSING}, "it made a Single Send: the person", marks=slow
        ),
        pytest.param("logs_the_key", {*ALL} - {"paired"}, "it printed the API key", marks=slow),
        pytest.param(
            "raises_the_key", {*ALL} - {*ALL[:4]}, "it printed the API key, or raised", marks=slow
        ),
        pytest.param(
            "exits", {*ALL} - {CLOSED, SILENT, "201 stalls"}, "ended with exit status 1", marks=slow
        ),
        pytest.param(
            "retries_the_batch", {*REFUSALS, *PASSING}, "it sent or retried a batch", marks=slow
        ),
        pytest.param(
            "polls_without_end", {*REFUSALS, *PASSING}, "it made 100 requests, and", marks=slow
        ),
        pytest.param(
            "knows_nested_errors_only",
            {*REFUSALS} - {"401 wrong key"},
            "it returned null when the error was flat, and raised when it was nested",
            marks=slow,
        ),
        pytest.param(
            "looks_and_goes_on",
            {name for name in REFUSALS if name.startswith("400") and name != "400 not failed"},
            "it returned the same as after a retry that was accepted",
            marks=slow,
        ),
        pytest.param(
            "swallows_the_connection",
            {CLOSED, SILENT},
            "it returned the same as after a retry that was accepted",
            marks=slow,
        ),
        pytest.param(
            "takes_a_timeout_for_a_success",
            {SILENT},
            "it returned the same as after a retry that was accepted",
            marks=slow,
        ),
        pytest.param(
            "sends_anew_on_timeout", {SILENT, "201 stalls"}, "it made a Single Send", marks=slow
        ),
        pytest.param(
            "tells_the_key_on_timeout", {SILENT, "201 stalls"}, "it printed the API", marks=slow
        ),
        pytest.param("wrong_path", {*ALL}, "it made a POST that is not the retry", marks=slow),
        pytest.param("real_service", {*ALL}, f"{UNASKED}raised httpx.Connect", marks=slow),
        pytest.param("idle", {*ALL}, f"{UNASKED}returned", marks=slow),
        pytest.param("without_timeout", {SILENT, "201 stalls"}, "no answer within 2 s", marks=slow),
    ],
)
def test_a_client_that_does_harm_is_not_ready(
    name: str, fails: set[str], error: str, called: Any
) -> None:
    code, found, situations = called(name)
    assert (code, found["outcome"], failing(situations)) == (1, "not ready", fails)
    broken = [told for told in situations.values() if told["verdict"] == "breaks"]
    assert broken[-1]["error"].startswith(error)


@slow
@pytest.mark.parametrize(
    ("name", "otherwise"),
    [
        ("breaks_the_circuit", "RuntimeError: the circuit is open"),
        ("keeps_its_key", "the retry was accepted, so no refusal was met"),
    ],
)
def test_a_client_is_not_blamed_for_the_calls_before(
    name: str, otherwise: str, called: Any
) -> None:
    code, found, situations = called(name, "stateful")
    assert (code, failing(situations)) == (0, set())
    (note,) = (note for note in found["notes"] if otherwise in note)
    assert note.startswith("After other calls in the same process it did otherwise (")


@slow
@pytest.mark.parametrize(
    ("name", "fails", "error"),
    [
        ("works_once", {"after", "through the cutover"}, "RuntimeError: Event loop is closed"),
        ("learns_its_columns", {"through the cutover"}, "ValueError: dict contains fields not in"),
    ],
)
def test_a_client_that_works_until_the_cutover_only_is_not_ready(
    name: str, fails: set[str], error: str, called: Any
) -> None:
    code, _, situations = called(name, "stateful")
    assert (code, failing(situations) - {"paired"}) == (1, fails)
    assert error in situations["through the cutover"]["error"]


@slow
def test_a_client_need_not_read_what_nothing_serves_any_more(called: Any) -> None:
    code, found, situations = called("requires_the_newer")
    assert (code, found["outcome"]) == (0, "ready")
    not_counted = {"before", "paired", "through the cutover"}
    assert {name for name, told in situations.items() if not told["counts"]} == not_counted
    assert situations["through the cutover"]["advice"] is None


@slow
def test_a_client_that_returns_the_error_is_told_of_it(called: Any) -> None:
    code, found, situations = called("returns_the_body")
    assert (code, failing(situations)) == (0, set())
    (note,) = found["notes"]
    assert note.startswith("On a refusal it may return the error's body or part of it")
    assert situations["401 wrong key"]["remark"].startswith("returned the error's body")


@slow
def test_a_client_that_reads_by_position_reads_something_else(called: Any) -> None:
    code, found, situations = called("last_member")
    assert (code, failing(situations)) == (1, {"paired"})
    assert found["reason"] == "It fails in some situations: paired."
    assert situations["paired"]["differs"] == ["/campaign"]


@slow
def test_a_client_without_end_is_stopped(called: Any) -> None:
    code, _, situations = called("endless")
    assert code == 1
    first = situations[REFUSALS[0]]
    (asked,) = first["requests"]
    assert asked.endswith("/:messageId/retry: 400, 20 times")
    without_end = {*REFUSALS, "429 each time", "500 HTML page", CLOSED}
    assert failing(situations) == {*without_end, SILENT, "201 stalls"}
    assert {situations[name]["error"] for name in without_end} == {
        "it asked for the retry 20 times, and went on"
    }


@slow
def test_a_client_that_is_patient_is_not_called_endless(called: Any) -> None:
    code, found, situations = called("patient")
    assert (code, found["outcome"]) == (3, "not tested")
    assert failing(situations) == {"429 each time", "500 HTML page"}
    assert situations["429 each time"]["error"].startswith("no answer within 2 s; it had asked ")
    assert situations["429 once"]["verdict"] == "ok"


@slow
def test_no_real_key_reaches_the_client(called: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTMAN_API_KEY", REAL_KEY)
    monkeypatch.setenv("RETRY_CONTRACT_ENDPOINT", "https://test.postman.gov.sg/api/v2")
    assert called("finds_a_real_key")[0] == 0


@slow
@pytest.mark.parametrize("name", ["raises_the_key", "hides_the_key"])
def test_the_key_of_the_sandbox_is_in_no_output(
    name: str, here: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(TESTS)
    words = ("--client", f"support.clients:{name}", "--report", str(tmp_path / "r"))
    done = here("consumer", *words)
    written = [path.read_text("utf-8") for path in (tmp_path / "r").iterdir()]
    assert done.returncode == 1
    assert "it printed the API key, or raised an error that holds it" in done.stdout
    assert not any("key_test_" in text for text in [done.stdout, done.stderr, *written])


@slow
def test_the_matrix_tells_how_a_refusal_was_told(
    here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(TESTS)
    done = here("consumer", "--client", "support.clients:good")
    rows = [line.split("  ", 1) for line in done.stdout.splitlines()]
    told = {row[0]: row[1].strip() for row in rows if len(row) > 1}
    assert told["after"] == "ok (2 calls)"
    assert told["401 wrong key"] == "ok (2 calls; raised httpx.HTTPStatusError)"
    assert done.stdout.endswith("READY for after-2025-02-24 (in force since 24 Feb 2025)\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--client", "support.clients:two_arguments"],
            "cannot be called with (base_url, api_key, campaign_id, message_id)",
        ),
        (["--client", "support.clients"], "write package.module:callable"),
        (["--client", "a:b", "c:d"], "give one of package.module:callable, --exec COMMAND and"),
        (
            ["--client", "a:b", "--payloads", "5"],
            "--payloads, --seed and --values are for code that reads",
        ),
        (["--client", "a:b", "--per-payload"], "--per-payload goes with --exec COMMAND"),
        (["--client", "nowhere:b"], "No module named 'nowhere'"),
    ],
)
def test_what_cannot_be_called_is_one_line(
    words: list[str], said: str, here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(TESTS)
    done = here("consumer", *words)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert said in line


@slow
@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("by_class", "ready"),
        ("by_property", "ready"),
        ("by_truth", "ready"),
        ("by_method", "not tested"),
        ("lies_by_class", "not ready"),
        ("lies_by_chance", "not ready"),
        ("in_another_order", "ready"),
    ],
)
def test_a_result_tells_a_refusal_by_what_its_caller_may_ask(
    name: str, outcome: str, called: Any
) -> None:
    _, found, situations = called(name, "results")
    assert found["outcome"] == outcome
    told = situations["400 not failed"]
    if outcome == "not tested":
        assert told["error"].endswith("but for what it keeps to itself")
        assert told["advice"].startswith("let a public attribute, a property, bool() or the class")
    assert (told["verdict"] == "ok") is (outcome == "ready")
