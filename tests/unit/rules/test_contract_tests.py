"""The contract tests and the rules match one to one."""

from __future__ import annotations

from pathlib import Path

from retry_contract.rules import RULES

FOLDER = Path(__file__).parents[3] / "contract_tests"


def test_each_test_asks_the_fixture_of_its_rule_for_the_rule_of_its_name() -> None:
    texts = [file.read_text(encoding="utf-8") for file in FOLDER.glob("test_*.py")]
    wanted = {
        f"def test_{rule.id.replace('-', '_')}({rule.scenario}: Scenario) -> None:\n"
        f'    {rule.scenario}.keeps("{rule.id}")\n'
        for rule in RULES.values()
    }
    found = {f"def test_{part}" for text in texts for part in text.split("\n\n\ndef test_")[1:]}
    assert {part.rstrip("\n") for part in found} == {part.rstrip("\n") for part in wanted}
