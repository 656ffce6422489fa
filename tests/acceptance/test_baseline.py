"""A baseline over several runs: what is known, what is new, what has gone, and what is not sure."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
from support.server import serve

from retry_contract.rules import ESSENTIAL

pytestmark = pytest.mark.slow

Done = CompletedProcess[str]
Verify = Callable[..., Done]
DAY = timedelta(days=1)
KEY = "creator-id-as-contracted"
ACCEPTED = sorted(ESSENTIAL)


@pytest.fixture
def verify(here: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Verify:
    """Run `verify` on a new sandbox with faults, in a folder in which the baseline is b.json."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str, faults: tuple[str, ...] = (), fuzz: int = 0) -> Done:
        with serve(faults=faults) as served:
            monkeypatch.setenv("POSTMAN_API_KEY", served.key)
            messages = [f"--message={id_}" for id_ in served.failed(12)]
            return here("verify", *served.options, *messages, "--fuzz", fuzz, *words)

    return run


def entries(file: str = "b.json") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(Path(file).read_bytes())["entries"]
    return found


def edit(**change: Any) -> None:
    changed = [{**entry, **change} for entry in entries()]
    Path("b.json").write_text(json.dumps({"format": 1, "entries": changed}), encoding="utf-8")


def rules(document: str, state: str) -> set[str]:
    contracts = json.loads(document)["contracts"]
    return {r["rule"] for c in contracts for r in c["rules"] if r["state"] == state}


def test_written_baseline_lets_the_next_run_pass_and_hides_no_second_fault(verify: Verify) -> None:
    first = verify("--write-baseline", "b.json", faults=("creator-id-missing",))
    assert first.returncode == 1  # writing changes no exit code
    assert "baseline: 3 entries written, 3 new and 0 dropped\n" in first.stderr
    again = verify("--baseline", "b.json", faults=("creator-id-missing",))
    assert again.returncode == 0
    assert "known, by the baseline: 3 entries" in again.stdout
    assert "; 3 rules are known to be broken, but " in again.stdout
    second = verify("--baseline", "b.json", faults=("creator-id-missing", "id-changed"))
    assert second.returncode == 1
    assert "1  /id is " in second.stdout
    assert "/creatorId is absent" not in second.stdout


def test_expired_entry_counts_no_more_whatever_the_day_of_the_contract(verify: Verify) -> None:
    verify("--write-baseline", "b.json", faults=("creator-id-missing",))
    today = datetime.now(UTC).date()
    edit(expires=(today + 3 * DAY).isoformat())
    known = verify("--baseline", "b.json", faults=("creator-id-missing",))
    assert known.returncode == 0
    edit(expires=(today - 3 * DAY).isoformat())
    on = ("--on", "2025-03-01")
    for words in ((), on):
        expired = verify("--baseline", "b.json", *words, faults=("creator-id-missing",))
        assert expired.returncode == 1
        assert "expired in the baseline, and so broken: 3 entries" in expired.stdout


def test_mended_fault_is_gone_and_dropped_by_writing(verify: Verify) -> None:
    verify("--write-baseline", "b.json", faults=("creator-id-missing",))
    mended = verify("--baseline", "b.json")
    assert mended.returncode == 0
    assert "gone since the baseline was written; --write-baseline drops: 3 entries" in mended.stdout
    assert len(entries()) == 3
    verify("--baseline", "b.json", "--write-baseline", "b.json")
    assert entries() == []


def test_run_that_does_not_exercise_the_rule_keeps_the_entry(verify: Verify) -> None:
    verify("--write-baseline", "b.json", faults=("creator-id-missing",))
    edit(reason="the vendor mends it", ticket="SMS-1")
    before = entries()
    words = ("--ignore", KEY, "--", "-k", "message-id-kept")
    ignored = verify("--baseline", "b.json", "--write-baseline", "b.json", *words)
    assert "in the baseline, and not exercised this time: 3 entries" in ignored.stdout
    assert entries() == before


def test_both_options_judge_by_the_old_file_and_write_the_new_one(verify: Verify) -> None:
    verify("--write-baseline", "b.json", faults=("creator-id-missing",))
    edit(reason="the vendor mends it")
    both = ("--baseline", "b.json", "--write-baseline", "new.json")
    done = verify(*both, faults=("creator-id-missing", "id-changed"))
    assert done.returncode == 1
    written = {entry["rule"]: entry["reason"] for entry in entries("new.json")}
    assert written[KEY] == "the vendor mends it"
    assert written["message-id-kept"] == ""


def test_outcome_line_says_if_everything_about_accepted_retries_is_hidden(verify: Verify) -> None:
    words = [f"--ignore={rule}" for rule in ACCEPTED if rule != "status-is-201"]
    verify("--write-baseline", "b.json", *words, faults=("answers-200",))
    done = verify("--baseline", "b.json", *words, faults=("answers-200",))
    assert done.returncode == 0
    hidden = "1 rule is known to be broken, each about an accepted retry that was exercised"
    assert hidden in done.stdout.splitlines()[-1]


