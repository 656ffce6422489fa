"""What every response to a generated request is held to, whatever it answers."""

from __future__ import annotations

import re
from collections.abc import Callable

from retry_contract.contract.catalogue import Contract
from retry_contract.contract.validator import error_response_problem
from retry_contract.exchange import Exchange
from retry_contract.outcome import NotTested, Violation
from retry_contract.verification.outage import (
    check_control,
    check_redirect,
    needs_control,
    nothing_known,
)
from retry_contract.verification.prober import Prober

_TRACE = re.compile(r"Traceback \(most recent|\n\s+at |node_modules/|\.java:[0-9]")


def violation(rule: str, pointer: str, expected: str, actual: str) -> Violation:
    """Return a violation at a place of the response, or of the response as a whole."""
    place = pointer or "the response"
    return Violation(rule, pointer, f"{place} is {actual}; expected {expected}", expected, actual)


def problem_of_form(exchange: Exchange, contract: Contract, key: str) -> Violation | None:
    """Return what is wrong with a response as such: what it gives away, its type, its envelope."""
    text = exchange.body.decode("utf-8", "replace")
    if key in text or _TRACE.search(text.replace("\\n", "\n")):
        return violation("no-secret-echoed", "", "nothing secret", "the key, or a stack trace")
    if exchange.document.violations:
        found = exchange.document.violations[0]
        rule = "body-is-json" if exchange.succeeded else "error-shape"
        return violation(rule, "", found.expected, found.actual)
    media_type = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        return violation("content-type-is-json", "", "application/json", "another content type")
    problem = None if exchange.succeeded else error_response_problem(exchange.payload, contract)
    if problem is not None:
        return violation("error-shape", "", "a documented error envelope", problem)
    return None


def rule_out_outage(
    prober: Prober, exchange: Exchange, known: Callable[[], str | None], *, own_key: bool
) -> None:
    """Retrieve a known message after a response that may be an outage, or a refusal to talk to us.

    Raises NotTested if it is one, if no message is known to tell it by, or after a redirect.
    """
    if not prober.endpoint.real_time:
        return
    check_redirect(exchange)
    if not needs_control(exchange, own_key=own_key):
        return
    message = known()
    if message is None:
        raise NotTested(nothing_known(exchange))
    check_control(prober.retrieve(message))
