"""`retry-contract verify`, as a user runs it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
import pytest
from support.sample import one_in

from retry_contract.rules import GENERATED, RULES

Done = CompletedProcess[str]

BEFORE, AFTER = "before-2025-02-24", "after-2025-02-24"
KEPT = "KEPT by the built-in model of the page; no service was contacted."

INSTANTS = {
    "2025-02-23T23:59:59+08:00": BEFORE,
    "2025-02-23T15:59:59Z": BEFORE,
    "2025-02-24T00:00:00+08:00": AFTER,
    "2025-02-23T16:00:00Z": AFTER,
}

NOT_FUZZED = dict.fromkeys(GENERATED, "not exercised")
GIVEN = {
    "before": [
        *("verify", "-v", "--contract", "before"),
        *("--ignore", "key-required", "--ignore", "attempts-capped"),
    ],
    "report": [
        "verify",
        "--json",
        "--contract",
        "all",
        "--ignore",
        "key-required",
        "--report",
        "a folder/new",
    ],
    **{f"on {instant}": ["verify", "--json", "--on", instant] for instant in INSTANTS},
    "selected": ["verify", "-v", "--report", "out", "--", "-k", "message-id-kept", "-v"],
    "nothing selected": ["verify", "--json", "--", "-k", "no_such_rule"],
    "pytest refuses": ["verify", "--json", "--", "--no-such-option"],
    "pytest's version": ["verify", "--json", "--", "--version"],
    "broken": [
        "RETRY_CONTRACT_FAULT=id-changed",
        "verify",
        "--report",
        "out",
        "--",
        "-p",
        "faulty",
    ],
    "broken, -x": [
        "RETRY_CONTRACT_FAULT=id-changed",
        "verify",
        "--json",
        "--",
        "-p",
        "faulty",
        "-x",
    ],
    "drift": ["RETRY_CONTRACT_FAULT=undocumented-field", "verify", "--", "-p", "faulty"],
    "strict": [
        *("RETRY_CONTRACT_FAULT=undocumented-field", "verify", "--strict", "--report", "out"),
        *("--", "-p", "faulty"),
    ],
    "interrupted": [
        *(
            "RETRY_CONTRACT_AT=20",
            "RETRY_CONTRACT_RAISE=KeyboardInterrupt",
            "verify",
            "--report",
            "out",
        ),
        *("--", "-p", "raising"),
    ],
    "broken, then interrupted": [
        *(
            "RETRY_CONTRACT_AT=20",
            "RETRY_CONTRACT_RAISE=KeyboardInterrupt",
            "RETRY_CONTRACT_FAULT=id-changed",
            "verify",
            "--report",
            "out",
        ),
        *("--", "-p", "raising", "-p", "faulty"),
    ],
    "crashed": [
        "RETRY_CONTRACT_AT=20",
        "RETRY_CONTRACT_RAISE=ZeroDivisionError",
        "verify",
        "--",
        "-p",
        "raising",
    ],
}


def unfuzzed(words: list[str]) -> list[str]:
    """The command without generated cases, which take seconds and have tests of their own."""
    after = words.index("verify") + 1
    return [*words[:after], "--fuzz", "0", *words[after:]]


FEW = ["verify", "--fuzz", "10", "--seed", "1"]
"""A drawn seed may give so few sequences that none of them holds an accepted retry."""

PROCESSES = {"default", "pytest refuses", "interrupted"}
RUNS = {"default": FEW, **{name: unfuzzed(words) for name, words in GIVEN.items()}}


def states(document: dict[str, Any], contract: str) -> dict[str, str]:
    (found,) = [c for c in document["contracts"] if c["contract"] == contract]
    return {rule["rule"]: rule["state"] for rule in found["rules"]}


def table(text: str) -> dict[str, list[str]]:
    """The table's rows: the states of each rule, by contract."""
    lines = text.partition("\n\n")[0].splitlines()[1:]
    rows = [line.split(maxsplit=1) for line in lines if line.startswith("  ")]
    return {name: rest.replace("not exercised", "not-exercised").split() for name, rest in rows}


