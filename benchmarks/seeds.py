"""How many false alarms so many seeds raise against the documented service: there must be none.

Each seed generates requests and sequences for each contract, on the mock, as `verify` would.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.mock import mock_of
from retry_contract.fuzz.engine import Tally
from retry_contract.fuzz.plan import Plan
from retry_contract.fuzz.requests import fuzz_requests
from retry_contract.fuzz.stateful import fuzz_sequences
from retry_contract.outcome import NotExercised
from retry_contract.service.model import Settings

SETTINGS = (
    Settings(),
    Settings(errors="flat"),
    Settings(cap="retries"),
    Settings(cap="retries", errors="flat"),
)
"""What the documentation leaves open: one reading after the other, from seed to seed."""


def alarms(seed: int, cases: int) -> tuple[list[str], int]:
    """Return the alarms that a seed raises, and how many requests it sent."""
    found, requests = [], 0
    contracts = catalogue()
    for contract in contracts:
        for generator in (fuzz_requests, fuzz_sequences):
            settings = SETTINGS[seed % len(SETTINGS)]
            endpoint = mock_of(contracts, contracts[contract], settings=settings)
            plan = Plan(endpoint, expect(contracts, contract), cases, seed)
            tally = Tally(plan.most_shrinks)
            try:
                broken = generator(plan, tally)
            except NotExercised as reason:
                print(f"seed {seed}, {contract}, {generator.__name__}: {reason}", file=sys.stderr)
                broken = None
            finally:
                endpoint.close()
            requests += tally.requests
            if broken is not None:
                found.append(f"seed {seed}, {contract}: {broken.violations}, {broken.case}")
    return found, requests


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", type=int, nargs="?", default=1000)
    parser.add_argument("--fuzz", type=int, default=20, help="cases a generator and contract")
    options = parser.parse_args()
    begin, raised, requests = time.perf_counter(), 0, 0
    seeds = range(options.seeds)
    with ProcessPoolExecutor(max_workers=2) as pool:
        for found, sent in pool.map(alarms, seeds, [options.fuzz] * len(seeds), chunksize=10):
            raised += len(found)
            requests += sent
            print("\n".join(found), end="\n" if found else "")
    seconds = time.perf_counter() - begin
    cases = options.seeds * options.fuzz * 2 * len(catalogue())
    print(f"{options.seeds} seeds, {cases} cases, {requests} requests, {seconds:.0f} s: ", end="")
    print(f"{raised} alarms")
    sys.exit(bool(raised))


if __name__ == "__main__":
    main()
