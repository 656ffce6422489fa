"""Rules about a refused retry: which ones are refused, how, and what it leaves unchanged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from retry_contract.contract.expectation import Expectation
from retry_contract.contract.validator import error_response_problem
from retry_contract.exchange import Exchange, Observation, Observations
from retry_contract.outcome import NotExercised
from retry_contract.privacy.descriptions import pointer
from retry_contract.rules.delivery import attempts_of, moved_on, was_in_order
from retry_contract.rules.model import Basis, Check, Finding, Rule, Section, about
from retry_contract.rules.scenarios import (
    ATTEMPTS,
    BATCH_ENQUEUED,
    BATCH_ENQUEUING_FAILED,
    BATCH_OTHER,
    ELSEWHERE,
    FOREIGN_CAMPAIGN,
    NO_KEY,
    REFUSED,
    RETRIED_TWICE,
    UNFAILED,
    UNKNOWN,
    WRONG_KEY,
    WRONG_SCHEME,
)

UNRETRYABLE = "message_not_found_or_retry_message_not_in_failure_status"
TOO_MANY = "too_many_message_attempts_error"
PUBLISHED_CODES = frozenset(
    {
        UNRETRYABLE,
        TOO_MANY,
        "parameter_invalid",
        "invalid_ip_address_used",
        "batch_not_found_or_is_not_retryable",
        "unresolved_batch_messages",
        "no_failed_batch_messages_to_retry",
    }
)
"""The codes published for status 400, of any call; the only status whose codes are published."""

_CODES = {
    **dict.fromkeys((UNKNOWN, ELSEWHERE, RETRIED_TWICE, *UNFAILED), frozenset({UNRETRYABLE})),
    ATTEMPTS: frozenset({TOO_MANY}),
}
DOCUMENTED_ERRORS = frozenset({400, 401, 403, 404, 429})
_RESPONSES = (*REFUSED, ATTEMPTS)
_INTERNALS = re.compile(
    r"Traceback \(most recent call last\)|^\s+at [\w$.<>]+ ?\(.*:\d+(:\d+)?\)|"
    r'File "[^"]+", line \d+|node_modules/|\.java:\d+\)',
    re.MULTILINE,
)
_BY_DELIVERY = frozenset({"latestStatus", "updatedAt", "attempts"})
_BY_STATUS = frozenset({RETRIED_TWICE, *UNFAILED})
"""Where a retry is refused for the message's status alone, which a delivery changes by itself."""

_CAP, _FEWEST_RETRIES, _MOST_RETRIES = 3, 2, 3


def refused_with(statuses: frozenset[int], *scenarios: str) -> Check:
    """Return the check that each of these scenarios is refused with one of the statuses."""
    wanted = "a refusal with status " + " or ".join(str(s) for s in sorted(statuses))

    def check(observations: Observations, _: Expectation) -> Iterator[Finding]:
        checked = 0
        for o in observations.of(*scenarios):
            if o.scenario in _BY_STATUS and o.exchange.succeeded and was_in_order(o):
                continue
            checked += 1
            if o.exchange.status not in statuses:
                yield about(o, "", wanted, f"status {o.exchange.status}")
        if not checked:
            raise NotExercised("the message moved on")

    return check


def _batch_status_respected(observations: Observations, _: Expectation) -> Iterator[Finding]:
    for o in observations.of(BATCH_ENQUEUED, BATCH_ENQUEUING_FAILED):
        if not o.exchange.succeeded:
            yield about(o, "", "an accepted retry", f"status {o.exchange.status}")
    for o in observations.of(*BATCH_OTHER):
        if not 400 <= o.exchange.status < 500:
            yield about(o, "", "a refusal", f"status {o.exchange.status}")


def attempts_capped(observations: Observations, _: Expectation) -> Iterator[Finding]:
    """The documents give 3 attempts and 3 retries; either reading is accepted."""
    tried = observations.of(ATTEMPTS)
    if len(tried) == 1:
        yield from refused_with(frozenset({400}), ATTEMPTS)(observations, _)
        return
    for o in tried[:_FEWEST_RETRIES]:
        if not o.exchange.succeeded:
            yield about(o, "", "an accepted retry, below the cap", f"status {o.exchange.status}")
            return
    last = tried[-1]
    if len(tried) > _FEWEST_RETRIES and last.exchange.status != 400:
        yield about(
            last,
            "",
            f"a refusal with status 400 after {_MOST_RETRIES} retries at the latest",
            f"status {last.exchange.status}",
        )


def _refusal_changes_nothing(
    observations: Observations, expectation: Expectation
) -> Iterator[Finding]:
    compared = 0
    for o in _refusals(observations):
        if o.before is None or o.after is None:
            continue
        if not (o.before.succeeded and o.before.members):
            continue
        compared += 1
        if not o.after.succeeded:
            yield about(o, "", "a message that Retrieve still shows", f"status {o.after.status}")
            continue
        delivered = _BY_DELIVERY if moved_on(o) else frozenset()
        for name in expectation.contract.fields("retrieve"):
            if name == "attempts" and _tries(o.before) != _tries(o.after):
                yield about(o, "/attempts", "unchanged by a refusal", "of another length")
            elif name not in delivered and o.before.members.get(name) != o.after.members.get(name):
                yield about(o, pointer([name]), "unchanged by a refusal", "changed")
    if not compared:
        raise NotExercised("no refusal of a known message was observed")


def _error_shape(observations: Observations, expectation: Expectation) -> Iterator[Finding]:
    responses = [o for o in _refusals(observations) if o.exchange.status in DOCUMENTED_ERRORS]
    for o in _or_not_exercised(responses):
        if o.exchange.document.violations:
            problem: str | None = o.exchange.document.violations[0].actual
        else:
            problem = error_response_problem(o.exchange.payload, expectation.contract)
        if problem:
            yield about(o, "", "one of the two documented error envelopes", problem)


