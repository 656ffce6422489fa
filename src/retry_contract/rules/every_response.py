"""Rules about every response of a run, and about which contract it shows."""

import functools
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from retry_contract.contract.catalogue import Contract
from retry_contract.contract.expectation import Expectation
from retry_contract.contract.timeline import show
from retry_contract.contract.validator import validate_expected
from retry_contract.exchange import Exchange, Kind, Observations
from retry_contract.outcome import NotExercised
from retry_contract.privacy.descriptions import pointer
from retry_contract.privacy.headers import media_type_of
from retry_contract.rules.model import Basis, Finding, Findings, Rule, about_status, rule
from retry_contract.rules.refusals import DOCUMENTED_ERRORS
from retry_contract.rules.scenarios import (
    ACCEPTED_RETRIES,
    CUTOVER,
    MALFORMED,
    WRONG_METHOD,
)

_NEIGHBOURS = ("retrieve", "single-send")
_rule = functools.partial(rule, "all responses")


@_rule("every_response", "failures", "server-errors", basis=Basis.PUBLISHED)
def no_server_error(seen: Observations, _: Expectation) -> Findings:
    """No request is answered with a 5xx status."""
    for exchange in seen.exchanges:
        if exchange.status >= 500:
            actual = f"status {exchange.status}"
            yield Finding(exchange, "", "a status below 500", actual, place="status")


@_rule("every_response", "json-in-and-out", "content-type", basis=Basis.PUBLISHED)
def content_type_is_json(seen: Observations, _: Expectation) -> Findings:
    """A 2xx and a documented error are of content type application/json."""
    # What a 429 holds is not published, nor what refuses an odd id: it may come from a gateway.
    odd = {o.exchange.number for o in seen.of(*MALFORMED) if not o.exchange.succeeded}
    for exchange in seen.exchanges:
        if not (exchange.succeeded or exchange.status in DOCUMENTED_ERRORS - {429}):
            continue
        if exchange.number in odd:
            continue
        actual = media_type_of(exchange.headers)
        if actual != "application/json":
            yield Finding(exchange, "", "application/json", actual, place="content-type")


@_rule("wrong_method", "P9", "method", basis=Basis.PUBLISHED)
def wrong_method_refused(seen: Observations, _: Expectation) -> Findings:
    """Another method than POST at the retry's path is refused, and is no server error."""
    for o in seen.of(WRONG_METHOD):
        if not 300 <= o.exchange.status < 500:
            yield about_status(o, f"a refusal of {o.exchange.method}, neither 2xx nor 5xx")


@_rule("every_response", "send-fields", "retrieve-fields", basis=Basis.PUBLISHED)
def neighbours_match_schema(seen: Observations, expectation: Expectation) -> Findings:
    """Each Retrieve and Single Send has the published fields, as far as the pages agree."""
    found = [e for e in seen.exchanges if e.kind in _NEIGHBOURS and e.succeeded]
    if not found:
        raise NotExercised("no Retrieve or Single Send was answered with a message")
    for exchange in found:
        assert exchange.kind != "other"  # as _NEIGHBOURS says
        violations = exchange.document.violations
        payload = exchange.payload
        for v in violations or validate_expected(payload, expectation, exchange.kind).violations:
            yield Finding(exchange, v.pointer, v.expected, v.actual)


@rule("cutover", "whole_run", "P1", basis=Basis.PAGE)
def one_contract_served(seen: Observations, expectation: Expectation) -> Findings:
    """All responses of one run are of the same contract, but for a cutover within a transition."""
    shown = _shown(seen.exchanges, expectation)
    if not shown:
        raise NotExercised("no response held a message")
    changed = _first_change(shown, expectation)
    cutover = cutover_request(seen.exchanges, expectation)
    if changed is None or (cutover is not None and expectation.tolerated):
        return
    (first, contract), (exchange, other) = changed
    expected = expectation.contract
    if _is_like(other, expected, exchange.kind) and not _is_like(contract, expected, first.kind):
        (first, contract), (exchange, other) = (exchange, other), (first, contract)
    why = f"{contract.name}, as {first.kind} showed at request {first.number}"
    for found in _other_contract(exchange, contract, why, other):
        once = f"; {cutover_clause(cutover)}" if cutover is not None else ""
        yield replace(found, actual=f"{found.actual}{once}")


