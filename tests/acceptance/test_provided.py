"""What a run does with the messages that it is given: it takes the next, and says what went out."""

from __future__ import annotations

import contextlib
import json
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from support.server import serve
from support.watched import watched

from retry_contract.cli.main import main
from retry_contract.contract.catalogue import catalogue
from retry_contract.endpoint import live
from retry_contract.outcome import RuleState
from retry_contract.rules.refusals import TOO_MANY
from retry_contract.service.faults.cutover import _neighbour
from retry_contract.service.faults.model import (
    Wrap,
    is_retrieve,
    is_retry,
    payloads,
    wrapper,
)
from retry_contract.service.http import Handler, Request, Response, json_response
from retry_contract.service.model import PREFIX, Service, Settings
from retry_contract.service.seeds import SPENT, seed
from retry_contract.verification.options import read_options
from retry_contract.verification.verification import Verification

SOON = Settings(delivery=timedelta(milliseconds=60))
CITIZEN = "6590001234"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `verify` in this process; return the exit code, standard output and standard error."""

    def verify(served: Any, *words: str) -> tuple[int, str, str]:
        monkeypatch.setenv("POSTMAN_API_KEY", served.key)
        code = main(["verify", "--fuzz", "0", *served.options, *words])
        out, err = capsys.readouterr()
        return code, out, err

    return verify


def _states(out: str) -> dict[str, str]:
    (contract,) = json.loads(out)["contracts"]
    return {rule["rule"]: rule["state"] for rule in contract["rules"]}


# A message that fails late


@pytest.mark.slow
def test_what_was_sent_is_used_once_it_has_failed(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_PATIENCE_HERE", 0.05)
    with watched(settings=Settings(delivery=timedelta(seconds=0.3))) as (served, _):
        code, out, _ = run(served, "--json", "--provision", "simulator")
    document = json.loads(out)
    assert document["sent"]["sends"] <= 6
    assert (code, document["outcome"]) == (3, "not tested")
    assert "did not fail" in document["reason"]
    with watched(settings=Settings(delivery=timedelta(seconds=0.3))) as (served, _):
        code, out, _ = run(served, "--json", "--provision", "simulator", "--max-seconds", "9")
    assert (code, json.loads(out)["outcome"]) == (0, "kept")


def test_no_more_is_sent_ahead_than_is_asked_for(run: Any) -> None:
    with watched(settings=SOON) as (served, _):
        words = ("--provision", "simulator", "--samples", "1", "--", "-k", "status_is_201")
        _, out, _ = run(served, "--json", *words)
    assert json.loads(out)["sent"] == {"retries": 1, "accepted": 1, "sends": 3, "lost": 0}


# A message that is spent


@contextlib.contextmanager
def nightly(errors: Any, *, lists_attempts: bool, fresh: int) -> Iterator[tuple[Any, list[str]]]:
    """Serve a message that was tried too often, and fresh ones next to it."""
    hidden = payloads(lambda p: p.pop("attempts"), to=is_retrieve, status=200)
    settings = Settings(errors=errors, delivery=timedelta(milliseconds=60))
    with watched(settings=settings, wraps=[] if lists_attempts else [hidden]) as (served, _):
        own = served.service.campaigns[served.campaign]
        states = [SPENT, *["failure"] * fresh]
        yield served, [seed(served.service, own, state).id for state in states]


@pytest.mark.parametrize("errors", ["nested", "flat"])
@pytest.mark.parametrize("lists_attempts", [True, False])
def test_spent_message_breaks_nothing_and_the_next_one_is_taken(
    run: Any, errors: str, lists_attempts: bool
) -> None:
    with nightly(errors, lists_attempts=lists_attempts, fresh=1) as (served, messages):
        named = [word for message in messages for word in ("--message", message)]
        code, out, _ = run(served, "--json", *named)
    assert code == 0
    states = _states(out)
    assert (states["status-is-201"], states["attempts-capped"]) == ("kept", "kept")
    assert json.loads(out)["samples"] == 1


@pytest.mark.parametrize("errors", ["nested", "flat"])
@pytest.mark.parametrize("lists_attempts", [True, False])
def test_with_only_a_spent_message_the_endpoint_is_not_tested(
    run: Any, errors: str, lists_attempts: bool
) -> None:
    with nightly(errors, lists_attempts=lists_attempts, fresh=0) as (served, messages):
        code, out, _ = run(served, "--json", "--message", *messages)
    document = json.loads(out)
    assert (code, document["outcome"]) == (3, "not tested")
    assert "broken" not in _states(out).values()
    assert "--message" in document["reason"] or "no named message is left" in document["reason"]


@pytest.mark.parametrize("hides", [True, False])
def test_message_that_may_be_in_a_batch_breaks_nothing_where_none_are_shown(
    run: Any, hides: bool
) -> None:
    def change(payload: dict[str, Any]) -> None:
        payload.pop("batches")

    hidden = payloads(change, to=is_retrieve, status=200)
    with watched(settings=SOON, wraps=[hidden] if hides else []) as (served, _):
        own = served.service.campaigns[served.campaign]
        messages = [seed(served.service, own, state).id for state in ("batch:other", "failure")]
        named = [word for message in messages for word in ("--message", message)]
        code, out, _ = run(served, "--json", *named)
    document = json.loads(out)
    assert (code, _states(out)["status-is-201"]) == (0, "kept")
    assert (document["samples"], document["spent"]) == (1, int(hides))


def test_message_that_may_have_been_tried_often_is_not_refused_too_early(run: Any) -> None:
    hidden = payloads(lambda p: p.pop("attempts"), to=is_retrieve, status=200)
    with watched(settings=SOON, wraps=[hidden]) as (served, _):
        (message,) = served.failed(1)
        retry = f"{served.url}/campaigns/{served.campaign}/messages/{message}"
        own = {"Authorization": f"Bearer {served.key}"}
        httpx.post(retry + "/retry", headers=own).raise_for_status()
        while httpx.get(retry, headers=own).json()["latestStatus"] != "failure":
            pass
        code, out, _ = run(served, "--json", "--message", message)
    assert (code, _states(out)["attempts-capped"]) == (0, "kept")


@pytest.mark.parametrize("errors", ["nested", "flat"])
def test_spent_messages_are_counted(run: Any, errors: str) -> None:
    with nightly(errors, lists_attempts=False, fresh=1) as (served, messages):
        named = [word for message in messages for word in ("--message", message)]
        _, out, _ = run(served, *named)
    assert "1 of them observed, 1 passed over)" in out


def test_refusal_that_gives_no_cause_says_nothing_of_the_cap(run: Any) -> None:
    hidden = payloads(lambda p: p.pop("attempts"), to=is_retrieve, status=200)
    settings = Settings(errors="flat", delivery=timedelta(milliseconds=60))
    with watched(settings=settings, wraps=[hidden]) as (served, _):
        own = served.service.campaigns[served.campaign]
        spent, fresh = seed(served.service, own, SPENT), seed(served.service, own, "failure")
        fresh.recipient = CITIZEN
        code, out, _ = run(served, "--json", "--message", spent.id, "--message", fresh.id)
    assert (code, _states(out)["attempts-capped"]) == (0, "not exercised")


def test_message_that_was_tried_once_and_is_refused_as_spent_breaks_the_rule(run: Any) -> None:
    @wrapper
    def refuse(service: Service, handle: Handler, request: Request) -> Response:
        early = request.path.endswith(f"{first}/retry") and request.method == "POST"
        error = {"code": TOO_MANY, "message": "No.", "type": "domain_error", "id": "1"}
        return json_response(400, {"error": error}) if early else handle(request)

    with watched(settings=SOON, wraps=[refuse]) as (served, _):
        first, second = served.failed(2)
        code, out, _ = run(served, "--json", "--message", first, "--message", second)
    assert (code, _states(out)["status-is-201"]) == (1, "broken")


def test_fresh_message_that_is_refused_as_spent_breaks_the_rule(run: Any) -> None:
    with serve(settings=SOON, faults=["failed-refused"]) as served:
        code, out, _ = run(served, "--json", "--message", *served.failed())
    assert (code, _states(out)["status-is-201"]) == (1, "broken")


# A deployment that reaches one instance after the other


def mixed(share: float, seed_: int) -> Wrap:
    """Return a wrapper that answers a share of the requests by the other contract."""
    source = random.Random(seed_)

    def wrap(service: Service, handle: Handler) -> Handler:
        documented = service.in_force

        def answer(request: Request) -> Response:
            if source.random() >= share:
                return handle(request)
            service.in_force = lambda instant: _neighbour(documented(instant))
            try:
                return handle(request)
            finally:
                service.in_force = documented

        return answer

    return wrap


def seen_in(share: float, runs: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return in how many runs the mix is seen, with three messages named."""
    found = 0
    for number in range(runs):
        with watched(settings=SOON, wraps=[mixed(share, number)]) as (served, _):
            monkeypatch.setenv("POSTMAN_API_KEY", served.key)
            given = {"endpoint": served.url, "contract": "after", "campaign": served.campaign}
            more: dict[str, Any] = {"message": served.failed(3), "fuzz": "0"}
            options = read_options(given | more, catalogue=catalogue())
            with contextlib.closing(Verification(options)) as verification:
                (name,) = verification.names
                result = verification.check(name, "one-contract-served")
                found += result.state is RuleState.BROKEN
    return found


