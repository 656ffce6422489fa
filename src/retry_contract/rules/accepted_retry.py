"""Rules about an accepted retry: what the response holds, and what it must agree with."""

import functools
from collections.abc import Callable
from typing import Any

from retry_contract.contract.expectation import Expectation
from retry_contract.contract.validator import validate_expected
from retry_contract.exchange import (
    Exchange,
    Observation,
    Observations,
    in_whole_seconds,
    instant_of,
)
from retry_contract.outcome import NotExercised
from retry_contract.privacy.descriptions import describe, describe_other, pointer
from retry_contract.rules.delivery import attempts_of
from retry_contract.rules.model import Basis, Finding, Findings, Rule, about, about_status, rule
from retry_contract.rules.scenarios import ACCEPTED_RETRIES

MOVING = frozenset({"latestStatus", "updatedAt"})
"""The members that a delivery changes by itself."""

_TIMESTAMPS = frozenset({"createdAt", "updatedAt"})
_ABSENT = object()
_rule = functools.partial(rule, "accepted", "accepted_retry")


def accepted_retries(seen: Observations) -> tuple[Observation, ...]:
    """Return the retries that were to be accepted, and were. Raises NotExercised without any."""
    tried = seen.of(*ACCEPTED_RETRIES)
    found = tuple(o for o in tried if o.exchange.succeeded)
    if not found:
        statuses = ", ".join(sorted({str(o.exchange.status) for o in tried}))
        raise NotExercised(f"no retry was accepted (status {statuses})")
    return found


def message_responses(seen: Observations) -> tuple[Observation, ...]:
    """Return the accepted retries whose body is a JSON object. Raises NotExercised without any."""
    found = tuple(o for o in accepted_retries(seen) if isinstance(o.exchange.payload, dict))
    if not found:
        raise NotExercised("no accepted retry was answered with a JSON object")
    return found


@_rule("P2", "created", basis=Basis.PUBLISHED)
def status_is_201(seen: Observations, _: Expectation) -> Findings:
    """The retry of a message that has failed is accepted, with status 201."""
    for o in seen.of(*ACCEPTED_RETRIES):
        if o.exchange.status != 201:
            yield about_status(o, "status 201")


@_rule("P10", "json-document", basis=Basis.INFERRED)
def body_is_json(seen: Observations, _: Expectation) -> Findings:
    """The body of an accepted retry is one JSON document."""
    for o in accepted_retries(seen):
        for violation in o.exchange.document.violations:
            yield about(o, "", violation.expected, violation.actual)


def _schema_violations(id_: str, seen: Observations, expectation: Expectation) -> Findings:
    """Yield what the validator finds and assigns to this rule."""
    found = tuple(o for o in accepted_retries(seen) if not o.exchange.document.violations)
    if not found:
        raise NotExercised("no accepted retry was answered with JSON")
    for o in found:
        for violation in validate_expected(o.exchange.payload, expectation).violations:
            if violation.rule == id_:
                yield about(o, violation.pointer, violation.expected, violation.actual)


@_rule("P10", basis=Basis.INFERRED)
def response_matches_schema(seen: Observations, expectation: Expectation) -> Findings:
    """The response has the fields of the page's example, with their types."""
    return _schema_violations("response-matches-schema", seen, expectation)


@_rule("P1", "P12", basis=Basis.PAGE)
def creator_id_as_contracted(seen: Observations, expectation: Expectation) -> Findings:
    """The field creatorId is there from 24 February 2025, a non-empty string, and not before."""
    return _schema_violations("creator-id-as-contracted", seen, expectation)


@_rule("P3", "P8", basis=Basis.PAGE)
def message_id_kept(seen: Observations, _: Expectation) -> Findings:
    """The response's id is the id in the path, which the original Single Send generated."""
    for o in message_responses(seen):
        yield from differs(o, "id", o.message, "the id in the path")
        if o.sent is not None and o.sent.members.get("id") != o.message:
            yield about(o, "/id", "the id that the Single Send returned", "another id in the path")


