"""Ctrl-C at moments spread over a whole run: what it says is what went out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from support.forking import forker
from support.interrupted import Ended, interrupted

from retry_contract.rules.scenarios import TOGETHER

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT, and no fork"),
]

WORDS = ["--fuzz", "5", "--seed", "1", "--provision", "simulator", "--json"]
MOMENTS, MOST_SECONDS = 20, 2.0
CASES = int(WORDS[1])
ON_THEIR_WAY = max(TOGETHER, CASES)
"""What is counted, since it is about to leave, and may not have arrived when Ctrl-C comes: so many
retries are sent at once, and each case may have one on its way."""
POLLS = 6
"""By how many requests two whole runs differ: how often one asks goes by the clock."""


@dataclass(frozen=True)
class Ends:
    """How a whole run ended, and those that were interrupted."""

    whole: Ended
    moments: list[Ended]


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory, shell: Mapping[str, str]) -> Ends:
    """A whole run, then one for each moment: every second one while its request is held back."""
    caches = tmp_path_factory.mktemp("caches")
    with forker(shell) as started, ThreadPoolExecutor(max_workers=4) as pool:

        def run(request: int | None, held: bool = False) -> Ended:
            folder = tmp_path_factory.mktemp("moment")
            return interrupted(
                started, WORDS, folder, shell, request=request, held=held, caches=caches
            )

        whole = run(None)
        requests = [len(whole.watch.received) * place // MOMENTS for place in range(1, MOMENTS + 1)]
        held = [place % 2 == 0 for place in range(MOMENTS)]
        moments = list(pool.map(run, requests, held))
        for place, end in enumerate(moments):
            # Once more, and alone, where the machine may have had too much else to do.
            if end.seconds > MOST_SECONDS:
                moments[place] = run(requests[place], held[place])
    return Ends(whole, moments)


each_moment = pytest.mark.parametrize("moment", range(MOMENTS))


def states(end: Ended) -> dict[str, Any]:
    """The state of each rule."""
    (contract,) = end.document["contracts"]
    return {rule["rule"]: rule["state"] for rule in contract["rules"]}


def test_whole_run_is_green(ends: Ends) -> None:
    assert ends.whole.exit_code == 0
    assert ends.whole.went_out["sends"] > 0
    assert len(ends.whole.watch.received) > MOMENTS


@each_moment
def test_run_ends_at_once_without_a_traceback(ends: Ends, moment: int) -> None:
    end = ends.moments[moment]
    assert end.seconds < MOST_SECONDS
    assert "Traceback" not in (end.folder / "stderr").read_text(encoding="utf-8")


@each_moment
def test_run_is_green_only_with_every_request_of_a_whole_one(ends: Ends, moment: int) -> None:
    end = ends.moments[moment]
    document = end.document
    if end.exit_code == 0:
        assert document["outcome"] == "kept"
        assert states(end) == states(ends.whole)
        assert end.went_out["sends"] == ends.whole.went_out["sends"]
        assert len(end.watch.received) >= len(ends.whole.watch.received) - POLLS
    else:
        assert end.exit_code == 3
        assert (document["outcome"], document["reason"]) == ("not tested", "interrupted")
        assert "broken" not in states(end).values()


def test_run_that_was_interrupted_early_is_never_green(ends: Ends) -> None:
    assert {end.exit_code for end in ends.moments[: MOMENTS - 1]} == {3}


@each_moment
def test_requests_are_counted(ends: Ends, moment: int) -> None:
    end = ends.moments[moment]
    received = len(end.watch.received)
    assert end.document["requests"] in range(received, received + ON_THEIR_WAY + 1)


@each_moment
def test_run_says_what_went_out(ends: Ends, moment: int) -> None:
    end = ends.moments[moment]
    sends, retries = (end.went_out[what] for what in ("sends", "retries"))
    assert end.document["sent"]["sends"] in range(sends, sends + CASES + 1)
    assert end.document["sent"]["retries"] in range(retries, retries + ON_THEIR_WAY + 1)
