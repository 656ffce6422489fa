"""What every response to a generated request must keep, in the words of the rules."""

import contextlib
from collections.abc import Collection, Iterator

from retry_contract.contract.expectation import Expectation
from retry_contract.endpoint.base import Endpoint
from retry_contract.exchange import Exchange, Observation, Observations
from retry_contract.outcome import NotExercised, Place, Violation
from retry_contract.privacy.headers import media_type_of
from retry_contract.privacy.published import ERROR_CODES
from retry_contract.rules import RULES
from retry_contract.rules.refusals import envelope_problem, secret_in

_JSON = "application/json"


def violation(
    rule: str, pointer: str, expected: str, actual: str, place: Place = "body"
) -> Violation:
    """Return a violation at a place of the body, or about the status or the content type."""
    found = Violation(rule, pointer, "", expected, actual, place=place)
    return found.with_message(f"{found.what}; expected {expected}")


def status_violation(rule: str, expected: str, exchange: Exchange) -> Violation:
    """Return the violation of a rule by the status that came."""
    return violation(rule, "", expected, f"status {exchange.status}", "status")


def rule_violations(
    rule: str, observation: Observation, expectation: Expectation
) -> Iterator[Violation]:
    """Yield how one observation breaks a rule; nothing if it says nothing about the rule."""
    with contextlib.suppress(NotExercised):
        for found in RULES[rule].check(Observations((observation,)), expectation):
            yield violation(rule, found.pointer, found.expected, found.actual, found.place)


def form_violations(
    exchange: Exchange,
    expectation: Expectation,
    endpoint: Endpoint,
    codes: Collection[str] = ERROR_CODES,
) -> Iterator[Violation]:
    """Yield what is wrong with a response as such; the first may be the cause of the others.

    `codes` are the error codes that a 400 may have; empty if any may come.
    """
    # What the mock encodes is known: looking into it takes a twentieth of a run.
    secret = secret_in(exchange, endpoint.key, decode=endpoint.real_time)
    media_type = media_type_of(exchange.headers)
    if secret is not None:
        yield violation("no-secret-echoed", "", "nothing secret or internal", secret)
    for found in exchange.document.violations if exchange.succeeded else ():
        yield violation("body-is-json", "", found.expected, found.actual)
    if media_type != _JSON:
        yield violation("content-type-is-json", "", _JSON, media_type, "content-type")
    if exchange.succeeded:
        return
    problem = envelope_problem(exchange, expectation.contract)
    if problem is not None:
        yield violation("error-shape", *problem)
    code = exchange.error_code
    if exchange.status == 400 and codes and code is not None and code not in codes:
        wanted = "a published code" if codes is ERROR_CODES else " or ".join(sorted(codes))
        came = code if code in ERROR_CODES else "a code that is not published"
        yield violation("error-code-documented", "/error/code", wanted, came)
