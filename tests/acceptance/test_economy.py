"""What a run asks of a service where every request counts, counted at the service."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.runs import check_all
from support.server import Served
from support.watched import Watch, begin, watched

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.live import LiveEndpoint, LiveSettings
from retry_contract.exchange import Exchange
from retry_contract.fuzz.engine import Tally
from retry_contract.fuzz.plan import Plan
from retry_contract.fuzz.requests import fuzz_requests
from retry_contract.fuzz.stateful import fuzz_sequences
from retry_contract.outcome import ContractResult, NotExercised, NotTested, RuleResult, RuleState
from retry_contract.rules import RULES
from retry_contract.rules.scenarios import MALFORMED_IDS
from retry_contract.service.http import Handler, Request, Response
from retry_contract.service.model import Service, Settings
from retry_contract.service.records import SIMULATOR
from retry_contract.service.seeds import seed
from retry_contract.verification.observer import Callbacks
from retry_contract.verification.run import Run

CITIZEN = "6590001234"
MOST_REQUESTS = 35
FAST = Settings(delivery=timedelta(milliseconds=10))
SLOW = Settings(delivery=timedelta(seconds=60))

COSTLY = """
from retry_contract.endpoint import live
real = live.LiveEndpoint.__init__
def init(self, *given, **named):
    real(self, *given, **named)
    self.expendable = False
