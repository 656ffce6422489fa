"""The policy for code that makes the call: docs/consumer.md, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from retry_contract.consumer.client.calls import CallResult, Client
from retry_contract.consumer.client.client_check import counts
from retry_contract.consumer.client.policy import Baseline, baseline_of, check_call
from retry_contract.consumer.compare import differences
from retry_contract.consumer.process.attempt import Attempt, Ending
from retry_contract.consumer.readiness import Finding, Result
from retry_contract.contract.catalogue import catalogue, newest_pair
from retry_contract.privacy.scrubber import Scrubber
from retry_contract.service.faults import FAULTS
from retry_contract.service.http import Request
from retry_contract.service.stage import MOST_RETRIES, UNKNOWN, Call, Stage, Visit
from retry_contract.service.staged_calls import calls_by_scenario

AT = datetime(2025, 3, 1, tzinfo=UTC)
ACCEPTED = Call("after-2025-02-24", AT, expects="accepted")
REFUSED = replace(ACCEPTED, state=UNKNOWN, expects="refused")
CUT_OFF = replace(ACCEPTED, wrap=FAULTS["body-cut-off"].wrap, expects="lost")
STALLS = replace(ACCEPTED, wrap=FAULTS["response-stalls"].wrap, expects="lost")
PYTHON = Client("app.sms:retry", 2.0)
COMMAND = Client("node client.mjs", 2.0, ["node", "client.mjs"])
RAISED = Attempt(Ending.RAISED, error="ValueError: 400", trace="Traceback", success=False)
HUNG = Attempt(Ending.HUNG, error="no end within 2 s")
NOTHING = Attempt(Ending.READ, True, None, success=None)
PAIR = newest_pair(catalogue())


def reading(value: Any, *, success: bool | None = True) -> Attempt:
    return Attempt(Ending.READ, True, value, success=success)


def make_visit(call: Call, *names: str) -> Visit:
    """Make requests in turn, by the names below, or by a path below the base URL."""
    stage = Stage(catalogue())
    visit = stage.begin(call)
    campaign = f"/campaigns/{visit.campaign}"
    message = f"{campaign}/messages/{visit.message}"
    known = {
        "retry": ("POST", f"{message}/retry"),
        "retrieve": ("GET", message),
        "send": ("POST", f"{campaign}/messages"),
        "batch": ("POST", f"{campaign}/batch/batch_1/retry"),
        "another": ("POST", f"{campaign}/messages/message_1/retry"),
        "swapped": ("POST", f"/campaigns/{visit.message}/messages/{visit.campaign}/retry"),
        "delete": ("DELETE", message),
        "typo": ("POST", f"/campaign/{visit.campaign}/messages/{visit.message}/retry"),
    }
    for name in names:
        method, path = known[name]
        headers = {"authorization": f"Bearer {visit.key}"}
        stage.handle(Request(method, f"/api/v2{path}", headers))
    return visit


def result(call: Call, attempt: Attempt, *names: str, leak: str = "") -> CallResult:
    return CallResult(call, make_visit(call, *names), attempt, leak)


def baseline(value: Any = "created", **more: Any) -> Baseline:
    return replace(Baseline((value,), (value,), False, (), ()), **more)


def check(call: CallResult, base: Baseline | None = None, client: Client = PYTHON) -> Finding:
    found = check_call(call, client, base or baseline())
    assert found is not None
    return found


@pytest.mark.parametrize(
    "call",
    [
        result(ACCEPTED, reading("created"), "retry"),
        result(ACCEPTED, reading("created"), "retrieve", "retry", "retrieve", "retrieve"),
        result(ACCEPTED, reading("created"), "typo", "retry"),
        result(ACCEPTED, reading("created"), "delete", "retry"),
        result(REFUSED, RAISED, "retry"),
        result(REFUSED, RAISED, "retrieve"),
        result(REFUSED, reading(False, success=False), "retry"),
        result(CUT_OFF, RAISED, "retry"),
        result(CUT_OFF, reading("created"), "retry"),
        result(CUT_OFF, reading("sent"), "retry", "retrieve"),
        result(STALLS, RAISED, "retry"),
        result(replace(REFUSED, expects="either"), RAISED, "retry"),
    ],
)
def test_a_client_that_reports_what_happened_is_ok(call: CallResult) -> None:
    assert check_call(call, PYTHON, baseline()) is None


def test_none_reports_success_where_it_is_returned_after_an_accepted_retry() -> None:
    accepted = result(ACCEPTED, NOTHING, "retry")
    refused = result(REFUSED, NOTHING, "retry")
    silent = baseline_of([accepted], [accepted], ())
    assert silent.silent
    assert check_call(accepted, PYTHON, silent) is None
    assert check(refused, silent).error.startswith("no retry was accepted, but it reported success")
    assert check_call(refused, PYTHON, baseline()) is None
    assert "but it returned null" in check(accepted).error


def test_a_success_without_an_accepted_retry_is_shown_with_a_predicate_to_adapt() -> None:
    finding = check(
        result(REFUSED, reading({"error": {}}), "retry"), baseline({"latestStatus": "x"})
    )
    assert finding.error.endswith('it returned {"error": {}}')
    _, option, *predicate = finding.advice.splitlines()
    assert option.endswith("give --accepted-when app.sms:accepted, with")
    assert predicate == [
        "def accepted(result):",
        '    return "latestStatus" in str(result)',
    ]
    finding = check(result(REFUSED, reading(400), "retry"), baseline(201))
    assert finding.advice.splitlines()[-1] == "    return result == 201"


@pytest.mark.parametrize("value", [True, None])
def test_no_predicate_is_offered_where_the_value_says_nothing(value: Any) -> None:
    finding = check(result(REFUSED, reading(True), "retry"), baseline(value))
    assert "--accepted-when" not in finding.advice


def test_a_failure_on_a_retry_that_was_accepted_the_second_time_is_broken() -> None:
    finding = check(result(replace(ACCEPTED, expects="either"), RAISED, "retry"))
    assert finding.error.startswith("the retry was accepted, but it raised")


def test_a_key_that_is_a_word_of_json_harms_no_reading() -> None:
    visit = replace(make_visit(ACCEPTED, "retry"), scrub=Scrubber("null").scrub)
    call = CallResult(ACCEPTED, visit, reading({"error": None, "n": True}))
    assert baseline_of([call], [call], ()).new == ({"error": None, "n": True},)


def test_a_command_that_ends_well_without_an_accepted_retry_is_broken() -> None:
    finding = check(result(REFUSED, Attempt(Ending.READ, success=True), "retry"), client=COMMAND)
    assert finding.error == "no retry was accepted, but it ended with exit status 0"
    assert finding.advice.endswith("end with another exit status")


@pytest.mark.parametrize(
    ("attempt", "did"),
    [
        (RAISED, "it raised ValueError: 400"),
        (reading(False, success=False), "it returned false"),
        (Attempt(Ending.CRASHED, error="ended with exit status 7", success=False), "it ended with"),
    ],
)
def test_a_failure_on_an_accepted_retry_is_broken(attempt: Attempt, did: str) -> None:
    finding = check(result(ACCEPTED, attempt, "retry"))
    assert finding.error.startswith(f"the retry was accepted, but {did}")
    assert finding.payload is not None
    assert finding.payload["creatorId"]


@pytest.mark.parametrize(
    ("names", "error", "advice"),
    [
        ((), "it asked nothing of the base URL that it was given (ValueError: 400)", "base URL"),
        (
            ("typo",),
            "no retry was accepted: it asked for POST /api/v2/campaign/:campaignId/messages/"
            ":messageId/retry and got 404",
            "the documented path, below the base URL, is POST /campaigns/:campaignId/messages/",
        ),
        (("delete",), "it asked for DELETE /api/v2/campaigns/", "the documented path"),
    ],
)
def test_a_client_that_misses_the_retry_is_shown_what_it_asked_for(
    names: tuple[str, ...], error: str, advice: str
) -> None:
    finding = check(result(ACCEPTED, RAISED, *names))
    assert error in finding.error
    assert advice in finding.advice


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("send", "it made a Single Send: POST /api/v2/campaigns/:campaignId/messages"),
        ("batch", "it sent or retried a batch: POST /api/v2/campaigns/:campaignId/batch/batch_1/"),
        ("another", "it asked for the retry of another message: POST"),
        ("swapped", "it asked for the retry of another message: POST /api/v2/campaigns/:messageId"),
    ],
)
def test_a_change_of_anything_else_is_broken(name: str, error: str) -> None:
    for call in (ACCEPTED, REFUSED):
        assert check(result(call, RAISED, "retry", name)).error.startswith(error)


def test_the_key_that_is_printed_and_the_key_that_is_raised_are_told_apart() -> None:
    printed = result(ACCEPTED, reading("created"), "retry", leak="INFO key is key_test_1")
    assert check(printed).error == "it printed the API key: INFO key is key_test_1"
    visit = make_visit(REFUSED, "retry")
    trace = f"Traceback\n  x.py\nValueError: with {visit.key}\n\nKeyError: 'x'"
    raised = CallResult(REFUSED, visit, replace(RAISED, trace=trace))
    assert check(raised).error.startswith("it raised an error that holds the API key: ValueError")


def test_twenty_requests_for_one_retry_are_too_many() -> None:
    assert (
        check_call(result(REFUSED, RAISED, *["retry"] * (MOST_RETRIES - 1)), PYTHON, baseline())
        is None
    )
    finding = check(result(REFUSED, HUNG, *["retry"] * MOST_RETRIES))
    assert finding.error == "it asked for the retry 20 times, and went on"


@pytest.mark.parametrize(
    ("call", "advice"), [(STALLS, "give the whole call a deadline"), (REFUSED, "give --timeout")]
)
def test_a_call_that_does_not_end_is_broken(call: Call, advice: str) -> None:
    finding = check(result(call, HUNG, "retry"))
    assert (finding.result, finding.error) == (Result.BREAKS, "no end within 2 s")
    assert finding.advice.startswith(advice)


def test_a_response_that_was_cut_off_must_not_be_read_as_another() -> None:
    finding = check(result(CUT_OFF, reading('{"createdAt"'), "retry"))
    assert finding.error.startswith("it reported success, but read something else: the result is")
    assert (
        check_call(result(CUT_OFF, reading("x"), "retry"), PYTHON, baseline(left_out=("",))) is None
    )


def test_a_refusal_that_was_never_met_is_not_tested() -> None:
    finding = check(result(replace(ACCEPTED, expects="refused"), reading("created"), "retry"))
    assert (finding.result, finding.error[:22]) == (Result.NOT_TESTED, "the retry was accepted")


def test_a_scenario_without_a_request_for_the_retry_is_not_tested() -> None:
    for call in (REFUSED, CUT_OFF):
        finding = check(result(call, RAISED, "typo"))
        assert (finding.result, finding.error) == (
            Result.NOT_TESTED,
            "it did not ask for the retry",
        )


def test_what_is_read_of_both_contracts_is_compared() -> None:
    old = result(replace(ACCEPTED, contract="before-2025-02-24"), reading({"n": 9}), "retry")
    new = [result(ACCEPTED, reading({"n": 10, "by": "user_1"}), "retry") for _ in range(2)]
    finding = baseline_of([old], new, ())
    accepted = baseline_of([old], new, ("/n",))
    for known, pointers in ((finding, ["/n"]), (accepted, [])):
        places = differences(old.reading, new[0].reading, ["user_1"], known.left_out)
        assert [place.pointer for place in places] == pointers


def test_what_differs_from_call_to_call_is_left_out() -> None:
    new = [result(ACCEPTED, reading({"ms": ms, "id": "x"}), "retry") for ms in (1, 1, 2)]
    finding = baseline_of(new[:1], new, ())
    assert finding.unsteady == ("/ms",)


def test_an_id_that_no_other_call_has_is_the_same_in_every_reading() -> None:
    stage = Stage(catalogue())
    visits = [stage.begin(ACCEPTED) for _ in range(2)]
    calls = [CallResult(ACCEPTED, visit, reading({"id": visit.message})) for visit in visits]
    assert visits[0].message != visits[1].message
    assert baseline_of(calls[:1], calls, ()).unsteady == ()


def test_every_documented_refusal_is_a_scenario_in_both_envelopes() -> None:
    planned = calls_by_scenario(PAIR, catalogue().timeline)
    refusals = [calls for name, calls in planned.items() if name[:3] in ("400", "401", "403")]
    assert len(refusals) == 7
    assert all({call.settings.errors for call in calls} == {"nested", "flat"} for calls in refusals)
    served = {PAIR.old.name, PAIR.new.name}
    shown_only = [name for name in planned if not counts(name, PAIR, served, reads_old=True)]
    assert shown_only == ["201 drips"]


def test_the_cutover_counts_where_the_older_contract_is_served_or_read() -> None:
    new, old = PAIR.new.name, PAIR.old.name
    assert counts("through the cutover", PAIR, {new}, reads_old=True)
    assert not counts("through the cutover", PAIR, {new}, reads_old=False)
    assert counts("through the cutover", PAIR, {new, old}, reads_old=False)
    assert not counts("before", PAIR, {new}, reads_old=True)
    assert not counts("201 drips", PAIR, {new, old}, reads_old=True)
