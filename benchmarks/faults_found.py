"""Every named fault, found by generated cases alone: by which generator, and in how long.

Seconds run from the start of a generator, its tables warm, to the verdict with the shrunk case.
Both contracts are tried; the one that finds a fault first is shown.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import expect
from retry_contract.endpoint.mock import mock_of
from retry_contract.fuzz.engine import Tally
from retry_contract.fuzz.plan import Broken, Plan
from retry_contract.fuzz.requests import fuzz_requests
from retry_contract.fuzz.stateful import fuzz_sequences
from retry_contract.outcome import NotExercised
from retry_contract.service.faults import FAULTS, Fault

GENERATORS: dict[str, Callable[[Plan, Tally], Broken | None]] = {
    "requests": fuzz_requests,
    "sequences": fuzz_sequences,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fuzz", type=int, default=100, help="cases a generator")
    parser.add_argument("--seed", type=int, default=20250224)
    parser.add_argument("faults", nargs="*", metavar="FAULT", help="all by default")
    options = parser.parse_args()
    chosen = [FAULTS[name] for name in options.faults or FAULTS if FAULTS[name].rule is not None]
    for generator in GENERATORS:
        find(generator, None, "after", options.fuzz, options.seed)
    print(f"{'fault':<28}{'generator':<11}{'contract':<10}{'s':>6}{'steps':>7}  rule")
    times, missed = [], []
    for fault in chosen:
        found = [row for row in (best(fault, name, options) for name in GENERATORS) if row]
        for generator, contract, seconds, broken in found:
            steps = len(broken.case.get("sequence", {}).get("steps", [0]))
            rule = broken.violations[0].rule
            print(f"{fault.name:<28}{generator:<11}{contract:<10}{seconds:>6.2f}{steps:>7}  {rule}")
        if found:
            times.append(min(seconds for _, _, seconds, _ in found))
        else:
            missed.append(fault.name)
            print(f"{fault.name:<28}not found")
    print(f"\n{len(times)} of {len(chosen)} faults found within --fuzz {options.fuzz}, ", end="")
    print(f"by the quicker generator in a median of {statistics.median(times):.2f} s")
    sys.exit(bool(missed))


def best(
    fault: Fault, generator: str, options: argparse.Namespace
) -> tuple[str, str, float, Broken] | None:
    for contract in ("after", "before"):
        begin = time.perf_counter()
        found = find(generator, fault, contract, options.fuzz, options.seed)
        if found is not None:
            return generator, contract, time.perf_counter() - begin, found
    return None


def find(
    generator: str, fault: Fault | None, contract: str, cases: int, seed: int
) -> Broken | None:
    """Return what one generator finds of a fault on the mock."""
    contracts = catalogue()
    endpoint = mock_of(contracts, contracts[contract], faults=[fault] if fault else [])
    plan = Plan(endpoint, expect(contracts, contract), cases, seed)
    try:
        return GENERATORS[generator](plan, Tally(plan.most_shrinks))
    except NotExercised:
        return None
    finally:
        endpoint.close()


if __name__ == "__main__":
    main()
