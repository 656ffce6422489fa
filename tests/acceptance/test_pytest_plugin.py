"""The contract tests under plain pytest, as a user runs them: each in its own process."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from support.sessions import KEPT, Session, ask, run_session, side_by_side

from retry_contract.rules import GENERATED, RULES
from retry_contract.verification.report_folder import FILES

pytestmark = pytest.mark.slow

NAMES = ("before-2025-02-24", "after-2025-02-24")
ONE = "test_message_id_kept[after-2025-02-24]"
UNFUZZED = 2 * len(RULES.keys() - GENERATED)
SKIPPED = 2 * len(GENERATED)
FAULTY = """
    import functools
    from retry_contract.endpoint.mock import mock_of
    from retry_contract.service.faults import FAULTS
    from retry_contract.verification import verification

    faults = [FAULTS[name] for name in ("status-not-reset", "key-echoed")]
    verification.mock_of = functools.partial(mock_of, faults=faults)
"""
DRIFTING = FAULTY.replace('"status-not-reset", "key-echoed"', '"undocumented-field",')
REVERSED = """
    def pytest_collection_modifyitems(items):
        items.reverse()
"""
EMPTY_ENDPOINT = {"RETRY_CONTRACT_ENDPOINT": ""}

CHOSEN = {
    "--contract-version before": NAMES[0],
    "--contract-version=auto --contract-on=2025-02-23T16:00:00Z": NAMES[1],
}
USAGE_ERROR = {
    "--contract-version=later": "--contract-version later: no such contract; did you mean after?",
    "--contract-endpont=x --contract-fuz=0": "mean: --contract-endpoint and --contract-fuzz",
    "-q": "the endpoint is empty",
    "-n 2": "the endpoint is empty",
}
SESSIONS = {
    "faulty": ask(plugin=FAULTY),
    "whole": ask(every_plugin=True),
    "fuzzed, two workers": ask("-n", "2", "--contract-seed=1", fuzz=10),
    "one": ask("-k", "key_required and after-2025-02-24"),
    "one of an accepted retry": ask("-k", "message-id-kept"),
    "one of one contract": ask("-k", "message_id_kept and after"),
    "old id": ask("-k", "reply_matches_schema"),
    "none": ask("-k", "no_such_rule"),
    "all ignored": ask(*(f"--contract-ignore={rule}" for rule in RULES)),
    "collected": ask("--collect-only", "-q"),
    "reversed": ask(plugin=REVERSED),
    "faulty, reversed": ask(plugin=FAULTY + REVERSED),
    "faulty, -x": ask("-x", plugin=FAULTY),
    "faulty, two workers": ask("-n", "2", "--contract-report={folder}/report", plugin=FAULTY),
    "report": ask("--contract-report={folder}/report", "-k", ONE[:20], junit=False),
    "report, two workers": ask(
        *("--contract-report={folder}/report", "-k", ONE[:20], "-n", "2"), junit=False
    ),
    "report, collected": ask("--contract-report={folder}/report", "--collect-only", junit=False),
    "one ignored": ask("--contract-ignore", "key-required", "-rs"),
    "faulty, ignored": ask(
        *("--contract-ignore=status-reset-to-created", "--contract-ignore=no-secret-echoed"),
        plugin=FAULTY,
    ),
    "strict": ask("--contract-strict", plugin=DRIFTING),
    **{options: ask(*options.split(), "--collect-only", "-q") for options in CHOSEN},
    **{
        options: ask(
            *options.split(),
            every_plugin=options == "-q",
            variables=EMPTY_ENDPOINT if "--contract" not in options else {},
        )
        for options in USAGE_ERROR
    },
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Session]]:
    """The sessions that the tests look at, by name."""

    with side_by_side(SESSIONS, lambda: tmp_path_factory.mktemp("session")) as found:
        yield found


@pytest.fixture(scope="module")
def whole(session: Callable[[str], Session]) -> Session:
    return session("whole")


@pytest.fixture(scope="module")
def faulty(session: Callable[[str], Session]) -> Session:
    return session("faulty")


# All of them


def test_all_kept_is_exit_0(whole: Session) -> None:
    assert whole.exit_code == 0, whole.output
    assert whole.counts == {"passed": UNFUZZED, "skipped": SKIPPED}
    assert whole.closing[-1] == KEPT
    assert whole.closing[0].startswith("accepted 34 of 34    refused 28 of 28    ")
    assert "\nnot exercised: 2 rules\n" in whole.output
    assert whole.errors == ""


def test_each_rule_and_contract_is_one_test_with_both_in_its_id(whole: Session) -> None:
    tests = {rule: f"test_{rule.replace('-', '_')}" for rule in RULES}
    assert set(whole.verdicts) == {f"{tests[rule]}[{name}]" for name in NAMES for rule in RULES}
    assert ONE in whole.verdicts


def test_old_id_of_a_rule_is_answered_with_the_new_one(session: Callable[[str], Session]) -> None:
    done = session("old id")
    assert done.exit_code == 4
    said = "retry-contract: -k: reply-matches-schema was renamed: use response-matches-schema"
    assert said in done.output + done.errors


def test_generated_cases_are_kept_by_two_workers_too(session: Callable[[str], Session]) -> None:
    done = session("fuzzed, two workers")
    assert done.exit_code == 0, done.output
    assert done.counts == {"passed": 2 * len(RULES)}
    assert done.closing[-1] == KEPT
    assert ", seed 1\n" in done.output


# Some of them


def test_one_rule_alone_has_its_verdict_but_proves_nothing_about_the_rest(
    session: Callable[[str], Session],
) -> None:
    done = session("one")
    assert done.verdicts == {"test_key_required[after-2025-02-24]": "passed"}
    assert done.exit_code == 3
    assert done.closing[-1].startswith("NOT TESTED: no rule about an accepted retry")


def test_what_would_reach_a_rule_is_named_as_pytest_names_it(
    session: Callable[[str], Session],
) -> None:
    output = session("whole").output
    assert "--contract-fuzz N         generated-requests-answered" in output
    assert " --fuzz" not in output


def test_one_rule_of_an_accepted_retry_alone_is_kept(session: Callable[[str], Session]) -> None:
    done = session("one of an accepted retry")
    assert done.counts == {"passed": 2}
    assert done.exit_code == 0
    assert done.closing[-1] == KEPT


def test_contract_that_was_deselected_is_no_part_of_the_question(
    session: Callable[[str], Session],
) -> None:
    done = session("one of one contract")
    assert done.verdicts == {ONE: "passed"}
    assert (done.exit_code, done.closing[-1]) == (0, KEPT)


def test_nothing_selected_is_not_tested(session: Callable[[str], Session]) -> None:
    done = session("none")
    assert done.exit_code == 3
    assert done.closing[-1] == "NOT TESTED: no rule was exercised."


def test_all_skipped_is_not_tested(session: Callable[[str], Session]) -> None:
    done = session("all ignored")
    assert done.counts == {"skipped": 2 * len(RULES)}
    assert done.exit_code == 3
    assert done.closing[-1] == "NOT TESTED: no rule was exercised."


def test_collecting_alone_is_exit_0_and_says_no_verdict(
    session: Callable[[str], Session],
) -> None:
    done = session("collected")
    assert done.exit_code == 0
    assert f"contract_tests/test_accepted.py::{ONE}" in done.output
    assert f"{2 * len(RULES)} tests collected" in done.output
    assert done.closing == []


# Broken, and in another order


def test_broken_rule_fails_its_own_tests_and_says_what_came(faulty: Session) -> None:
    assert faulty.exit_code == 1
    assert faulty.named("failed") == {
        f"{test}[{name}]"
        for name in NAMES
        for test in ("test_status_reset_to_created", "test_no_secret_echoed")
    }
    assert faulty.closing[-1] == f"BROKEN {', '.join(NAMES)}: 4 causes, 2 rules."
    assert re.search(
        r"^status-reset-to-created, after-2025-02-24: .*\n"
        r"  at +/latestStatus\n  expected +the constant \"created\"\n  came +\"failure\"\n",
        faulty.output,
        re.MULTILINE,
    )
    assert "key_test_" not in faulty.output
    assert "Traceback" not in faulty.output


def test_reversed_order_gives_the_same_verdicts(
    session: Callable[[str], Session], whole: Session
) -> None:
    done = session("reversed")
    assert list(done.verdicts) == list(whole.verdicts)[::-1]
    assert done.verdicts == whole.verdicts
    assert done.closing == whole.closing


def test_after_a_failed_test_verdicts_are_the_same_in_any_order(
    session: Callable[[str], Session], faulty: Session
) -> None:
    done = session("faulty, reversed")
    assert done.verdicts == faulty.verdicts
    assert (done.exit_code, done.closing) == (1, faulty.closing)


def test_last_failed_alone_fail_again(tmp_path: Path, faulty: Session) -> None:
    cache = shutil.copytree(faulty.folder / "cache", tmp_path / "cache")
    done = run_session(tmp_path, ask("--lf", plugin=FAULTY, cache=cache))
    assert done.verdicts == dict.fromkeys(faulty.named("failed"), "failed")
    assert done.exit_code == 1


def test_stop_at_the_first_failure_is_broken(session: Callable[[str], Session]) -> None:
    done = session("faulty, -x")
    assert done.exit_code == 1
    assert done.counts["failed"] == 1
    assert done.closing[-1] == f"BROKEN {', '.join(NAMES)}: 1 cause, 1 rule."


def test_two_workers_find_the_same_broken_and_write_one_report(
    session: Callable[[str], Session], faulty: Session
) -> None:
    done = session("faulty, two workers")
    assert done.verdicts == faulty.verdicts
    assert (done.exit_code, done.closing[-1]) == (1, faulty.closing[-1])
    assert done.closing == faulty.closing
    folder = done.folder / "report"
    assert {path.name for path in folder.iterdir()} == {*FILES}
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    states = Counter(rule["state"] for c in report["contracts"] for rule in c["rules"])
    assert states == {"kept": UNFUZZED - 4, "broken": 4, "not exercised": SKIPPED}
    assert report["seconds"] > 0


@pytest.mark.parametrize("name", ["report", "report, two workers"])
def test_report_has_junit_xml_too(name: str, session: Callable[[str], Session]) -> None:
    done = session(name)
    assert done.exit_code == 0
    folder = done.folder / "report"
    assert {path.name for path in folder.iterdir()} == {*FILES}
    cases = ElementTree.parse(folder / "junit.xml").iter("testcase")
    assert sorted(case.attrib["name"] for case in cases) == sorted(
        f"message-id-kept ({n})" for n in NAMES
    )


def test_collecting_alone_writes_no_report(session: Callable[[str], Session]) -> None:
    done = session("report, collected")
    assert done.exit_code == 0
    assert list((done.folder / "report").iterdir()) == []


# Options


@pytest.mark.parametrize(("options", "name"), CHOSEN.items())
def test_one_contract_is_chosen(session: Callable[[str], Session], options: str, name: str) -> None:
    done = session(options)
    assert done.exit_code == 0
    tests = [line for line in done.output.splitlines() if "::" in line]
    assert len(tests) == len(RULES)
    assert all(f"[{name}]" in test for test in tests)


@pytest.mark.parametrize(("options", "message"), USAGE_ERROR.items())
def test_option_that_cannot_be_used_is_a_usage_error_in_one_line(
    session: Callable[[str], Session], options: str, message: str
) -> None:
    done = session(options)
    said = done.output + done.errors
    assert done.exit_code == 4
    assert len([line for line in said.splitlines() if message in line]) == 1
    assert "Traceback" not in said
    assert "INTERNALERROR" not in said
    assert done.verdicts == {}


def test_ignored_rule_is_shown_as_skipped(session: Callable[[str], Session]) -> None:
    done = session("one ignored")
    skipped = {f"test_key_required[{name}]" for name in NAMES}
    assert skipped <= done.named("skipped")
    assert done.counts["skipped"] == len(skipped) + SKIPPED
    assert "ignored: --ignore" in done.output
    assert done.exit_code == 0
    assert done.closing[0].startswith("accepted 34 of 34    refused 26 of 26    ")
    assert "\nignored: 1 rule\n  --contract-ignore         key-required\n" in done.output


def test_ignored_rule_may_be_broken(session: Callable[[str], Session]) -> None:
    done = session("faulty, ignored")
    assert done.exit_code == 0
    assert done.counts == {"passed": UNFUZZED - 4, "skipped": SKIPPED + 4}


def test_drift_fails_when_strict(session: Callable[[str], Session]) -> None:
    strict = session("strict")
    assert strict.counts == {"passed": UNFUZZED, "skipped": SKIPPED}
    assert strict.exit_code == 1
    assert strict.closing[-1].endswith(
        ": drift was found, and --contract-strict makes it a failure."
    )
