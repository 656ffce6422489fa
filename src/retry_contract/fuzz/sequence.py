"""One sequence, step by step, each response held against what the page says."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from retry_contract.contract.catalogue import Contract, Kind
from retry_contract.contract.expectation import Expectation
from retry_contract.contract.validator import (
    Validation,
    validate,
    validate_expected,
)
from retry_contract.exchange import Exchange, instant_of
from retry_contract.fuzz.conformance import problem_of_form, rule_out_outage, violation
from retry_contract.fuzz.engine import Tally, broken
from retry_contract.fuzz.page import PageMessage
from retry_contract.outcome import NotExercised
from retry_contract.privacy.descriptions import describe
from retry_contract.rules.delivery import FAILURE, ORDER, follows
from retry_contract.rules.generated_cases import SEQUENCES
from retry_contract.service.seeds import BATCH
from retry_contract.verification.prober import Prober

_TIMES = ("createdAt", "updatedAt")
_UNRETRYABLE = "message_not_found_or_retry_message_not_in_failure_status"
_TOO_MANY = "too_many_message_attempts_error"
_A_WHILE = 5.0


@dataclass(frozen=True)
class Start:
    """Where a sequence begins: an instant, and the contract that is in force then.

    `cutover` is the instant at which `after` takes over, if the sequence may get there.
    """

    instant: datetime | None
    expectation: Expectation
    cutover: datetime | None = None
    after: Expectation | None = None


class StatefulSequence:
    """Plays steps, which are a name and JSON values, so that a sequence can be told and replayed.

    A step that has nothing to act on does nothing. Raises Broken where a response is not what the
    page says.
    """

    def __init__(self, prober: Prober, tally: Tally, start: Start, number: int) -> None:
        self.prober = prober
        self._tally = tally
        self._start = start
        self._number = number
        self._expectation = start.expectation
        self._messages: list[PageMessage] = []
        self._steps: list[list[Any]] = []

    def play(self, name: str, *arguments: Any) -> None:
        """Play one step."""
        self._steps.append([name, *arguments])
        with self._tally.watching():
            try:
                getattr(self, f"_{name}")(*arguments)
            except NotExercised:
                self._steps.pop()

    @property
    def cutover_ahead(self) -> bool:
        """Whether the next contract can still take over in this sequence."""
        return self._start.after not in (None, self._expectation)

    def _send(self, text: str) -> None:
        names = self.prober.endpoint.values or ("name",)
        values = dict.fromkeys(names, text or "-")
        message, sent = self.prober.simulate(values)
        self._check_response(sent, 201, "single-send")
        if sent.members.get("values") != values:
            self._broken("same-shape-as-single-send", "/values", "the values as sent", "others")
        known = PageMessage(message, at_rest=False)
        known.learn(sent.members, self._kept)
        self._messages.append(known)

    def _seed(self, state: str) -> None:
        shown = FAILURE if state.startswith(BATCH) else state
        message = PageMessage(self._provided(state), shown=shown)
        if state.startswith(BATCH):
            message.batch = state.removeprefix(BATCH)
        self._messages.append(message)

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
        message = self._pick(which)
        before = self._retrieve(message)
        status = before.members.get("latestStatus")
        exchange = self._ask(message)
        refusal = message.refusal(status)
        if exchange.succeeded:
            moved_on = self.prober.endpoint.real_time and follows(status, FAILURE)
            if refusal is not None and not moved_on:
                self._broken(refusal, "", "a refusal", f"status {exchange.status}")
            self._accepted(message, before, exchange)
            return
        if refusal is None:
            if exchange.status != 400 or not message.may_be_capped:
                rule = "batch-status-respected" if message.batch else "status-is-201"
                rule = "attempts-capped" if message.sends > 1 else rule
                self._broken(rule, "", "an accepted retry", f"status {exchange.status}")
            message.capped_at = message.sends
            refusal = "attempts-capped"
        self._refused(message, before, exchange, refusal)

    def _unauthorised(self, which: int, how: str) -> None:
        message = self._pick(which)
        key = self.prober.endpoint.key
        written = {"no key": None, "wrong key": "Bearer key_test_0", "no scheme": f"Basic {key}"}
        before = self._retrieve(message)
        exchange = self._ask(message, authorization=written[how])
        rule = "key-required" if how == "no key" else "wrong-key-refused"
        if exchange.status != 401:
            self._broken(rule, "", "status 401", f"status {exchange.status}")
        self._check_error(exchange, frozenset())
        self._unchanged(message, before)

    def _elsewhere(self) -> None:
        endpoint = self.prober.endpoint
        foreign = self._provided("foreign")
        unknown = self._post(foreign)
        self._check_refusal(unknown, {400}, "unknown-message-refused", _UNRETRYABLE)
        if endpoint.foreign_campaign is not None:
            exchange = self._post(foreign, campaign=endpoint.foreign_campaign)
            self._check_refusal(exchange, {401, 403}, "foreign-campaign-refused")

    def _unknown(self, number: int) -> None:
        exchange = self._post(f"message_{uuid.UUID(int=number, version=4)}")
        self._check_refusal(exchange, {400}, "unknown-message-refused", _UNRETRYABLE)

    def _method(self, which: int, method: str) -> None:
        message = self._pick(which)
        path = f"{self._path(message.id)}/retry"
        exchange = self.prober.send("other", path, method=method)
        if not 300 <= exchange.status < 500:
            self._broken("wrong-method-refused", "", "a refusal", f"status {exchange.status}")

    def _accepted(self, message: PageMessage, before: Exchange, exchange: Exchange) -> None:
        self._check_response(exchange, 201, "retry")
        self._compare(message, exchange, "response-matches-schema")
        was, now = (instant_of(e.members.get("updatedAt")) for e in (before, exchange))
        if was is not None and now is not None and now <= was:
            self._broken("updated-at-moves-on", "/updatedAt", "a later instant", "not later")
        message.sends, message.at_rest = message.sends + 1, False
        after = self._retrieve(message)
        status = after.members.get("latestStatus")
        if not (status == "created" or (self.prober.endpoint.real_time and status in ORDER)):
            self._broken("retrieve-agrees", "/latestStatus", "created", describe(status))
        self._others_unchanged(message)

    def _others_unchanged(self, retried: PageMessage) -> None:
        """Look at one more message that has failed: only the one that is named is retried (P2)."""
        failed = (m for m in self._messages if m is not retried and m.shown == FAILURE)
        other = next(failed, None)
        if other is not None:
            status = self._retrieve(other).members.get("latestStatus")
            if status != FAILURE:
                self._broken(SEQUENCES, "/latestStatus", "failure, as before", describe(status))

    def _refused(
        self, message: PageMessage, before: Exchange, exchange: Exchange, rule: str
    ) -> None:
        codes = {"attempts-capped": {_TOO_MANY}, "batch-status-respected": None}
        allowed = codes.get(rule, {_UNRETRYABLE})
        if allowed is not None and self.prober.endpoint.real_time:
            # It may have failed once more since it was retrieved, and so be at the cap by now.
            allowed = allowed | {_UNRETRYABLE, _TOO_MANY}
        statuses = {400} if allowed is not None else set(range(400, 500))
        self._check_refusal(exchange, statuses, rule, *(allowed or ()))
        self._unchanged(message, before)

    def _unchanged(self, message: PageMessage, before: Exchange) -> None:
        after = self._retrieve(message, rule="refusal-changes-nothing")
        one, other = (e.members.get("latestStatus") for e in (before, after))
        if one != other and self.prober.endpoint.real_time and follows(one, other):
            return
        for name in self._contract.fields("retrieve"):
            if name in before.members and before.members[name] != after.members.get(name):
                self._broken("refusal-changes-nothing", f"/{name}", "unchanged", "changed")

    def _retrieve(self, message: PageMessage, rule: str = "retrieve-agrees") -> Exchange:
        exchange = self.prober.retrieve(message.id)
        if not exchange.succeeded:
            self._broken(rule, "", "the message", f"status {exchange.status}")
        self._check_response(exchange, 200, "retrieve")
        self._compare(message, exchange, "retrieve-agrees")
        message.shown = exchange.members.get("latestStatus")
        return exchange

    def _compare(self, message: PageMessage, exchange: Exchange, rule: str) -> None:
        members = exchange.members
        path = {"id": message.id, "campaignId": self.prober.endpoint.campaign}
        for name, expected in {**message.kept, **path}.items():
            same = members.get(name) == expected
            if name in _TIMES and not same:
                same = instant_of(members.get(name)) == instant_of(expected)
            if not same:
                self._broken(_KEPT_RULES.get(name, rule), f"/{name}", "as it was", "another")
        message.learn(members, self._kept)

    def _check_response(self, exchange: Exchange, status: int, kind: Kind) -> None:
        if exchange.status != status:
            rule = "status-is-201" if kind == "retry" else "no-server-error"
            self._broken(rule, "", f"status {status}", f"status {exchange.status}")
        self._check_form(exchange)
        checked = self._violations_of(exchange.payload, kind)
        if checked.violations:
            broken(self._case(), *checked.violations)

    def _violations_of(self, payload: Any, kind: Kind) -> Validation:
        expectation = self._expectation
        if kind == "retry":
            checked = validate_expected(payload, expectation)
            self._tally.drift |= dict.fromkeys(checked.drift)
            return checked
        shown = expectation.catalogue.contract_of(payload, kind)
        return validate(payload, shown if shown in expectation.tolerated else self._contract, kind)

    def _check_refusal(
        self, exchange: Exchange, statuses: set[int], rule: str, *codes: str
    ) -> None:
        if exchange.status >= 500:
            self._broken("no-server-error", "", "a refusal", f"status {exchange.status}")
        if exchange.status not in statuses:
            self._broken(rule, "", "a documented refusal", f"status {exchange.status}")
        self._check_error(exchange, frozenset(codes))

    def _check_error(self, exchange: Exchange, codes: frozenset[str]) -> None:
        self._check_form(exchange)
        if codes and exchange.error_code not in (None, *codes):
            actual = "another code"
            self._broken("error-code-documented", "/error/code", " or ".join(codes), actual)

    def _check_form(self, exchange: Exchange) -> None:
        problem = problem_of_form(exchange, self._contract, self.prober.endpoint.key)
        if problem is not None:
            broken(self._case(), problem)

    def _ask(self, message: PageMessage, **how: Any) -> Exchange:
        return self._post(message.id, **how)

    def _post(self, message: str, campaign: str | None = None, **how: Any) -> Exchange:
        path = f"{self._path(message, campaign)}/retry"
        exchange = self.prober.send("retry", path, method="POST", **how)
        if self._messages:
            own_key = "authorization" not in how and campaign is None
            rule_out_outage(self.prober, exchange, lambda: self._messages[0].id, own_key=own_key)
        return exchange

    def _provided(self, state: str) -> str:
        """Return a message that the service's team made; those the user named are left."""
        message = self.prober.endpoint.message_in(state)
        if message is None:
            raise NotExercised(f"no message in state {state} at hand")
        return message

    def _path(self, message: str, campaign: str | None = None) -> str:
        return f"campaigns/{campaign or self.prober.endpoint.campaign}/messages/{message}"

    @property
    def _contract(self) -> Contract:
        return self._expectation.contract

    @property
    def _kept(self) -> tuple[str, ...]:
        return tuple(n for n in self._contract.fields() if n not in ("latestStatus", "updatedAt"))

    def _pick(self, which: int) -> PageMessage:
        """Return a message, counted from the newest, which is 0."""
        if not self._messages:
            raise NotExercised("no message yet")
        return self._messages[-1 - which % len(self._messages)]

    def _case(self) -> dict[str, Any]:
        return {"sequence": {"start": self._number, "steps": self._steps}}

    def _broken(self, rule: str, pointer: str, expected: str, actual: str) -> NoReturn:
        broken(self._case(), violation(rule, pointer, expected, actual))


_KEPT_RULES = {
    "id": "message-id-kept",
    "campaignId": "campaign-id-kept",
    "createdAt": "created-at-kept",
    "recipient": "recipient-kept",
    "values": "values-kept",
    "templateBodyId": "template-kept",
    "fullMessage": "full-message-kept",
    "creatorId": "creator-id-kept",
}
