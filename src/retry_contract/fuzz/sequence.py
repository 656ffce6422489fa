"""One sequence, step by step; each response is checked by what the page says."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from retry_contract.contract.catalogue import Kind
from retry_contract.contract.expectation import Expectation
from retry_contract.contract.validator import Validation, validate, validate_expected
from retry_contract.exchange import Exchange, Observation, Observations
from retry_contract.fuzz.conformance import (
    form_violations,
    rule_out_outage,
    status_violation,
    violation,
)
from retry_contract.fuzz.engine import Broken, Tally
from retry_contract.outcome import NotExercised, Violation
from retry_contract.privacy.descriptions import describe, describe_other
from retry_contract.rules import RULES
from retry_contract.rules.accepted_retry import MOVING, kept
from retry_contract.rules.delivery import FAILURE, ORDER, follows
from retry_contract.rules.generated_cases import SEQUENCES
from retry_contract.rules.model import Check
from retry_contract.rules.refusals import TOO_MANY, UNRETRYABLE
from retry_contract.rules.scenarios import ACCEPTED, WRONG_METHOD
from retry_contract.service.seeds import BATCH
from retry_contract.verification.prober import Prober

_RETRYABLE_BATCHES = ("messages_enqueued", "messages_enqueuing_failed")
_SURELY_BELOW_CAP, _SURELY_AT_CAP = 2, 4
_A_WHILE = 5.0
_KEPT_RULES = {
    "createdAt": "created-at-kept",
    "recipient": "recipient-kept",
    "values": "values-kept",
    "templateBodyId": "template-kept",
    "fullMessage": "full-message-kept",
    "creatorId": "creator-id-kept",
}


@dataclass(frozen=True)
class Start:
    """Where a sequence begins: its number, an instant, and the contract in force then.

    `cutover` is the instant at which `after` takes over, if the sequence may get there.
    """

    number: int
    instant: datetime | None
    expectation: Expectation
    cutover: datetime | None = None
    after: Expectation | None = None


@dataclass
class PageMessage:
    """What the page says of one message, by its sends, its batch's status, and what it showed first.

    Written from the page and not from the model of the service: a fault there must not be here too.
    `at_rest` says that it was not sent in this sequence. `shown` is the status that was seen last.
    `capped_at` is the number of sends at which a retry was refused, once one was.
    """

    id: str
    first: dict[str, Exchange] = field(default_factory=dict)
    sends: int = 1
    batch: str | None = None
    at_rest: bool = True
    shown: Any = None
    capped_at: int | None = None

    def refusal(self, status: object) -> str | None:
        """Return the rule by which a retry is refused in this status; None if it goes through."""
        if status != FAILURE:
            return "second-retry-refused" if self.sends > 1 else "unfailed-message-refused"
        if self.batch is not None and self.batch not in _RETRYABLE_BATCHES:
            return "batch-status-respected"
        return "attempts-capped" if self.sends >= (self.capped_at or _SURELY_AT_CAP) else None

    @property
    def may_be_capped(self) -> bool:
        """Whether a refusal is one of the documented readings of the cap."""
        return self.sends > _SURELY_BELOW_CAP


class StatefulSequence:
    """Plays steps. A step is a name and JSON values, so a sequence can be shown and replayed.

    A step that has nothing to act on does nothing. Raises Broken if a response is not what the
    page says.
    """

    def __init__(self, prober: Prober, tally: Tally, start: Start) -> None:
        self.prober = prober
        self._tally = tally
        self._start = start
        self._expectation = start.expectation
        self._messages: list[PageMessage] = []
        self._steps: list[list[Any]] = []

    def play(self, name: str, *arguments: Any) -> None:
        """Play one step."""
        self._steps.append([name, *arguments])
        with self._tally.watch():
            try:
                getattr(self, f"_{name}")(*arguments)
            except NotExercised:
                self._steps.pop()

    @property
    def cutover_ahead(self) -> bool:
        """Whether the next contract can still take over in this sequence."""
        return self._start.after not in (None, self._expectation)

    # The steps

    def _send(self, text: str) -> None:
        names = self.prober.endpoint.values or ("name",)
        values = dict.fromkeys(names, text or "-")
        message, sent = self.prober.simulate(values)
        self._check_response(sent, 201, "single-send")
        came = sent.members.get("values")
        if came != values:
            rule, expected = "same-shape-as-single-send", "the values as sent"
            self._break(violation(rule, "/values", expected, describe_other(came)))
        self._messages.append(PageMessage(message, at_rest=False))
        self._learn(self._messages[-1], sent)

    def _seed(self, state: str) -> None:
        """Add a message that the service's team provides; those that the user named are left."""
        batch = state.removeprefix(BATCH) if state.startswith(BATCH) else None
        shown = state if batch is None else FAILURE
        self._messages.append(PageMessage(self._provided(state), batch=batch, shown=shown))

    def _fail(self, which: int) -> None:
        message = self._pick(which)
        if not self.prober.endpoint.real_time:
            self.prober.endpoint.wait(_A_WHILE)
        elif not message.at_rest:
            self.prober.wait_until_failed(message.id)

    def _batch(self, which: int, status: str) -> None:
        message = self._pick(which)
        if message.batch is not None and self.prober.endpoint.set_batch(message.id, status):
            message.batch = status

    def _cutover(self) -> None:
        if not self.cutover_ahead or self._start.cutover is None or self._start.after is None:
            raise NotExercised("there is no cutover ahead")
        self.prober.endpoint.move_to(self._start.cutover)
        self._expectation = self._start.after

    def _retry(self, which: int) -> None:
        message, real_time = self._pick(which), self.prober.endpoint.real_time
        before = self._retrieve(message)
        status = before.members.get("latestStatus")
        exchange = self._post(message.id)
        refusal = message.refusal(status)
        if exchange.succeeded:
            if refusal is not None and not (real_time and follows(status, FAILURE)):
                self._break(status_violation(refusal, "a refusal", exchange))
            self._check_accepted(message, before, exchange)
            return
        if refusal is None:
            if exchange.status != 400 or not message.may_be_capped:
                rule = "batch-status-respected" if message.batch else "status-is-201"
                rule = "attempts-capped" if message.sends > 1 else rule
                self._break(status_violation(rule, "an accepted retry", exchange))
            message.capped_at, refusal = message.sends, "attempts-capped"
        if refusal == "batch-status-respected":  # which status and code come is not published
            self._check_refusal(exchange, refusal, range(400, 500))
        else:
            # In real time it may have failed again since it was retrieved, and so be at the cap.
            code = TOO_MANY if refusal == "attempts-capped" else UNRETRYABLE
            self._check_refusal(
                exchange, refusal, {400}, *((UNRETRYABLE, TOO_MANY) if real_time else (code,))
            )
        self._check_unchanged(message, before)

    def _unauthorised(self, which: int, how: str) -> None:
        message = self._pick(which)
        key = self.prober.endpoint.key
        written = {"no key": None, "wrong key": "Bearer key_test_0", "no scheme": f"Basic {key}"}
        before = self._retrieve(message)
        exchange = self._post(message.id, authorization=written[how])
        rule = "key-required" if how == "no key" else "wrong-key-refused"
        self._check_refusal(exchange, rule, {401})
        self._check_unchanged(message, before)

    def _elsewhere(self) -> None:
        campaign, foreign = self.prober.endpoint.foreign_campaign, self._provided("foreign")
        unknown = self._post(foreign)
        self._check_refusal(unknown, "unknown-message-refused", {400}, UNRETRYABLE)
        if campaign is not None:
            exchange = self._post(foreign, campaign)
            self._check_refusal(exchange, "foreign-campaign-refused", {401, 403})

    def _unknown(self, number: int) -> None:
        exchange = self._post(f"message_{uuid.UUID(int=number, version=4)}")
        self._check_refusal(exchange, "unknown-message-refused", {400}, UNRETRYABLE)

    def _method(self, which: int, method: str) -> None:
        message = self._pick(which)
        path = f"campaigns/{self.prober.endpoint.campaign}/messages/{message.id}/retry"
        exchange = self.prober.send("other", path, method=method)
        self._check("wrong-method-refused", exchange, message, scenario=WRONG_METHOD)

    # The checks

    def _check_accepted(self, message: PageMessage, before: Exchange, exchange: Exchange) -> None:
        self._check_response(exchange, 201, "retry")
        self._check_kept(message, exchange, "response-matches-schema")
        self._check("updated-at-moves-on", exchange, message, before)
        message.sends, message.at_rest = message.sends + 1, False
        status = self._retrieve(message).members.get("latestStatus")
        if not (status == "created" or (self.prober.endpoint.real_time and status in ORDER)):
            expected = "created, or a status that follows it"
            self._break(violation("retrieve-agrees", "/latestStatus", expected, describe(status)))
        # Only the message that is named is retried (P2), so look at another that has failed.
        failed = (m for m in self._messages if m is not message and m.shown == FAILURE)
        other = next(failed, None)
        if other is not None:
            status = self._retrieve(other).members.get("latestStatus")
            if status != FAILURE:
                expected = "failure, as before"
                self._break(violation(SEQUENCES, "/latestStatus", expected, describe(status)))

    def _check_unchanged(self, message: PageMessage, before: Exchange) -> None:
        rule = "refusal-changes-nothing"
        after = self._retrieve(message, rule)
        one, other = (e.members.get("latestStatus") for e in (before, after))
        if one != other and self.prober.endpoint.real_time and follows(one, other):
            return
        for name in self._expectation.contract.fields("retrieve"):
            if name in before.members and before.members[name] != after.members.get(name):
                self._break(violation(rule, f"/{name}", "unchanged by a refusal", "changed"))

    def _retrieve(self, message: PageMessage, rule: str = "retrieve-agrees") -> Exchange:
        exchange = self.prober.retrieve(message.id)
        if not exchange.succeeded:
            self._break(status_violation(rule, "a message that Retrieve still shows", exchange))
        self._check_response(exchange, 200, "retrieve")
        self._check_kept(message, exchange, "retrieve-agrees")
        message.shown = exchange.members.get("latestStatus")
        return exchange

    def _check_kept(self, message: PageMessage, exchange: Exchange, rule: str) -> None:
        """Check that a response shows the message in the path, with the members it had before."""
        for name, first in message.first.items():
            self._check(_KEPT_RULES.get(name, rule), exchange, message, first, check=kept(name))
        self._check("message-id-kept", exchange, message)
        self._check("campaign-id-kept", exchange, message)
        self._learn(message, exchange)

    def _learn(self, message: PageMessage, exchange: Exchange) -> None:
        for name in self._expectation.contract.fields():
            if name in exchange.members and name not in {*MOVING, "id", "campaignId"}:
                message.first.setdefault(name, exchange)

    def _check(
        self,
        rule: str,
        exchange: Exchange,
        message: PageMessage,
        before: Exchange | None = None,
        *,
        scenario: str = ACCEPTED,
        check: Check | None = None,
    ) -> None:
        """Check one exchange by a rule, or by a check in its name."""
        campaign = self.prober.endpoint.campaign
        seen = Observations((Observation(scenario, exchange, campaign, message.id, before),))
        with contextlib.suppress(NotExercised):
            for found in (check or RULES[rule].check)(seen, self._expectation):
                # A member is compared with what showed it first: a Retrieve or the Single Send.
                expected = found.expected if check is None else "as it was shown first"
                self._break(violation(rule, found.pointer, expected, found.actual))

    def _check_response(self, exchange: Exchange, status: int, kind: Kind) -> None:
        if exchange.status != status:
            rule = "status-is-201" if kind == "retry" else "no-server-error"
            self._break(status_violation(rule, f"status {status}", exchange))
        self._check_form(exchange)
        self._break(*self._validate(exchange.payload, kind).violations)

    def _validate(self, payload: Any, kind: Kind) -> Validation:
        expectation = self._expectation
        if kind == "retry":
            checked = validate_expected(payload, expectation)
            self._tally.drift |= dict.fromkeys(checked.drift)
            return checked
        shown = expectation.catalogue.shown_by(payload, kind)
        tolerated = shown in expectation.tolerated
        return validate(payload, shown if shown and tolerated else expectation.contract, kind)

    def _check_refusal(
        self, exchange: Exchange, rule: str, statuses: Collection[int], *codes: str
    ) -> None:
        if exchange.status >= 500:
            self._break(status_violation("no-server-error", "a status below 500", exchange))
        if exchange.status not in statuses:
            named = (
                " or ".join(str(s) for s in sorted(statuses))
                if isinstance(statuses, set)
                else "4xx"
            )
            self._break(status_violation(rule, f"a refusal with status {named}", exchange))
        self._check_form(exchange, *codes)

    def _check_form(self, exchange: Exchange, *codes: str) -> None:
        key = self.prober.endpoint.key
        for found in form_violations(exchange, self._expectation, key, codes):
            self._break(found)

    # Small things

    def _post(self, message: str, campaign: str | None = None, **how: Any) -> Exchange:
        path = f"campaigns/{campaign or self.prober.endpoint.campaign}/messages/{message}/retry"
        exchange = self.prober.send("retry", path, method="POST", **how)
        if self._messages:
            own_key = "authorization" not in how and campaign is None
            rule_out_outage(self.prober, exchange, lambda: self._messages[0].id, own_key=own_key)
        return exchange

    def _provided(self, state: str) -> str:
        message = self.prober.endpoint.message_in(state)
        if message is None:
            raise NotExercised(f"no message in state {state} at hand")
        return message

    def _pick(self, which: int) -> PageMessage:
        """Return a message, counted from the newest, which is 0."""
        if not self._messages:
            raise NotExercised("no message yet")
        return self._messages[-1 - which % len(self._messages)]

    def _break(self, *found: Violation) -> None:
        """Raise Broken, if any violation was found."""
        if found:
            raise Broken({"sequence": {"start": self._start.number, "steps": self._steps}}, *found)
