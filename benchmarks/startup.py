"""How long commands take from start to end, installed from a wheel by pip: medians of ten runs."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 10
COMMANDS = {
    "verify --fuzz 0": 1.5,
    "verify --fuzz 0 --json": 1.5,
    "timeline": 0.1,
    "--version": 0.1,
}
"""The commands, and what each may take at the most, in seconds."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = install(Path(folder))
        print(f"{'command':<24}{'median s':>10}{'min':>8}{'max':>8}{'at most':>9}")
        for arguments, bound in COMMANDS.items():
            times = [seconds([command, *arguments.split()], folder) for _ in range(RUNS + 1)][1:]
            median = statistics.median(times)
            print(f"{arguments:<24}{median:>10.3f}{min(times):>8.3f}{max(times):>8.3f}{bound:>9}")


def install(folder: Path) -> str:
    """Build the wheel, install it by pip into an environment of its own, return the command."""
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    scripts = environment / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(scripts / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "-w", str(folder), str(ROOT)], check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", str(wheel)], check=True, env=compiling())
    return str(scripts / "retry-contract")


def compiling() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def seconds(command: list[str], folder: str) -> float:
    begin = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=compiling(), stdout=subprocess.DEVNULL, check=False
    )
    taken = time.perf_counter() - begin
    if done.returncode:
        sys.exit(f"{' '.join(command)} exited with {done.returncode}")
    return taken


if __name__ == "__main__":
    main()
