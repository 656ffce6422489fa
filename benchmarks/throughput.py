"""Generated cases a second, and the kit's request fuzzing beside Schemathesis' command line.

Both commands are processes of their own, start-up included, with the same document, the same
server on loopback and the same number of cases; medians, the two taking turns. The kit makes a
failed message for each case that retries one, so it sends more requests than there are cases.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.live import LiveEndpoint, LiveSettings
from retry_contract.endpoint.mock import mock_of
from retry_contract.fuzz.engine import Tally
from retry_contract.fuzz.plan import Plan
from retry_contract.fuzz.requests import fuzz_requests
from retry_contract.fuzz.stateful import fuzz_sequences
from retry_contract.strategies import retry_responses

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "schemas" / "after-2025-02-24" / "openapi.json"
AFTER = "after-2025-02-24"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,ignored_auth"
)
"""Those of Schemathesis' checks that the kit runs as well; the kit's own come on top there."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, nargs="+", default=[50, 300])
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    in_this_process(options.runs)
    beside_the_command_line(options.cases, options.runs)


def in_this_process(runs: int) -> None:
    print(f"{'in this process, 300 cases':<38}{'a second':>9}")
    with server() as served:
        live = LiveSettings(served["url"], served["key"], served["campaign"], simulate=True)
        figures: dict[str, Callable[[], int]] = {
            "payloads (retry_responses)": payloads,
            "requests on the mock, cases": lambda: requests(None).played,
            "requests on the mock, requests": lambda: requests(None).requests,
            "requests over loopback, cases": lambda: requests(live).played,
            "sequences on the mock, calls": sequences,
        }
        for name, figure in figures.items():
            figure()
            rates = []
            for _ in range(runs):
                begin = time.perf_counter()
                number = figure()
                rates.append(number / (time.perf_counter() - begin))
            print(f"{name:<38}{statistics.median(rates):>9.0f}")


def payloads() -> int:
    drawn = 0

    @hypothesis.settings(max_examples=300, database=None, deadline=None)
    @hypothesis.seed(1)
    @hypothesis.given(retry_responses("after"))
    def draw(_: Any) -> None:
        nonlocal drawn
        drawn += 1

    draw()
    return drawn


def requests(live: LiveSettings | None) -> Tally:
    contracts = catalogue()
    endpoint = LiveEndpoint(live) if live else mock_of(contracts, contracts[AFTER])
    with contextlib.closing(endpoint):
        plan = Plan(endpoint, expect(contracts, AFTER), 300, 1)
        tally = Tally(plan.most_shrinks)
        assert fuzz_requests(plan, tally) is None
    return tally


def sequences() -> int:
    contracts = catalogue()
    with contextlib.closing(mock_of(contracts, contracts[AFTER])) as endpoint:
        plan = Plan(endpoint, expect(contracts, AFTER), 100, 1)
        tally = Tally(plan.most_shrinks)
        assert fuzz_sequences(plan, tally) is None
    return tally.requests


def beside_the_command_line(numbers: list[int], runs: int) -> None:
    heading = f"{'over loopback, start-up included':<34}{'cases':>6}{'s':>7}{'cpu s':>7}"
    print(f"\n{heading}{'cases/s':>9}{'sent':>6}")
    for number in numbers:
        times: dict[str, list[tuple[float, float, str]]] = {
            "retry-contract verify": [],
            "st run": [],
        }
        for turn in range(runs + 1):  # the first, which fills caches, is left out
            for name, command in (("retry-contract verify", kit), ("st run", schemathesis)):
                taken = timed(command, number)
                times[name] += [taken] if turn else []
        for name, found in times.items():
            seconds, busy = (statistics.median(taken[i] for taken in found) for i in (0, 1))
            row = f"{seconds:>7.2f}{busy:>7.2f}{number / seconds:>9.0f}{found[-1][2]:>6}"
            print(f"{name:<34}{number:>6}{row}", flush=True)


def timed(
    command: Callable[[dict[str, Any], int], list[str]], number: int
) -> tuple[float, float, str]:
    """Run a command against a server of its own; return its seconds, CPU seconds, and requests."""
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH")
    with server() as served, tempfile.TemporaryDirectory() as folder:
        clean = {name: value for name, value in os.environ.items() if name not in dropped}
        environment = {**clean, "POSTMAN_API_KEY": served["key"]}
        words = command(served, number)
        begin, busy = time.perf_counter(), cpu_of_children()
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        seconds, busy = time.perf_counter() - begin, cpu_of_children() - busy
    sent = served["sent"]()
    # The kit says "not tested" (3), as no rule about one accepted retry was selected.
    if done.returncode not in (0, 1, 3) or int(sent) < number:
        sys.exit(f"{words[0]} sent {sent} and exited with {done.returncode}: {done.stderr[-2000:]}")
    return seconds, busy, sent


def cpu_of_children() -> float:
    """CPU seconds of the processes that were waited for: not of the server, which still runs."""
    times = os.times()
    return times.children_user + times.children_system


def kit(served: dict[str, Any], number: int) -> list[str]:
    words = [str(Path(sys.executable).with_name("retry-contract")), "verify"]
    words += ["--endpoint", served["url"], "--campaign", served["campaign"]]
    words += ["--provision", "simulator", "--contract", AFTER, "--seed", "1", "--json"]
    return [*words, "--fuzz", str(number), "--", "-k", "generated_requests"]


def schemathesis(served: dict[str, Any], number: int) -> list[str]:
    words = [str(Path(sys.executable).with_name("st")), "run", str(DOCUMENT)]
    words += ["--url", served["url"], "-H", f"Authorization: Bearer {served['key']}"]
    words += ["--include-operation-id", "retry", "--phases", "fuzzing", "--mode", "positive"]
    return [*words, "--checks", CHECKS, "--seed", "1", "--max-examples", str(number)]


@contextlib.contextmanager
def server() -> Iterator[dict[str, Any]]:
    """Serve the model in a process of its own; `sent` tells, once it has ended, what came."""
    program = str(ROOT / "tests" / "support" / "server.py")
    process = subprocess.Popen(
        [sys.executable, "-c", COUNTING, program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    served = json.loads(process.stdout.readline())
    rest: list[str] = []
    served["sent"] = lambda: rest[0]
    try:
        yield served
    finally:
        process.stdin.close()
        rest.append(process.stdout.read().strip())
        process.wait()


COUNTING = """
import runpy, sys
from retry_contract.service.model import Service
real, count = Service.handle, [0]
def handle(self, request):
    count[0] += 1
    return real(self, request)
Service.handle = handle
program = sys.argv.pop(1)
runpy.run_path(program, run_name="__main__")
print(count[0])
"""


if __name__ == "__main__":
    main()
