"""`verify` with every default on the mock, of this tree and of another revision, in pairs.

Both are installed from a wheel into an environment of their own, with the same dependencies; the
quotients are of pairs that ran right after each other.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAIRS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("revision")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        other = folder / "tree"
        add = ["git", "worktree", "add", "--quiet", "--detach", other, options.revision]
        subprocess.run(add, cwd=ROOT, check=True)
        try:
            commands = [install(other, folder / "then"), install(ROOT, folder / "now")]
        finally:
            remove = ["git", "worktree", "remove", "--force", other]
            subprocess.run(remove, cwd=ROOT, check=True)
        for command in commands:
            timed(command, folder)  # byte code, and what Hypothesis keeps
        pairs = [[timed(command, folder) for command in commands] for _ in range(options.pairs)]
    then, now = (statistics.median(pair[n][0] for pair in pairs) for n in (0, 1))
    quotient = statistics.median(pair[1][0] / pair[0][0] for pair in pairs)
    print(f"{options.revision}: {then:.2f} s, {pairs[-1][0][1]}")
    print(f"this tree: {now:.2f} s, {pairs[-1][1][1]}")
    print(f"quotient: {quotient:.2f}, the median of {options.pairs} pairs")


def install(tree: Path, environment: Path) -> Path:
    """Install a tree into a fresh environment; return its command."""
    subprocess.run(["uv", "venv", "--quiet", environment], check=True)
    python = environment / "bin" / "python"
    wheels = environment / "wheels"
    subprocess.run(["uv", "build", "--quiet", "--wheel", "--out-dir", wheels, tree], check=True)
    (wheel,) = wheels.glob("*.whl")
    subprocess.run(["uv", "pip", "install", "--quiet", "--python", python, wheel], check=True)
    return environment / "bin" / "retry-contract"


def timed(command: Path, folder: Path) -> tuple[float, str]:
    """Return how long the command takes, in seconds, and how many requests it sent."""
    begin = time.perf_counter()
    done = subprocess.run([command, "verify"], cwd=folder, capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"[0-9,]+ requests", done.stdout)
    return seconds, found[0] if found else "?"


if __name__ == "__main__":
    main()
