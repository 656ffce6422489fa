"""The part of an outcome that is shown, and how much is left out."""

import dataclasses

from retry_contract.outcome import SHOWN, ContractResult, More, Outcome, RuleResult


def bounded(outcome: Outcome) -> tuple[Outcome, More]:
    """Return an outcome with the first violations and drifts of the run, and what it leaves out.

    Of each broken rule the first violation is there, however many there were before it.
    """
    part, contracts = _Part(), []
    for contract in outcome.contracts:
        rules = tuple(map(part.of_rule, contract.rules))
        contracts.append(dataclasses.replace(part.of_drift(contract), rules=rules))
    return dataclasses.replace(outcome, contracts=tuple(contracts)), part.left_out


class _Part:
    """Counts what is shown and what is left out, over the contracts of a run."""

    def __init__(self) -> None:
        self.left_out = More()
        self._violations = self._drift = SHOWN

    def of_rule(self, result: RuleResult) -> RuleResult:
        shown = result.violations[: max(1, self._violations)]
        left_out = len(result.violations) - len(shown)
        self._violations = max(0, self._violations - len(shown))
        self.left_out += More(violations=left_out + result.more)
        return dataclasses.replace(result, violations=shown) if left_out else result

    def of_drift(self, result: ContractResult) -> ContractResult:
        shown = result.drift[: self._drift]
        self._drift -= len(shown)
        self.left_out += More(drift=len(result.drift) - len(shown) + result.more)
        return dataclasses.replace(result, drift=shown)
