"""Rules about a refused retry: which ones are refused, how, and what it leaves unchanged."""

import functools
import re
from collections.abc import Callable, Iterable, Iterator

from retry_contract.contract.catalogue import Contract
from retry_contract.contract.expectation import Expectation
from retry_contract.contract.validator import error_response_problem
from retry_contract.exchange import Exchange, Observation, Observations
from retry_contract.outcome import NotExercised
from retry_contract.privacy.descriptions import pointer
from retry_contract.privacy.published import ERROR_CODES
from retry_contract.privacy.scrubber import holds
from retry_contract.rules import scenarios as s
from retry_contract.rules.delivery import (
    FEWEST_SENDS,
    MOST_SENDS,
    RETRYABLE_BATCHES,
    attempts_of,
    batch_statuses,
    may_all_be_in_order,
    moved_on,
    sends_before,
    was_in_order,
)
from retry_contract.rules.model import Basis, Finding, Findings, Rule, about, about_status, rule

UNRETRYABLE = "message_not_found_or_retry_message_not_in_failure_status"
TOO_MANY = "too_many_message_attempts_error"
_CODES = {
    **dict.fromkeys(
        (s.UNKNOWN, s.ELSEWHERE, s.RETRIED_TWICE, *s.UNFAILED), frozenset({UNRETRYABLE})
    ),
    s.ATTEMPTS: frozenset({TOO_MANY}),
}
DOCUMENTED_ERRORS = frozenset({400, 401, 403, 404, 429})
_INTERNALS = re.compile(
    r"Traceback \(most recent call last\)|^[ \t]+at [\w$.<>]+ ?\(.*:\d+(:\d+)?\)|"
    r'File "[^"]+", line \d+|node_modules/|\.java:\d+\)',
    re.MULTILINE,
)
_NO_BATCH = (
    "needs a message of a batch: name one with --message, or write the hook "
    "pytest_retry_contract_state"
)
_BY_DELIVERY = frozenset({"latestStatus", "updatedAt", "attempts"})
_BY_STATUS = frozenset({s.RETRIED_TWICE, *s.UNFAILED})
"""Where a retry is refused for the message's status alone, which a delivery changes by itself."""

_rule = functools.partial(rule, "refused")


def _refused_with(statuses: tuple[int, ...], seen: Observations, *scenarios: str) -> Findings:
    """Yield each retry in these scenarios that is not refused with one of the statuses."""
    expected = "a refusal with status " + " or ".join(map(str, statuses))
    checked = [o for o in seen.of(*scenarios) if not _may_be_in_order(o)]
    if not checked:
        raise NotExercised(_moved_on(seen.of(*scenarios)))
    for o in checked:
        if o.exchange.status not in statuses:
            yield about_status(o, expected)


def _moved_on(accepted: tuple[Observation, ...]) -> str:
    """Return why accepted retries of messages that had not failed are no violation."""
    if any(o.after and o.after.succeeded and attempts_of(o.after) is None for o in accepted):
        return (
            f"{len(accepted)} were accepted, and Retrieve lists no attempts to tell whether the "
            "message had failed again"
        )
    return "the message moved on"


def _may_be_in_order(o: Observation) -> bool:
    return o.scenario in _BY_STATUS and o.exchange.succeeded and was_in_order(o)


@_rule("unknown_message", "refused", "envelopes", basis=Basis.PUBLISHED)
def unknown_message_refused(seen: Observations, _: Expectation) -> Findings:
    """A message that the campaign does not have is refused with status 400."""
    return _refused_with((400,), seen, s.UNKNOWN, s.ELSEWHERE)


@_rule("unfailed_message", "P4", "refused", basis=Basis.PAGE)
def unfailed_message_refused(seen: Observations, _: Expectation) -> Findings:
    """A message whose latestStatus is not failure is refused with status 400."""
    return _refused_with((400,), seen, *s.UNFAILED)