def junit(folder: Path) -> dict[str, ET.Element]:
    root = ET.parse(folder / "junit.xml").getroot()
    return {case.get("name", ""): case for case in root.iter("testcase")}


def test_every_rule_is_kept_for_both_contracts(runs: Any) -> None:
    done = runs["default"]
    assert done.returncode == 0
    assert done.stderr == ""
    sections = Counter(rule.section for rule in RULES.values())
    counts, seconds, generated = done.stdout.split("\n\n")[0].rsplit("\n", 2)
    assert re.split(" {4}|\n", counts) == [f"{s} {2 * n} of {2 * n}" for s, n in sections.items()]
    assert re.fullmatch(rf"{BEFORE}, {AFTER}: [0-9,]+ requests in [0-9.]+ s, seed [0-9]+", seconds)
    assert re.fullmatch("generated: ([0-9]+) requests, \\1 sequences", generated)
    assert done.stdout.endswith(f"\n\n{KEPT}\n")


def test_command_runs_on_the_same_httpx_as_its_tests(shell: dict[str, str]) -> None:
    script = "import retry_contract.endpoint.mock as mock; print(mock.httpx.__name__)"
    words = [sys.executable, "-c", script]
    assert subprocess.check_output(words, env=shell, text=True).strip() == httpx.__name__


def test_it_leaves_nothing_behind(runs: Any) -> None:
    assert runs["default"].returncode == 0
    assert list(runs.folders["default"].iterdir()) == []


def test_one_contract_is_one_column(runs: Any) -> None:
    done = runs["before"]
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].split() == [BEFORE]
    ignored = {"key-required": ["ignored"], "attempts-capped": ["ignored"]}
    unfuzzed = {rule: ["not-exercised"] for rule in GENERATED}
    assert table(done.stdout) == {rule: ["kept"] for rule in RULES} | ignored | unfuzzed


@pytest.mark.parametrize(("instant", "contract"), one_in(3, INSTANTS.items()))
def test_an_instant_selects_its_contract(runs: Any, instant: str, contract: str) -> None:
    done = runs[f"on {instant}"]
    assert done.returncode == 0
    assert [c["contract"] for c in json.loads(done.stdout)["contracts"]] == [contract]


def test_an_ignored_rule_is_seen_to_be(runs: Any) -> None:
    done = runs["before"]
    assert (
        "\nignored: 2 rules\n  --ignore                  attempts-capped, key-required\n"
        in done.stdout
    )


def test_json_is_one_document_in_the_documented_form(runs: Any) -> None:
    done = runs["report"]
    assert done.returncode == 0
    assert done.stderr == ""
    document = json.loads(done.stdout)
    keys = "format command outcome reason endpoint causes replay next contracts baseline more "
    keys += "requests sent samples"
    more = (
        "spent",
        "cutover",
        "superseded",
        "mistakes",
        "responses",
        "seconds",
        "seed",
        "versions",
    )
    assert list(document) == [*keys.split(), *more]
    assert (document["causes"], document["replay"], document["next"]) == ([], None, None)
    assert (document["outcome"], document["reason"]) == ("kept", None)
    assert document["endpoint"] == "mock"
    assert document["requests"] == sum(document["responses"].values()) > 0
    assert set(document["versions"]) >= {"python", "pytest", "retry-contract"}
    for contract in document["contracts"]:
        assert list(contract) == ["contract", "rules", "drift"]
        for rule in contract["rules"]:
            assert list(rule)[:5] == ["rule", "basis", "source", "sources", "state"]
    expected = dict.fromkeys(RULES, "kept") | NOT_FUZZED | {"key-required": "ignored"}
    assert states(document, BEFORE) == states(document, AFTER) == expected


