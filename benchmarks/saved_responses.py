"""How long `validate` takes for a folder of 2,000 saved responses, in pairs with a process that
imports the same and only reads and parses the files. The figures are medians."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from retry_contract.contract.catalogue import catalogue

FILES, RUNS, AT_MOST = 2000, 15, 2.0
READ = """
import json, sys
from pathlib import Path
import retry_contract.cli.main, retry_contract.contract.expectation
import retry_contract.report.saved_report
for file in sorted(Path(sys.argv[1]).glob("*.json")):
    json.loads(file.read_bytes())
"""
VALIDATE = [sys.executable, "-m", "retry_contract", "validate"]
COMMANDS = {
    "read and parse": [sys.executable, "-c", READ],
    "validate": VALIDATE,
    "validate --quiet": [*VALIDATE, "--quiet"],
    "validate --json": [*VALIDATE, "--json"],
}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        save(Path(folder))
        times = [{name: seconds([*c, folder]) for name, c in COMMANDS.items()} for _ in range(RUNS)]
    read = statistics.median(row["read and parse"] for row in times)
    print(f"{FILES} files{'':<11}{'median s':>10}{'times':>7}{'at most':>9}")
    for name in COMMANDS:
        own = statistics.median(row[name] for row in times)
        bound = AT_MOST if name == "validate --quiet" else ""
        print(f"{name:<20}{own:>10.3f}{own / read:>7.2f}{bound:>9}")


def save(folder: Path) -> None:
    contract = catalogue()["after"]
    payload = json.loads(contract.examples("valid")["the-page.json"].read_bytes())
    for number in range(FILES):
        payload["id"] = f"message_{number}"
        text = json.dumps(payload, indent=2)
        (folder / f"{number}.json").write_text(text, encoding="utf-8")


def seconds(command: list[str]) -> float:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    begin = time.perf_counter()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