def test_known_rule_is_an_expected_failure_for_pytest_and_known_in_json(verify: Verify) -> None:
    verify("--write-baseline", "b.json", faults=("creator-id-missing",))
    shown = verify("--baseline", "b.json", "--json", faults=("creator-id-missing",))
    assert rules(shown.stdout, "known") == {entry["rule"] for entry in entries()}
    document = json.loads(shown.stdout)
    assert [entry["rule"] for entry in document["baseline"]["known"]] == sorted(
        entry["rule"] for entry in entries()
    )
    said = verify("--baseline", "b.json", "--", "-rx", faults=("creator-id-missing",))
    assert said.stderr.count("XFAIL") == 3
    assert "known: creator-id-as-contracted at /creatorId" in said.stderr


def test_drift_is_known_with_strict(verify: Verify) -> None:
    fault = ("undocumented-field",)
    assert verify("--strict", "--write-baseline", "b.json", faults=fault).returncode == 1
    assert {entry["rule"] for entry in entries()} == {"drift"}
    assert verify("--strict", "--baseline", "b.json", faults=fault).returncode == 0
    assert verify("--strict", faults=fault).returncode == 1


def test_generated_cases_go_on_behind_what_is_known(verify: Verify) -> None:
    fault = ("creator-id-missing",)
    verify("--write-baseline", "b.json", faults=fault)
    words = ("--provision", "simulator", "--json", "--seed", "1")
    done = verify("--baseline", "b.json", *words, faults=fault, fuzz=10)
    generated = json.loads(done.stdout)["contracts"][0]["rules"][-2:]
    assert [(rule["state"], rule["cases"]) for rule in generated] == [("known", 10)] * 2
    for seed in ("2", "3"):
        again = verify("--baseline", "b.json", "--seed", seed, faults=fault, fuzz=10)
        assert again.returncode == 0, again.stdout
    assert verify("--seed", "1", faults=fault, fuzz=10).returncode == 1


@pytest.mark.parametrize("option", ["--baseline", "--write-baseline"])
def test_forgotten_endpoint_does_not_empty_it(
    option: str, verify: Verify, here: Callable[..., Done]
) -> None:
    verify("--write-baseline", "b.json", faults=("creator-id-missing",))
    before = Path("b.json").read_bytes()
    done = here("verify", "--fuzz", "0", option, "b.json")
    assert done.returncode == 2
    assert "goes with --endpoint URL, not with the mock" in done.stderr
    assert Path("b.json").read_bytes() == before


@pytest.mark.parametrize(
    ("known", "new"),
    [
        ("no-key-forbidden", "no-key-accepted"),
        ("answers-200", "answers-202"),
        ("answers-200", "failed-refused"),
    ],
)
def test_another_status_than_the_known_one_fails_the_run(
    known: str, new: str, verify: Verify
) -> None:
    verify("--write-baseline", "b.json", faults=(known,))
    assert verify("--baseline", "b.json", faults=(known,)).returncode == 0
    assert verify("--baseline", "b.json", faults=(new,)).returncode == 1


def test_run_with_a_budget_drops_nothing_that_is_still_there(verify: Verify) -> None:
    verify("--write-baseline", "b.json", faults=("id-changed", "full-message-changed"))
    before = {(entry["rule"], entry["pointer"]) for entry in entries()}
    words = ("--baseline", "b.json", "--write-baseline", "b.json", "--budget", "3")
    assert verify(*words).returncode == 3
    assert {(entry["rule"], entry["pointer"]) for entry in entries()} == before


def test_replay_of_one_case_takes_no_baseline(verify: Verify, tmp_path: Path) -> None:
    case = '{"sequence": {"start": 0, "steps": []}}'
    done = verify("--replay", case, "--write-baseline", "b.json")
    assert (done.returncode, "leave the baseline out" in done.stderr) == (2, True)
    assert not list(tmp_path.iterdir())


def test_baseline_holds_nothing_that_a_response_held(verify: Verify) -> None:
    verify("--strict", "--write-baseline", "b.json", faults=("id-changed", "undocumented-field"))
    members = {"rule", "contract", "pointer", "first_seen", "last_seen"}
    for entry in entries():
        assert set(entry) == members | {"expires", "reason", "ticket", "came", "scenario"}
        assert "message_" not in json.dumps(entry)
        assert (entry["expires"], entry["reason"], entry["ticket"]) == (None, "", "")


def test_disk_that_is_full_leaves_the_baseline_and_no_green(
    verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify("--write-baseline", "b.json")
    before = Path("b.json").read_bytes()

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    done = verify("--write-baseline", "b.json")
    assert done.returncode == 2
    said = "the contract is kept, but the baseline could not be written: No space left on device"
    assert done.stdout.endswith(f"USAGE ERROR: {said}.\n")
    assert Path("b.json").read_bytes() == before
    broken = verify("--write-baseline", "b.json", faults=("creator-id-missing",))
    assert broken.returncode == 1
    assert "the baseline could not be written" in broken.stdout
