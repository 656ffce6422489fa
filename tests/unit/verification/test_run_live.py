"""A run without an expected contract, and one that has a generator."""

from __future__ import annotations

import pytest
from support.runs import check_all
from support.scripted import CONTRACTS, Scripted, message, on_model

from retry_contract.contract.expectation import expect
from retry_contract.endpoint.mock import mock_of
from retry_contract.outcome import Drift, NotExercised, NotTested, RuleState, Traffic, Violation
from retry_contract.rules import GENERATED, RULES
from retry_contract.rules.scenarios import ACCEPTED
from retry_contract.verification.observer import Callbacks, GeneratedCases, Observer
from retry_contract.verification.run import Run

FUZZ = RULES["generated-requests-answered"]
UNKNOWN = "Retrieve showed no message, so the contract that is served is unknown"


@pytest.mark.parametrize("name", CONTRACTS)
def test_contract_is_the_one_that_retrieve_shows(name: str) -> None:
    run = Run(mock_of(CONTRACTS, CONTRACTS[name]), None)
    assert run.contract == "served"
    assert run.check(RULES["response-matches-schema"]).state is RuleState.KEPT
    assert run.contract == name
    assert run.expectation.as_served
    assert run.expectation is run.expectation


def test_served_contract_is_unknown_where_retrieve_shows_no_message() -> None:
    endpoint = Scripted((200, [message()]))
    endpoint.named = ("message_1",)
    run = Run(endpoint, None)
    result = run.check(RULES["message-id-kept"])
    assert (result.state, result.reason) == (RuleState.NOT_EXERCISED, UNKNOWN)
    assert (result.contract, run.failure) == ("served", None)


def test_served_contract_is_unknown_without_a_message_and_nothing_is_sent() -> None:
    endpoint = Scripted((200, message()))
    endpoint.simulator = None
    run = Run(endpoint, None)
    reason = run.check(RULES["message-id-kept"]).reason
    assert reason == "no message to retry: give --message ID, or --provision simulator"
    assert run.traffic == Traffic()


def test_outage_is_the_reason_of_every_rule_and_is_met_once() -> None:
    endpoint = Scripted((503, {}))
    endpoint.named = ("message_1",)
    run = Run(endpoint, None)
    result = check_all(run)
    assert run.failure == "the service is down: the first request was answered with 503"
    assert {(r.state, r.reason) for r in result.rules} == {(RuleState.NOT_EXERCISED, run.failure)}
    assert result.drift == ()
    assert endpoint.asked == ["GET message_1"] * 2


def test_service_in_its_own_time_is_met_before_the_first_scenario() -> None:
    run = Run(on_model(), expect(CONTRACTS, "after"))
    assert run.observe(ACCEPTED)
    kinds = [exchange.kind for exchange in run.prober.exchanges]
    assert kinds[0] == "single-send"
    assert kinds[-2:] == ["retry", "retrieve"]


def test_generated_rules_are_checked_by_the_generator_and_no_other() -> None:
    asked: list[str] = []
    found = (Violation(FUZZ.id, "/id", "", "", ""),)

    def generate(rule: str, run: Observer) -> GeneratedCases:
        asked.append(rule)
        run.add(Traffic(3, {"400": 3}), [Drift("/odd", "undocumented field")] * 2)
        return GeneratedCases(found if rule == FUZZ.id else (), 50)

    callbacks = Callbacks(generate)
    mock = mock_of(CONTRACTS, CONTRACTS["after"])
    run = Run(mock, expect(CONTRACTS, "after"), callbacks=callbacks)
    assert run.check(RULES["unknown-message-refused"]).state is RuleState.KEPT
    before = run.traffic.requests
    states = {rule: run.check(RULES[rule]).state for rule in sorted(GENERATED)}
    assert states == {"generated-sequences-kept": RuleState.KEPT, FUZZ.id: RuleState.BROKEN}
    assert run.check(FUZZ).violations == found
    assert asked == sorted(GENERATED), "each is played once"
    assert run.traffic.requests == before + 6
    assert run.traffic.responses["400"] >= 6
    assert run.drift() == ((Drift("/odd", "undocumented field"),), 0)


@pytest.mark.parametrize(
    ("error", "failure"), [(NotTested("it is gone"), "it is gone"), (NotExercised("no"), None)]
)
def test_generator_that_comes_to_nothing(error: Exception, failure: str | None) -> None:
    def generate(rule: str, run: Observer) -> GeneratedCases:
        raise error

    callbacks = Callbacks(generate)
    mock = mock_of(CONTRACTS, CONTRACTS["after"])
    run = Run(mock, expect(CONTRACTS, "after"), callbacks=callbacks)
    result = run.check(FUZZ)
    assert (result.state, result.reason) == (RuleState.NOT_EXERCISED, str(error))
    assert run.failure == failure
    after = run.check(RULES["unknown-message-refused"])
    assert after.state is (RuleState.NOT_EXERCISED if failure else RuleState.KEPT)


def test_drift_is_of_responses_that_could_be_read_and_were_accepted() -> None:
    endpoint = Scripted((200, message()), (201, b"not JSON"), (200, message("created")))
    endpoint.simulator, endpoint.named = None, ("message_1",)
    run = Run(endpoint, expect(CONTRACTS, "after"))
    run.observe(ACCEPTED)
    assert run.drift() == ((), 0)


def test_run_says_nothing_unless_somebody_listens() -> None:
    said: list[str] = []
    endpoint = mock_of(CONTRACTS, CONTRACTS["after"])
    Run(endpoint, None).announce("unheard")
    Run(endpoint, None, callbacks=Callbacks(announce=said.append)).announce("heard")
    assert said == ["heard"]


def test_run_says_that_it_waits_for_a_message() -> None:
    shown: list[str] = []
    run = Run(on_model(), expect(CONTRACTS, "after"), callbacks=Callbacks(progress=shown.append))
    run.observe(ACCEPTED)
    assert set(shown) == {"waiting for a message to a simulator number to fail"}
