"""All rules of a run, checked."""

from retry_contract.outcome import ContractResult
from retry_contract.rules import RULES
from retry_contract.verification.run import Run


def check_all(run: Run) -> ContractResult:
    """Check every rule."""
    results = tuple(map(run.check, RULES.values()))
    return ContractResult(run.contract, results, *run.drift())
