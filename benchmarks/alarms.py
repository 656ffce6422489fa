"""How many false alarms `verify` raises against the correct service, in every form of it.

Both contracts, envelopes and readings of the cap, messages named and simulated, failing after 0,
0.3, 1 and 3 seconds: 64 runs with `--fuzz 5`, then 20 of the default, while two processes keep two
cores busy. The service is another process, and `verify` gets no control of it.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
from service import COMMAND, sandbox

SIMULATOR = "6511111111"
"""A documented number of the test environment, whose messages fail."""

FORMS = tuple(
    itertools.product(
        ("before", "after"),
        ("nested", "flat"),
        ("attempts", "retries"),
        ("named", "simulated"),
        ("0", "0.3", "1", "3"),
    )
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fuzz", default="5", help="of the forms")
    parser.add_argument("--defaults", type=int, default=20, help="runs of the default")
    options = parser.parse_args()
    begin, alarms = time.perf_counter(), 0
    with busy(2):
        for form in FORMS:
            alarms += alarm(form, ("--fuzz", options.fuzz))
        for _ in range(options.defaults):
            alarms += alarm(("after", "nested", "attempts", "simulated", "0.3"), ())
    runs = len(FORMS) + options.defaults
    print(f"{alarms} alarms in {runs} runs, {time.perf_counter() - begin:.0f} s")
    sys.exit(alarms > 0)


def alarm(form: Sequence[str], options: Sequence[str]) -> bool:
    """Run `verify` once; return whether it says anything but kept, and print how it ended."""
    contract, errors, cap, source, delay = form
    words = ["--contract", contract, "--errors", errors, "--cap", cap, "--fail-after", delay]
    begin = time.perf_counter()
    with sandbox(*words) as served:
        place = ["--endpoint", served["endpoint"], "--campaign", served["campaign"]]
        place += ["--foreign-campaign", served["foreign"]["campaign"], "--contract", contract]
        place += failed(served) if source == "named" else ["--provision", "simulator"]
        environment = {**os.environ, "POSTMAN_API_KEY": served["key"]}
        done = subprocess.run(
            [COMMAND, "verify", *place, *options],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    seconds = time.perf_counter() - begin
    lines = done.stdout.splitlines() or [done.stderr]
    print(f"{' '.join(form):<40}{seconds:>6.1f} s  {done.returncode}  {lines[-1]}", flush=True)
    if done.returncode != 0:
        print(done.stdout, done.stderr, flush=True)
    return done.returncode != 0


def failed(served: dict[str, Any]) -> list[str]:
    """Send three messages that fail, and wait until Retrieve shows it; return options for them."""
    own = {"Authorization": f"Bearer {served['key']}"}
    place = f"{served['endpoint']}/campaigns/{served['campaign']}/messages"
    words = []
    with httpx.Client(headers=own, trust_env=False) as client:
        for _ in range(3):
            body = {"recipient": SIMULATOR, "language": "english", "values": {"name": "x"}}
            message = client.post(place, json=body).raise_for_status().json()["id"]
            while client.get(f"{place}/{message}").json()["latestStatus"] != "failure":
                time.sleep(0.05)
            words += ["--message", message]
    return words


@contextlib.contextmanager
def busy(cores: int) -> Iterator[None]:
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(cores)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


if __name__ == "__main__":
    main()
