"""A run: what is observed and when, and what becomes of a rule that nothing could exercise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest
from support.runs import check_all

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect, expect_at
from retry_contract.endpoint.mock import MockEndpoint, mock_of
from retry_contract.outcome import NotTested, RuleState, Verdict, conclude
from retry_contract.rules import ESSENTIAL, GENERATED, RULES
from retry_contract.rules.scenarios import ACCEPTED, EVERY, UNFAILED
from retry_contract.service.faults import FAULTS
from retry_contract.service.seeds import SPENT
from retry_contract.verification.findings import Findings
from retry_contract.verification.options import read_options
from retry_contract.verification.run import Run
from retry_contract.verification.verification import Verification

CONTRACTS = catalogue()
AFTER = CONTRACTS["after"]
GONE = "no response from mock: the connection failed (ConnectError)"


class Poor(MockEndpoint):
    """An endpoint at which little is at hand."""

    without: tuple[str, ...] = ()

    def message_in(self, state: str) -> str | None:
        return None if state.startswith(self.without) else super().message_in(state)

    def twin_at(self, instant: datetime) -> Any:
        return None


def _poor(without: tuple[str, ...] = (), *, simulator: bool = False, foreign: bool = True) -> Poor:
    endpoint = Poor(CONTRACTS, CONTRACTS.timeline.instant_within(AFTER.period), lambda _: AFTER)
    endpoint.without = without
    endpoint.simulator = endpoint.simulator if simulator else None
    if not foreign:
        endpoint.foreign_campaign = None
    return endpoint


def _run(endpoint: MockEndpoint, ignored: frozenset[str] = frozenset()) -> Run:
    return Run(endpoint, expect(CONTRACTS, "after"), ignored)


def _reasons(run: Run) -> dict[str, str | None]:
    rules = check_all(run).rules
    reasons = {r.rule: r.reason for r in rules if r.state is RuleState.NOT_EXERCISED}
    assert {reasons.pop(rule) for rule in GENERATED} == {"needs --fuzz N"}
    return reasons


def _unreachable(error: Callable[[httpx.Request], Exception]) -> MockEndpoint:
    endpoint = mock_of(CONTRACTS, AFTER)

    def fail(request: httpx.Request) -> httpx.Response:
        raise error(request)

    endpoint.client = httpx.Client(
        transport=httpx.MockTransport(fail), base_url=endpoint.client.base_url
    )
    return endpoint


# Set-up


@pytest.mark.parametrize(
    "error",
    [
        lambda request: httpx.ConnectError("connection refused", request=request),
        lambda request: httpx.ConnectTimeout("timed out", request=request),
        lambda request: httpx.ReadError("reset", request=request),
        lambda request: httpx.RemoteProtocolError("garbled", request=request),
    ],
)
def test_unreachable_endpoint_is_one_not_tested(
    error: Callable[[httpx.Request], Exception],
) -> None:
    run = _run(_unreachable(error))
    result = check_all(run)
    assert run.failure is not None
    assert run.failure.startswith("no response from mock: ")
    assert {(r.state, r.reason) for r in result.rules} == {(RuleState.NOT_EXERCISED, run.failure)}
    assert run.prober.traffic.retries == 0
    verdict, reason = conclude([result], essential=ESSENTIAL, failure=run.failure)
    assert (verdict, reason) == (Verdict.NOT_TESTED, run.failure)


def test_unreachable_endpoint_is_tried_once() -> None:
    tried: list[httpx.Request] = []

    def error(request: httpx.Request) -> Exception:
        tried.append(request)
        return httpx.ConnectError("connection refused", request=request)

    check_all(_run(_unreachable(error)))
    assert len(tried) == 1


def test_endpoint_lost_on_the_way_keeps_what_was_found() -> None:
    endpoint = mock_of(CONTRACTS, AFTER)
    run = _run(endpoint)
    first = run.check(RULES["message-id-kept"])
    endpoint.client = _unreachable(lambda r: httpx.ConnectError("gone", request=r)).client
    assert first.state is RuleState.KEPT
    assert run.check(RULES["status-is-201"]).state is RuleState.KEPT
    assert run.check(RULES["key-required"]).reason == GONE
    with pytest.raises(NotTested):
        run.observe(UNFAILED[0])


# What is not at hand


def test_without_a_foreign_campaign_the_option_is_named() -> None:
    reasons = _reasons(_run(_poor(foreign=False, simulator=True)))
    assert reasons["foreign-campaign-refused"] == "needs --foreign-campaign"


def test_without_a_clock_to_set_only_the_run_itself_shows_the_contract() -> None:
    run = _run(_poor(simulator=True))
    assert run.check(RULES["contract-in-force-served"]).state is RuleState.KEPT
    with pytest.raises(Exception, match="needs a clock that can be set to 2025-02-24T00:00:00"):
        run.observe("across the cutover")


def test_without_a_single_send_its_shape_is_not_exercised() -> None:
    reasons = _reasons(_run(_poor()))
    assert reasons == {"same-shape-as-single-send": "needs --provision simulator"}


def test_without_any_message_only_the_unknown_one_is_exercised() -> None:
    run = _run(_poor(("",)))
    result = check_all(run)
    kept = {r.rule for r in result.rules if r.state is RuleState.KEPT}
    assert kept == {
        "unknown-message-refused",
        "malformed-id-refused",
        "error-shape",
        "error-code-documented",
        "no-secret-echoed",
        "no-server-error",
        "content-type-is-json",
    }
    reasons = _reasons(run)
    assert reasons["status-is-201"] == (
        "no message to retry: give --message ID, or --provision simulator"
    )
    assert reasons["batch-status-respected"] == reasons["status-is-201"]
    assert reasons["unfailed-message-refused"] == "needs --provision simulator"
    assert reasons["one-contract-served"] == "no response held a message"
    verdict, reason = conclude([result], essential=ESSENTIAL)
    assert (verdict, reason) == (
        Verdict.NOT_TESTED,
        "no rule about an accepted retry was exercised for after-2025-02-24: "
        + str(reasons["status-is-201"]),
    )


def test_rule_with_some_of_its_scenarios_is_checked_by_those() -> None:
    run = _run(_poor(("sent", "created")))
    assert run.check(RULES["unfailed-message-refused"]).state is RuleState.KEPT
    assert run.prober.traffic.responses["400"] == 3


def _faulty(fault: str) -> MockEndpoint:
    """A mock with a fault, and without a message whose attempts are spent."""
    endpoint = mock_of(CONTRACTS, AFTER, faults=[FAULTS[fault]])
    provide = endpoint.message_in
    endpoint.message_in = (  # type: ignore[method-assign]
        lambda state: None if state == SPENT else provide(state)
    )
    return endpoint


def test_spent_message_serves_where_none_can_be_spent() -> None:
    run = _run(mock_of(CONTRACTS, AFTER, faults=[FAULTS["message-lost"]]))
    assert run.check(RULES["attempts-capped"]).state is RuleState.KEPT


@pytest.mark.parametrize(
    ("fault", "rule", "reason"),
    [
        ("failed-refused", "second-retry-refused", "the first retry was not accepted"),
        ("message-lost", "attempts-capped", "a message to a simulator number did not fail: it is "),
    ],
)
def test_scenario_that_could_not_be_brought_about(fault: str, rule: str, reason: str) -> None:
    run = _run(_faulty(fault))
    result = run.check(RULES[rule])
    assert result.state is RuleState.NOT_EXERCISED
    assert str(result.reason).startswith(reason)


def test_scenario_that_could_not_be_brought_about_is_not_tried_again() -> None:
    run = _run(_faulty("message-lost"))
    first, sent = run.check(RULES["attempts-capped"]), run.prober.traffic
    assert first.state is RuleState.NOT_EXERCISED
    assert run.check(RULES["attempts-capped"]) == first
    assert run.prober.traffic == sent


def test_refused_single_send_is_a_reason() -> None:
    endpoint = mock_of(CONTRACTS, AFTER)
    endpoint.simulator = "not a number"
    result = _run(endpoint).check(RULES["second-retry-refused"])
    assert result.reason == "the Single Send was answered with status 400"


# What is sent


def test_scenario_is_observed_once() -> None:
    run = _run(mock_of(CONTRACTS, AFTER))
    assert run.observe(ACCEPTED) is run.observe(ACCEPTED)


def test_accepted_retry_is_sent_once_for_all_rules_about_it() -> None:
    endpoint = mock_of(CONTRACTS, AFTER)
    run = _run(endpoint)
    for rule in ESSENTIAL:
        run.check(RULES[rule])
    accepted = [e for e in run.prober.exchanges if e.kind == "retry"]
    assert [e.status for e in accepted] == [201] * 8
    assert len({e.path for e in accepted}) == 8


def test_requests_are_numbered_from_one_without_a_gap() -> None:
    run = _run(mock_of(CONTRACTS, AFTER))
    check_all(run)
    numbers = [exchange.number for exchange in run.prober.exchanges]
    assert numbers == list(range(1, len(numbers) + 1))
    assert run.prober.traffic.requests == len(numbers)
    assert sum(run.prober.traffic.responses.values()) == len(numbers)


def test_every_scenario_of_the_plan_is_observed_in_a_whole_run() -> None:
    run = _run(mock_of(CONTRACTS, AFTER))
    check_all(run)
    for scenario in EVERY:
        assert run.observe(scenario), scenario


def test_key_is_in_no_exchange_and_no_repr() -> None:
    run = _run(mock_of(CONTRACTS, AFTER))
    check_all(run)
    assert run.prober.endpoint.key not in repr(run.prober.exchanges)


# Ignored rules, drift, and what is asked by an instant


def test_ignored_rule_is_shown_as_such_and_sends_nothing() -> None:
    run = _run(mock_of(CONTRACTS, AFTER), frozenset({"key-required"}))
    result = run.check(RULES["key-required"])
    assert (result.state, result.reason) == (RuleState.IGNORED, "--ignore")
    assert run.prober.traffic.requests == 0


def test_drift_is_of_the_accepted_responses_seen_so_far_each_once() -> None:
    run = _run(mock_of(CONTRACTS, AFTER, faults=[FAULTS["undocumented-field"]]))
    assert run.drift() == ((), 0)
    run.check(RULES["status-is-201"])
    assert [d.pointer for d in run.drift()[0]] == ["/providerReference"]


def test_run_for_an_instant_names_its_contract() -> None:
    expectation = expect_at(CONTRACTS, "2024-05-16")
    run = Run(mock_of(CONTRACTS, CONTRACTS["before"]), expectation)
    assert run.contract == "before-2025-02-24"
    states = {r.rule: r.state for r in check_all(run).rules}
    assert {states[rule] for rule in RULES.keys() - GENERATED} == {RuleState.KEPT}


# A verification


def _verification(**given: Any) -> Verification:
    options = read_options(given, catalogue=CONTRACTS, environment={})
    return Verification(options)


def test_verification_begins_a_run_when_it_is_first_asked() -> None:
    verification = _verification()
    assert verification.findings() == Findings()
    before = verification.check("before-2025-02-24", "message-id-kept")
    alone = verification.findings().traffic.requests
    after = verification.check("after-2025-02-24", "message-id-kept")
    assert {before.state, after.state} == {RuleState.KEPT}
    found = verification.findings()
    assert found.traffic.requests == 2 * alone
    assert found.drift == {"before-2025-02-24": (), "after-2025-02-24": ()}
    assert found.failure is None
    verification.close()


def test_closed_verification_says_not_tested_of_nothing_and_sends_no_more() -> None:
    verification = _verification(contract="after")
    verification.check("after-2025-02-24", "message-id-kept")
    verification.close()
    with pytest.raises(RuntimeError, match="closed"):
        verification.check("after-2025-02-24", "key-required")


def test_verification_ignores_what_it_was_asked_to() -> None:
    verification = _verification(ignore=["key-required"])
    assert verification.check("after-2025-02-24", "key-required").state is RuleState.IGNORED


def test_contract_that_was_not_asked_for_is_not_checked() -> None:
    with pytest.raises(AssertionError):
        _verification(contract="after").check("before-2025-02-24", "message-id-kept")