@_rule("second_retry", "P4", "P6", basis=Basis.PAGE)
def second_retry_refused(seen: Observations, _: Expectation) -> Findings:
    """A message that has just been retried is not in failure, so a second retry is refused."""
    return _refused_with((400,), seen, s.RETRIED_TWICE)


@_rule("concurrent_retries", "P4", "P6", basis=Basis.INFERRED)
def concurrent_retries_accepted_once(seen: Observations, _: Expectation) -> Findings:
    """Of retries of one message that are sent at once, one at the most is accepted."""
    checked, reason = False, "none of the retries that were sent at once was accepted"
    for tried in by_message(seen.of(s.CONCURRENT)):
        accepted = [o for o in tried if o.exchange.succeeded]
        in_order = may_all_be_in_order(tried)
        checked = checked or len(accepted) == 1 or in_order is False
        if len(accepted) > 1:
            reason = "the message may have failed again between them"
        if in_order is False:
            actual = f"{len(accepted)} of {len(tried)} retries sent at once were accepted"
            yield Finding(
                *(accepted[1].exchange, "", "one of them, at the most", actual, s.CONCURRENT),
                place="status",
            )
        elif in_order is None:
            reason = _moved_on(tuple(accepted))
    if not checked:
        raise NotExercised(reason)


@_rule("spent_attempts", "cap", "envelopes", basis=Basis.PUBLISHED)
def attempts_capped(seen: Observations, _: Expectation) -> Findings:
    """A message is tried 3 times, or retried 3 times: both are documented; then status 400."""
    for tried in by_message(seen.of(s.ATTEMPTS)):
        yield from _beyond_cap(tried)


def by_message(found: Iterable[Observation]) -> list[list[Observation]]:
    """Return the observations of each message, in their order."""
    groups: dict[str, list[Observation]] = {}
    for o in found:
        groups.setdefault(o.message, []).append(o)
    return list(groups.values())


def _beyond_cap(tried: list[Observation]) -> Findings:
    """Yield the first of a message's retries that is too early refused, or too late accepted."""
    fewest, most = sends_before(tried[0])
    for number, o in enumerate(tried):
        # Another retry of the message may have come between two of these: Retrieve lists it.
        listed, at_most = sends_before(o)
        least = max(fewest + number, listed)
        at_most = max(most + number, at_most if at_most == listed else 0)
        if at_most < FEWEST_SENDS and not o.exchange.succeeded:
            yield about_status(o, "an accepted retry, below the cap")
        elif least >= MOST_SENDS and o.exchange.status != 400:
            expected = f"a refusal with status 400 after {MOST_SENDS} sends at the latest"
            yield about_status(o, expected)
        elif not o.exchange.succeeded and o.exchange.status != 400:
            yield about_status(o, "a refusal with status 400, or an accepted retry")
        else:
            continue
        return


@_rule("missing_key", "unauthorized", basis=Basis.PUBLISHED)
def key_required(seen: Observations, _: Expectation) -> Findings:
    """A retry without a key is refused with status 401."""
    return _refused_with((401,), seen, s.NO_KEY)


@_rule("wrong_key", "unauthorized", basis=Basis.PUBLISHED)
def wrong_key_refused(seen: Observations, _: Expectation) -> Findings:
    """A retry with a key that is not valid, or not sent as Bearer, is refused with status 401."""
    wrong = (s.WRONG_KEY, s.SIMILAR_KEY, s.OTHER_CASE, s.WRONG_SCHEME, s.NO_SCHEME)
    return _refused_with((401,), seen, *wrong)


@_rule("revoked_key", "unauthorized", "forbidden", basis=Basis.PUBLISHED)
def revoked_key_refused(seen: Observations, _: Expectation) -> Findings:
    """A key that was revoked is refused: 401 and 403 are both documented."""
    return _refused_with((401, 403), seen, s.REVOKED_KEY)


