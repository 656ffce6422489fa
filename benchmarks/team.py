"""What `verify` says of a service of another kind: false alarms, bugs found, and how long it takes.

The service is `tests/support/team`: FastAPI on SQLite, one or two instances, behind a balancer by
connection or by request, with 40 bugs. `verify` is run as a command, with `--fuzz 0` and the hook,
or with simulator messages.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from service import COMMAND
from support.team import BUGS, Team, serve

FORMS: tuple[Any, ...] = (
    *({"instances": 1}, {"instances": 2, "balancer": "connection"}),
    {"instances": 2, "balancer": "request"},
)
HOOK, SIMULATOR = "the hook", "simulator messages"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--correct", type=int, default=50, help="runs of the correct service")
    parser.add_argument("--bugs", type=int, default=10, help="runs of each bug")
    parser.add_argument("--instances", type=int, default=20, help="runs with one old instance")
    options = parser.parse_args()
    correct(options.correct)
    bugs(options.bugs)
    old_instance(options.instances)


def correct(runs: int) -> None:
    """Run against the correct service, in every form in turn."""
    seconds: dict[str, list[float]] = {HOOK: [], SIMULATOR: []}
    alarms = 0
    forms = itertools.cycle(itertools.product(FORMS, seconds))
    for form, given in itertools.islice(forms, runs):
        with serve(**form) as team:
            found = verify(team, given)
        alarms += found["outcome"] != "kept"
        if form["instances"] == 1:
            seconds[given].append(found["took"])
    if not runs:
        return
    print(f"{alarms} alarms in {runs} runs of the correct service")
    for given, times in seconds.items():
        print(f"{statistics.median(times):.2f} s with {given}, median of {len(times)}")


def bugs(runs: int) -> None:
    """Count in how many runs each bug is found by the rule that names it."""
    missed = 0
    for bug, rule in BUGS.items():
        # Retries that are sent at once must come back before one of them has failed again.
        delivery = 0.5 if bug == "concurrent-accepted" else 0.02
        with serve(bugs=[bug], delivery=delivery) as team:
            found = sum(rule in broken(verify(team, HOOK)) for _ in range(runs))
        missed += found < runs
        print(f"{bug:<28}{rule:<36}{found} of {runs}", flush=True)
    print(f"{len(BUGS) - missed} of {len(BUGS)} bugs found in each of {runs} runs")


def old_instance(runs: int) -> None:
    """Count in how many runs one old instance is found."""
    for number, balancer, given in itertools.product(
        (2, 10), ("connection", "request"), (HOOK, SIMULATOR)
    ):
        contracts = ("after",) * (number - 1) + ("before",)
        with serve(instances=number, balancer=balancer, contracts=contracts) as team:
            found = sum("one-contract-served" in broken(verify(team, given)) for _ in range(runs))
        print(
            f"one old of {number}, by {balancer}, {given}: found in {found} of {runs}", flush=True
        )


def verify(team: Team, given: str) -> dict[str, Any]:
    """Run `verify` as a command; return its JSON document, and how many seconds it took."""
    environment = {**os.environ, "POSTMAN_API_KEY": team.key}
    environment["RETRY_CONTRACT_REVOKED_KEY"] = team.revoked_key
    words = ["--endpoint", team.url, "--campaign", team.campaign, "--contract", "after"]
    words += ["--foreign-campaign", team.foreign_campaign, "--fuzz", "0", "--json"]
    with tempfile.TemporaryDirectory() as folder:
        states = team.write_states(Path(folder))
        words += ["--states", str(states)] if given == HOOK else ["--provision", "simulator"]
        begin = time.perf_counter()
        done = subprocess.run(
            [COMMAND, "verify", *words], env=environment, capture_output=True, check=False
        )
        took = time.perf_counter() - begin
    document: dict[str, Any] = json.loads(done.stdout)
    return document | {"took": took}


def broken(document: dict[str, Any]) -> set[str]:
    """Return the rules that are broken."""
    rules = (rule for contract in document["contracts"] for rule in contract["rules"])
    return {rule["rule"] for rule in rules if rule["state"] == "broken"}


if __name__ == "__main__":
    main()