@_rule("P10", basis=Basis.INFERRED)
def campaign_id_kept(seen: Observations, _: Expectation) -> Findings:
    """The response's campaignId is the campaign in the path."""
    for o in message_responses(seen):
        yield from differs(o, "campaignId", o.campaign, "the campaign in the path")


@_rule("P6", basis=Basis.PAGE)
def status_reset_to_created(seen: Observations, expectation: Expectation) -> Findings:
    """After a retry, latestStatus is created."""
    return _schema_violations("status-reset-to-created", seen, expectation)


def _unchanged_member(name: str, seen: Observations) -> Findings:
    """Yield where a member is not what Retrieve showed before the retry."""
    for o, before in _retries_with(seen, lambda o: o.before):
        expected = before.members.get(name, _ABSENT)
        yield from differs(o, name, expected, "what Retrieve showed before")


@_rule("P10", basis=Basis.INFERRED)
def created_at_kept(seen: Observations, _: Expectation) -> Findings:
    """The field createdAt stays what it was."""
    return _unchanged_member("createdAt", seen)


@_rule("P10", basis=Basis.INFERRED)
def updated_at_moves_on(seen: Observations, _: Expectation) -> Findings:
    """The field updatedAt is later than Retrieve showed it before the retry."""
    compared = False
    for o, before in _retries_with(seen, lambda o: o.before):
        was, now = (instant_of(e.members.get("updatedAt")) for e in (before, o.exchange))
        if was is None or now is None or (was == now and in_whole_seconds(was)):
            continue
        compared = True
        if now <= was:
            actual = "the same instant" if now == was else "an earlier instant"
            yield about(o, "/updatedAt", "later than Retrieve showed before the retry", actual)
    if not compared:
        raise NotExercised("no two timestamps could be compared")


@_rule("P10", "reused", basis=Basis.PUBLISHED)
def recipient_kept(seen: Observations, _: Expectation) -> Findings:
    """The recipient stays what it was."""
    return _unchanged_member("recipient", seen)


@_rule("P10", "reused", basis=Basis.PUBLISHED)
def values_kept(seen: Observations, _: Expectation) -> Findings:
    """The values stay what they were."""
    return _unchanged_member("values", seen)


@_rule("P10", basis=Basis.INFERRED)
def template_kept(seen: Observations, _: Expectation) -> Findings:
    """The field templateBodyId stays what it was."""
    return _unchanged_member("templateBodyId", seen)


@_rule("P10", basis=Basis.INFERRED)
def full_message_kept(seen: Observations, _: Expectation) -> Findings:
    """The field fullMessage stays what it was."""
    return _unchanged_member("fullMessage", seen)


@_rule("P12", "creator", basis=Basis.PUBLISHED)
def creator_id_kept(seen: Observations, _: Expectation) -> Findings:
    """The field creatorId, if there is one, stays the creator of the first attempt."""
    for o, before in _retries_with(seen, lambda o: o.before):
        # Where one has none, another contract is served: other rules say so.
        if "creatorId" in before.members and "creatorId" in o.exchange.members:
            expected = before.members["creatorId"]
            yield from differs(o, "creatorId", expected, "what Retrieve showed before")


@_rule("P7", basis=Basis.PAGE)
def same_shape_as_single_send(seen: Observations, expectation: Expectation) -> Findings:
    """What the original Single Send returned comes back with the same types and values."""
    names = [name for name in expectation.contract.fields() if name not in MOVING]
    new = expectation.catalogue.changed_fields()
    for o, sent in _retries_with(seen, lambda o: o.sent, "needs --provision simulator"):
        for name in names:
            if name in sent.members and (name in o.exchange.members or name not in new):
                yield from differs(o, name, sent.members[name], "what the Single Send returned")


