"""Generated cases find faults, as small cases that can be replayed, and nothing else."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.guard import Guard
from retry_contract.endpoint.live import LiveEndpoint, LiveSettings
from retry_contract.endpoint.mock import mock_of
from retry_contract.fuzz import requests
from retry_contract.fuzz.plan import NO_CASE, SECRET, Plan
from retry_contract.fuzz.play import Play
from retry_contract.fuzz.search import draw
from retry_contract.fuzz.stateful import VALUES, is_step
from retry_contract.outcome import NotExercised
from retry_contract.rules import RULES
from retry_contract.service.faults import FAULTS
from retry_contract.service.model import Settings, simulator_number

BY_REQUESTS = {
    "creator-id-missing": "creator-id-as-contracted",
    "creator-id-null": "creator-id-as-contracted",
    "creator-id-empty": "creator-id-as-contracted",
    "creator-id-nested": "creator-id-as-contracted",
    "field-dropped": "response-matches-schema",
    "field-renamed": "response-matches-schema",
    "timestamp-without-offset": "response-matches-schema",
    "recipient-with-plus": "response-matches-schema",
    "id-changed": "message-id-kept",
    "campaign-changed": "campaign-id-kept",
    "status-not-reset": "status-reset-to-created",
    "body-cut-off": "body-is-json",
    "body-empty": "body-is-json",
    "answers-200": "status-is-201",
    "no-key-accepted": "key-required",
    "key-echoed": "no-secret-echoed",
    "unknown-is-500": "no-server-error",
    "error-is-html": "error-shape",
    "error-code-unknown": "error-code-documented",
    "stack-trace-shown": "no-secret-echoed",
    "content-type-is-html": "content-type-is-json",
    "error-content-type-is-text": "content-type-is-json",
}
"""What the requests find, and the rule that each breaks."""

BY_SEQUENCES = {
    "values-lost": "values-kept",
    "unicode-mangled": "values-kept",
    "created-at-moved": "created-at-kept",
    "state-not-changed": "retrieve-agrees",
    "message-lost": "retrieve-agrees",
    "refusal-loses-message": "refusal-changes-nothing",
    "refusal-touches-message": "refusal-changes-nothing",
    "foreign-campaign-accepted": "foreign-campaign-refused",
    "cap-too-early": "attempts-capped",
    "wrong-method-is-500": "wrong-method-refused",
    "error-code-of-another-cause": "error-code-documented",
    "cutover-early": "creator-id-as-contracted",
}
"""What takes a sequence. `benchmarks/faults_found.py` tries every fault."""


@pytest.mark.slow
@pytest.mark.parametrize("fault", BY_REQUESTS)
def test_requests_find(fault: str, fuzz: Any) -> None:
    found = fuzz("request", "after", fault)
    assert BY_REQUESTS[fault] in found.rules
    _assert_replayed("request", fault, found, fuzz)


@pytest.mark.slow
@pytest.mark.parametrize("fault", BY_SEQUENCES)
def test_sequences_find(fault: str, fuzz: Any) -> None:
    found = fuzz("sequence", "after", fault)
    assert BY_SEQUENCES[fault] in found.rules
    assert len(found.broken.case["sequence"]["steps"]) <= 5
    _assert_replayed("sequence", fault, found, fuzz)


def _assert_replayed(kind: str, fault: str, found: Any, fuzz: Any) -> None:
    """The printed case breaks the faulty mock again, and no other mock; it holds no secret."""
    printed = json.dumps(found.broken.case)
    case = json.loads(printed)[kind]
    again = fuzz(kind, "after", fault, replay=case)
    assert again.broken.violations == found.broken.violations
    assert fuzz(kind, replay=case).broken is None
    contracts = catalogue()
    endpoint = mock_of(contracts, contracts["after"])
    shown = printed + "".join(map(repr, found.broken.violations))
    assert endpoint.key not in shown
    assert simulator_number() not in shown
    endpoint.close()
    assert all(v.rule in RULES for v in found.broken.violations)


@pytest.mark.slow
def test_case_is_as_small_as_it_gets(fuzz: Any) -> None:
    found = fuzz("sequence", "after", "values-lost")
    steps = found.broken.case["sequence"]["steps"]
    assert [step[0] for step in steps] in (["send", "fail", "retry"], ["seed", "retry"])
    found = fuzz("request", "after", "unknown-is-500")
    assert len(found.broken.case["request"]["path_parameters"]["messageId"]) == 1


@pytest.mark.slow
def test_undocumented_field_is_drift(fuzz: Any) -> None:
    for kind in ("request", "sequence"):
        found = fuzz(kind, "after", "undocumented-field", cases=20)
        assert found.broken is None
        assert [d.pointer for d in found.tally.drift] == ["/providerReference"]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50))
def test_documented_service_raises_no_alarm(seed: int, fuzz: Any) -> None:
    settings = Settings(
        cap=("attempts", "retries")[seed % 2], errors=("nested", "flat")[seed // 2 % 2]
    )
    for kind in ("request", "sequence"):
        for contract in ("before", "after"):
            try:
                found = fuzz(kind, contract, cases=6, seed=seed, settings=settings)
            except NotExercised:
                continue
            assert found.broken is None, found.broken.case


def test_generated_ids_pass_the_guard_of_a_live_service_and_stay_as_varied() -> None:
    base, key = "https://test.postman.gov.sg/api/v2", "key_test_1"
    contracts = catalogue()
    with contextlib.closing(LiveEndpoint(LiveSettings(base, key, "campaign_1"))) as endpoint:
        operation = requests._Player(Plan(endpoint, expect(contracts, "after"), 40, 1)).operation
    guard, generated, ids = Guard(httpx.URL(base), "campaign_1"), set(), set()
    for drawn in draw(operation.as_strategy(), 40, 1):
        case = requests._read_case(requests.UNKNOWN, drawn)
        generated.add(drawn.path_parameters["messageId"])
        ids.add(case.path_parameters["messageId"])
        path = f"{base}/campaigns/campaign_1/messages/{case.path_parameters['messageId']}/retry"
        guard.permit(httpx.Request("POST", path, headers={"Authorization": f"Bearer {key}"}))
        assert case.sendable(case.headers)
    assert len(ids) == len(generated)
    assert any("%" in one for one in ids)


# Secrets


@pytest.mark.slow
@pytest.mark.parametrize("secret", ["key", "values"])
@pytest.mark.parametrize(
    ("kind", "text"), [("sequence", "Test Recipient"), ("request", "message_6f1c2b8e")]
)
def test_case_that_holds_a_secret_is_left_out(
    kind: str, text: str, secret: str, fuzz: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    played, real = [], Play.__init__

    def init(self: Play, case: Any, *rest: Any) -> None:
        played.append(json.dumps(case, default=vars))
        real(self, case, *rest)

    monkeypatch.setattr(Play, "__init__", init)
    contracts = catalogue()
    endpoint = mock_of(contracts, contracts["after"])
    fuzz(kind, endpoint=endpoint, seed=1)
    assert any(text in case for case in played)
    played.clear()
    monkeypatch.setattr(endpoint, secret, text if secret == "key" else {"name": text})
    fuzz(kind, endpoint=endpoint, seed=1)
    assert len(played) > 30
    assert not any(text in case for case in played)
    holding = {
        "sequence": {"start": 0, "steps": [["send", f"for {text}"]]},
        "request": {"target": "unknown", "path_parameters": {"messageId": text}, "headers": {}},
    }
    with pytest.raises(NotExercised, match=SECRET):
        fuzz(kind, endpoint=endpoint, replay=holding[kind])


# Replays that are no case

MALFORMED: dict[str, list[Any]] = {
    "request": [
        [],
        "failed",
        {},
        {"target": "failed"},
        {"target": "nobody", "path_parameters": {}, "headers": {}},
        {"target": [], "path_parameters": {}, "headers": {}},
        {"target": "unknown", "path_parameters": {}, "headers": {}},
        {"target": "failed", "path_parameters": {"messageId": "1"}, "headers": {}},
        {"target": "unknown", "path_parameters": {"messageId": 1}, "headers": {}},
        {"target": "unknown", "path_parameters": {"messageId": "\ud800"}, "headers": {}},
        {"target": "unknown", "path_parameters": {"messageId": ".."}, "headers": {}},
        {"target": "unknown", "path_parameters": {"messageId": "a/b"}, "headers": {}},
        {"target": "unknown", "path_parameters": {"messageId": "%252e%252e"}, "headers": {}},
        {"target": "unknown", "path_parameters": {"messageId": "1"}, "headers": {"a\nb": "c"}},
        {"target": "unknown", "path_parameters": {"messageId": "1"}, "headers": {"a": "b\r\nc"}},
        {"target": "unknown", "path_parameters": {"messageId": "1"}, "headers": {"a": "é"}},
        {"target": "unknown", "path_parameters": [], "headers": []},
        {"target": "failed", "path_parameters": {}, "headers": {}, "more": 1},
    ],
    "sequence": [
        {},
        {"start": 0},
        {"start": 9, "steps": []},
        {"start": True, "steps": []},
        {"start": 0, "steps": "retry"},
        {"start": 0, "steps": [["explode"]]},
        {"start": 0, "steps": [[]]},
        {"start": 0, "steps": [["retry"]]},
        {"start": 0, "steps": [["retry", "0"]]},
        {"start": 0, "steps": [["retry", True]]},
        {"start": 0, "steps": [["retry", 99]]},
        {"start": 0, "steps": [["retry", 0, 0]]},
        {"start": 0, "steps": [["__init__"]]},
        {"start": 0, "steps": [["seed", "nonsense"]]},
        {"start": 0, "steps": [["unknown", -1]]},
        {"start": 0, "steps": [["unknown", 2**200]]},
        {"start": 0, "steps": [["method", 0, "POST"]]},
        {"start": 0, "steps": [["send", "\ud800"]]},
        {"start": 0, "steps": [["send", {"name": "x"}]]},
        {"start": 0, "steps": []},
    ],
}


@pytest.mark.parametrize(
    ("kind", "case"), [(kind, case) for kind, cases in MALFORMED.items() for case in cases]
)
def test_replay_that_is_no_case(kind: str, case: Any, fuzz: Any) -> None:
    with pytest.raises(NotExercised, match=NO_CASE):
        fuzz(kind, replay=case)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(), max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)
_SENDING = ("send", "unknown", "elsewhere")
_NEAR_STEPS = st.lists(
    st.lists(
        st.one_of(
            st.sampled_from(("send", "seed", "fail", "retry", "batch", "unauthorised", "unknown")),
            st.sampled_from(
                [word for name in ("state", "status", "how", "method") for word in VALUES[name]]
            ),
            st.integers(-1, 3),
            _JSON,
        ),
        max_size=3,
    ),
    max_size=4,
)


@given(_NEAR_STEPS)
def test_any_steps_play_or_are_refused(fuzz: Any, steps: list[Any]) -> None:
    case = {"start": 0, "steps": steps}
    if all(is_step(*step) for step in steps) and any(step[0] in _SENDING for step in steps):
        assert fuzz("sequence", replay=case).broken is None
        return
    with contextlib.suppress(NotExercised):
        assert fuzz("sequence", replay=case).broken is None


@pytest.mark.slow
@given(_JSON, _JSON, _JSON)
def test_any_request_plays_or_is_refused(
    fuzz: Any, target: Any, path_parameters: Any, headers: Any
) -> None:
    case = {"target": target, "path_parameters": path_parameters, "headers": headers}
    with pytest.raises(NotExercised, match=NO_CASE):
        fuzz("request", replay=case)


def test_step_is_a_name_and_its_values() -> None:
    assert is_step("send", "Tést 测试")
    assert is_step("cutover")
    assert not is_step()
    assert not is_step("retry", [0])


def test_faults_named_here_exist() -> None:
    assert {*BY_REQUESTS, *BY_SEQUENCES} <= FAULTS.keys()
    assert len({*BY_REQUESTS, *BY_SEQUENCES}) >= 20
