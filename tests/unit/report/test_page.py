"""The page that somebody looks at who did not write the test."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from support.in_process_reader import readiness
from support.outcomes import AFTER, BEFORE, URL, broken, checked, left_out, outcome, violation
from support.pages import HOSTILE, Page

from retry_contract.outcome import (
    Drift,
    Entry,
    KnownBreaches,
    Outcome,
    RuleResult,
    RuleState,
    Traffic,
    Verdict,
)
from retry_contract.report.page import readiness_page, verify_page
from retry_contract.rules import RULES

BEGAN = datetime(2026, 3, 2, 4, tzinfo=UTC)
ENTRY = Entry(
    *("recipient-kept", AFTER, "/recipient", date(2026, 1, 5), date(2026, 3, 1)),
    *(date(2026, 6, 30), "agreed with the team", "SMS-12"),
)


def page_of(found: Outcome) -> Page:
    return Page(verify_page(found))


def broken_run(**more: object) -> Outcome:
    given = {"endpoint": URL, "began": BEGAN, "replay": "retry-contract verify --fuzz 0"}
    return outcome(Verdict.BROKEN, checked(broken()), **(given | more))


def test_broken_run_says_what_came_what_was_expected_and_who_says_so() -> None:
    page = page_of(broken_run())
    assert f"broken The service does not keep the contract {AFTER}" in page.text
    rule = RULES["message-id-kept"]
    assert "/id is another string of 44 characters ; expected: the id in the path" in page.text
    assert f"(scenario: accepted) {rule.sentence}" in page.text
    assert f"BROKEN {AFTER}: 1 cause, 1 rule." in page.text
    assert "Expected the id in the path Came another string of 44 characters" in page.text
    assert "JSON Pointer /id Seen in accepted, request 2 Breaks message-id-kept" in page.text
    assert "(stated by the page)" in page.text
    assert "See it again retry-contract verify --fuzz 0" in page.text
    assert rule.sources[0].address in page.attributes("href")
    assert "#cause-1" in page.attributes("href")


def test_page_has_one_heading_landmarks_and_headers_of_its_tables() -> None:
    page = page_of(broken_run())
    assert [page.count(tag) for tag in ("h1", "header", "main", "footer")] == [1] * 4
    assert page.count("th") == len(page.attributes("scope"))
    regions = [a for _, a in page.tags if a.get("class") == "scroll"]
    assert len(regions) == 3
    assert all(
        (a["tabindex"], a["role"], bool(a["aria-label"])) == ("0", "group", True) for a in regions
    )


def test_policy_names_the_style_and_nothing_else_is_let_in() -> None:
    source = verify_page(broken_run())
    page = Page(source)
    style = source.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = (a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
    assert policy is not None
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert (page.count("script"), page.attributes("style"), page.count("style")) == (0, [], 1)
    assert not {"src", "srcset", "action", "onclick"} & {n for _, a in page.tags for n in a}
    assert not re.search(r"url\(|@import", style)


def hostile_run() -> Outcome:
    odd = violation(
        *("message-id-kept", f"/{HOSTILE}"),
        **dict.fromkeys(("expected", "actual", "seen", "case", "replay"), HOSTILE),
    )
    entry = replace(ENTRY, pointer=HOSTILE, reason=HOSTILE, ticket=HOSTILE)
    known = RuleResult("recipient-kept", AFTER, RuleState.KNOWN, known=(entry,))
    results = (broken(odd), known, left_out("key-required", HOSTILE))
    contract = checked(*results, drift=(Drift(HOSTILE, HOSTILE),))
    more = {"endpoint": HOSTILE, "replay": HOSTILE, "reason": HOSTILE, "mistakes": (HOSTILE,) * 2}
    baseline = KnownBreaches(gone=(entry,))
    traffic = Traffic(3, {HOSTILE: 1}, unanswered=(HOSTILE,))
    given = {"samples": 1, "versions": {HOSTILE: HOSTILE}, "traffic": traffic}
    return outcome(Verdict.BROKEN, contract, baseline=baseline, **more, **given)


def test_what_a_service_or_a_person_wrote_stays_text() -> None:
    plain, page = page_of(broken_run()), page_of(hostile_run())
    assert (page.count("script"), page.count("img"), page.count("style")) == (0, 0, 1)
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in plain.tags} | {"caption", "strong"}
    assert "<script>alert(1)</script></style>" in page.text
    assert not [a for a in page.attributes("href") if not str(a).startswith(("https://", "#"))]
    assert "\u202e" not in page.source
    assert page.text.count("\\u202egpj") > 10


def test_an_address_that_is_no_web_page_is_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = RULES["message-id-kept"]
    source = replace(rule.sources[0], address="javascript:alert(1)")
    monkeypatch.setattr(type(rule), "sources", property(lambda _: (source,)))
    page = page_of(broken_run())
    assert page.attributes("href") == ["#cause-1"]
    assert source.page in page.text


def test_run_that_tested_nothing_has_its_reason_and_no_table() -> None:
    reason = "no response from https://test.postman.gov.sg/api/v2: the connection was refused"
    page = page_of(outcome(Verdict.NOT_TESTED, reason=reason, endpoint=URL, samples=0))
    assert f"NOT TESTED: {reason}." in page.text
    assert "Check that the service runs" in page.text
    assert (page.count("table"), page.count("svg")) == (0, 0)


def test_kept_run_on_the_model_says_how_to_test_a_service() -> None:
    page = page_of(outcome(Verdict.KEPT, checked()))
    assert f"kept The built-in model keeps the contract {AFTER}" in page.text
    assert "name your service with --endpoint URL" in page.text
    assert "What is broken" not in page.text


@pytest.mark.parametrize(("contract", "alias"), [(AFTER, "before"), (BEFORE, "after")])
def test_another_contract_names_the_option_that_tests_it(contract: str, alias: str) -> None:
    found = violation("contract-in-force-served", "/creatorId", actual="absent")
    result = broken(found, contract=contract)
    page = page_of(outcome(Verdict.BROKEN, checked(result, contract=contract), endpoint=URL))
    assert f"Responses look as if another contract than {contract} is served." in page.text
    assert f"--contract {alias} tests what is served." in page.text


def test_first_hundred_causes_are_shown_and_the_rest_is_counted() -> None:
    found = tuple(violation("values-kept", f"/values{n}") for n in range(10_000))
    page = page_of(outcome(Verdict.BROKEN, checked(broken(*found)), endpoint=URL))
    assert len(page.source) < 200_000
    assert "And 9,997 more causes." in page.text
    assert "100. /values99" in page.text
    assert "And 9,900 more causes, not shown." in page.text
    assert "101. /values100" not in page.text


def test_baseline_is_shown_with_what_people_wrote() -> None:
    known = RuleResult("recipient-kept", AFTER, RuleState.KNOWN, known=(ENTRY,))
    gone, expired = replace(ENTRY, pointer="/values"), replace(ENTRY, pointer="/id")
    baseline = KnownBreaches((ENTRY,), (gone,), (), (expired,))
    page = page_of(outcome(Verdict.KEPT, checked(known), endpoint=URL, baseline=baseline))
    row = f"/recipient {AFTER} 2026-01-05 to 2026-03-01 2026-06-30 agreed with the team (SMS-12)"
    assert page.text.count(row) == 1
    assert "Gone: exercised and kept" in page.text
    assert "Expired, and so counted again" in page.text
    assert "--write-baseline FILE drops it" in page.text
    assert "Not exercised this time" not in page.text


def test_rules_are_grouped_by_what_would_reach_them_and_ignored_ones_named() -> None:
    results = (
        left_out("key-required", "needs --states: a key"),
        left_out("wrong-key-refused", "needs --states: another key"),
        left_out("revoked-key-refused", "the message moved on"),
        left_out("error-shape", "not selected"),
        left_out("attempts-capped", "--ignore", ignored=True),
    )
    page = page_of(outcome(Verdict.KEPT, checked(*results), endpoint=URL))
    assert "--states key-required , wrong-key-refused" in page.text
    assert "the message moved on revoked-key-refused" in page.text
    assert "Not selected: 1 rule," in page.text
    assert "What was ignored attempts-capped (--ignore)" in page.text


def test_matrix_has_a_column_a_contract_and_a_filter_of_the_states_met() -> None:
    page = page_of(outcome(Verdict.BROKEN, checked(contract=BEFORE), checked(broken())))
    states = [str(value) for value in page.attributes("data-states")]
    assert len(states) == len(RULES)
    assert states.count("kept broken") == 1
    ids = [a["id"] for t, a in page.tags if t == "input"]
    assert ids == ["only-all", "only-broken", "only-kept"]
    assert all(f"#{name}:checked" in page.source for name in ids[1:])
    assert f"Rule {BEFORE} {AFTER} What it demands" in page.text


def test_drift_is_shown() -> None:
    drift = (Drift("/language", "undocumented field"), Drift("", "begins with a mark"))
    page = page_of(outcome(Verdict.KEPT, checked(drift=drift)))
    assert f"/language undocumented field {AFTER} the body begins with a mark {AFTER}" in page.text


def test_facts_of_the_run_are_shown() -> None:
    traffic = Traffic(7, {"200": 4, "201": 3}, 3, 3, 1)
    page = page_of(broken_run(traffic=traffic, samples=2, seed=11))
    for fact in (
        f"Endpoint {URL}",
        "Began 2026-03-02T12:00:00+08:00",
        "Requests 7 Responses 4 with 200, 3 with 201",
        "Sent 3 retries (3 accepted, 2 of them observed) and 1 Single Send",
        "Seconds 1.5 Seed 11 Versions python 3.11.0",
    ):
        assert fact in page.text


def test_code_that_is_not_ready_is_shown_with_the_payload_that_breaks_it() -> None:
    def parse(response: dict[str, str]) -> str:
        if "creatorId" in response:
            raise ValueError(HOSTILE)
        return response["id"]

    page = Page(readiness_page(readiness(parse)))
    assert "not ready" in page.text.lower()
    assert "module:consume is not ready for the contract after-2025-02-24" in page.text
    assert '"creatorId": "user_' in page.text
    assert "it is the plainest message" in page.text
    assert "ValueError: <script>alert(1)</script></style>" in page.text
    assert (page.count("script"), "\u202e" in page.source) == (0, False)


def test_what_differs_from_the_plainest_payload_is_marked() -> None:
    def close(response: dict[str, str]) -> None:
        if len(response["fullMessage"]) > 100:
            raise ValueError("long")

    page = Page(readiness_page(readiness(close, 100)))
    assert page.count("mark") == 1
    assert "marked is what differs" in page.text


def test_code_that_is_ready_has_nothing_to_correct() -> None:
    page = Page(readiness_page(readiness(lambda response: response["id"])))
    assert "ready module:consume is ready for the contract" in page.text.replace("READY", "ready")
    assert "Nothing to correct." in page.text
    assert "What fails" not in page.text


def test_run_without_a_report_does_not_load_the_engine_of_templates() -> None:
    code = "import sys, retry_contract.plugin.session; assert 'jinja2' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_run_of_which_only_known_rules_are_broken_is_not_green() -> None:
    days = date(2026, 1, 5), date(2026, 2, 5)
    entry = Entry("message-id-kept", AFTER, "/id", *days, reason="the vendor mends it")
    known = RuleResult("message-id-kept", AFTER, RuleState.KNOWN, known=(entry,))
    found = outcome(
        *(Verdict.KEPT, checked(known)), baseline=KnownBreaches(known=(entry,)), endpoint=URL
    )
    page = page_of(found)
    assert 'class="verdict na"' in verify_page(found)
    assert "nothing new is broken, only what the baseline knows" in page.text
    assert "the vendor mends it" in page.text
    assert "Nothing is broken" not in page.text
    assert "The service keeps the contract" not in page.text


def test_drift_that_fails_is_named_at_the_top_and_nothing_else_is_said_of_it() -> None:
    drift = (Drift("/language", "undocumented field"),)
    found = outcome(Verdict.BROKEN, checked(drift=drift), reason="drift was found", endpoint=URL)
    top = page_of(found).text.partition("Which contract holds when")[0]
    assert "/language : undocumented field." in top or "/language: undocumented field." in top
    assert "Nothing is broken" not in top


def test_causes_that_no_cutover_explains_are_to_be_shown_first() -> None:
    cutover = broken(violation("contract-in-force-served", "/creatorId", actual="absent"))
    guessed = page_of(outcome(Verdict.BROKEN, checked(cutover), endpoint=URL)).text
    both = page_of(outcome(Verdict.BROKEN, checked(cutover, broken()), endpoint=URL)).text
    guess, general = "Responses look as if", "Show the service's team what is broken"
    assert guessed.index(guess) < guessed.index(general)
    assert both.index(general) < both.index(guess)
