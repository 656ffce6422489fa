"""Rules that generated cases are held against; the cases themselves are made above this layer."""

from __future__ import annotations

from collections.abc import Iterator

from retry_contract.contract.expectation import Expectation
from retry_contract.exchange import Observations
from retry_contract.outcome import NotExercised
from retry_contract.rules.model import Basis, Finding, Rule

REQUESTS = "generated-requests-answered"
SEQUENCES = "generated-sequences-kept"


def _no_case(_: Observations, __: Expectation) -> Iterator[Finding]:
    raise NotExercised("no case was generated: needs --fuzz N")


RULES = (
    Rule(
        REQUESTS,
        "Every generated retry is answered as documented, with a response that keeps the contract.",
        "P1, P3, P9, P10; guide, API errors",
        Basis.PUBLISHED,
        "fuzz",
        (),
        _no_case,
    ),
    Rule(
        SEQUENCES,
        "Whatever is sent, fails, is retried or retrieved, in whatever order, the page holds.",
        "P1 to P8",
        Basis.PAGE,
        "sequences",
        (),
        _no_case,
    ),
)
