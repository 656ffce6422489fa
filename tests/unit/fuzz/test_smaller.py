"""On a service that messages are waited for on, what is shown is the smallest that breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from support.scripted import Scripted
from support.server import serve

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.live import LiveEndpoint, LiveSettings
from retry_contract.fuzz.conformance import violation
from retry_contract.fuzz.engine import Tally, run_cases
from retry_contract.fuzz.plan import Broken, Kind, Plan
from retry_contract.fuzz.play import Play
from retry_contract.fuzz.requests import RequestCase
from retry_contract.fuzz.requests import _smaller as smaller_requests
from retry_contract.fuzz.smaller import shorter
from retry_contract.fuzz.stateful import _smaller as smaller_sequences
from retry_contract.fuzz.stateful import is_step
from retry_contract.outcome import NotExercised
from retry_contract.service.model import Settings

SENT: list[list[Any]] = [["send", ""], ["fail", 0], ["retry", 0]]
LEAST: dict[str, list[list[Any]]] = {
    "no-key-accepted": [["send", ""], ["unauthorised", 0, "no key"]],
    "unknown-is-500": [["unknown", 0]],
    "wrong-method-is-500": [["send", ""], ["method", 0, "GET"]],
    "values-lost": SENT,
    "message-lost": SENT,
    "cap-too-early": [*SENT, *SENT[1:]],
}
"""The smallest sequence in which a fault shows."""

Fuzz = Callable[..., Any]


@contextmanager
def _live(*faults: str, delivery: float = 0.05) -> Iterator[LiveEndpoint]:
    settings = Settings(delivery=timedelta(seconds=delivery))
    with serve(faults=faults, settings=settings) as served:
        endpoint = LiveEndpoint(
            LiveSettings(served.url, served.key, served.campaign, simulate=True)
        )
        yield endpoint
        endpoint.close()


def _keeps(steps: Sequence[Any], endpoint: LiveEndpoint, fuzz: Fuzz) -> bool:
    try:
        found = fuzz("sequence", endpoint=endpoint, replay={"start": 0, "steps": steps})
    except NotExercised:
        return True
    return found.broken is None


@pytest.mark.parametrize(
    ("fault", "seed"),
    [
        ("no-key-accepted", 1),
        *(
            pytest.param(fault, seed, marks=pytest.mark.slow)
            for fault in LEAST
            for seed in (1, 2, 3)
            if (fault, seed) != ("no-key-accepted", 1)
        ),
    ],
)
def test_no_step_of_the_sequence_shown_can_be_left_out(fault: str, seed: int, fuzz: Fuzz) -> None:
    with _live(fault) as endpoint:
        found = fuzz("sequence", endpoint=endpoint, cases=50, seed=seed)
        steps = found.broken.case["sequence"]["steps"]
        assert steps == LEAST[fault]
        assert not _keeps(steps, endpoint, fuzz)
        for number in range(len(steps)):
            assert _keeps(steps[:number] + steps[number + 1 :], endpoint, fuzz)


def test_message_that_failed_by_itself_is_waited_for_in_a_replay(fuzz: Fuzz) -> None:
    """A message fails while the sequence does something else; a replay may be quicker."""
    steps = [["send", "x"], *(["unknown", number] for number in range(40)), ["retry", 0]]
    with _live("values-lost", delivery=0.02) as endpoint:
        found = fuzz("sequence", endpoint=endpoint, replay={"start": 0, "steps": steps})
        assert found.broken.case["sequence"]["steps"] == [*steps[:-1], ["fail", 0], ["retry", 0]]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["request", "sequence"])
def test_examples_are_kept_and_mended_in_real_time_too(
    kind: str, fuzz: Fuzz, tmp_path: Path
) -> None:
    with _live("unknown-is-500") as endpoint:
        first = fuzz(kind, endpoint=endpoint, cases=20, seed=1, examples=tmp_path)
        # Another seed, and a single case: it can only come from the folder.
        again = fuzz(kind, endpoint=endpoint, cases=1, seed=4, examples=tmp_path)
    assert first.broken.case == again.broken.case
    with _live() as endpoint:
        assert fuzz(kind, endpoint=endpoint, cases=20, seed=1, examples=tmp_path).broken is None
    with _live("unknown-is-500") as endpoint, suppress(NotExercised):
        assert fuzz(kind, endpoint=endpoint, cases=1, seed=4, examples=tmp_path).broken is None


# What is tried


def test_halves_are_left_out_before_single_items() -> None:
    assert list(shorter("abcd")) == ["", "cd", "ab", "bcd", "acd", "abd", "abc"]
    assert list(shorter([1, 2])) == [[], [2], [1]]
    assert list(shorter("")) == []


def test_smaller_sequences_have_fewer_steps_first_and_then_plainer_values() -> None:
    steps: list[list[Any]] = [["send", "ab"], ["unknown", 7], ["fail", 2], ["retry", 1]]
    tried = [one["steps"] for one in smaller_sequences({"start": 0, "steps": steps})]
    assert [steps[0], steps[-1]] in tried
    lengths = [len(one) for one in tried]
    assert lengths == sorted(lengths)
    assert lengths[0] > 0
    for number in range(len(steps)):
        assert steps[:number] + steps[number + 1 :] in tried
    same = [one for one in tried if len(one) == len(steps)]
    assert [["send", ""], *steps[1:]] in same
    assert [*steps[:-1], ["retry", 0]] in same
    assert all(is_step(*step) for one in tried for step in one)
    assert steps not in tried


def test_case_that_comes_out_as_long_in_another_way_is_not_gone_on_with() -> None:
    """A play may add what was left out: to go on with that has no end."""
    tried = list[tuple[int, ...]]()

    def play(case: tuple[int, ...], _: Play) -> None:
        tried.append(case)
        grown = [*case, *[len(tried)] * (4 - len(case))]
        raise Broken({"sequence": {"steps": grown}}, violation("no-server-error", "", "a", "b"))

    def read(case: Any) -> tuple[int, ...]:
        return tuple(case["steps"])

    def one_less(case: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        yield from (case[:number] + case[number + 1 :] for number in range(len(case)))

    first: st.SearchStrategy[tuple[int, ...]] = st.just((0, 1, 2, 3))
    kind = Kind("sequence", first, read, play, smaller=one_less, steps=len)
    plan, tally = Plan(Scripted((200, {})), expect(catalogue(), "after"), 1, 1), Tally(200)
    run_cases(plan, tally, kind)
    assert sorted(tried) == [(0, 1, 2), (0, 1, 2, 3), (0, 1, 3), (0, 2, 3), (1, 2, 3)]


def test_smaller_requests_have_fewer_headers_and_shorter_texts() -> None:
    case = RequestCase("unknown", {"messageId": "ab"}, {"a": "x", "b": "yz"})
    tried = list(smaller_requests(case))
    assert RequestCase("unknown", {"messageId": "ab"}, {}) in tried
    assert RequestCase("unknown", {"messageId": "ab"}, {"b": "yz"}) in tried
    assert RequestCase("unknown", {"messageId": "ab"}, {"a": "x", "b": "z"}) in tried
    assert RequestCase("unknown", {"messageId": "b"}, case.headers) in tried
    assert case not in tried