@_rule("malformed_id", "refused", "failures", basis=Basis.PUBLISHED)
def malformed_id_refused(seen: Observations, _: Expectation) -> Findings:
    """An id that no message can have is refused, and is no server error."""
    for o in seen.of(*s.MALFORMED):
        if not 300 <= o.exchange.status < 500:
            yield about_status(o, "a refusal, neither 2xx nor 5xx")


@_rule("foreign_campaign", "forbidden", "foreign", basis=Basis.PUBLISHED)
def foreign_campaign_refused(seen: Observations, _: Expectation) -> Findings:
    """A key of another campaign is refused: 401 and 403 are both documented."""
    yield from _refused_with((401, 403), seen, s.FOREIGN_CAMPAIGN)
    for o in seen.of(s.UNKNOWN_CAMPAIGN):
        if not 400 <= o.exchange.status < 500:
            yield about_status(o, "a refusal")


@_rule("refused_retry", "P4", "P5", basis=Basis.PAGE)
def refusal_changes_nothing(seen: Observations, expectation: Expectation) -> Findings:
    """A retry that is refused does not go through: Retrieve shows the message unchanged."""
    known = [
        (o, o.before, o.after)
        for o in _refusals(seen, s.WRONG_METHOD)
        if o.before and o.after and o.before.kind == "retrieve"
        if o.before.succeeded and o.before.members
    ]
    if not known:
        raise NotExercised("no refusal of a known message was observed")
    new = expectation.catalogue.changed_fields("retrieve")
    for o, before, after in known:
        if not after.succeeded:
            expected = f"a message that Retrieve still shows after the {o.exchange.method}"
            yield about_status(o, expected, after)
            continue
        delivered = _BY_DELIVERY if moved_on(o) else frozenset()
        for name in expectation.contract.fields("retrieve"):
            if name in new and not (name in before.members and name in after.members):
                continue  # another contract is served: other rules say so
            if name == "attempts" and _attempt_count(before) != _attempt_count(after):
                yield about(o, "/attempts", "unchanged by a refusal", "of another length")
            elif name not in delivered and before.members.get(name) != after.members.get(name):
                yield about(o, pointer([name]), "unchanged by a refusal", "changed")


@_rule("refused_retry", "envelopes", basis=Basis.PUBLISHED)
def error_shape(seen: Observations, expectation: Expectation) -> Findings:
    """A refusal is JSON, in one of the two documented envelopes; a statusCode is its status."""
    for o in _refusals_with(seen, DOCUMENTED_ERRORS):
        problem = envelope_problem(o.exchange, expectation.contract)
        if problem:
            yield about(o, *problem)


def envelope_problem(exchange: Exchange, contract: Contract) -> tuple[str, str, str] | None:
    """Return what is wrong with an error response: a pointer, what was expected, what came."""
    expected = "one of the two documented error envelopes"
    if exchange.document.violations:
        return "", expected, exchange.document.violations[0].actual
    problem = error_response_problem(exchange.payload, contract)
    if problem:
        return "", expected, problem
    status = exchange.members.get("statusCode", exchange.status)
    if status != exchange.status:
        return "/statusCode", f"{exchange.status}, the status of the response", str(status)
    return None


@_rule("refused_retry", "envelopes", basis=Basis.PUBLISHED)
def error_code_documented(seen: Observations, _: Expectation) -> Findings:
    """A 400 in the nested envelope carries the code that is published for its cause."""
    for o in _refusals_with(seen, frozenset({400}), but=s.BATCH_OTHER):
        allowed = _CODES.get(o.scenario, ERROR_CODES)
        if o.scenario in _BY_STATUS and sends_before(o)[1] >= FEWEST_SENDS:
            allowed |= {TOO_MANY}
        code = o.exchange.error_code
        if code is not None and code not in allowed:
            actual = code if code in ERROR_CODES else "a code that is not published"
            yield about(o, "/error/code", " or ".join(sorted(allowed)), actual)


