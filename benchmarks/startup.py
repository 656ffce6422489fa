"""How long commands take from start to end, installed from a wheel by pip.

Each is timed in pairs with a plain import of what it stands on; the figures are medians.
"""

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
RUNS = 15
IMPORTS = "import pytest, httpx, respx, jsonschema"
COMMANDS = {
    "verify --fuzz 0": (IMPORTS, 1.3),
    "verify --fuzz 0 --json": (IMPORTS, 1.3),
    "verify --seed 1": (IMPORTS, None),
    "timeline": ("pass", None),
    "--version": ("pass", 4.0),
}
"""The commands, the statement of Python that each is timed next to, and how many times that it
may take at the most."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = install(Path(folder))
        python = str(Path(command).with_name("python"))
        print(f"{'command':<24}{'median s':>10}{'next to':>10}{'times':>7}{'at most':>9}")
        for arguments, (statement, bound) in COMMANDS.items():
            pair = [command, *arguments.split()], [python, "-c", statement]
            times = [[seconds(words, folder) for words in pair] for _ in range(RUNS + 1)][1:]
            own, other = (statistics.median(column) for column in zip(*times, strict=True))
            print(f"{arguments:<24}{own:>10.3f}{other:>10.3f}{own / other:>7.2f}{bound or '':>9}")


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
