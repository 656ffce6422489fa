"""What the files of `--report` cost: seconds of a run, and the size and opening of the page.

Runs with and without --report are timed in pairs, in turn; the figures are medians. With Chromium
and playwright, the page of 10,000 violations is opened too.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from retry_contract.outcome import (
    ContractResult,
    Outcome,
    RuleResult,
    RuleState,
    Traffic,
    Verdict,
    Violation,
)
from retry_contract.report.page import verify_page
from retry_contract.rules import RULES

PAIRS, OPENINGS = 15, 5
AFTER = "after-2025-02-24"
VERIFY = [sys.executable, "-m", "retry_contract", "verify", "--fuzz", "0"]
BOUNDS = {5: 75_000, 10_000: 5_000_000}
"""The number of violations, and how many bytes their page may have at the most."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    pairs = parser.parse_args().pairs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, bound in BOUNDS.items():
            page = folder / f"{number}.html"
            page.write_text(verify_page(outcome(number)), encoding="utf-8")
            size = page.stat().st_size
            print(f"{number:,} violations: {size:,} bytes, at most {bound:,}")
        print(f"opening the page of 10,000 violations: {opening(folder / '10000.html')}")
        print(f"writing the four files: {added(folder, pairs)}")


def outcome(violations: int) -> Outcome:
    """Return an outcome with so many violations, each of a member of its own and of five rules."""
    names = list(RULES)[:5]
    found: dict[str, list[Violation]] = {name: [] for name in names}
    for number in range(violations):
        rule, pointer = names[number % len(names)], f"/member{number}"
        seen = f"accepted, request {number + 2}"
        what = (f"{pointer} is a number", "a string", "a number", seen, "accepted")
        found[rule].append(Violation(rule, pointer, *what))
    results = tuple(
        RuleResult(rule, AFTER, RuleState.BROKEN, tuple(found[rule]))
        if rule in found
        else RuleResult(rule, AFTER, RuleState.KEPT)
        for rule in RULES
    )
    contracts = (ContractResult(AFTER, results),)
    traffic = Traffic(violations + 2, {"201": violations + 2})
    return Outcome(Verdict.BROKEN, "http://127.0.0.1:8000/api/v2", None, contracts, traffic)


def opening(file: Path) -> str:
    """Return how long Chromium takes until a page is loaded and has been laid out."""
    chromium = shutil.which("chromium")
    if chromium is None:
        return "chromium is not installed"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        times = []
        for _ in range(OPENINGS):
            page = browser.new_page()
            begin = time.perf_counter()
            page.goto(file.as_uri())
            page.evaluate("document.body.getBoundingClientRect().height")
            times.append(time.perf_counter() - begin)
            page.close()
        browser.close()
    return f"{statistics.median(times):.2f} s, at most 2"


def added(folder: Path, pairs: int) -> str:
    """Return how much longer a run takes that writes a report, and of the processor's time."""
    reporting = [*VERIFY, "--report", "report"]
    times = [(spent(VERIFY, folder), spent(reporting, folder)) for _ in range(pairs + 1)][1:]
    plain = [statistics.median(pair[0][n] for pair in times) for n in (0, 1)]
    more = [statistics.median(pair[1][n] - pair[0][n] for pair in times) for n in (0, 1)]
    return (
        f"{more[0]:.3f} s more than the {plain[0]:.2f} s without, at most 0.15; "
        f"on the processor {more[1]:.3f} s more than {plain[1]:.2f}"
    )


def spent(command: list[str], folder: Path) -> tuple[float, float]:
    """Return the seconds that a command takes, and those of the processor."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    begin, before = time.perf_counter(), os.times()
    subprocess.run(command, cwd=folder, env=env, stdout=subprocess.DEVNULL, check=True)
    after = os.times()
    processor = after.children_user + after.children_system
    return (
        time.perf_counter() - begin,
        processor - before.children_user - before.children_system,
    )


if __name__ == "__main__":
    main()
