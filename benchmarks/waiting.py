"""`verify` with all defaults against a service whose messages take their time to fail.

Each row is the whole command, next to the same with `--fuzz 0`; the service is another process.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROWS = (("0.3", ()), ("1", ()), ("5", ("--max-seconds", "60")))
"""After how many seconds a message fails, and further options of `verify`."""

COMMAND = str(Path(sys.executable).with_name("retry-contract"))
SERVER = """
import json, sys, threading
from datetime import UTC, datetime, timedelta
from retry_contract.contract.catalogue import catalogue
from retry_contract.endpoint.server import serve
from retry_contract.service.controls import CONTROL, Sandbox, Start
from retry_contract.service.model import PREFIX, Settings
settings = Settings(delivery=timedelta(seconds=float(sys.argv[1])))
sandbox = Sandbox(catalogue(), Start(settings=settings), lambda: datetime.now(UTC))
with serve(sandbox.handle) as (url,):
    own = sandbox.own
    print(json.dumps([url + PREFIX, url + CONTROL, own.id, own.key]), flush=True)
    sys.stdin.read()
"""


def main() -> None:
    print(f"{'fails after':<13}{'options':<18}{'s':>7}{'--fuzz 0':>10}  outcome")
    for delivery, options in ROWS:
        seconds, outcome = timed(delivery, *options)
        without, _ = timed(delivery, "--fuzz", "0")
        row = f"{delivery + ' s':<13}{' '.join(options) or '-':<18}{seconds:>7.1f}{without:>10.1f}"
        print(f"{row}  {outcome}", flush=True)


def timed(delivery: str, *options: str) -> tuple[float, str]:
    """Return how long `verify` takes, in seconds, and its last line."""
    with served(delivery) as (place, environment):
        begin = time.perf_counter()
        words = [COMMAND, "verify", *place, "--provision", "simulator", "--seed", "1", *options]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begin
    if done.returncode != 0:
        sys.exit(done.stdout + done.stderr)
    return seconds, done.stdout.splitlines()[-1]


@contextlib.contextmanager
def served(delivery: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    words = [sys.executable, "-c", SERVER, delivery]
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, **pipes) as process:
        endpoint, control, campaign, key = json.loads(process.stdout.readline())
        own = {"POSTMAN_API_KEY": key, "RETRY_CONTRACT_SANDBOX": control}
        yield ["--endpoint", endpoint, "--campaign", campaign], {**os.environ, **own}
        process.stdin.close()


if __name__ == "__main__":
    main()
