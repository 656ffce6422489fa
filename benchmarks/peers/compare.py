"""Sixteen faults and the correct server, run by this kit and by its peers: who catches what.

Each tool is installed from its registry into a cache folder, and run against a server of its own
for each fault, so that none finds what another left behind. All are given the same OpenAPI
document, key, campaign and failed message; peers.py and scripted.py say how each is configured.

A tool is first run on the correct server, several times: whatever it fails there is a false
alarm. A fault is caught if the tool fails the faulty server, by its exit code where it has one,
for something that it fails no correct server for. So a tool that always fails catches nothing.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from installing import Installed, default_cache, install
from peers import Bench, Peer, dredd, kit, kit_strict, portman, schemathesis, specmatic
from running import target
from scripted import prism, stepci
from verdict import Verdict, caught

from retry_contract.service.faults import FAULTS

CHOSEN = (
    "creator-id-missing",
    "creator-id-null",
    "creator-id-number",
    "id-changed",
    "status-not-reset",
    "answers-200",
    "unfailed-accepted",
    "no-key-accepted",
    "error-is-html",
    "timestamp-without-offset",
    "campaign-changed",
    "unknown-is-500",
    "undocumented-field",
    "updated-before-created",
    "second-retry-accepted",
    "values-lost",
)
PEERS = (
    Peer("retry-contract", kit),
    Peer("retry-contract --strict", kit_strict),
    Peer("Schemathesis", schemathesis, module="schemathesis"),
    Peer("Specmatic", specmatic, ("specmatic",), needs=("java",)),
    Peer("Dredd", dredd, ("dredd",)),
    Peer("Prism proxy", prism, ("@stoplight/prism-cli",)),
    Peer("Portman", portman, ("@apideck/portman", "tslib")),  # which it needs, and does not name
    Peer("Step CI", stepci, ("stepci",)),
)


@dataclass(frozen=True)
class Row:
    """What one tool did: its verdicts by fault, those on the correct server, seconds a run."""

    name: str
    controls: list[Verdict]
    verdicts: dict[str, Verdict]
    seconds: list[float]

    def caught(self, fault: str) -> bool:
        return caught(self.verdicts[fault], self.controls)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where tools are kept")
    parser.add_argument("--controls", type=int, default=3, help="runs on the correct server")
    parser.add_argument("--only", action="append", choices=[p.name for p in PEERS], metavar="TOOL")
    parser.add_argument("faults", nargs="*", default=CHOSEN, metavar="FAULT")
    options = parser.parse_args()
    if unknown := set(options.faults) - set(FAULTS):
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    rows, absent = [], []
    for peer in PEERS:
        if options.only and peer.name not in options.only:
            continue
        installed = install(peer, options.cache)
        if installed.problem is not None:
            absent.append(f"{peer.name}: not installed: {installed.problem}")
            continue
        rows.append(row(peer, installed, options))
    show(rows, absent)


def row(peer: Peer, installed: Installed, options: argparse.Namespace) -> Row:
    """Run one tool on the correct server, and on each faulty one."""
    name = f"{peer.name} {installed.version}".strip()
    seconds: list[float] = []

    def checked(fault: str | None) -> Verdict:
        print(f"{name}: {fault or 'the correct server'} ", end="", file=sys.stderr, flush=True)
        with target(fault) as served, tempfile.TemporaryDirectory() as folder:
            begin = time.perf_counter()
            try:
                found = peer.check(Bench(served, Path(folder), installed.home))
            except TimeoutError as reason:
                found = Verdict(True, frozenset([str(reason)]))
            seconds.append(time.perf_counter() - begin)
        told = f"failed: {'; '.join(sorted(found.alarms))[:200]}" if found.failed else "passed"
        print(f"{seconds[-1]:.1f} s, {told}", file=sys.stderr, flush=True)
        return found

    controls = [checked(None) for _ in range(options.controls)]
    return Row(name, controls, {fault: checked(fault) for fault in options.faults}, seconds)


def show(rows: list[Row], absent: list[str]) -> None:
    """Print the table and the matrix, in Markdown."""
    print("| tool | caught | false alarms | median s | total s |\n|---|---|---|---|---|")
    for row in rows:
        number = sum(row.caught(fault) for fault in row.verdicts)
        alarms = sum(control.failed for control in row.controls)
        print(f"| {row.name} | {number} of {len(row.verdicts)} ", end="")
        print(f"| {alarms} of {len(row.controls)} runs ", end="")
        print(f"| {statistics.median(row.seconds):.1f} | {sum(row.seconds):.0f} |")
    print("\n" + "\n".join(absent), end="\n\n" if absent else "")
    print("| fault | " + " | ".join(row.name for row in rows) + " |")
    print("|---|" + "---|" * len(rows))
    for fault in rows[0].verdicts if rows else ():
        marks = ["caught" if row.caught(fault) else "-" for row in rows]
        print(f"| {fault} | " + " | ".join(marks) + " |")


if __name__ == "__main__":
    main()
