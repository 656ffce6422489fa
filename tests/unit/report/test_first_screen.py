"""What the first screen of a page says: what was tested, what came of it, and who is to act."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from support.in_process_reader import readiness
from support.outcomes import AFTER, BEFORE, URL, broken, checked, left_out, outcome, violation
from support.pages import Page

from retry_contract.outcome import Outcome, Traffic, Verdict
from retry_contract.report.page import readiness_page, verify_page

SANDBOX = "retry-contract sandbox --port 0 --fault creator-id-missing"


def top_of(found: Outcome) -> str:
    return Page(verify_page(found)).text.partition("What is broken")[0]


def test_what_was_tested_where_and_how_much_of_it_was_kept() -> None:
    traffic = Traffic(7, {"200": 7})
    began = datetime(2026, 11, 28, 2, 30, tzinfo=UTC)
    found = outcome(Verdict.BROKEN, checked(broken()), endpoint=URL, traffic=traffic, began=began)
    top = top_of(found)
    kept = sum(result.state == "kept" for result in found.contracts[0].rules)
    assert "POST /campaigns/:campaignId/messages/:messageId/retry , at" in top
    assert f"at {URL} ." in top
    assert f"{AFTER} , in force since 24 February 2025: creatorId, the user id" in top
    assert f"{kept} of {kept + 1} rules were kept, in 7 requests, begun 2026-11-28" in top
    assert "begun 2026-11-28T10:30:00+08:00." in top


def test_rule_counts_once_for_each_contract_of_those_kept() -> None:
    both = checked(), checked(broken(contract=BEFORE), contract=BEFORE)
    found = outcome(Verdict.BROKEN, *both, endpoint=URL)
    results = sum(len(contract.rules) for contract in found.contracts)
    assert f"{results - 1} of {results} rules were kept" in top_of(found)


def test_rule_that_is_inferred_is_told_from_what_is_stated() -> None:
    at_once = violation("concurrent-retries-accepted-once", "", place="status")
    assert "(inferred, not stated)" in top_of(outcome(Verdict.BROKEN, checked(broken(at_once))))
    assert "(inferred, not stated)" not in top_of(outcome(Verdict.BROKEN, checked(broken())))


def test_what_a_sandbox_breaks_is_laid_to_no_team() -> None:
    cutover = broken(violation("contract-in-force-served", "/creatorId", actual="absent"))
    found = outcome(Verdict.BROKEN, checked(cutover), endpoint=URL, sandbox=SANDBOX)
    top = top_of(found)
    assert f"(the kit's sandbox: {SANDBOX} )" in top
    assert "is meant to be broken" in top
    assert "service's team" not in top


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (outcome(Verdict.KEPT, checked(), endpoint=URL), "keeps the contract"),
        (outcome(Verdict.KEPT, checked()), "at the kit's built-in model; no service was"),
        (
            outcome(Verdict.KEPT, checked(left_out("key-required", "why")), endpoint=URL),
            "1 rule was not exercised: key-required.",
        ),
        (outcome(Verdict.NOT_TESTED, reason="no key", endpoint=URL), "No key."),
    ],
)
def test_outcome_is_said_once(found: Outcome, line: str) -> None:
    page = Page(verify_page(found))
    body = page.text.partition(f"{found.verdict} ")[2]
    assert line in body
    assert str(found.verdict).upper() not in body


def test_command_that_shows_several_causes_is_written_once() -> None:
    causes = broken(), broken(violation("status-is-201", "", place="status"))
    line = "retry-contract verify --contract after --message m1"
    page = Page(verify_page(outcome(Verdict.BROKEN, checked(*causes), replay=line)))
    assert page.text.count(" ".join(line.split())) == 1
    assert "by the same command" in page.text
    assert [a["id"] for tag, a in page.tags if tag == "dt" and "id" in a] == ["replay"]
    for target in page.attributes("href"):
        assert not str(target).startswith("#") or str(target)[1:] in page.attributes("id")


def test_code_that_is_not_ready_has_its_error_and_line_at_the_top() -> None:
    def parse(response: dict[str, str]) -> str:
        if "creatorId" in response:
            raise ValueError("one field too many")
        return response["id"]

    top = Page(readiness_page(readiness(parse))).text.partition("What fails")[0]
    assert "ValueError: one field too many in" in top
    assert f"{AFTER} , in force since 24 Feb 2025: creatorId, the user id" in top


def test_scenarios_of_code_that_reads_are_explained() -> None:
    page = Page(readiness_page(readiness(lambda response: response["id"])))
    assert "paired the same response without and with what was added" in page.text
    assert "after, with one more field and a field that no contract has yet" in page.text
