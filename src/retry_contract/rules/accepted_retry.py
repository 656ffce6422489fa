"""Rules about an accepted retry: what the response holds, and what it must agree with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from retry_contract.contract.expectation import Expectation
from retry_contract.contract.validator import validate_expected
from retry_contract.exchange import Exchange, Observation, Observations, instant_of
from retry_contract.outcome import NotExercised
from retry_contract.privacy.descriptions import describe, describe_other, pointer
from retry_contract.rules.model import Basis, Check, Finding, Rule, about
from retry_contract.rules.scenarios import ACCEPTED_RETRIES

MOVING = frozenset({"latestStatus", "updatedAt"})
"""The members that a delivery changes by itself."""

_TIMESTAMPS = frozenset({"createdAt", "updatedAt"})
_ABSENT = object()


def accepted(observations: Observations) -> tuple[Observation, ...]:
    """Return the retries that were to be accepted, and were. Raises NotExercised without any."""
    tried = observations.of(*ACCEPTED_RETRIES)
    found = tuple(o for o in tried if o.exchange.succeeded)
    if not found:
        statuses = ", ".join(sorted({str(o.exchange.status) for o in tried}))
        raise NotExercised(f"no retry was accepted (status {statuses})")
    return found


def readable(observations: Observations) -> tuple[Observation, ...]:
    """Return the accepted retries whose response is a JSON object. Raises NotExercised."""
    found = tuple(o for o in accepted(observations) if isinstance(o.exchange.payload, dict))
    if not found:
        raise NotExercised("no accepted retry was answered with a JSON object")
    return found


def _status_is_201(observations: Observations, _: Expectation) -> Iterator[Finding]:
    for o in observations.of(*ACCEPTED_RETRIES):
        if o.exchange.status != 201:
            yield about(o, "", "status 201", f"status {o.exchange.status}")


def _body_is_json(observations: Observations, _: Expectation) -> Iterator[Finding]:
    for o in accepted(observations):
        for violation in o.exchange.document.violations:
            yield about(o, "", violation.expected, violation.actual)


def schema_check(rule: str) -> Check:
    """Return the check that yields what the validator finds and lays to this rule."""

    def check(observations: Observations, expectation: Expectation) -> Iterator[Finding]:
        for o in _parsed(observations):
            for violation in validate_expected(o.exchange.payload, expectation).violations:
                if violation.rule == rule:
                    yield about(o, violation.pointer, violation.expected, violation.actual)

    return check


def _parsed(observations: Observations) -> tuple[Observation, ...]:
    found = tuple(o for o in accepted(observations) if not o.exchange.document.violations)
    if not found:
        raise NotExercised("no accepted retry was answered with JSON")
    return found


def _message_id_kept(observations: Observations, _: Expectation) -> Iterator[Finding]:
    for o in readable(observations):
        yield from _differs(o, "id", o.message, "the id in the path")
        if o.sent is not None and o.sent.members.get("id") != o.message:
            yield about(o, "/id", "the id that the Single Send returned", "another id in the path")


def _campaign_id_kept(observations: Observations, _: Expectation) -> Iterator[Finding]:
    for o in readable(observations):
        yield from _differs(o, "campaignId", o.campaign, "the campaign in the path")


def kept(*names: str) -> Check:
    """Return the check that members are what Retrieve showed before the retry."""

    def check(observations: Observations, _: Expectation) -> Iterator[Finding]:
        for o, before in _with(observations, lambda o: o.before):
            for name in names:
                yield from _differs(
                    o, name, before.members.get(name, _ABSENT), "what Retrieve showed before"
                )

    return check


def _updated_at_moves_on(observations: Observations, _: Expectation) -> Iterator[Finding]:
    compared = False
    for o, before in _with(observations, lambda o: o.before):
        was, now = (instant_of(e.members.get("updatedAt")) for e in (before, o.exchange))
        compared = compared or (was is not None and now is not None)
        if was is not None and now is not None and now <= was:
            actual = "the same instant" if now == was else "an earlier instant"
            yield about(o, "/updatedAt", "later than Retrieve showed before the retry", actual)
    if not compared:
        raise NotExercised("no two timestamps could be compared")


def _same_shape_as_single_send(
    observations: Observations, expectation: Expectation
) -> Iterator[Finding]:
    names = [name for name in expectation.contract.fields() if name not in MOVING]
    for o, sent in _with(observations, lambda o: o.sent, "needs --provision simulator"):
        for name in names:
            if name in sent.members:
                yield from _differs(o, name, sent.members[name], "what the Single Send returned")


def _retrieve_agrees(observations: Observations, expectation: Expectation) -> Iterator[Finding]:
    shown = frozenset(expectation.contract.fields("retrieve")) - MOVING
    names = [name for name in expectation.contract.fields() if name in shown]
    for o in accepted(observations):
        if o.after is not None and not o.after.succeeded:
            actual = f"status {o.after.status}"
            yield Finding(o.after, "", "the message, in Retrieve", actual, o.scenario)
            return
    for o, after in _with(observations, lambda o: o.after):
        for name in names:
            yield from _differs(
                o, name, after.members.get(name, _ABSENT), "what Retrieve showed afterwards"
            )
        if o.before is not None and _unchanged(o.before, after):
            yield Finding(
                after,
                "/latestStatus",
                "created, or a status that follows it",
                "unchanged since before the retry",
                o.scenario,
            )


def _unchanged(before: Exchange, after: Exchange) -> bool:
    return all(before.members.get(n) == after.members.get(n) for n in MOVING)


def _with(
    observations: Observations,
    other: Callable[[Observation], Exchange | None],
    reason: str = "Retrieve did not show the message",
) -> list[tuple[Observation, Exchange]]:
    pairs = [(o, other(o)) for o in readable(observations)]
    found = [(o, e) for o, e in pairs if e is not None and e.succeeded and e.members]
    if not found:
        raise NotExercised(reason)
    return found


def _differs(o: Observation, name: str, expected: Any, phrase: str) -> Iterator[Finding]:
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


def _rule(id_: str, sentence: str, source: str, basis: Basis, check: Check) -> Rule:
    return Rule(id_, sentence, source, basis, "accepted", ACCEPTED_RETRIES, check)


_EXAMPLE = "P10"
RULES = (
    _rule(
        "status-is-201",
        "The retry of a message that has failed is accepted, with status 201.",
        "P2; guide, Retry (API reference)",
        Basis.PUBLISHED,
        _status_is_201,
    ),
    _rule(
        "body-is-json",
        "The body of an accepted retry is one JSON document.",
        "P10; RFC 8259",
        Basis.INFERRED,
        _body_is_json,
    ),
    _rule(
        "response-matches-schema",
        "The response has the fields of the page's example, with their types.",
        _EXAMPLE,
        Basis.INFERRED,
        schema_check("response-matches-schema"),
    ),
    _rule(
        "creator-id-as-contracted",
        "creatorId is there from 24 February 2025, a non-empty string, and not before.",
        "P1, P12",
        Basis.PAGE,
        schema_check("creator-id-as-contracted"),
    ),
    _rule(
        "message-id-kept",
        "The response's id is the id in the path, which the original Single Send generated.",
        "P3, P8",
        Basis.PAGE,
        _message_id_kept,
    ),
    _rule(
        "campaign-id-kept",
        "The response's campaignId is the campaign in the path.",
        _EXAMPLE,
        Basis.INFERRED,
        _campaign_id_kept,
    ),
    _rule(
        "status-reset-to-created",
        "After a retry, latestStatus is created.",
        "P6",
        Basis.PAGE,
        schema_check("status-reset-to-created"),
    ),
    _rule(
        "created-at-kept",
        "createdAt stays what it was.",
        _EXAMPLE,
        Basis.INFERRED,
        kept("createdAt"),
    ),
    _rule(
        "updated-at-moves-on",
        "updatedAt is later than Retrieve showed it before the retry.",
        _EXAMPLE,
        Basis.INFERRED,
        _updated_at_moves_on,
    ),
    _rule(
        "recipient-kept",
        "The recipient stays what it was.",
        "P10; guide, Retry (API reference)",
        Basis.PUBLISHED,
        kept("recipient"),
    ),
    _rule(
        "values-kept",
        "The values stay what they were.",
        "P10; guide, Retry (API reference)",
        Basis.PUBLISHED,
        kept("values"),
    ),
    _rule(
        "template-kept",
        "templateBodyId stays what it was.",
        _EXAMPLE,
        Basis.INFERRED,
        kept("templateBodyId"),
    ),
    _rule(
        "full-message-kept",
        "fullMessage stays what it was.",
        _EXAMPLE,
        Basis.INFERRED,
        kept("fullMessage"),
    ),
    _rule(
        "creator-id-kept",
        "creatorId, where there is one, stays the creator of the first attempt.",
        "P12; guide, The message object",
        Basis.PUBLISHED,
        kept("creatorId"),
    ),
    _rule(
        "same-shape-as-single-send",
        "What the original Single Send returned comes back with the same types and values.",
        "P7",
        Basis.PAGE,
        _same_shape_as_single_send,
    ),
    _rule(
        "retrieve-agrees",
        "Retrieve, right after, shows what the response said, and the message is on its way again.",
        "P6",
        Basis.PAGE,
        _retrieve_agrees,
    ),
)
