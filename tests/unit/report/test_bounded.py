"""Reports show the first violations and drifts of a run, and count the rest."""

from __future__ import annotations

import dataclasses

from support.outcomes import broken, checked, outcome, violation

from retry_contract.outcome import Drift, More, Verdict
from retry_contract.report.bounded import bounded
from retry_contract.report.json_document import outcome_document
from retry_contract.report.summary import summary
from retry_contract.report.text import outcome_lines, violation_lines

MANY = tuple(violation(pointer=f"/values/{index}") for index in range(150))
LATER = violation("retrieve-agrees", "/creatorId")
DRIFT = tuple(Drift(f"/other{index}", "undocumented field") for index in range(120))
CONTRACT = dataclasses.replace(checked(broken(*MANY), broken(LATER), drift=DRIFT), more=7)
RUN = outcome(Verdict.BROKEN, CONTRACT)


def test_first_hundred_are_kept_and_one_of_each_broken_rule() -> None:
    shown, more = bounded(RUN)
    rules = {rule.rule: rule.violations for rule in shown.contracts[0].rules}
    assert sum(map(len, rules.values())) in (100, 101)
    assert rules["retrieve-agrees"] == (LATER,)
    assert shown.contracts[0].drift == DRIFT[:100]
    assert more == More(violations=151 - sum(map(len, rules.values())), drift=27)


def test_outcome_within_the_bounds_is_shown_whole() -> None:
    run = outcome(Verdict.BROKEN, checked(broken(LATER), drift=DRIFT[:3]))
    assert bounded(run) == (run, More())
    assert More().lines() == ()


def test_json_counts_what_it_leaves_out() -> None:
    document = outcome_document(RUN)
    assert (document["more"]["causes"], document["more"]["drift"]) == (0, 27)
    assert document["more"]["violations"] in (50, 51)
    assert len(document["contracts"][0]["drift"]) == 100


def test_text_and_summary_count_what_they_leave_out() -> None:
    for lines in (list(outcome_lines(RUN)), summary(RUN).splitlines()):
        assert sum("undocumented field" in line for line in lines) == 100
        assert any("and at least 27 more drifts" in line for line in lines)


def test_causes_beyond_a_hundred_are_counted() -> None:
    each = tuple(violation(pointer=f"/member{index}") for index in range(101))
    run = outcome(Verdict.BROKEN, checked(broken(*each)))
    assert "and 1 more cause" in list(outcome_lines(run))
    assert "and 1 more cause" in summary(run).splitlines()
    document = outcome_document(run)
    assert (len(document["causes"]), document["more"]["causes"]) == (100, 1)


def test_failure_of_a_test_counts_what_it_leaves_out() -> None:
    result = dataclasses.replace(broken(LATER), more=41)
    assert "  and at least 41 more violations" in list(violation_lines(result))
