"""Rules about every response of a run, and about which contract it shows."""

from __future__ import annotations

from collections.abc import Iterator

from retry_contract.contract.catalogue import Contract
from retry_contract.contract.expectation import Expectation
from retry_contract.contract.timeline import show
from retry_contract.exchange import Exchange, Kind, Observations
from retry_contract.outcome import NotExercised
from retry_contract.rules.model import Basis, Finding, Rule, about
from retry_contract.rules.refusals import DOCUMENTED_ERRORS
from retry_contract.rules.scenarios import ACCEPTED_RETRIES, CUTOVER, WRONG_METHOD


def _no_server_error(observations: Observations, _: Expectation) -> Iterator[Finding]:
    for exchange in observations.exchanges:
        if exchange.status >= 500:
            yield _at(exchange, "a status below 500", f"status {exchange.status}")


def _content_type_is_json(observations: Observations, _: Expectation) -> Iterator[Finding]:
    for exchange in observations.exchanges:
        if not (exchange.succeeded or exchange.status in DOCUMENTED_ERRORS - {429}):
            # What a 429 holds is not published: it may come from a gateway.
            continue
        media_type = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            actual = "another content type" if media_type else "no content type"
            yield _at(exchange, "content type application/json", actual)


def _wrong_method_refused(observations: Observations, _: Expectation) -> Iterator[Finding]:
    for o in observations.of(WRONG_METHOD):
        if not 300 <= o.exchange.status < 500:
            expected = f"a refusal of {o.exchange.method}, neither 2xx nor 5xx"
            yield about(o, "", expected, f"status {o.exchange.status}")


def _one_contract_served(observations: Observations, expectation: Expectation) -> Iterator[Finding]:
    shown = [
        (exchange, contract)
        for exchange in observations.exchanges
        if (contract := _shown(exchange, expectation)) is not None
    ]
    if not shown:
        raise NotExercised("no response held a message")
    first, contract = shown[0]
    possible = list(expectation.catalogue.values())
    for exchange, other in shown:
        left = [c for c in possible if _alike(c, other, exchange.kind)]
        if not left:
            expected = f"{contract.name}, as {first.kind} showed at request {first.number}"
            yield _at(exchange, expected, f"{other.name}, in {exchange.kind}")
            return
        if len(left) < len(possible):
            first, contract, possible = exchange, other, left


def _contract_in_force_served(
    observations: Observations, expectation: Expectation
) -> Iterator[Finding]:
    if expectation.as_served:
        raise NotExercised("--contract served expects whatever is served; name one, or use auto")
    found = [
        (o, o.expected or expectation, contract)
        for o in observations.of(*ACCEPTED_RETRIES, CUTOVER)
        if (contract := _shown(o.exchange, expectation)) is not None
    ]
    if not found:
        raise NotExercised("no accepted retry was answered with a message")
    for o, expected, contract in found:
        if not any(_alike(c, contract, "retry") for c in (expected.contract, *expected.tolerated)):
            why = f" ({expected.why})" if expected.instant else ""
            yield about(
                o, "", f"{expected.contract.name}{why}", f"{contract.name}{_since(contract)}"
            )


def _since(contract: Contract) -> str:
    begin = contract.period.effective_from
    return f", which is in force from {show(begin)}" if begin else ""


def _alike(one: Contract, other: Contract, kind: Kind) -> bool:
    """Whether two contracts cannot be told apart by a response of this kind."""
    return kind != "other" and set(one.fields(kind)) == set(other.fields(kind))


def _shown(exchange: Exchange, expectation: Expectation) -> Contract | None:
    if not exchange.succeeded or exchange.kind == "other":
        return None
    return expectation.catalogue.contract_of(exchange.payload, exchange.kind)


def _at(exchange: Exchange, expected: str, actual: str) -> Finding:
    return Finding(exchange, "", expected, actual, exchange.kind)


RULES = (
    Rule(
        "no-server-error",
        "No request is answered with a 5xx: none of them is at fault.",
        "guide, API errors; RFC 9110, section 15.6",
        Basis.PUBLISHED,
        "all responses",
        None,
        _no_server_error,
    ),
    Rule(
        "content-type-is-json",
        "A 2xx and a documented error are of content type application/json.",
        "guide, Overview (JSON in and out); RFC 9110, section 8.3",
        Basis.PUBLISHED,
        "all responses",
        None,
        _content_type_is_json,
    ),
    Rule(
        "wrong-method-refused",
        "Another method than POST at the retry's path is refused, and is no server error.",
        "P9; RFC 9110, section 15.5.6",
        Basis.PUBLISHED,
        "all responses",
        (WRONG_METHOD,),
        _wrong_method_refused,
    ),
    Rule(
        "one-contract-served",
        "One run never sees two contracts, in whichever of the responses that changed.",
        "P1",
        Basis.PAGE,
        "cutover",
        None,
        _one_contract_served,
    ),
    Rule(
        "contract-in-force-served",
        "The contract that is served is the one in force, to the instant of the cutover.",
        "P1",
        Basis.PAGE,
        "cutover",
        (*ACCEPTED_RETRIES, CUTOVER),
        _contract_in_force_served,
    ),
)
