"""Ctrl-C ends a run at once, at whatever point, with what was found so far."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from support.forking import Forker, forker
from support.interrupted import Ended, interrupted
from support.json_schemas import hold_file

from retry_contract.report import files
from retry_contract.rules.scenarios import TOGETHER

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT, and no fork"),
]

MOST_SECONDS = 2.0


@dataclass(frozen=True)
class Point:
    """Where a run is interrupted: at a request, which is `held` back, or answered as the last."""

    request: int
    arguments: tuple[str, ...] = ("--fuzz", "0")
    held: bool = False
    faulty: bool = False
    delivery: float = 0.02

    def __str__(self) -> str:
        how = "held" if self.held else "answered"
        return "-".join([str(self.request), how, *self.arguments[::3], "faulty" * self.faulty])


SIMULATED = ("--fuzz", "0", "--provision", "simulator")
FUZZED = ("--fuzz", "6", "--provision", "simulator")
POINTS = [
    *(Point(n, held=n % 2 == 0, faulty=n % 3 == 0) for n in range(1, 14)),
    *(Point(n, SIMULATED, held=n % 4 == 0, faulty=n % 4 == 2) for n in range(2, 28, 2)),
    *(Point(n, SIMULATED, delivery=60, held=n == 5) for n in (3, 5, 7)),
    *(Point(n, (*SIMULATED, "--rate", "4")) for n in (2, 4)),
    *(Point(n, FUZZED, held=n == 60) for n in (30, 40, 60, 80)),
]


def _interrupt(point: Point, folder: Path, shell: Mapping[str, str], started: Forker) -> Ended:
    return interrupted(
        started,
        ["--report", "report", "--record", "record", *point.arguments],
        folder,
        shell,
        request=point.request,
        held=point.held,
        faults=["created-at-moved"] if point.faulty else [],
        delivery=point.delivery,
    )


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, shell: dict[str, str]) -> dict[Point, Ended]:
    folders = [tmp_path_factory.mktemp("point") for _ in POINTS]
    with forker(shell) as started, ThreadPoolExecutor(max_workers=4) as pool:
        ends = pool.map(lambda p, f: _interrupt(p, f, shell, started), POINTS, folders)
        found = list(ends)
        for index, point in enumerate(POINTS):
            # Once more, and alone, where the machine may have had too much else to do.
            if found[index].seconds > MOST_SECONDS:
                again = tmp_path_factory.mktemp("again")
                found[index] = _interrupt(point, again, shell, started)
    return dict(zip(POINTS, found, strict=True))


def test_there_are_thirty_points() -> None:
    assert len(set(POINTS)) >= 30


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_run_ends_with_what_was_found(point: Point, ended: dict[Point, Ended]) -> None:
    end = ended[point]
    errors = (end.folder / "stderr").read_text()
    assert "Traceback" not in errors
    assert end.seconds < MOST_SECONDS
    hold_file("verify", end.folder / "report" / "report.json")
    report = json.loads((end.folder / "report" / "report.json").read_text())
    assert (report["outcome"], end.exit_code) in [("not tested", 3), ("broken", 1)]
    assert report["reason"] == "interrupted"
    assert (report["outcome"] == "broken") <= point.faulty
    assert "interrupted" in (end.folder / "stdout").read_text().splitlines()[-1]
    assert (end.folder / "report" / "summary.md").read_text().startswith("## retry-contract: ")
    junit = ElementTree.parse(end.folder / "report" / "junit.xml")
    assert int(junit.getroot().attrib["errors"]) == 1


@pytest.mark.parametrize("point", POINTS, ids=str)
def test_record_survives(point: Point, ended: dict[Point, Ended]) -> None:
    end = ended[point]
    lines = [json.loads(line) for line in (end.folder / "record").read_text().splitlines()]
    report = json.loads((end.folder / "report" / "report.json").read_text())
    assert all(line["status"] for line in lines)
    if "--fuzz" not in point.arguments or "0" in point.arguments:
        # Eight retries are on their way at once, and written when all have come back.
        assert report["requests"] - len(lines) in range(TOGETHER + 1)
        assert report["requests"] in range(point.request - 1, point.request + TOGETHER + 3)


def test_nothing_comes_between_a_run_and_its_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Callable[..., Any]
) -> None:
    def interrupted(*given: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        return real(*given)

    real = files.written
    monkeypatch.setattr(files, "written", interrupted)
    assert here("verify", "--fuzz", "0", "--report", tmp_path).returncode == 0
    assert json.loads((tmp_path / "report.json").read_text())["outcome"] == "kept"
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


def test_violations_found_so_far_are_shown(ended: dict[Point, Ended]) -> None:
    # With --provision, five messages are sent and waited for before the first retry.
    late = [
        end
        for point, end in ended.items()
        if point.faulty and point.request > (24 if "--provision" in point.arguments else 8)
    ]
    assert late
    assert {end.exit_code for end in late} == {1}
