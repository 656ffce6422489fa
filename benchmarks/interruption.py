"""How `verify --fuzz 5` ends when it is interrupted, at moments spread over its whole time.

Each run is a process of its own against the documented service on loopback, and gets one SIGINT:
the first when Python starts, the last after the run. It must end within two seconds, without a
traceback, and be green only if the service had every Single Send of a whole run.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))
from support.watched import Watch, begin, watched  # noqa: E402

WORDS = ("--fuzz", "5", "--seed", "1", "--provision", "simulator", "--json")
MOST_SECONDS, PATIENCE = 2.0, 60.0
ON_THEIR_WAY = 8
"""So many are sent at once: they are counted as they leave, and need not have arrived."""
ENDS = {0: "green", 1: "broken", 3: "not tested"}
"""By exit code."""


@dataclass(frozen=True)
class End:
    """How one run ended: after the signal in `seconds`, `whole` seconds after its start."""

    code: int
    seconds: float
    whole: float
    sends: int
    requests: int
    counted: int
    errors: str

    @property
    def in_python(self) -> bool:
        """Whether the signal came before Python ran any of the kit, and ended it."""
        in_imports = "Traceback" in self.errors and "retry_contract" not in self.errors
        return self.code == -signal.SIGINT or (self.code == 1 and in_imports)


def run(moment: float | None, caches: Path) -> End:
    watch = Watch()
    with tempfile.TemporaryDirectory() as name, watched(watch=watch) as (served, _):
        folder = Path(name)
        words = ["verify", *served.options, "--message", *served.failed(), *WORDS]
        # Generating is faster with what a run before has left there.
        (folder / "caches").symlink_to(caches)
        env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        start = time.monotonic()
        process = begin(["-m", "retry_contract", *words], served, folder, env)
        if moment is not None:
            time.sleep(moment)
            process.send_signal(signal.SIGINT)
        pressed = time.monotonic()
        code = process.wait(PATIENCE)
        end = time.monotonic()
        output, errors = ((folder / kind).read_text() for kind in ("stdout", "stderr"))
        counted = json.loads(output).get("requests", 0) if output else 0
        sends = len([r for r in watch.received if r.path.endswith("/messages")])
        received = len(watch.received)
        return End(code, end - pressed, end - start, sends, received, counted, errors)


def faults(end: End, whole: End) -> list[str]:
    counts = range(end.requests, end.requests + ON_THEIR_WAY + 1)
    checks = {
        f"ended after {end.seconds:.1f} s": end.seconds > MOST_SECONDS,
        f"traceback: {end.errors}": "Traceback" in end.errors and not end.in_python,
        f"exit code {end.code}": end.code not in (0, 3) and not end.in_python,
        "green without every send": end.code == 0 and end.sends != whole.sends,
        f"counts {end.counted} of {end.requests}": end.counted not in counts,
    }
    return [name for name, failed in checks.items() if failed]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("moments", type=int, nargs="?", default=100)
    moments = parser.parse_args().moments
    with tempfile.TemporaryDirectory() as name:
        caches = Path(name)
        _, whole = run(None, caches), run(None, caches)
        print(f"a whole run: {whole.whole:.2f} s, {whole.requests} requests, exit {whole.code}")
        at = [whole.whole * 1.1 * place / moments for place in range(moments)]
        ends = [run(moment, caches) for moment in at]
    seconds = [end.seconds for end in ends]
    found = Counter(
        "ended by Python's start" if end.in_python else ENDS.get(end.code, f"exit {end.code}")
        for end in ends
    )
    print(", ".join(f"{number} {how}" for how, number in found.most_common()))
    print(f"ended after {statistics.median(seconds):.3f} s, the slowest {max(seconds):.3f} s")
    wrong = [
        f"at {moment:.2f} s: {fault}"
        for moment, end in zip(at, ends, strict=True)
        for fault in faults(end, whole)
    ]
    print("\n".join(wrong) or "nothing wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