@pytest.mark.slow
def test_mix_of_two_instances_is_seen_in_every_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen_in(0.5, 8, monkeypatch) == 8


@pytest.mark.slow
def test_one_instance_in_ten_is_seen_in_most_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert seen_in(0.1, 20, monkeypatch) >= 16


# How many retries, and of whose messages


@pytest.mark.parametrize(
    ("recipient", "words", "samples"),
    [
        ("6522222222", (), 3),
        ("6522222222", ("--samples", "1"), 1),
        ("6522222222", ("--samples", "4"), 4),
        ("6522222222", ("--samples", "9"), 5),
        (CITIZEN, (), 3),
    ],
)
def test_as_many_messages_are_retried_as_were_asked_for(
    run: Any, recipient: str, words: tuple[str, ...], samples: int
) -> None:
    with serve(settings=SOON) as served:
        named = [word for message in served.failed(5) for word in ("--message", message)]
        for message in served.service.messages.values():
            message.recipient = recipient
        code, out, _ = run(served, "--json", *named, *words)
    assert (code, json.loads(out)["samples"]) == (0, samples)


def test_samples_are_of_one_or_more(run: Any) -> None:
    with serve() as served:
        code, _, err = run(served, "--samples", "0")
    assert (code, err) == (2, "retry-contract verify: --samples 0: give 1 or more\n")