@_rule("P6", basis=Basis.PAGE)
def retrieve_agrees(seen: Observations, expectation: Expectation) -> Findings:
    """Retrieve, right after, shows what the response said, and the message is on its way again."""
    shown = frozenset(expectation.contract.fields("retrieve")) - MOVING
    names = [name for name in expectation.contract.fields() if name in shown]
    new = expectation.catalogue.changed_fields()
    for o in accepted_retries(seen):
        if o.after is not None and not o.after.succeeded:
            yield about_status(o, "the message, in Retrieve", o.after)
            return
    for o, after in _retries_with(seen, lambda o: o.after):
        for name in names:
            if name in new and not (name in o.exchange.members and name in after.members):
                continue  # another contract is served: other rules say so
            expected = after.members.get(name, _ABSENT)
            yield from differs(o, name, expected, "what Retrieve showed afterwards")
        if o.before is not None and _same_state(o.before, after):
            expected, actual = "created, or a status that follows it", "unchanged by the retry"
            yield Finding(after, "/latestStatus", expected, actual, o.scenario)


@_rule("P2", "retrieve-fields", basis=Basis.INFERRED)
def attempt_recorded(seen: Observations, _: Expectation) -> Findings:
    """Where Retrieve lists the attempts at a message, a retry adds one."""
    listed = False
    for o in accepted_retries(seen):
        old = attempts_of(o.before) if o.before is not None else None
        new = attempts_of(o.after) if o.after is not None else None
        if not old or new is None or o.before is None or o.after is None:
            continue
        if _same_state(o.before, o.after):
            continue  # nothing came of the retry, which retrieve-agrees says
        listed = True
        if len(new) != len(old) + 1:
            expected = f"{len(old) + 1} attempts, one more than before the retry"
            yield Finding(o.after, "/attempts", expected, f"a list of {len(new)}", o.scenario)
    if not listed:
        raise NotExercised("Retrieve lists no attempts")


def _same_state(before: Exchange, after: Exchange) -> bool:
    if any(before.members.get(name) != after.members.get(name) for name in MOVING):
        return False
    old, new = attempts_of(before), attempts_of(after)
    if old is not None and new is not None:
        return len(old) == len(new)
    updated = instant_of(before.members.get("updatedAt"))
    return updated is None or not in_whole_seconds(updated)


def _retries_with(
    seen: Observations,
    other: Callable[[Observation], Exchange | None],
    reason: str = "Retrieve did not show the message",
) -> list[tuple[Observation, Exchange]]:
    """Return each accepted retry with another exchange that shows its message."""
    pairs = [(o, other(o)) for o in message_responses(seen)]
    found = [(o, e) for o, e in pairs if e is not None and e.succeeded and e.members]
    if not found:
        raise NotExercised(reason)
    return found


def differs(o: Observation, name: str, expected: Any, phrase: str) -> Findings:
    """Yield where a member of an observation's response is not what was expected."""
    actual = o.exchange.members.get(name, _ABSENT)
    if _same(name, actual, expected):
        return
    if actual is _ABSENT:
        came = "absent"
    elif expected is _ABSENT:
        phrase, came = f"{phrase}: no such member", describe(actual)
    elif type(actual) is type(expected):
        came = describe_other(actual)
    else:
        came = describe(actual)
    yield about(o, pointer([name]), phrase, came)


def _same(name: str, one: Any, other: Any) -> bool:
    if name in _TIMESTAMPS:
        first, second = instant_of(one), instant_of(other)
        if first is not None and second is not None:
            return first == second
    return type(one) is type(other) and bool(one == other)


RULES: tuple[Rule, ...] = (
    *(status_is_201, body_is_json, response_matches_schema, creator_id_as_contracted),
    *(message_id_kept, campaign_id_kept, status_reset_to_created, created_at_kept),
    *(updated_at_moves_on, recipient_kept, values_kept, template_kept, full_message_kept),
    *(creator_id_kept, same_shape_as_single_send, retrieve_agrees, attempt_recorded),
)
