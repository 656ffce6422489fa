"""Rules that generated cases are held against; the room `fuzz` generates and checks the cases."""

from retry_contract.contract.expectation import Expectation
from retry_contract.exchange import Observations
from retry_contract.outcome import NotExercised
from retry_contract.rules.model import Basis, Findings, rule

_NO_CASE = "needs --fuzz N"


@rule(
    "generated", "generated_requests", "P1", "P3", "P9", "P10", "envelopes", basis=Basis.PUBLISHED
)
def generated_requests_answered(_: Observations, __: Expectation) -> Findings:
    """Every generated retry is answered as documented, with a response that keeps the contract."""
    raise NotExercised(_NO_CASE)


@rule("generated", "generated_sequences", *(f"P{n}" for n in range(1, 9)), basis=Basis.PAGE)
def generated_sequences_kept(_: Observations, __: Expectation) -> Findings:
    """Generated sends, failures, retries and retrievals are answered as documented."""
    raise NotExercised(_NO_CASE)


RULES = (generated_requests_answered, generated_sequences_kept)
REQUESTS, SEQUENCES = (rule.id for rule in RULES)