def _error_code_documented(observations: Observations, _: Expectation) -> Iterator[Finding]:
    # Which code refuses a message for its batch has not been published.
    known = (o for o in _refusals(observations) if o.scenario not in BATCH_OTHER)
    responses = [o for o in known if o.exchange.status == 400]
    for o in _or_not_exercised(responses):
        allowed = _CODES.get(o.scenario, PUBLISHED_CODES)
        if o.scenario in _BY_STATUS and o.after is not None and _tries(o.after) >= _CAP:
            allowed |= {TOO_MANY}
        code = o.exchange.error_code
        if code is not None and code not in allowed:
            actual = code if code in PUBLISHED_CODES else "a code that is not published"
            yield about(o, "/error/code", " or ".join(sorted(allowed)), actual)


def _tries(exchange: Exchange) -> int:
    return len(attempts_of(exchange) or ())


def _no_secret_echoed(observations: Observations, _: Expectation) -> Iterator[Finding]:
    key = observations.key.encode()
    for exchange in observations.exchanges:
        if key and (key in exchange.body or _in_headers(observations.key, exchange)):
            yield Finding(exchange, "", "nothing secret", "a response that holds the API key")
        text = exchange.body.decode("utf-8", "replace")
        if _INTERNALS.search(text.replace("\\n", "\n").replace('\\"', '"')):
            yield Finding(exchange, "", "nothing internal", "a response that holds a stack trace")


def _in_headers(key: str, exchange: Exchange) -> bool:
    return any(key in value for value in exchange.headers.values())


def _refusals(observations: Observations) -> Iterator[Observation]:
    return (o for o in observations.of(*_RESPONSES) if not o.exchange.succeeded)


def _or_not_exercised(responses: list[Observation]) -> Iterable[Observation]:
    if not responses:
        raise NotExercised("no such refusal was observed")
    return responses


def _rule(
    id_: str,
    sentence: str,
    source: str,
    basis: Basis,
    needs: tuple[str, ...] | None,
    check: Check,
    section: Section = "refused",
) -> Rule:
    return Rule(id_, sentence, source, basis, section, needs, check)


_BAD_REQUEST = frozenset({400})
_ERRORS = "guide, API errors"
RULES = (
    _rule(
        "unknown-message-refused",
        "A message that the campaign does not have is refused with status 400.",
        "guide, Retry (API reference); " + _ERRORS,
        Basis.PUBLISHED,
        (UNKNOWN, ELSEWHERE),
        refused_with(_BAD_REQUEST, UNKNOWN, ELSEWHERE),
    ),
    _rule(
        "unfailed-message-refused",
        "A message whose latestStatus is not failure is refused with status 400.",
        "P4; guide, Retry (API reference)",
        Basis.PAGE,
        UNFAILED,
        refused_with(_BAD_REQUEST, *UNFAILED),
    ),
    _rule(
        "second-retry-refused",
        "A message that has just been retried is not in failure, so a second retry is refused.",
        "P4, P6",
        Basis.PAGE,
        (RETRIED_TWICE,),
        refused_with(_BAD_REQUEST, RETRIED_TWICE),
    ),
    _rule(
        "attempts-capped",
        "A message is tried 3 times, or retried 3 times: both are documented; then status 400.",
        "guide, Retry (API reference); " + _ERRORS,
        Basis.PUBLISHED,
        (ATTEMPTS,),
        attempts_capped,
    ),
    _rule(
        "key-required",
        "A retry without a key is refused with status 401.",
        "guide, Authentication",
        Basis.PUBLISHED,
        (NO_KEY,),
        refused_with(frozenset({401}), NO_KEY),
    ),
    _rule(
        "wrong-key-refused",
        "A retry with a key that is not valid, or not sent as Bearer, is refused with status 401.",
        "guide, Authentication",
        Basis.PUBLISHED,
        (WRONG_KEY, WRONG_SCHEME),
        refused_with(frozenset({401}), WRONG_KEY, WRONG_SCHEME),
    ),
    _rule(
        "foreign-campaign-refused",
        "A key of another campaign is refused: 401 and 403 are both documented.",
        _ERRORS + "; git opengovsg/plumber, postman-sms",
        Basis.PUBLISHED,
        (FOREIGN_CAMPAIGN,),
        refused_with(frozenset({401, 403}), FOREIGN_CAMPAIGN),
    ),
    _rule(
        "refusal-changes-nothing",
        "A retry that is refused does not go through: Retrieve shows the message unchanged.",
        "P4, P5",
        Basis.PAGE,
        REFUSED,
        _refusal_changes_nothing,
    ),
    _rule(
        "error-shape",
        "A refusal is JSON, in one of the two documented envelopes.",
        _ERRORS,
        Basis.PUBLISHED,
        _RESPONSES,
        _error_shape,
    ),
    _rule(
        "error-code-documented",
        "A 400 in the nested envelope carries the code that is published for its cause.",
        _ERRORS,
        Basis.PUBLISHED,
        _RESPONSES,
        _error_code_documented,
    ),
    _rule(
        "no-secret-echoed",
        "No response holds the API key or a stack trace.",
        "RFC 6750, section 5.3; CWE-209",
        Basis.PUBLISHED,
        None,
        _no_secret_echoed,
    ),
    _rule(
        "batch-status-respected",
        "A message of a batch is retried only if the batch's status is messages_enqueued or "
        "messages_enqueuing_failed.",
        "P5",
        Basis.PAGE,
        (BATCH_ENQUEUED, BATCH_ENQUEUING_FAILED, *BATCH_OTHER),
        _batch_status_respected,
        "batches",
    ),
)
