"""The policy for code that makes the call: docs/consumer.md, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from retry_contract.consumer.client.calls import Client, Made
from retry_contract.consumer.client.client_scenarios import scenarios
from retry_contract.consumer.client.policy import Known, known_of, validate
from retry_contract.consumer.process.attempt import Attempt, Ending
from retry_contract.consumer.readiness import Finding, Result
from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.pair import newest_pair
from retry_contract.privacy.scrubber import Scrubber
from retry_contract.service.faults import FAULTS
from retry_contract.service.http import Request
from retry_contract.service.stage import MOST_RETRIES, UNKNOWN, Call, Stage, Visit

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


def returned(value: Any, *, success: bool | None = True) -> Attempt:
    return Attempt(Ending.READ, True, value, success=success)


def visited(call: Call, *names: str) -> Visit:
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


def made(call: Call, attempt: Attempt, *names: str, printed: str = "") -> Made:
    return Made(call, visited(call, *names), attempt, printed)


def known(value: Any = "created", **more: Any) -> Known:
    return replace(Known((value,), (value,), False, (), ()), **more)


def wrong(call: Made, told: Known | None = None, client: Client = PYTHON) -> Finding:
    found = validate(call, client, told or known())
    assert found is not None
    return found


@pytest.mark.parametrize(
    "call",
    [
        made(ACCEPTED, returned("created"), "retry"),
        made(ACCEPTED, returned("created"), "retrieve", "retry", "retrieve", "retrieve"),
        made(ACCEPTED, returned("created"), "typo", "retry"),
        made(ACCEPTED, returned("created"), "delete", "retry"),
        made(REFUSED, RAISED, "retry"),
        made(REFUSED, RAISED, "retrieve"),
        made(REFUSED, returned(False, success=False), "retry"),
        made(CUT_OFF, RAISED, "retry"),
        made(CUT_OFF, returned("created"), "retry"),
        made(CUT_OFF, returned("sent"), "retry", "retrieve"),
        made(STALLS, RAISED, "retry"),
        made(replace(REFUSED, expects="either"), RAISED, "retry"),
    ],
)
def test_a_client_that_reports_what_happened_is_ok(call: Made) -> None:
    assert validate(call, PYTHON, known()) is None


def test_none_reports_success_where_it_is_returned_after_an_accepted_retry() -> None:
    accepted = made(ACCEPTED, NOTHING, "retry")
    refused = made(REFUSED, NOTHING, "retry")
    silent = known_of([accepted], [accepted], ())
    assert silent.silent
    assert validate(accepted, PYTHON, silent) is None
    assert wrong(refused, silent).error.startswith("no retry was accepted, but it reported success")
    assert validate(refused, PYTHON, known()) is None
    assert "but it returned null" in wrong(accepted).error


def test_a_success_without_an_accepted_retry_is_shown_with_a_predicate_to_adapt() -> None:
    told = wrong(made(REFUSED, returned({"error": {}}), "retry"), known({"latestStatus": "x"}))
    assert told.error.endswith('it returned {"error": {}}')
    _, option, *predicate = told.advice.splitlines()
    assert option.endswith("give --accepted-when app.sms:accepted, with")
    assert predicate == [
        "def accepted(result):",
        '    return "latestStatus" in str(result)',
    ]
    told = wrong(made(REFUSED, returned(400), "retry"), known(201))
    assert told.advice.splitlines()[-1] == "    return result == 201"


@pytest.mark.parametrize("value", [True, None])
def test_no_predicate_is_offered_where_the_value_says_nothing(value: Any) -> None:
    told = wrong(made(REFUSED, returned(True), "retry"), known(value))
    assert "--accepted-when" not in told.advice


def test_a_failure_on_a_retry_that_was_accepted_the_second_time_is_broken() -> None:
    told = wrong(made(replace(ACCEPTED, expects="either"), RAISED, "retry"))
    assert told.error.startswith("the retry was accepted, but it raised")


def test_a_key_that_is_a_word_of_json_harms_no_reading() -> None:
    visit = replace(visited(ACCEPTED, "retry"), scrub=Scrubber("null").scrub)
    call = Made(ACCEPTED, visit, returned({"error": None, "n": True}))
    assert known_of([call], [call], ()).new == ({"error": None, "n": True},)


def test_a_command_that_ends_well_without_an_accepted_retry_is_broken() -> None:
    told = wrong(made(REFUSED, Attempt(Ending.READ, success=True), "retry"), client=COMMAND)
    assert told.error == "no retry was accepted, but it ended with exit status 0"
    assert told.advice.endswith("end with another exit status")


@pytest.mark.parametrize(
    ("attempt", "did"),
    [
        (RAISED, "it raised ValueError: 400"),
        (returned(False, success=False), "it returned false"),
        (Attempt(Ending.CRASHED, error="ended with exit status 7", success=False), "it ended with"),
    ],
)
def test_a_failure_on_an_accepted_retry_is_broken(attempt: Attempt, did: str) -> None:
    told = wrong(made(ACCEPTED, attempt, "retry"))
    assert told.error.startswith(f"the retry was accepted, but {did}")
    assert told.payload is not None
    assert told.payload["creatorId"]


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
    told = wrong(made(ACCEPTED, RAISED, *names))
    assert error in told.error
    assert advice in told.advice


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
        assert wrong(made(call, RAISED, "retry", name)).error.startswith(error)


def test_the_key_that_is_printed_and_the_key_that_is_raised_are_told_apart() -> None:
    printed = made(ACCEPTED, returned("created"), "retry", printed="INFO key is key_test_1")
    assert wrong(printed).error == "it printed the API key: INFO key is key_test_1"
    visit = visited(REFUSED, "retry")
    trace = f"Traceback\n  x.py\nValueError: with {visit.key}\n\nKeyError: 'x'"
    raised = Made(REFUSED, visit, replace(RAISED, trace=trace))
    assert wrong(raised).error.startswith("it raised an error that holds the API key: ValueError")


def test_twenty_requests_for_one_retry_are_too_many() -> None:
    assert validate(made(REFUSED, RAISED, *["retry"] * (MOST_RETRIES - 1)), PYTHON, known()) is None
    told = wrong(made(REFUSED, HUNG, *["retry"] * MOST_RETRIES))
    assert told.error == "it asked for the retry 20 times, and went on"


@pytest.mark.parametrize(
    ("call", "advice"), [(STALLS, "give the whole call a deadline"), (REFUSED, "give --timeout")]
)
def test_a_call_that_does_not_end_is_broken(call: Call, advice: str) -> None:
    told = wrong(made(call, HUNG, "retry"))
    assert (told.result, told.error) == (Result.BREAKS, "no end within 2 s")
    assert told.advice.startswith(advice)


def test_a_response_that_was_cut_off_must_not_be_read_as_another() -> None:
    told = wrong(made(CUT_OFF, returned('{"createdAt"'), "retry"))
    assert told.error.startswith("it reported success, but read something else: the result is")
    assert validate(made(CUT_OFF, returned("x"), "retry"), PYTHON, known(left_out=("",))) is None


def test_a_refusal_that_was_never_met_is_not_tested() -> None:
    told = wrong(made(replace(ACCEPTED, expects="refused"), returned("created"), "retry"))
    assert (told.result, told.error[:22]) == (Result.NOT_TESTED, "the retry was accepted")


def test_a_scenario_without_a_request_for_the_retry_is_not_tested() -> None:
    for call in (REFUSED, CUT_OFF):
        told = wrong(made(call, RAISED, "typo"))
        assert (told.result, told.error) == (Result.NOT_TESTED, "it did not ask for the retry")


def test_what_is_read_of_both_contracts_is_compared() -> None:
    old = made(replace(ACCEPTED, contract="before-2025-02-24"), returned({"n": 9}), "retry")
    new = [made(ACCEPTED, returned({"n": 10, "by": "user_1"}), "retry") for _ in range(2)]
    told = known_of([old], new, ())
    assert [place.pointer for place in told.compared(old, new[0], ["user_1"])] == ["/n"]
    assert known_of([old], new, ("/n",)).compared(old, new[0], ["user_1"]) == ()


def test_what_differs_from_call_to_call_is_left_out() -> None:
    new = [made(ACCEPTED, returned({"ms": ms, "id": "x"}), "retry") for ms in (1, 1, 2)]
    told = known_of(new[:1], new, ())
    assert told.unsteady == ("/ms",)


def test_an_id_that_no_other_call_has_is_the_same_in_every_reading() -> None:
    stage = Stage(catalogue())
    visits = [stage.begin(ACCEPTED) for _ in range(2)]
    calls = [Made(ACCEPTED, visit, returned({"id": visit.message})) for visit in visits]
    assert visits[0].message != visits[1].message
    assert known_of(calls[:1], calls, ()).unsteady == ()


def test_every_documented_refusal_is_a_scenario_in_both_envelopes() -> None:
    planned = scenarios(PAIR, catalogue().timeline)
    refusals = [s for s in planned if s.name[:3] in ("400", "401", "403")]
    assert len(refusals) == 7
    assert all(
        {call.settings.errors for call in scenario.calls} == {"nested", "flat"}
        for scenario in refusals
    )
    assert [s.name for s in planned if s.shown_only] == ["201 drips"]


def test_the_cutover_counts_where_the_older_contract_is_served_or_read() -> None:
    planned = {s.name: s for s in scenarios(PAIR, catalogue().timeline)}
    cutover = planned["through the cutover"]
    new, old = PAIR.new.name, PAIR.old.name
    assert cutover.counts({new}, reads_old=True)
    assert not cutover.counts({new}, reads_old=False)
    assert cutover.counts({new, old}, reads_old=False)
    assert not planned["before"].counts({new}, reads_old=True)
    assert not planned["201 drips"].counts({new, old}, reads_old=True)
