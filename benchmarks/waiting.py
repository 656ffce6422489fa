"""`verify` with all defaults against a service whose messages take their time to fail.

Each row is the whole command, next to the same with `--fuzz 0`; the service is another process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

from service import COMMAND, sandbox

ROWS = (("0.3", ()), ("1", ()), ("5", ("--max-seconds", "60")))
"""After how many seconds a message fails, and further options of `verify`."""


def main() -> None:
    print(f"{'fails after':<13}{'options':<18}{'s':>7}{'--fuzz 0':>10}  outcome")
    for delivery, options in ROWS:
        seconds, outcome = timed(delivery, *options)
        without, _ = timed(delivery, "--fuzz", "0")
        row = f"{delivery + ' s':<13}{' '.join(options) or '-':<18}{seconds:>7.1f}{without:>10.1f}"
        print(f"{row}  {outcome}", flush=True)


def timed(delivery: str, *options: str) -> tuple[float, str]:
    """Return how long `verify` takes, in seconds, and its last line."""
    with sandbox("--fail-after", delivery) as served:
        place = ["--endpoint", served["endpoint"], "--campaign", served["campaign"]]
        words = [COMMAND, "verify", *place, "--provision", "simulator", "--seed", "1", *options]
        environment = {**os.environ, "POSTMAN_API_KEY": served["key"]}
        begin = time.perf_counter()
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begin
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    return seconds, done.stdout.splitlines()[-1]


if __name__ == "__main__":
    main()