@_rule("every_response", "bearer", "internals", basis=Basis.PUBLISHED)
def no_secret_echoed(seen: Observations, _: Expectation) -> Findings:
    """No response holds the API key, in any encoding, or a stack trace."""
    for exchange in seen.exchanges:
        secret = secret_in(exchange, *seen.keys)
        if secret is not None:
            yield Finding(exchange, "", "nothing secret or internal", secret)


def secret_in(exchange: Exchange, *keys: str, decode: bool = True) -> str | None:
    """Return what a response holds that it must not show; None if there is nothing.

    A key is looked for in what the response decodes to as well, if `decode` is set.
    """
    text = "\n".join(_texts(exchange))
    if holds(text, *keys) if decode else any(key in text for key in filter(None, keys)):
        return "text that holds the API key"
    if _INTERNALS.search(text.replace("\\n", "\n").replace('\\"', '"')):
        return "text that holds a stack trace"
    return None


def _texts(exchange: Exchange) -> Iterator[str]:
    """Yield what a reader of a response sees: headers, and the names and strings of its JSON."""
    yield from (*exchange.headers, *exchange.headers.values())
    shown = exchange.body.replace(b"\\n", b"\n").replace(b'\\"', b'"').replace(b"\0", b"")
    yield shown.decode("utf-8", "replace")  # of two members of one name, readers take either
    left = [exchange.payload] if b"\\" in shown else []
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            left += value
        elif isinstance(value, dict):
            left += (*value, *value.values())


@rule("batches", "batch_retry", "P5", basis=Basis.PAGE)
def batch_status_respected(seen: Observations, _: Expectation) -> Findings:
    """A message of a batch is retried only if the batch's status permits it."""
    closed = _shown_in_batch(seen, lambda statuses: not {*statuses} & {*RETRYABLE_BATCHES})
    permitted, others = _in_batch(seen), [*seen.of(*s.BATCH_OTHER), *closed]
    if not permitted and not others:
        raise NotExercised(_NO_BATCH)
    for o in permitted:
        if not o.exchange.succeeded:
            yield about_status(o, "an accepted retry")
    for o in others:
        if not 400 <= o.exchange.status < 500:
            yield about_status(o, "a refusal")


def _in_batch(seen: Observations) -> list[Observation]:
    """Return the retries in a batch that permits them, as the scenario says or Retrieve shows."""
    return [
        *seen.of(s.BATCH_ENQUEUED, s.BATCH_ENQUEUING_FAILED),
        *_shown_in_batch(seen, lambda statuses: {*statuses} <= {*RETRYABLE_BATCHES}),
    ]


def _shown_in_batch(
    seen: Observations, which: Callable[[list[str]], bool]
) -> Iterator[Observation]:
    for o in seen.of(s.ACCEPTED):
        statuses = batch_statuses(o.before) if o.before is not None else []
        if statuses and which(statuses):
            yield o


def _attempt_count(exchange: Exchange) -> int:
    return len(attempts_of(exchange) or ())


def _refusals(seen: Observations, *also: str) -> list[Observation]:
    return [o for o in seen.of(*s.REFUSED, *also) if not o.exchange.succeeded]


def _refusals_with(
    seen: Observations, statuses: frozenset[int], but: tuple[str, ...] = ()
) -> list[Observation]:
    """Return the refusals of some statuses. Raises NotExercised without any.

    `but` are scenarios to leave out: which code refuses a message for its batch is not published.
    """
    refusals = (o for o in _refusals(seen) if o.scenario not in but)
    found = [o for o in refusals if o.exchange.status in statuses]
    if not found:
        raise NotExercised("no such refusal was observed")
    return found


RULES: tuple[Rule, ...] = (
    *(unknown_message_refused, unfailed_message_refused, second_retry_refused, attempts_capped),
    *(concurrent_retries_accepted_once, key_required, wrong_key_refused, revoked_key_refused),
    *(foreign_campaign_refused, malformed_id_refused, refusal_changes_nothing),
    *(error_shape, error_code_documented, no_secret_echoed, batch_status_respected),
)
