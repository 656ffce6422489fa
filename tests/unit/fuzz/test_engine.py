"""What ends a run of generated cases, what fixes it, and what it leaves behind."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, Verbosity, configuration
from support.sample import one_in

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect_at
from retry_contract.endpoint.mock import MockEndpoint, mock_of
from retry_contract.fuzz.engine import Tally
from retry_contract.fuzz.play import Play
from retry_contract.outcome import NotExercised, NotTested
from retry_contract.rules.generated_cases import REQUESTS
from retry_contract.service.faults import FAULTS

KINDS = ("request", "sequence")
each_kind = pytest.mark.parametrize("kind", KINDS)
# A fault that each kind finds, though not with its first request.
SLOW = {"request": "wrong-key-accepted", "sequence": "unfailed-is-409"}


def _sent(wire: Any) -> list[tuple[str, str, str, bytes]]:
    wanted = "authorization"
    return [
        (r.method, r.url.raw_path.decode(), r.headers.get(wanted, ""), r.content)
        for r in wire.requests
    ]


# The wire


@pytest.mark.slow
@each_kind
def test_every_request_goes_through_the_client(
    kind: str, fuzz: Any, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a socket was opened")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    found = fuzz(kind, cases=20)
    assert found.broken is None
    assert len(wire.requests) == found.tally.requests == sum(found.tally.traffic.responses.values())
    assert {r.url.host for r in wire.requests} == {"mock.postman.invalid"}


@pytest.mark.slow
def test_probes_of_schemathesis_are_among_them(fuzz: Any, wire: Any) -> None:
    tally = fuzz("request", cases=60).tally
    refused = [r for r in wire.requests if "authorization" not in r.headers]
    assert refused  # an accepted retry is sent again without a key
    assert tally.accepted > len(refused)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_third_of_the_requests_retries_a_message_that_has_failed(
    seed: int, fuzz: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from retry_contract.fuzz import requests

    aimed, real = [], requests._Player.play

    def play(self: requests._Player, case: requests.RequestCase, one: Play) -> None:
        aimed.append(case.target)
        real(self, case, one)

    monkeypatch.setattr(requests._Player, "play", play)
    tally = fuzz("request", seed=seed).tally
    assert len(aimed) >= 95  # Hypothesis may run out of cases that differ, but not by much
    assert tally.accepted == aimed.count("failed") + aimed.count("probed") >= len(aimed) / 3
    assert set(aimed) == set(requests.TARGETS)
    assert tally.traffic.responses["201"] == tally.accepted
    assert tally.traffic.responses["400"] > 0
    assert tally.traffic.responses["401"] > 0


# What ends a run


@each_kind
@pytest.mark.parametrize("at", one_in(2, [1, 40, 2, 7]))
def test_outage_ends_the_run_as_not_tested(kind: str, at: int, fuzz: Any, wire: Any) -> None:
    wire.fail_at = at
    with pytest.raises(NotTested, match="no response from mock"):
        fuzz(kind)
    assert len(wire.requests) == at  # nothing is tried again


@pytest.mark.slow
@each_kind
def test_traffic_before_an_outage_is_counted(kind: str, fuzz: Any, wire: Any) -> None:
    wire.fail_at, tally = 30, Tally(200)
    with pytest.raises(NotTested):
        fuzz(kind, tally=tally)
    assert tally.requests == 29


@pytest.mark.slow
@each_kind
def test_outage_takes_back_no_violation(kind: str, fuzz: Any, wire: Any) -> None:
    first = fuzz(kind, "after", SLOW[kind])
    until_found = len(wire.requests)
    assert first.broken is not None
    wire.requests.clear()
    wire.fail_at = until_found - 1
    found = fuzz(kind, "after", SLOW[kind])
    assert found.rules
    assert isinstance(found.tally.reason, NotTested)


@each_kind
@pytest.mark.parametrize("at", one_in(2, [1, 25]))
def test_interrupt_passes_through(kind: str, at: int, fuzz: Any, wire: Any) -> None:
    wire.fail_at, wire.error = at, KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        fuzz(kind)
    assert len(wire.requests) == at


@pytest.mark.slow
@each_kind
def test_shrinking_is_bounded(kind: str, fuzz: Any) -> None:
    found = fuzz(kind, "after", SLOW[kind])
    assert found.broken is not None
    tally = Tally(0)
    assert fuzz(kind, "after", SLOW[kind], tally=tally).broken is not None
    assert tally.requests < found.tally.requests


def test_nothing_accepted_is_not_exercised(fuzz: Any) -> None:
    # The first sequence that is generated is the shortest one.
    with pytest.raises(NotExercised, match="no generated retry was accepted"):
        fuzz("sequence", cases=1)


def test_broken_case_that_is_flaky_is_still_reported(fuzz: Any) -> None:
    contracts = catalogue()

    class OneService(MockEndpoint):
        """A service that all cases share, so what broke may not break again."""

        def renew(self) -> MockEndpoint:
            return self

        def close(self) -> None:
            pass

    after = contracts["after"]
    begin = contracts.timeline.instant_within(after.period)
    flapping = FAULTS["cutover-flaps-by-request"]
    endpoint = OneService(contracts, begin, lambda _: after, faults=[flapping])
    assert "creator-id-as-contracted" in fuzz("request", endpoint=endpoint).rules


# What fixes a run


@pytest.mark.slow
@each_kind
def test_seed_fixes_the_cases(kind: str, fuzz: Any, wire: Any) -> None:
    runs = []
    for seed in (1, 1, 2):
        fuzz(kind, cases=8, seed=seed)
        runs.append(_sent(wire))
        wire.requests.clear()
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.slow
@each_kind
def test_environment_and_profiles_change_nothing(
    kind: str, fuzz: Any, wire: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fuzz(kind, cases=8)
    plain = _sent(wire)
    wire.requests.clear()
    profile = hypothesis.settings(
        derandomize=True,
        database=None,
        max_examples=3,
        stateful_step_count=2,
        phases=[Phase.explicit],
        suppress_health_check=[HealthCheck.too_slow],
        verbosity=Verbosity.normal,
    )
    before = hypothesis.settings.get_current_profile_name()
    hypothesis.settings.register_profile("hostile", profile)
    hypothesis.settings.load_profile("hostile")
    monkeypatch.setenv("CI", "1")
    monkeypatch.setenv("HYPOTHESIS_STORAGE_DIRECTORY", str(tmp_path / "storage"))
    try:
        fuzz(kind, cases=8)
    finally:
        hypothesis.settings.load_profile(before)
    assert _sent(wire) == plain
    assert not (tmp_path / "storage").exists()


@pytest.mark.slow
@each_kind
def test_modules_that_happen_to_be_imported_change_nothing(
    kind: str, fuzz: Any, wire: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fuzz(kind, cases=8)
    plain = _sent(wire)
    wire.requests.clear()
    source = "\n".join(f"X{n} = ('constant number {n}', {n * 7919})" for n in range(400))
    (tmp_path / "of_the_user.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    __import__("of_the_user")
    fuzz(kind, cases=8)
    assert _sent(wire) == plain


def test_home_of_hypothesis_is_given_back(fuzz: Any) -> None:
    name = "__hypothesis_home_directory"
    before = getattr(configuration, name)
    fuzz("request", cases=5)
    assert getattr(configuration, name) == before


@pytest.mark.slow
@each_kind
def test_folder_of_the_run_stays_empty(
    kind: str, fuzz: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    fuzz(kind, "after", SLOW[kind], cases=30)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@each_kind
def test_example_database_is_extended_and_read(
    kind: str, fuzz: Any, wire: Any, tmp_path: Path
) -> None:
    first = fuzz(kind, "after", SLOW[kind], examples=tmp_path)
    assert first.broken is not None
    assert any(tmp_path.iterdir())
    wire.requests.clear()
    # Another seed, and a single case: it can only come from the folder.
    again = fuzz(kind, "after", SLOW[kind], examples=tmp_path, cases=1, seed=4)
    assert again.rules == first.rules
    assert fuzz(kind, cases=20, examples=tmp_path).broken is None


@pytest.mark.slow
@each_kind
def test_unwritable_home_is_no_obstacle(
    kind: str, fuzz: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    monkeypatch.setenv("XDG_CACHE_HOME", str(file))
    assert fuzz(kind, cases=10).broken is None

    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    assert fuzz(kind, cases=10).broken is None


# Transition


@pytest.mark.slow
def test_other_contract_in_a_transition_is_drift_and_no_alarm(fuzz: Any) -> None:
    contracts = catalogue()
    expectation = expect_at(contracts, "2025-02-10")
    assert expectation.tolerated == (contracts["after"],)
    endpoint = mock_of(contracts, contracts["after"])
    found = fuzz("request", endpoint=endpoint, expectation=expectation)
    assert found.broken is None
    assert any("transition" in drift.message for drift in found.tally.drift)


def test_other_contract_outside_a_transition_is_an_alarm(fuzz: Any) -> None:
    contracts = catalogue()
    endpoint = mock_of(contracts, contracts["before"])
    expectation = expect_at(contracts, "2025-03-10")
    found = fuzz("request", endpoint=endpoint, expectation=expectation)
    assert found.rules == {"creator-id-as-contracted"}


def test_failure_without_its_own_rule_belongs_to_the_generated_requests() -> None:
    from retry_contract.fuzz.requests import _from_failure

    class NewFailure(Exception):
        title = "Something Else"

    failure: Any = NewFailure()
    assert _from_failure(failure).rule == REQUESTS
