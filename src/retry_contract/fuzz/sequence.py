"""One sequence, step by step; each response is checked by what the page says."""

import itertools
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from retry_contract.contract.catalogue import Kind
from retry_contract.contract.expectation import Expectation
from retry_contract.contract.validator import validate, validate_expected
from retry_contract.exchange import Exchange, Observation
from retry_contract.fuzz import conformance
from retry_contract.fuzz.conformance import rule_violations, violation
from retry_contract.fuzz.plan import Broken, OutOfMessages
from retry_contract.fuzz.play import Play
from retry_contract.outcome import NotExercised, Violation
from retry_contract.privacy.descriptions import describe, describe_other
from retry_contract.rules.accepted_retry import MOVING, differs
from retry_contract.rules.delivery import FAILURE, FEWEST_SENDS, MOST_SENDS, ORDER, follows
from retry_contract.rules.generated_cases import SEQUENCES
from retry_contract.rules.refusals import TOO_MANY, UNRETRYABLE
from retry_contract.rules.scenarios import ACCEPTED
from retry_contract.service.records import RETRYABLE_BATCHES
from retry_contract.service.seeds import BATCH
from retry_contract.verification.prober import Prober
from retry_contract.verification.states import tries

_KEPT_RULES = {
    **{"createdAt": "created-at-kept", "recipient": "recipient-kept", "values": "values-kept"},
    **{"templateBodyId": "template-kept", "fullMessage": "full-message-kept"},
    "creatorId": "creator-id-kept",
}


@dataclass(frozen=True)
class Start:
    """Where a sequence begins; `cutover` is when another contract takes over, if it may be met."""

    number: int
    instant: datetime | None
    expectation: Expectation
    cutover: tuple[datetime, Expectation] | None = None


@dataclass
class PageMessage:
    """What the page says of one message, written without a look at the model and its faults.

    `first` are the members as first shown, `batch` is its batch's status, `shown` its own latest.
    One `at_rest` has failed, or was not sent in this sequence. At `capped_at` sends a retry was
    refused.
    `retrieved` is the latest Retrieve, which was checked.
    """

    id: str
    first: dict[str, Any] = field(default_factory=dict)
    sends: int = 1
    batch: str | None = None
    at_rest: bool = True
    shown: Any = None
    capped_at: int | None = None
    retrieved: Exchange | None = None

    def refusal(self, status: object) -> str | None:
        """Return the rule by which a retry is refused in this status; None if it goes through."""
        if status != FAILURE:
            return "second-retry-refused" if self.sends > 1 else "unfailed-message-refused"
        if self.batch is not None and self.batch not in RETRYABLE_BATCHES:
            return "batch-status-respected"
        return "attempts-capped" if self.sends >= (self.capped_at or MOST_SENDS) else None


