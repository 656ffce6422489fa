"""`schema`, `timeline`, `rules`, `explain`, and the help of every command."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from support.sample import one_in

from retry_contract import __version__
from retry_contract.rules import GENERATED, RULES

Done = CompletedProcess[str]

SCHEMAS = Path(__file__).parents[2] / "schemas"
CONTRACTS = {"before": "before-2025-02-24", "after": "after-2025-02-24"}
COMMANDS = [
    "",
    "verify",
    "validate",
    "consumer",
    "sandbox",
    "schema",
    "timeline",
    "rules",
    "explain",
]


def examples(contract: str, kind: str) -> list[Any]:
    folder = SCHEMAS / CONTRACTS[contract] / "examples" / kind
    files = [f for f in sorted(folder.glob("*.json")) if not f.name.startswith("body-is-json")]
    assert files
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_schema_prints_one_that_stands_alone(contract: str, here: Callable[..., Done]) -> None:
    done = here("schema", contract)
    assert (done.returncode, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    assert "format" not in schema
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert all(validator.is_valid(example) for example in examples(contract, "valid"))
    assert not any(validator.is_valid(example) for example in examples(contract, "invalid"))
    assert here("schema", CONTRACTS[contract]).stdout == done.stdout


def test_schema_of_either_takes_both(here: Callable[..., Done]) -> None:
    validator = Draft202012Validator(json.loads(here("schema", "either").stdout))
    for contract in CONTRACTS:
        assert all(validator.is_valid(example) for example in examples(contract, "valid"))
    assert not validator.is_valid({})


def test_schema_is_ascii_for_any_shell(here: Callable[..., Done]) -> None:
    assert here("schema", "either").stdout.isascii()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["schema", "middle"], "middle: no such contract; use one of before, after, either"),
        (["schema"], "required: before|after|either"),
        (["schema", "befor"], "befor: no such contract; did you mean before?"),
        (["explain", "message-id-kep"], "no such rule; did you mean message-id-kept?"),
        (["explain", "nothing"], "nothing: no such rule; see: retry-contract rules"),
        (["explain"], "required: RULE"),
        (["rules", "extra"], "a word that is no option; see: retry-contract rules --help"),
    ],
)
def test_a_wrong_name_is_one_line(words: list[str], said: str, here: Callable[..., Done]) -> None:
    done = here(*words)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"retry-contract {words[0]}: ")
    assert said in line


def test_timeline_tells_what_holds_when(here: Callable[..., Done]) -> None:
    lines = here("timeline").stdout.splitlines()
    assert lines[0].startswith("before-2025-02-24  from the beginning")
    assert "after-2025-02-24  from 2025-02-24T00:00:00+08:00  (in force now)" in lines
    assert any("announced for 2025-01-27" in line for line in lines)
    assert any(line.startswith("  transition from 2025-01-27T00:00:00+08:00") for line in lines)


def test_rules_tells_each_with_source_and_basis(here: Callable[..., Done]) -> None:
    text = here("rules").stdout
    for rule in RULES.values():
        assert (
            f"{rule.id}  [{rule.section}]\n  {rule.sentence}\n  basis     {rule.basis}\n"
            f"  source    {rule.sources[0]}\n            https://"
        ) in text
        assert all(source.address in text for source in rule.sources)
    assert "\nnot tested: a screenshot shows the new response (" in text


@pytest.mark.parametrize("rule", one_in(8, sorted(RULES.keys() - GENERATED)))
def test_explain_shows_what_keeps_and_what_breaks_a_rule(
    rule: str, here: Callable[..., Done]
) -> None:
    done = here("explain", rule)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == [rule, f"  {RULES[rule].sentence}"]
    kept = next(i for i, line in enumerate(lines) if line.startswith("kept by the documented"))
    broken = next(i for i, line in enumerate(lines) if line.startswith("broken by the fault "))
    assert kept < broken
    shown = lines[kept + 1 : broken - 1], lines[broken + 1 : -3]
    assert shown[0] != shown[1]
    assert all("/api/v2/campaigns/" in part[0] for part in shown)
    assert [line[:10].strip() for line in lines[-3:]] == ["at", "expected", "came"]


@pytest.mark.parametrize(
    ("rule", "kind", "found"),
    [
        ("generated-requests-answered", "request", "creator-id-as-contracted"),
        pytest.param("generated-sequences-kept", "sequence", "values-kept", marks=pytest.mark.slow),
    ],
)
def test_explain_shows_the_smallest_case_that_breaks_a_generated_rule(
    rule: str, kind: str, found: str, here: Callable[..., Done]
) -> None:
    done = here("explain", rule)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == [rule, f"  {RULES[rule].sentence}"]
    assert any(line.startswith("kept by the documented service") for line in lines)
    labels = ["rule", "at", "expected", "came", "case"]
    assert [line[:12].strip() for line in lines[-5:]] == labels
    assert list(json.loads(lines[-1][12:])) == [kind]
    assert len(lines[-1]) < 150
    assert lines[-5][12:].startswith(f"{found}: ")
    assert here("explain", rule).stdout == done.stdout


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("name", COMMANDS)
def test_help_fits_a_screen_and_ends_with_an_example(name: str, here: Callable[..., Done]) -> None:
    done = here(*name.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.rstrip().splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert lines[-1].startswith(f"example: retry-contract {name}")


@pytest.mark.usefixtures("narrow")
@pytest.mark.parametrize("name", one_in(7, sorted(COMMANDS, reverse=True)))
def test_the_example_of_the_help_runs(
    name: str, here: Callable[..., Done], command: Callable[..., Done], tmp_path: Path
) -> None:
    (tmp_path / "response.json").write_text(json.dumps(examples("after", "valid")[0]), "utf-8")
    example = here(*name.split(), "--help").stdout.rstrip().splitlines()[-1]
    words = shlex.split(example.removeprefix("example: retry-contract ").partition(" > ")[0])
    quick = {"verify": ["--fuzz", "0"], "consumer": ["--payloads", "10"]}
    done = command(*words, *quick.get(words[0], []), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_help_names_every_command(here: Callable[..., Done]) -> None:
    text = here("--help").stdout
    assert all(f"\n    {name} " in text for name in COMMANDS[1:])


def test_version(here: Callable[..., Done]) -> None:
    assert here("--version").stdout == f"retry-contract {__version__}\n"


def test_rules_as_json_are_those_of_the_text(here: Callable[..., Done]) -> None:
    document = json.loads(here("rules", "--json").stdout)
    assert list(document) == ["format", "rules", "not_tested"]
    assert [rule["rule"] for rule in document["rules"]] == list(RULES)
    for found in document["rules"]:
        rule = RULES[found["rule"]]
        assert (found["sentence"], found["basis"]) == (rule.sentence, str(rule.basis))
        assert found["sources"][0]["address"].startswith("https://")
    assert all(statement["reason"] for statement in document["not_tested"])


def test_timeline_as_json_says_what_is_in_force(here: Callable[..., Done]) -> None:
    document = json.loads(here("timeline", "--json").stdout)
    assert list(document) == ["format", "now", "in_force", "contracts"]
    assert document["in_force"] == CONTRACTS["after"]
    before, after = document["contracts"]
    assert (before["contract"], before["effective_from"]) == (CONTRACTS["before"], None)
    assert after["effective_from"] == "2025-02-24T00:00:00+08:00"
    assert after["transition"]["from"] == "2025-01-27T00:00:00+08:00"
    assert [row["effective_from"] for row in after["announcements"]] == ["2025-01-27", "2025-02-24"]


def test_explanation_as_json_has_what_keeps_and_what_breaks(here: Callable[..., Done]) -> None:
    document = json.loads(here("explain", "creator_id_kept", "--json").stdout)
    assert list(document)[:2] == ["format", "rule"]
    assert (document["rule"], document["contract"]) == ("creator-id-kept", CONTRACTS["after"])
    (kept,), (broken,) = document["kept"]["exchanges"], document["broken"]["exchanges"]
    assert kept["payload"]["creatorId"] != broken["payload"]["creatorId"]
    assert document["broken"]["fault"] == "creator-id-changed"
    assert document["broken"]["violation"]["pointer"] == "/creatorId"


def test_explanation_of_a_body_that_is_no_json_has_the_body(here: Callable[..., Done]) -> None:
    document = json.loads(here("explain", "body-is-json", "--json").stdout)
    (broken,) = document["broken"]["exchanges"]
    assert isinstance(broken["body"], str)
    assert "payload" not in broken


def test_explanation_of_a_generated_rule_has_the_case(here: Callable[..., Done]) -> None:
    document = json.loads(here("explain", "generated-requests-answered", "--json").stdout)
    assert document["kept"]["cases"] == 10
    assert document["broken"]["exchanges"] == []
    assert list(json.loads(document["broken"]["violation"]["case"])) == ["request"]