# What the outcome says


def test_outcome_counts_what_went_out_and_names_what_was_not_exercised(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "_PATIENCE_HERE", 0.1)
    with serve(settings=Settings(delivery=timedelta(minutes=1))) as served:
        words = ("--message", *served.failed())
        code, out, _ = run(served, *words)
        again = run(served, "--json", "--message", *served.failed())[1]
    lines = out.splitlines()
    assert code == 0
    sent = json.loads(again)["sent"]
    assert sent["sends"] == 0
    seen = f"{sent['accepted']} accepted, 1 of them observed"
    assert f"sent: {sent['retries']} retries ({seen}) and 0 Single Sends" in lines
    assert lines[-1] == (
        f"KEPT by {served.url}, but 9 rules were not exercised: same-shape-as-single-send, "
        "unfailed-message-refused, attempts-capped, concurrent-retries-accepted-once, "
        "revoked-key-refused, foreign-campaign-refused, "
        "batch-status-respected, generated-requests-answered, generated-sequences-kept."
    )


@pytest.mark.slow
def test_count_of_what_went_out_has_the_generated_cases_too(run: Any) -> None:
    with watched(settings=SOON) as (served, watch):
        words = ("--provision", "simulator", "--fuzz", "4", "--seed", "3")
        code, out, _ = run(served, "--json", *words)
    posts = [request.path for request, _ in watch.seen if request.method == "POST"]
    retries = sum(path.endswith("/retry") for path in posts)
    assert code == 0
    assert json.loads(out)["sent"] == {
        "retries": retries,
        "accepted": sum(status == 201 for request, status in watch.seen if is_retry(request)),
        "sends": len(posts) - retries,
        "lost": 0,
    }
    assert len(posts) - retries > 8


@pytest.mark.parametrize("rule", ["foreign-campaign-refused", "foreign_campaign_refused", "all"])
def test_required_rule_that_is_not_exercised_is_never_a_green(run: Any, rule: str) -> None:
    with serve(settings=SOON) as served:
        code, out, _ = run(served, "--require", rule, "--message", *served.failed())
    assert code == 3
    last = out.splitlines()[-1]
    assert last.startswith("NOT TESTED: required by --require and not exercised: ")
    assert "foreign-campaign-refused" in last


def test_required_rule_that_is_kept_is_a_green(run: Any) -> None:
    with serve(settings=SOON) as served:
        code, *_ = run(served, "--require", "status-is-201", "--message", *served.failed())
    assert code == 0


def test_required_rule_is_one_that_there_is(run: Any) -> None:
    with serve() as served:
        code, _, err = run(served, "--require", "status-is-200", "--message", *served.failed())
    assert code == 2
    assert "--require status-is-200: no such rule" in err


def test_message_that_is_late_is_the_reason_and_not_an_option_that_was_given(run: Any) -> None:
    with watched(settings=Settings(delivery=timedelta(minutes=1))) as (served, _):
        words = ("--provision", "simulator", "--max-seconds", "0.2", "--message", *served.failed())
        code, out, _ = run(served, "--json", *words)
    reasons = {
        rule["rule"]: rule.get("reason", "")
        for contract in json.loads(out)["contracts"]
        for rule in contract["rules"]
    }
    assert code == 0
    assert "did not fail" in reasons["same-shape-as-single-send"]
    assert not [reason for reason in reasons.values() if "--provision" in reason]


def test_base_url_without_a_path_is_asked(run: Any) -> None:
    with watched(settings=SOON) as (served, _):
        base = served.url.removesuffix(PREFIX)
        code, out, _ = run(served, "--endpoint", base, "--message", *served.failed())
    assert code == 3
    assert "/api/v2" in out.splitlines()[-1]
