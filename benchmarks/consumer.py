"""How long `consumer` takes from start to end, on readers and on clients: medians of five runs.

A reader is tried on 1,000 payload pairs. A client's longest call is as long as `--timeout`: the one
of the examples waits for `201 drips`, and one without end for all that it is refused.
"""

from __future__ import annotations

import json
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from retry_contract.contract.catalogue import catalogue, newest_pair
from retry_contract.fuzz.pairs import cases, plainest
from retry_contract.fuzz.search import draw

RUNS, PAIRS, TIMEOUT = 5, 1000, 5.0
FOR_PAIRS, FOR_CALLS = 3.0, 2.0
"""At most how many seconds: for the pairs, and for the calls on top of `--timeout`."""
ROOT = Path(__file__).parents[1]
MODULE = """
import time
from dataclasses import dataclass, fields
import requests

@dataclass
class Message:
    createdAt: str
    updatedAt: str
    id: str
    recipient: str
    values: dict
    fullMessage: str
    latestStatus: str
    templateBodyId: str
    campaignId: str

NAMES = {field.name for field in fields(Message)}

def parse(response):
    return Message(**{name: response[name] for name in NAMES})

def closed(response):
    return Message(**response)

def endless(base_url, api_key, campaign_id, message_id, pause=0):
    url = f"{base_url}/campaigns/{campaign_id}/messages/{message_id}/retry"
    headers = {"Authorization": f"Bearer {api_key}"}
    while True:
        try:
            response = requests.post(url, headers=headers, timeout=3)
            response.raise_for_status()
            return response.json()["latestStatus"]
        except requests.RequestException:
            time.sleep(pause)

def pausing(base_url, api_key, campaign_id, message_id):
    return endless(base_url, api_key, campaign_id, message_id, pause=1)
"""
READER = ROOT / "examples" / "consumers" / "reader.py"


def main() -> None:
    reader = [sys.executable, str(READER)]
    print(f"{'':<40}{'median s':>10}{'min':>8}{'max':>8}{'at most':>9}")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "app.py").write_text(MODULE, encoding="utf-8")
        print(f"a reader of {PAIRS} pairs")
        show("a callable that reads", reads(folder, "app:parse", 0), FOR_PAIRS)
        show("a callable that breaks", reads(folder, "app:closed", 1), FOR_PAIRS)
        own = statistics.median(alone(reader) for _ in range(RUNS))
        taken = reads(folder, shlex.join(reader), 0, "--exec")
        show("--exec, less its own time", [total - own for total in taken], FOR_PAIRS)
        print(f"a client, less the --timeout of {TIMEOUT:g} s")
        show("that of the examples", calls(ROOT, "examples.consumers.client:retry", 0), FOR_CALLS)
        show("without end, without backoff", calls(folder, "app:endless", 1), FOR_CALLS)
        show("without end, with sleep(1) between", calls(folder, "app:pausing", 1), FOR_CALLS)


def reads(folder: str, target: str, expected: int, *option: str) -> list[float]:
    rest = ["--payloads", str(PAIRS), "--seed", "1"]
    return [consumer(folder, expected, *option, target, *rest) for _ in range(RUNS)]


def calls(folder: Path | str, target: str, expected: int) -> list[float]:
    words = ["--client", target, "--timeout", str(TIMEOUT)]
    return [consumer(folder, expected, *words) - TIMEOUT for _ in range(RUNS)]


def consumer(folder: Path | str, expected: int, *words: str) -> float:
    return seconds([sys.executable, "-m", "retry_contract", "consumer", *words], folder, expected)


def alone(reader: list[str]) -> float:
    """How long the command takes by itself on what it is given in the four scenarios."""
    plain = plainest(newest_pair(catalogue()))
    drawn = [plain, *draw(cases(plain, given=False), PAIRS, 1)]
    payloads = [p for c in drawn for p in (c.before, c.after, c.reordered, c.extended)]
    given = "".join(json.dumps(payload) + "\n" for payload in payloads).encode()
    return seconds(reader, ".", 0, given)


def seconds(command: list[str], folder: Path | str, expected: int, given: bytes = b"") -> float:
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=folder, input=given, stdout=subprocess.DEVNULL, check=False)
    taken = time.perf_counter() - begin
    if done.returncode != expected:
        sys.exit(f"{' '.join(command)} exited with {done.returncode}")
    return taken


def show(name: str, times: list[float], at_most: float) -> None:
    median = statistics.median(times)
    print(f"  {name:<38}{median:>10.3f}{min(times):>8.3f}{max(times):>8.3f}{at_most:>9.1f}")


if __name__ == "__main__":
    main()