def test_a_report_is_written(runs: Any) -> None:
    printed = json.loads(runs["report"].stdout)
    folder = runs.folders["report"] / "a folder" / "new"
    names = {path.name for path in folder.iterdir()}
    assert names >= {"report.html", "report.json", "summary.md", "junit.xml"}
    assert json.loads((folder / "report.json").read_text(encoding="utf-8")) == printed
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert summary.splitlines()[0] == "## retry-contract: kept"
    assert KEPT in summary
    assert "- ignored (--ignore): key-required" in summary
    cases = junit(folder)
    assert len(cases) == 2 * len(RULES)
    assert cases[f"message-id-kept ({AFTER})"].get("classname") == "retry-contract.accepted"
    assert len(cases[f"message-id-kept ({AFTER})"]) == 0
    (skipped,) = cases[f"key-required ({BEFORE})"]
    assert skipped.tag == "skipped"
    assert "ignored: --ignore" in skipped.get("message", "")


def test_arguments_are_handed_to_pytest(runs: Any) -> None:
    done = runs["selected"]
    assert done.returncode == 0
    assert "test_message_id_kept[after-2025-02-24] PASSED" in done.stderr
    rows = table(done.stdout)
    assert rows.pop("message-id-kept") == ["kept", "kept"]
    assert set(map(tuple, rows.values())) == {("not-exercised",) * 2}
    assert done.stdout.endswith(KEPT + "\n")
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert len(junit(runs.folders["selected"] / "out")) == 2


def test_nothing_selected_is_not_tested(runs: Any) -> None:
    done = runs["nothing selected"]
    assert done.returncode == 3
    document = json.loads(done.stdout)
    assert (document["outcome"], document["reason"]) == ("not tested", "no rule was exercised")


@pytest.mark.parametrize("name", ["pytest refuses", "pytest's version"])
def test_what_pytest_says_never_mixes_with_the_json(runs: Any, name: str) -> None:
    done = runs[name]
    assert done.returncode == 2
    document = json.loads(done.stdout)
    assert document["outcome"] == "usage error"
    assert "no rule was checked" in document["reason"]


def test_an_option_that_pytest_does_not_know_is_named(runs: Any) -> None:
    stderr = runs["pytest refuses"].stderr
    assert "unrecognized arguments: --no-such-option" in stderr
    assert stderr.splitlines()[-1].startswith("retry-contract verify: no rule was checked")


def test_what_is_broken_is_shown_for_both_contracts(runs: Any) -> None:
    done = runs["broken"]
    assert done.returncode == 1
    for number, contract in enumerate((BEFORE, AFTER), 1):
        heading = f"{number}  /id is another string of 44 characters".ljust(60)
        assert (
            f"{heading}  {contract}\n"
            "     expected   the id in the path\n"
            "     seen in    accepted, request 8\n"
            "     breaks     message-id-kept, same-shape-as-single-send, retrieve-agrees\n"
            "     source     the message keeps its id (guide, Single Send - Retry); "
        ) in done.stdout
        assert (
            f"     replay     retry-contract verify --contract {BEFORE} --fuzz 0\n" in done.stdout
        )
    outcome = done.stdout.splitlines()[-1]
    assert outcome == f"BROKEN {BEFORE}, {AFTER}: 2 causes, 3 rules."


def test_what_is_broken_is_in_every_report(runs: Any) -> None:
    assert runs["broken"].returncode == 1
    folder = runs.folders["broken"] / "out"
    document = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert document["outcome"] == "broken"
    (rule,) = [r for r in document["contracts"][1]["rules"] if r["rule"] == "message-id-kept"]
    (violation,) = rule["violations"]
    assert violation == {
        "pointer": "/id",
        "expected": "the id in the path",
        "actual": "another string of 44 characters",
        "message": violation["message"],
    }
    (_, cause) = document["causes"]
    assert cause["rules"] == ["message-id-kept", "same-shape-as-single-send", "retrieve-agrees"]
    assert (cause["pointer"], cause["scenario"], cause["contract"]) == ("/id", "accepted", AFTER)
    assert document["replay"].startswith("retry-contract verify --contract ")
    assert document["next"].startswith("Show the service's team what is broken")
    row = r"\| /id is another string of 44 characters \| the id in the path \| accepted, [^|]+ \| "
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert re.search(row + AFTER, summary)
    assert "**What to do.** Show the service's team" in summary
    failures = {n for n, case in junit(folder).items() if case.find("failure") is not None}
    assert f"message-id-kept ({AFTER})" in failures
    assert len(failures) == 6
    (failure,) = junit(folder)[f"message-id-kept ({AFTER})"]
    came = "expected the id in the path; came another string of 44 characters"
    assert str(failure.get("message")).startswith(came)
    assert "expected  the id in the path" in str(failure.text)


