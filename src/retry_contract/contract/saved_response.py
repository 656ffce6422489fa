"""Checking one saved response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retry_contract.contract.document import read_document
from retry_contract.contract.expectation import Expectation
from retry_contract.contract.validator import Validation, identify, validate_expected
from retry_contract.outcome import Drift, Violation


@dataclass(frozen=True)
class SavedResponse:
    """What is said of one saved response.

    `keeps` are the contracts that it keeps; `contract` is the one that it is shown against, None
    if it could not be read.
    """

    keeps: tuple[str, ...]
    contract: str | None
    violations: tuple[Violation, ...]
    drift: tuple[Drift, ...]


def validate_saved(body: bytes, expectations: Sequence[Expectation]) -> SavedResponse:
    """Check the bytes of a saved response against whichever of the expectations it fits best.

    If it keeps none, that is the one with the fewest violations, the later one on a tie.
    """
    document = read_document(body)
    if document.violations:
        return SavedResponse((), None, document.violations, document.drift)
    payload = document.payload
    best = min(
        (validate_expected(payload, expectation) for expectation in reversed(expectations)),
        key=_count,
    )
    keeps = identify(payload, expectations[0].catalogue)
    return SavedResponse(keeps, best.contract, best.violations, document.drift + best.drift)


def _count(validation: Validation) -> int:
    return len(validation.violations)