class StatefulSequence:
    """Plays steps. A step is a name and JSON values, so a sequence can be shown and replayed."""

    def __init__(self, play: Play, prober: Prober, start: Start) -> None:
        self._play, self._prober, self._endpoint = play, prober, prober.endpoint
        self._cutover_ahead, self._number = start.cutover, start.number
        self._expectation = start.expectation
        self._messages, self._steps = list[PageMessage](), list[list[Any]]()
        self._shown: Exchange | None = None

    def play(self, name: str, *arguments: Any) -> None:
        """Play one step, if it has something to act on. Raises Broken."""
        self._steps.append([name, *arguments])
        try:
            getattr(self, f"_{name}")(*arguments)
        except OutOfMessages:
            raise
        except NotExercised:
            self._steps.pop()

    # The steps

    def _send(self, text: str) -> None:
        if self._endpoint.simulator is None:
            self._seed(FAILURE)
            return
        values = dict.fromkeys(self._endpoint.values or ("name",), text or "-")
        message, sent = self._prober.simulate(values)
        self._check_response(sent, 201, "single-send")
        came, rule = sent.members.get("values"), "same-shape-as-single-send"
        if came != values:
            self._break(violation(rule, "/values", "the values as sent", describe_other(came)))
        self._messages.append(PageMessage(message, at_rest=False))
        self._learn(self._messages[-1], sent)

    def _seed(self, state: str) -> None:
        """Add a message that the service's team provides; those that the user named are left."""
        batch = state.removeprefix(BATCH) if state.startswith(BATCH) else None
        shown = state if batch is None else FAILURE
        message = self._provided(state)
        tried = tries(self._prober.latest_retrieve(message)) if self._endpoint.real_time else 1
        sends = max(1, tried)
        self._messages.append(PageMessage(message, sends=sends, batch=batch, shown=shown))

    def _fail(self, which: int) -> None:
        message, self._shown = self._pick(which), None
        if not self._endpoint.real_time:
            self._endpoint.wait(5)
        elif not message.at_rest and self._endpoint.simulator is not None:
            self._prober.wait_until_failed(message.id)
            message.at_rest = True

    def _batch(self, which: int, status: str) -> None:
        message, self._shown = self._pick(which), None
        if message.batch is not None and self._endpoint.set_batch(message.id, status):
            message.batch = status

    def _cutover(self) -> None:
        if self._cutover_ahead is None:
            raise NotExercised("there is no cutover ahead")
        (instant, self._expectation), self._shown = self._cutover_ahead, None
        self._endpoint.move_to(instant)
        for message in self._messages:
            message.retrieved = None
        self._cutover_ahead = None

    def _retry(self, which: int) -> None:
        message, real_time = self._pick(which), self._endpoint.real_time
        before = self._latest_retrieve(message)
        status = before.members.get("latestStatus")
        self._prober.wait_a_moment()  # it may have failed just now
        exchange = self._post(message.id)
        if exchange.succeeded or status == FAILURE:
            self._note_failed(message, which)
        refusal = message.refusal(status)
        if exchange.succeeded:
            if refusal is not None and not (real_time and follows(status, FAILURE)):
                self._check_status(exchange, range(300, 600), refusal, "a refusal")
            self._check_accepted(message, before, exchange)
            return
        if refusal is None:
            if exchange.status != 400 or message.sends < FEWEST_SENDS:
                rule = "batch-status-respected" if message.batch else "status-is-201"
                rule = "attempts-capped" if message.sends > 1 else rule
                self._check_status(exchange, range(200, 300), rule, "an accepted retry")
            message.capped_at, refusal = message.sends, "attempts-capped"
        if refusal == "batch-status-respected":  # which status and code come is not published
            self._check_refusal(exchange, refusal, range(400, 500))
        else:
            code = TOO_MANY if refusal == "attempts-capped" else UNRETRYABLE
            # In real time it may have failed again since it was retrieved, and so be at the cap.
            codes = {code, TOO_MANY, UNRETRYABLE} if real_time else {code}
            self._check_refusal(exchange, refusal, (400,), *codes)
        self._check_unchanged(message, before)

    def _unauthorised(self, which: int, how: str) -> None:
        message, key = self._pick(which), self._endpoint.key
        written = {"no key": None, "wrong key": "Bearer key_test_0", "no scheme": f"Basic {key}"}
        before = self._latest_retrieve(message)
        if message.shown == FAILURE:
            self._note_failed(message, which)
        exchange = self._post(message.id, authorization=written[how])
        rule = "key-required" if how == "no key" else "wrong-key-refused"
        self._check_refusal(exchange, rule, (401,))
        self._check_unchanged(message, before)

    def _elsewhere(self) -> None:
        campaign, foreign = self._endpoint.foreign_campaign, self._provided("foreign")
        unknown = self._post(foreign)
        self._check_refusal(unknown, "unknown-message-refused", (400,), UNRETRYABLE)
        if campaign is not None:
            exchange = self._post(foreign, campaign)
            self._check_refusal(exchange, "foreign-campaign-refused", (401, 403))

    def _unknown(self, number: int) -> None:
        exchange = self._post(f"message_{uuid.UUID(int=number, version=4)}")
        self._check_refusal(exchange, "unknown-message-refused", (400,), UNRETRYABLE)

    def _method(self, which: int, method: str) -> None:
        path = f"campaigns/{self._endpoint.campaign}/messages/{self._pick(which).id}/retry"
        exchange = self._prober.send("other", path, method=method)
        expected = f"a refusal of {method}, neither 2xx nor 5xx"
        self._check_status(exchange, range(300, 500), "wrong-method-refused", expected)

    def _note_failed(self, message: PageMessage, which: int) -> None:
        """Note as a step that a message failed by itself: in a replay the next may come sooner."""
        if self._endpoint.real_time and not message.at_rest:
            self._steps.insert(-1, ["fail", which])
            message.at_rest = True

    # The checks

    def _check_accepted(self, message: PageMessage, before: Exchange, exchange: Exchange) -> None:
        self._check_response(exchange, 201, "retry")
        self._check_kept(message, exchange, "response-matches-schema", before)
        message.sends, message.at_rest = message.sends + 1, False
        following = ORDER if self._endpoint.real_time else ("created",)
        expected = "created, or a status that follows it"
        self._check_shown(message, following, "retrieve-agrees", expected)
        # Only the message that is named is retried (P2), so look at another that has failed.
        failed = (m for m in self._messages if m is not message and m.shown == FAILURE)
        for other in itertools.islice(failed, 1):
            self._check_shown(other, (FAILURE,), SEQUENCES, "failure, as before")

    def _check_shown(
        self, message: PageMessage, statuses: Collection[str], rule: str, expected: str
    ) -> None:
        status = self._retrieve(message).members.get("latestStatus")
        if status not in statuses:
            self._break(violation(rule, "/latestStatus", expected, describe(status)))

    def _check_unchanged(self, message: PageMessage, before: Exchange) -> None:
        rule = "refusal-changes-nothing"
        after = self._retrieve(message, rule)
        if after.body == before.body:
            return
        one, other = (e.members.get("latestStatus") for e in (before, after))
        if self._endpoint.real_time and follows(one, other):
            return
        for name in self._expectation.contract.fields("retrieve"):
            if name in before.members and before.members[name] != after.members.get(name):
                self._break(violation(rule, f"/{name}", "unchanged by a refusal", "changed"))

    def _latest_retrieve(self, message: PageMessage) -> Exchange:
        """Return the Retrieve of a message that was sent last, or a new one."""
        shown, last = self._shown, self._prober.exchanges[-1:]
        if shown is not None and last == [shown] and shown.path.endswith(f"/{message.id}"):
            return shown
        return self._retrieve(message)

    def _retrieve(self, message: PageMessage, rule: str = "retrieve-agrees") -> Exchange:
        exchange, seen = self._prober.retrieve(message.id), message.retrieved
        if seen is not None and _content(seen) == _content(exchange):
            self._shown = exchange
            return exchange
        expected = "a message that Retrieve still shows"
        self._check_status(exchange, range(200, 300), rule, expected)
        self._check_response(exchange, 200, "retrieve")
        self._check_kept(message, exchange, "retrieve-agrees")
        message.shown = exchange.members.get("latestStatus")
        message.retrieved = self._shown = exchange
        return exchange

    def _check_kept(
        self, message: PageMessage, exchange: Exchange, rule: str, before: Exchange | None = None
    ) -> None:
        """Check that a response shows the message in the path, with the members it had before."""
        observation = Observation(ACCEPTED, exchange, self._endpoint.campaign, message.id, before)
        for name, value in message.first.items():
            for found in differs(observation, name, value, "what was shown first"):
                kept = _KEPT_RULES.get(name, rule)
                self._break(violation(kept, found.pointer, found.expected, found.actual))
        for kept in ("message-id-kept", "campaign-id-kept", "updated-at-moves-on"):
            self._break(*rule_violations(kept, observation, self._expectation))
        self._learn(message, exchange)

    def _learn(self, message: PageMessage, exchange: Exchange) -> None:
        for name in self._expectation.contract.fields():
            if name in exchange.members and name not in {*MOVING, "id", "campaignId"}:
                message.first.setdefault(name, exchange.members[name])

    def _check_response(self, exchange: Exchange, status: int, kind: Kind) -> None:
        rule = "status-is-201" if kind == "retry" else "no-server-error"
        self._check_status(exchange, (status,), rule, f"status {status}")
        self._check_form(exchange)
        expectation = self._expectation
        if kind == "retry":
            checked = validate_expected(exchange.payload, expectation)
            self._play.drift |= dict.fromkeys(checked.drift)
        else:
            shown = expectation.catalogue.contract_of(exchange.payload, kind)
            served = shown if shown in expectation.tolerated else None
            checked = validate(exchange.payload, served or expectation.contract, kind)
        self._break(*checked.violations)

    def _check_refusal(
        self, exchange: Exchange, rule: str, statuses: Collection[int], *codes: str
    ) -> None:
        self._check_status(exchange, range(500), "no-server-error", "a status below 500")
        few = " or ".join(map(str, statuses)) if isinstance(statuses, tuple) else "4xx"
        self._check_status(exchange, statuses, rule, f"a refusal with status {few}")
        self._check_form(exchange, *codes)

    def _check_status(
        self, exchange: Exchange, statuses: Collection[int], rule: str, expected: str
    ) -> None:
        if exchange.status not in statuses:
            self._break(conformance.status_violation(rule, expected, exchange))

    def _check_form(self, exchange: Exchange, *codes: str) -> None:
        wanted = self._expectation, self._endpoint, codes
        for found in conformance.form_violations(exchange, *wanted):
            self._break(found)

    def _post(self, message: str, campaign: str | None = None, **how: Any) -> Exchange:
        path = f"campaigns/{campaign or self._endpoint.campaign}/messages/{message}/retry"
        exchange = self._prober.send("retry", path, method="POST", **how)
        if self._messages:
            known, own_key = self._messages[0].id, "authorization" not in how and campaign is None
            self._prober.rule_out_outage(exchange, lambda: known, own_key=own_key)
        return exchange

    def _provided(self, state: str) -> str:
        message = self._play.provided(state, self._prober)
        if message is None and state == FAILURE and self._endpoint.simulator is None:
            raise OutOfMessages
        if message is None:
            raise NotExercised(f"no message in state {state} at hand")
        return message

    def _pick(self, which: int) -> PageMessage:
        """Return a message, counted from the newest, which is 0."""
        if not self._messages:
            raise NotExercised("no message yet")
        return self._messages[-1 - which % len(self._messages)]

    def _break(self, *found: Violation) -> None:
        if found:
            raise Broken({"sequence": {"start": self._number, "steps": self._steps}}, *found)


def _content(exchange: Exchange) -> tuple[int, Mapping[str, str], bytes]:
    return exchange.status, exchange.headers, exchange.body
