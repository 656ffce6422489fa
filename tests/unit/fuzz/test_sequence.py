"""Sequences written by hand: each is the shortest in which one fault shows, and its rule."""

from __future__ import annotations

from typing import Any

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.endpoint.mock import mock_of
from retry_contract.service.faults import Fault
from retry_contract.service.faults.model import after_retry
from retry_contract.service.model import Service, Settings
from retry_contract.service.records import Message

Steps = list[list[Any]]

RETRY: Steps = [["seed", "failure"], ["retry", 0]]
SENT: Steps = [["send", "name"], ["fail", 0], ["retry", 0]]
AGAIN: Steps = [["fail", 0], ["retry", 0]]

SHOWS: dict[str, tuple[Steps, str]] = {
    "no-key-accepted": ([["seed", "failure"], ["unauthorised", 0, "no key"]], "key-required"),
    "wrong-key-accepted": (
        [["seed", "failure"], ["unauthorised", 0, "wrong key"]],
        "wrong-key-refused",
    ),
    "wrong-scheme-accepted": (
        [["seed", "failure"], ["unauthorised", 0, "no scheme"]],
        "wrong-key-refused",
    ),
    "failed-refused": (RETRY, "status-is-201"),
    "answers-200": (RETRY, "status-is-201"),
    "timestamp-as-number": (RETRY, "response-matches-schema"),
    "body-cut-off": (RETRY, "body-is-json"),
    "content-type-is-html": (RETRY, "content-type-is-json"),
    "updated-at-stale": (RETRY, "updated-at-moves-on"),
    "state-not-changed": (RETRY, "retrieve-agrees"),
    "message-lost": (RETRY, "retrieve-agrees"),
    "id-changed": (SENT, "message-id-kept"),
    "created-at-moved": (SENT, "created-at-kept"),
    "values-lost": (SENT, "values-kept"),
    "single-send-differs": (SENT, "template-kept"),
    "unfailed-accepted": ([["seed", "sent"], ["retry", 0]], "unfailed-message-refused"),
    "second-retry-accepted": ([*RETRY, ["retry", 0]], "second-retry-refused"),
    "cap-too-early": ([*RETRY, *AGAIN], "attempts-capped"),
    "cap-ignored": ([*SENT, *AGAIN, *AGAIN, *AGAIN], "attempts-capped"),
    "batch-refused": (
        [["seed", "batch:messages_enqueuing_failed"], ["retry", 0]],
        "batch-status-respected",
    ),
    "batch-status-ignored": (
        [["seed", "batch:messages_enqueued"], ["batch", 0, "success"], ["retry", 0]],
        "batch-status-respected",
    ),
    "unknown-is-404": ([["unknown", 1]], "unknown-message-refused"),
    "unknown-is-500": ([["unknown", 1]], "no-server-error"),
    "error-code-of-another-cause": ([["unknown", 1]], "error-code-documented"),
    "error-is-html": ([["unknown", 1]], "error-shape"),
    "error-envelope-unknown": ([["unknown", 1]], "error-shape"),
    "stack-trace-shown": ([["unknown", 1]], "no-secret-echoed"),
    "foreign-campaign-accepted": ([["elsewhere"]], "foreign-campaign-refused"),
    "wrong-method-accepted": ([["seed", "failure"], ["method", 0, "PUT"]], "wrong-method-refused"),
    "wrong-method-is-500": ([["seed", "failure"], ["method", 0, "PUT"]], "wrong-method-refused"),
    "refusal-touches-message": (
        [["seed", "created"], ["retry", 0]],
        "refusal-changes-nothing",
    ),
    "refusal-loses-message": ([["seed", "created"], ["retry", 0]], "refusal-changes-nothing"),
}

KEPT: dict[str, Steps] = {
    "a whole life": [*SENT, ["retry", 0], *AGAIN, *AGAIN, *AGAIN, *AGAIN],
    "batches": [["seed", "batch:messages_enqueued"], ["retry", 0], ["batch", 0, "success"], *AGAIN],
    "nothing to act on": [["retry", 0], ["cutover"], ["batch", 1, "success"], ["unknown", 0]],
    "refusals": [
        ["seed", "failure"],
        *(["unauthorised", 0, how] for how in ("no key", "wrong key", "no scheme")),
        ["elsewhere"],
        ["method", 0, "DELETE"],
        ["retry", 0],
    ],
}


def _case(steps: Steps, start: int = 0) -> dict[str, Any]:
    return {"start": start, "steps": steps}


@pytest.mark.parametrize("fault", SHOWS)
def test_fault_shows_in_its_sequence(fault: str, fuzz: Any) -> None:
    steps, rule = SHOWS[fault]
    found = fuzz("sequence", "after", fault, replay=_case(steps))
    assert found.rules == {rule}
    assert found.broken.case == {"sequence": _case(steps)}


@pytest.mark.parametrize("cap", ["attempts", "retries"])
@pytest.mark.parametrize("errors", ["nested", "flat"])
@pytest.mark.parametrize("name", KEPT)
def test_documented_service_keeps_it(name: str, cap: Any, errors: Any, fuzz: Any) -> None:
    settings = Settings(cap=cap, errors=errors)
    found = fuzz("sequence", "before", replay=_case(KEPT[name]), settings=settings)
    assert found.broken is None
    assert found.tally.requests > 0


def _deliver_all(service: Service, _: Message) -> None:
    for message in service.messages.values():
        if message.status == "failure":
            message.status = "success"


def test_a_retry_is_of_one_message_only(fuzz: Any) -> None:
    steps: Steps = [["seed", "failure"], ["seed", "failure"], ["retry", 1]]
    contracts = catalogue()
    deliver = after_retry(_deliver_all, status=(201,))
    fault = Fault("others", "Another message is changed.", None, deliver)
    mock = mock_of(contracts, contracts["after"], faults=[fault])
    found = fuzz("sequence", replay=_case(steps), endpoint=mock)
    assert found.rules == {"generated-sequences-kept"}
    assert fuzz("sequence", replay=_case(steps)).broken is None


@pytest.mark.parametrize("fault", ["cutover-late", "cutover-not-of-retrieve"])
def test_cutover_in_the_middle_of_a_sequence(fault: str, fuzz: Any) -> None:
    steps: Steps = [["seed", "failure"], ["cutover"], ["retry", 0]]
    assert fuzz("sequence", "after", replay=_case(steps, 1)).broken is None
    assert fuzz("sequence", "after", fault, replay=_case(steps, 1)).rules == {
        "creator-id-as-contracted"
    }
