"""How long `consumer` takes on 1,000 payload pairs, from start to end: medians of five runs."""

from __future__ import annotations

import json
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from retry_contract.consumer.cases import make_cases, newest_pair, plainest
from retry_contract.contract.catalogue import catalogue

RUNS, PAIRS, AT_MOST = 5, 1000, 3.0
MODULE = """
from dataclasses import dataclass, fields

@dataclass
class Reply:
    createdAt: str
    updatedAt: str
    id: str
    recipient: str
    values: dict
    fullMessage: str
    latestStatus: str
    templateBodyId: str
    campaignId: str

NAMES = {field.name for field in fields(Reply)}

def parse(reply):
    return Reply(**{name: reply[name] for name in NAMES})

def closed(reply):
    return Reply(**reply)
"""
READER = Path(__file__).parents[1] / "examples" / "consumers" / "reader.py"


def main() -> None:
    reader = [sys.executable, str(READER)]
    print(f"{PAIRS} pairs{'':<22}{'median s':>10}{'min':>8}{'max':>8}{'at most':>9}")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "app.py").write_text(MODULE, encoding="utf-8")
        show("a callable that reads", [consumer(folder, "app:parse", 0) for _ in range(RUNS)])
        show("a callable that breaks", [consumer(folder, "app:closed", 1) for _ in range(RUNS)])
        command = shlex.join(reader)
        own = statistics.median(alone(reader) for _ in range(RUNS))
        taken = [consumer(folder, "--exec", 0, command) - own for _ in range(RUNS)]
        show("--exec, less its own time", taken)


def consumer(folder: str, target: str, expected: int, *rest: str) -> float:
    command = [sys.executable, "-m", "retry_contract", "consumer", target, *rest]
    return seconds([*command, "--payloads", str(PAIRS), "--seed", "1"], folder, expected)


def alone(reader: list[str]) -> float:
    """How long the command takes by itself on what it is given in the four situations."""
    cases = make_cases(plainest(newest_pair(catalogue())), PAIRS, 1)
    payloads = [p for c in cases for p in (c.before, c.after, c.reordered, c.extended)]
    given = "".join(json.dumps(payload) + "\n" for payload in payloads).encode()
    return seconds(reader, ".", 0, given)


def seconds(command: list[str], folder: str, expected: int, given: bytes = b"") -> float:
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=folder, input=given, stdout=subprocess.DEVNULL, check=False)
    taken = time.perf_counter() - begin
    if done.returncode != expected:
        sys.exit(f"{' '.join(command)} exited with {done.returncode}")
    return taken


def show(name: str, times: list[float]) -> None:
    median = statistics.median(times)
    print(f"{name:<32}{median:>10.3f}{min(times):>8.3f}{max(times):>8.3f}{AT_MOST:>9.1f}")


if __name__ == "__main__":
    main()