def test_stopping_at_the_first_failure_is_broken(runs: Any) -> None:
    done = runs["broken, -x"]
    assert done.returncode == 1
    document = json.loads(done.stdout)
    found = states(document, BEFORE)
    assert found["message-id-kept"] == "broken"
    assert found["retrieve-agrees"] == "not exercised"


@pytest.mark.slow
def test_drift_is_shown_and_no_failure(runs: Any) -> None:
    done = runs["drift"]
    assert done.returncode == 0
    assert f"drift: /providerReference: undocumented field ({AFTER})\n" in done.stdout
    assert done.stdout.endswith(KEPT + "\n")


def test_drift_fails_when_strict(runs: Any) -> None:
    done = runs["strict"]
    assert done.returncode == 1
    outcome = done.stdout.splitlines()[-1]
    assert outcome == f"BROKEN {BEFORE}, {AFTER}: drift was found, and --strict makes it a failure."
    summary = (runs.folders["strict"] / "out" / "summary.md").read_text(encoding="utf-8")
    assert f"- drift in {AFTER}: `/providerReference`: undocumented field" in summary
    assert "leave out --strict" in summary


def test_an_interrupted_run_is_not_tested(runs: Any) -> None:
    done = runs["interrupted"]
    assert done.returncode == 3
    assert done.stdout.endswith("NOT TESTED: interrupted.\n")
    assert "\n  interrupted               " in done.stdout
    folder = runs.folders["interrupted"] / "out"
    document = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert (document["outcome"], document["reason"]) == ("not tested", "interrupted")
    assert "NOT TESTED: interrupted." in (folder / "summary.md").read_text(encoding="utf-8")
    cases = junit(folder)
    assert f"message-id-kept ({BEFORE})" in cases
    assert cases["outcome"][0].attrib == {"message": "interrupted", "type": "not tested"}


@pytest.mark.slow
def test_what_was_broken_before_an_interruption_stays_broken(runs: Any) -> None:
    done = runs["broken, then interrupted"]
    assert done.returncode == 1
    outcome = f"BROKEN {BEFORE}, {AFTER}: 2 causes, 1 rule; interrupted."
    assert done.stdout.splitlines()[-1] == outcome
    summary = runs.folders["broken, then interrupted"] / "out" / "summary.md"
    assert outcome in summary.read_text(encoding="utf-8")


def test_a_rule_that_crashes_is_never_green(runs: Any) -> None:
    done = runs["crashed"]
    assert done.returncode == 3
    assert done.stdout.splitlines()[-1].startswith("NOT TESTED: ")
    assert "ZeroDivisionError" in done.stderr