live.LiveEndpoint.__init__ = init
"""


@dataclass
class Opened:
    """A run as off loopback: `said` is what it announced, `requests` before its last word."""

    served: Served
    watch: Watch
    run: Run
    said: list[str] = field(default_factory=list)

    def check(self, *rules: str) -> dict[str, RuleResult]:
        return {rule: self.run.check(RULES[rule]) for rule in rules}

    def check_all(self) -> ContractResult:
        return check_all(self.run)


@contextlib.contextmanager
def opened(
    *states: str,
    recipient: str = CITIZEN,
    simulate: bool = False,
    settings: Settings = SLOW,
    **served_as: Any,
) -> Iterator[Opened]:
    """Open a run with named messages in these states, all to one recipient."""
    with watched(settings=settings, **served_as) as (served, watch):
        own = served.service.campaigns[served.campaign]
        messages = [seed(served.service, own, state) for state in states]
        for message in messages:
            message.recipient = recipient
        settings_of_run = LiveSettings(
            url=served.url,
            key=served.key,
            campaign=served.campaign,
            messages=tuple(message.id for message in messages),
            simulate=simulate,
        )
        endpoint = LiveEndpoint(settings_of_run)
        endpoint.expendable = False
        with pytest.MonkeyPatch.context() as patch, contextlib.closing(endpoint):
            patch.setattr(endpoint, "wait", lambda seconds: time.sleep(min(seconds, 0.01)))
            said: list[str] = []
            callbacks = Callbacks(announce=said.append)
            run = Run(endpoint, expect(catalogue(), "after"), callbacks=callbacks)
            yield Opened(served, watch, run, said)


def _broken(result: ContractResult) -> list[str]:
    return [r.rule for r in result.rules if r.state is RuleState.BROKEN]


def test_one_named_message() -> None:
    with opened("failure") as it:
        result = it.check_all()
    assert _broken(result) == []
    assert len(it.watch.seen) <= MOST_REQUESTS
    assert len(it.watch.accepted) == 1
    assert it.watch.recipients == []
    assert it.said == []
    assert {method for method, _ in it.watch.calls} == {"GET", "HEAD", "POST"}
    assert sum(r.state is RuleState.KEPT for r in result.rules) >= 28


def test_one_named_message_on_this_machine() -> None:
    with opened("failure", recipient="6522222222") as it:
        it.run.prober.endpoint.expendable = True
        result = it.check_all()
    assert _broken(result) == []
    assert len(it.watch.seen) <= 75  # it waits in vain for the message to fail again
    assert len(it.watch.accepted) == 1


def test_nothing_is_sent_after_an_error_inside_the_kit() -> None:
    with opened("failure", "failure", "failure") as it:

        def listen(exchange: Exchange) -> None:
            if exchange.kind == "retry":
                raise ZeroDivisionError

        it.run.prober.listen = listen
        with pytest.raises(ZeroDivisionError):
            it.check("status-is-201")
        result = it.check_all()
    assert len(it.watch.accepted) == 1
    assert {r.state for r in result.rules} == {RuleState.NOT_EXERCISED}
    assert {r.reason for r in result.rules} == {
        "nothing was sent after an error inside the kit, ZeroDivisionError"
    }


@pytest.mark.parametrize("rule", ["second-retry-refused", "key-required", "wrong-method-refused"])
def test_one_rule_alone_spends_no_more(rule: str) -> None:
    with opened("failure") as it:
        assert it.check(rule)[rule].state is RuleState.KEPT
    assert len(it.watch.accepted) == 1
    assert len(it.watch.seen) <= 7


def test_message_that_failed_again_is_not_retried_again() -> None:
    with opened("failure", settings=FAST) as it:
        it.check("status-is-201")
        it.served.service.settings = SLOW
        for message in it.served.service.messages.values():
            message.status, message.course = "failure", ()
        found = it.check("second-retry-refused")["second-retry-refused"]
    assert found.reason == "the message moved on"
    assert len(it.watch.accepted) == 1


@pytest.mark.parametrize("cap", ["attempts", "retries"])
def test_simulator_adds_its_send_and_polls(cap: Any) -> None:
    settings = Settings(cap=cap, delivery=timedelta(milliseconds=40))
    with opened(simulate=True, settings=settings) as it:
        result = it.check_all()
    assert _broken(result) == []
    assert set(it.watch.recipients) == {"6522222222"} <= set(SIMULATOR)
    assert 4 <= len(it.watch.recipients) <= 8
    first, retries = it.watch.accepted[0], {"attempts": 2, "retries": 3}[cap]
    assert it.watch.accepted.count(first) == retries
    assert 3 <= len(set(it.watch.accepted)) <= 8


def test_further_retries_are_announced_before_they_are_sent() -> None:
    with opened(simulate=True, settings=FAST, faults=["cap-ignored"]) as it:
        before: list[int] = []

        def announce(text: str) -> None:
            it.said.append(text)
            before.append(len(it.watch.seen))

        it.run.announce = announce
        result = it.check("second-retry-refused", "attempts-capped")
        retries = [r for r, _ in it.watch.seen[before[0] :] if r.path.endswith("/retry")]
    assert len(it.said) == 1
    assert "will be retried up to" in it.said[0]
    assert result["attempts-capped"].state is RuleState.BROKEN
    assert 1 <= len(retries) <= 3
    assert f"up to {len(retries)} times more" in it.said[0]
    assert it.watch.accepted.count(it.watch.accepted[0]) <= 4


@pytest.mark.slow
def test_announcement_goes_to_standard_error(tmp_path: Path, shell: dict[str, str]) -> None:
    (tmp_path / "costly.py").write_text(COSTLY, encoding="utf-8")
    options = ["--provision", "simulator", "--fuzz", "0", "--json", "--", "-p", "costly"]
    with watched(settings=FAST) as (served, watch):
        words = ["-m", "retry_contract", "verify", *served.options, *options]
        code = begin(words, served, tmp_path, shell).wait(30)
    assert code == 0
    announced = [line for line in (tmp_path / "stderr").read_text().splitlines() if "up to" in line]
    assert len(announced) == 1
    assert "attempts-capped: the message to the simulator number will be" in announced[0]
    assert "attempts-capped: the" not in (tmp_path / "stdout").read_text()
    assert set(watch.recipients) == {"6522222222"}


def test_unfailed_message_of_a_person_is_not_probed() -> None:
    with opened("created", "sent", "failure", faults=["unfailed-accepted"]) as it:
        result = it.check_all()
        failed = it.run.prober.endpoint.named[2]
    assert "unfailed-message-refused" not in _broken(result)
    assert {path.split("/")[-2] for path in it.watch.accepted} == {failed}
    posts = [r.path for r, _ in it.watch.seen if r.method == "POST"]
    unknown = ("00000000-0000-4000", *MALFORMED_IDS.values())
    assert all(failed in path or any(i in path for i in unknown) for path in posts)


def test_unfailed_message_to_a_simulator_number_is_probed() -> None:
    with opened("created", "failure", recipient="6511112222") as it:
        result = it.check("unfailed-message-refused")["unfailed-message-refused"]
    assert result.state is RuleState.KEPT


def test_message_in_a_batch_that_permits_no_retry_is_not_probed_off_this_machine() -> None:
    with opened("batch:success") as it:
        found = it.check("batch-status-respected")["batch-status-respected"]
    assert found.state is RuleState.NOT_EXERCISED
    assert {method for method, _ in it.watch.calls} == {"GET"}


def test_batch_of_the_named_message_is_respected_by_its_one_retry() -> None:
    with opened("batch:messages_enqueued") as it:
        found = it.check("batch-status-respected", "status-is-201")
    assert {result.state for result in found.values()} == {RuleState.KEPT}
    assert len(it.watch.accepted) == 1


def test_named_messages_are_read_in_order_until_one_has_failed() -> None:
    with opened("sent", "success", "failure", "failure") as it:
        assert it.check("status-is-201")["status-is-201"].state is RuleState.KEPT
        order = it.run.prober.endpoint.named
    read = [r.path.split("/")[-1] for r, _ in it.watch.seen if r.method == "GET"]
    assert read[:4] == [*order[:3], order[2]]
    assert [path.split("/")[-2] for path in it.watch.accepted] == [order[2]]


def test_message_that_was_tried_too_often_is_passed_over() -> None:
    with opened("attempts-spent", "failure") as it:
        assert it.check("status-is-201")["status-is-201"].state is RuleState.KEPT
    with opened("attempts-spent") as it:
        found = it.check("status-is-201")["status-is-201"]
    assert found.reason == (
        'no named message is left that has failed, in fewer than 3 tries (Retrieve shows "failure" '
        "in 3 tries)"
    )
    assert it.watch.calls == [("GET", 200)]


@pytest.mark.slow
def test_generated_retries_name_messages_that_do_not_exist() -> None:
    with opened("failure") as it:
        plan = Plan(it.run.prober.endpoint, it.run.expectation, cases=12, seed=7)
        with pytest.raises(NotExercised, match="only retries of unknown messages"):
            fuzz_requests(plan, Tally(plan.most_shrinks))
    assert it.watch.accepted == []
    assert len(it.watch.calls) >= 3
    assert {(method, status // 100) for method, status in it.watch.calls} == {("POST", 4)}
    known = it.served.service.messages
    assert not any(name in request.path for name in known for request, _ in it.watch.seen)


def test_outage_among_generated_retries_costs_no_message() -> None:
    with opened(simulate=True, faults=["unknown-is-500"]) as it:
        plan = Plan(it.run.prober.endpoint, it.run.expectation, cases=6, seed=7)
        with pytest.raises(NotTested, match="no message is known to tell an outage from a fault"):
            fuzz_requests(plan, Tally(plan.most_shrinks))
    assert it.watch.calls == [("POST", 500)]
    assert it.watch.recipients == []


@pytest.mark.parametrize("status", [401, 403, 302])
def test_refusal_among_generated_retries_is_no_alarm(status: int) -> None:
    answered: list[Request] = []

    def refusing(_: Service, handle: Handler) -> Handler:
        def answer(request: Request) -> Response:
            answered.append(request)
            return (
                handle(request)
                if len(answered) < 3
                else Response(status, headers={"location": "/"})
            )

        return answer

    with opened("failure", wraps=[refusing]) as it:
        plan = Plan(it.run.prober.endpoint, it.run.expectation, cases=9, seed=7)
        with pytest.raises(NotTested, match=r"refused|redirected"):
            fuzz_requests(plan, Tally(plan.most_shrinks))
    assert len(answered) <= 4
    assert it.watch.accepted == []


def test_no_sequence_is_generated() -> None:
    with opened(simulate=True) as it:
        plan = Plan(it.run.prober.endpoint, it.run.expectation, cases=10, seed=7)
        with pytest.raises(NotExercised, match="no sequence is generated"):
            fuzz_sequences(plan, Tally(plan.most_shrinks))
    assert it.watch.seen == []
