"""How wide an entry is: what else it hides at its place, and what shows that it has gone."""

from __future__ import annotations

import dataclasses
from datetime import date
from typing import Any

import pytest
from support.outcomes import AFTER, broken, checked, violation

from retry_contract.outcome import Entry, RuleResult, RuleState, Violation
from retry_contract.rules.generated_cases import SEQUENCES
from retry_contract.verification.baseline import Baseline, key_of

TODAY, EARLIER = date(2026, 3, 2), date(2026, 1, 5)
RULE = "key-required"


def entry(came: str = "status 403", **more: Any) -> Entry:
    given = {"came": came, "scenario": "no key", **more}
    return Entry(RULE, AFTER, "", EARLIER, EARLIER, **given)


def baseline(*entries: Entry) -> Baseline:
    return Baseline({key_of(one): one for one in entries}, TODAY)


def status(came: str) -> Violation:
    return violation(RULE, "", actual=f"status {came}", place="status", scenario="no key")


def result(*found: Violation, scenarios: tuple[str, ...] = ("no key",)) -> RuleResult:
    state = RuleState.BROKEN if found else RuleState.KEPT
    return RuleResult(RULE, AFTER, state, found, scenarios=frozenset(scenarios))


def updated(known: Baseline, *results: RuleResult) -> list[Entry]:
    return [*known.updated([checked(*results)], strict=False).entries.values()]


def test_another_status_than_the_known_one_is_new() -> None:
    assert baseline(entry()).apply(result(status("403"))).state is RuleState.KNOWN
    assert baseline(entry()).apply(result(status("201"))) == result(status("201"))
    both = baseline(entry()).apply(result(status("403"), status("201")))
    assert (both.state, both.violations) == (RuleState.BROKEN, (status("201"),))


def test_stack_trace_that_is_known_hides_no_key() -> None:
    rule = "no-secret-echoed"
    trace, key = (
        violation(rule, "", actual=f"text that holds {what}")
        for what in ("a stack trace", "the API key")
    )
    (known,) = updated(baseline(), broken(trace))
    assert baseline(known).apply(broken(trace)).state is RuleState.KNOWN
    assert baseline(known).apply(broken(key)).state is RuleState.BROKEN


def test_entry_without_a_status_knows_any() -> None:
    wide = entry(came="")
    assert baseline(wide).apply(result(status("201"))).known == (wide,)
    assert updated(baseline(wide), result(status("201"))) == [
        dataclasses.replace(wide, last_seen=TODAY)
    ]


def test_expired_entry_without_a_status_stays_one_entry() -> None:
    wide = entry(came="", expires=EARLIER)
    found = baseline(wide).compared([checked(result(status("201")))], strict=False)
    assert found.expired == (wide,)
    assert len(updated(baseline(wide), result(status("201")))) == 1


def test_new_status_gets_an_entry_and_the_old_one_goes() -> None:
    (new,) = updated(baseline(entry()), result(status("201")))
    assert (new.came, new.scenario, new.first_seen) == ("status 201", "no key", TODAY)


def test_generated_case_is_known_by_the_entry_of_its_status() -> None:
    case = RuleResult(SEQUENCES, AFTER, RuleState.BROKEN, (status("403"),))
    other = dataclasses.replace(case, violations=(status("201"),))
    assert baseline(entry()).apply(case).state is RuleState.KNOWN
    assert baseline(entry()).apply(other).state is RuleState.BROKEN
    assert [e.rule for e in updated(baseline(entry(came="")), case)] == [RULE]


def test_what_is_no_status_is_known_by_its_place_alone() -> None:
    at_once = violation("concurrent-retries-accepted-once", "", actual="2 of 8 were accepted")
    (known,) = updated(baseline(), broken(at_once))
    assert known.came == ""
    more = dataclasses.replace(at_once, actual="3 of 8 were accepted")
    assert baseline(known).apply(broken(more)).state is RuleState.KNOWN


@pytest.mark.parametrize(
    ("scenarios", "gone"), [(("no key", "wrong key"), True), (("wrong key",), False), ((), False)]
)
def test_entry_has_gone_only_where_its_scenario_was_observed(
    scenarios: tuple[str, ...], gone: bool
) -> None:
    found = baseline(entry()).compared([checked(result(scenarios=scenarios))], strict=False)
    assert (found.gone if gone else found.not_exercised) == (entry(),)
    assert len(found.gone) + len(found.not_exercised) == 1
    assert bool(updated(baseline(entry()), result(scenarios=scenarios))) is not gone


def test_entry_without_a_scenario_has_gone_once_its_rule_is_exercised() -> None:
    old = entry(scenario="")
    assert baseline(old).compared([checked(result(scenarios=()))], strict=False).gone == (old,)


def test_scenario_that_no_rule_observes_is_not_waited_for() -> None:
    retrieved = dataclasses.replace(status("500"), scenario="retrieve")
    (new,) = updated(baseline(), result(retrieved))
    assert new.scenario == ""


def test_run_that_was_broken_off_drops_nothing() -> None:
    kept = [checked(result())]
    assert baseline(entry()).compared(kept, strict=False, whole=False).gone == ()
    after = baseline(entry()).updated(kept, strict=False, whole=False)
    assert [*after.entries.values()] == [entry()]