BAD = {
    "--contract middle": "--contract middle: no such contract; use one of before, after, auto",
    "--contract=": "--contract (empty): no such contract",
    "--on 2025-02-30": "'2025-02-30' is not a possible date",
    "--on 2025-02-24T00:00:00": "has no offset; write 2025-02-24T00:00:00+08:00",
    "--on tomorrow": "'tomorrow' is neither a date nor an instant",
    "--on=": "neither a date nor an instant",
    "--on 2025-02-24 --contract before": "--on goes with --contract auto",
    "--endpoint=": "the endpoint is empty",
    "--endpoint https://test.postman.gov.sg/api/v2": "no API key: put it into the environment",
    "--ignore no-such-rule": "no such rule; see: retry-contract rules",
    "--ignore": "expected one argument; see: retry-contract verify --help",
    "--reprot x": "--reprot and a word that is no option; did you mean --report?",
    "--endpont=mock --fzz=1": "--endpont, --fzz; did you mean --endpoint and --fuzz?",
    "--example_database=x": "a word that is no option; did you mean --example-database?",
    "--nope=x": "unrecognized arguments: --nope; see: retry-contract verify --help",
    "--fuzz -1": "--fuzz -1: give a whole number from 0 to 999999999",
    "--contr=before": "unrecognized arguments: --contr; did you mean --contract?",
    "--report=": "the folder's name is empty",
    "--report {file}": "is a file; give a folder",
    "extra": "unrecognized arguments: a word that is no option; see: ",
    "--contract a\\nb\\x1b[31m": "--contract a\\nb\\x1b[31m: no such contract",
}


@pytest.mark.parametrize("options", BAD)
def test_a_bad_option_is_one_line(
    options: str, here: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("POSTMAN_API_KEY", raising=False)
    file = tmp_path / "file"
    file.touch()
    words = [
        word.replace("\\n", "\n").replace("\\x1b", "\x1b").format(file=file)
        for word in options.split()
    ]
    done = here("verify", *words)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("retry-contract verify: ")
    assert BAD[options] in line

    as_json = here("verify", *words, "--json")
    document = json.loads(as_json.stdout)
    assert as_json.returncode == 2
    assert list(document) == ["format", "outcome", "reason"]
    assert document["outcome"] == "usage error"
    assert len(as_json.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "retry-contract: give a command: verify, "),
        (["frob"], "retry-contract: no such command; give verify, validate, "),
        (["verfy"], "retry-contract: no such command; did you mean verify?"),
        (["val"], "retry-contract: no such command; did you mean validate?"),
        (["--frob"], "retry-contract: unrecognized arguments: --frob; see: retry-contract --help"),
        (["--verson"], "unrecognized arguments: --verson; did you mean --version?"),
        (["timeline", "--", "y"], "retry-contract timeline: only verify takes -- ARGS"),
    ],
)
def test_no_command_or_a_wrong_one_is_one_line(
    words: list[str], said: str, here: Callable[..., Done]
) -> None:
    done = here(*words)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert said in line


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("verify --api-key key_live_SECRET", "--api-key and a word that is no option"),
        ("verify --api-key=key_live_SECRET", "--api-key"),
        ("verify --api-key=key_live_SECRET --key key_live_SECRET", "--api-key, --key and a word"),
        ("verify -kkey_live_SECRET", "-k"),
        ("verify --key_live_SECRET", "a word that is no option"),
        ("verify key_live_SECRET", "a word that is no option"),
        ("verify --json=key_live_SECRET", "argument --json: ignored explicit argument; see: "),
        ("key_live_SECRET", "no such command"),
        ("--api-key key_live_SECRET verify", "no such command"),
        ("--version=key_live_SECRET", "argument --version: ignored explicit argument; see: "),
    ],
)
def test_a_key_in_the_wrong_place_is_not_quoted(
    words: str, named: str, here: Callable[..., Done]
) -> None:
    done = here(*words.split(), "--json")
    assert done.returncode == 2
    assert named in done.stderr
    assert "SECRET" not in done.stdout + done.stderr


def test_an_empty_endpoint_in_the_environment_is_a_usage_error(
    here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRY_CONTRACT_ENDPOINT", "")
    done = here("verify", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["outcome"] == "usage error"
    assert done.stderr.startswith("retry-contract verify: the endpoint is empty: ")


@pytest.mark.slow
def test_a_report_that_cannot_be_written_is_one_line(
    command: Callable[..., Done], tmp_path: Path
) -> None:
    (tmp_path / "out" / "report.json").mkdir(parents=True)
    done = command("verify", "--fuzz", "0", "--report", "out", cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("retry-contract verify: ")
    assert "report.json" in line