def cutover_request(exchanges: Iterable[Exchange], expectation: Expectation) -> int | None:
    """Return the number of the first request that shows a later contract than those before it.

    None if no contract took over, or if one came back in a response to a request that was sent
    after another had been served.
    """
    shown = _shown(exchanges, expectation)
    changed = _first_change(shown, expectation)
    if changed is None:
        return None
    (_, older), (exchange, newer) = changed
    order = list(expectation.catalogue.values())
    later = [s for s in shown if s[0].is_sent_after(exchange)]
    back = any(not _is_like(newer, contract, e.kind) for e, contract in later)
    return None if back or order.index(newer) < order.index(older) else exchange.number


def cutover_clause(request: int) -> str:
    """Return in a clause at which request the contract changed."""
    return f"the cutover happened during this run, at request {request}"


def stretch_ends(exchanges: Sequence[Exchange], expectation: Expectation) -> Iterator[Exchange]:
    """Yield the first and the last of the exchanges in a row that show one contract."""
    stretches = itertools.groupby(_shown(exchanges, expectation), key=lambda shown: shown[1].name)
    for _, stretch in stretches:
        ends = [exchange for exchange, _ in stretch]
        yield from ends[:1] + ends[1:][-1:]


Shown = tuple[Exchange, Contract]


def _shown(exchanges: Iterable[Exchange], expectation: Expectation) -> list[Shown]:
    """Return the exchanges that show a contract, each with it, in the order of their numbers."""
    found = ((e, _shown_contract(e, expectation)) for e in exchanges)
    return sorted(((e, c) for e, c in found if c is not None), key=lambda shown: shown[0].number)


def _first_change(shown: Sequence[Shown], expectation: Expectation) -> tuple[Shown, Shown] | None:
    """Return the first two exchanges that cannot be of one contract; None if there are none."""
    possible = list(expectation.catalogue.values())
    latest = shown[0] if shown else None
    for exchange, other in shown:
        left = [c for c in possible if _is_like(c, other, exchange.kind)]
        if not left:
            assert latest is not None
            return latest, (exchange, other)
        if len(left) < len(possible):
            latest, possible = (exchange, other), left
    return None


@rule("cutover", "cutover", "P1", basis=Basis.PAGE)
def contract_in_force_served(seen: Observations, expectation: Expectation) -> Findings:
    """The contract that is served is the one in force, to the instant of the cutover."""
    if expectation.as_served:
        raise NotExercised("--contract served expects whatever is served; name one, or use auto")
    found = [
        (o, o.expected or expectation, contract)
        for o in seen.of(*ACCEPTED_RETRIES, CUTOVER)
        if (contract := _shown_contract(o.exchange, expectation)) is not None
    ]
    if not found:
        raise NotExercised("no accepted retry was answered with a message")
    for o, expected, contract in found:
        if not any(
            _is_like(c, contract, "retry") for c in (expected.contract, *expected.tolerated)
        ):
            why = expected.why if expected.instant else expected.contract.name
            yield from _other_contract(o.exchange, expected.contract, why, contract, o.scenario)


def _other_contract(
    exchange: Exchange, expected: Contract, why: str, shown: Contract, scenario: str = ""
) -> Iterator[Finding]:
    """Yield the members that tell which contract was served instead of the expected one."""
    assert exchange.kind != "other"  # which shows no contract
    wanted, came = set(expected.fields(exchange.kind)), set(shown.fields(exchange.kind))
    for name in (
        n
        for n in (*expected.fields(exchange.kind), *shown.fields(exchange.kind))
        if (n in wanted) != (n in came)
    ):
        states = ("present", "absent") if name in wanted else ("absent", "present")
        actual = f"{states[1]}, as in {shown.name}{_since(shown)}"
        yield Finding(exchange, pointer([name]), f"{states[0]}: {why}", actual, scenario)


def _since(contract: Contract) -> str:
    begin = contract.period.effective_from
    return f", which is in force from {show(begin)}" if begin else ""


def _is_like(one: Contract, other: Contract, kind: Kind) -> bool:
    """Whether two contracts cannot be told apart by a response of this kind."""
    return kind != "other" and set(one.fields(kind)) == set(other.fields(kind))


def _shown_contract(exchange: Exchange, expectation: Expectation) -> Contract | None:
    if not exchange.succeeded or exchange.kind == "other" or "id" not in exchange.members:
        return None
    return expectation.catalogue.contract_of(exchange.payload, exchange.kind)


RULES: tuple[Rule, ...] = (
    *(no_server_error, content_type_is_json, wrong_method_refused, neighbours_match_schema),
    *(one_contract_served, contract_in_force_served),
)
