"""What hostile services, files and code cost: seconds and the most memory, of the whole command.

With `--minutes` it plants secrets for so long instead, as tests/acceptance/test_planted.py does for
a minute, and fails at the first that is seen in an output.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.bounded import Bounded, run_bounded
from support.forking import forker
from support.hostile_bodies import BODIES, hostile_service
from support.hostile_files import FEW, MANY
from support.planted_runs import planted_runs

PATIENCE = 120.0
FLOODS = """
def prints(payload: dict) -> dict:
    while True:
        print("x" * 100_000)

def returns(payload: dict) -> str:
    return "x" * 200_000_000

def raises(payload: dict) -> dict:
    raise ValueError("x" * 100_000_000)
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.minutes is not None:
            return plant(Path(folder), options.seed, options.minutes * 60)
        print(f"{'attack':<44}{'exit':>5}{'s':>8}{'MB':>7}{'printed, KB':>13}")
        for name in BODIES:
            with hostile_service(name) as served:
                words = ["verify", *served.options, "--message", served.failed()[0]]
                words += ["--fuzz", "0", "--record", "record.jsonl"]
                show(f"verify: {name}", words, Path(folder), {"POSTMAN_API_KEY": served.key})
        for name, make in {**MANY, **FEW}.items():
            for size in (5_000_000, 50_000_000):
                file = Path(folder, "response.json")
                file.write_text(make(size - 1_000)[:size], encoding="utf-8")
                show(f"validate, {size // 10**6} MB: {name}", ["validate", str(file)], Path(folder))
        Path(folder, "floods.py").write_text(FLOODS, encoding="utf-8")
        for name in ("prints", "returns", "raises"):
            show(f"consumer, {name} without end", ["consumer", f"floods:{name}"], Path(folder))
    return 0


def show(
    name: str, words: Sequence[str], folder: Path, env: Mapping[str, str] | None = None
) -> None:
    """Print a row: how a command ended, and what it took."""
    begin = time.perf_counter()
    more = [] if words[0] != "consumer" else ["--payloads", "2", "--timeout", "2"]
    done: Bounded = run_bounded([*words, *more], cwd=folder, env=env, seconds=PATIENCE)
    seconds, printed = time.perf_counter() - begin, len(done.stdout + done.stderr) / 1_000
    row = f"{name:<44}{done.returncode:>5}{seconds:>8.1f}{done.memory:>7.0f}{printed:>13.1f}"
    print(row, flush=True)


def plant(folder: Path, seed: int, seconds: float) -> int:
    """Plant secrets, and print how many runs have shown none; 1 if one has."""
    runs = 0
    with forker(os.environ) as started:
        for left, secrets in planted_runs(folder, started, os.environ, seed, seconds):
            runs += 1
            found = left.found(*secrets)
            if found or left.code not in (0, 1, 2, 3) or "Traceback" in left.texts["stderr"]:
                print(f"seed {seed}, run {runs}, exit {left.code}: {left.command}\n{found}")
                return 1
    print(f"seed {seed}: {runs} runs, and nothing was seen")
    return 0


if __name__ == "__main__":
    sys.exit(main())
