"""What a tool said of one server, and the rule that decides what it caught."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from running import Target

_VARYING = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+"), "TIME"),
    (re.compile(r"127\.0\.0\.1:\d+"), "HOST"),
)


@dataclass(frozen=True)
class Verdict:
    """Whether a tool failed a server, and for what: one entry an alarm, ids and times masked."""

    failed: bool
    alarms: frozenset[str]


def verdict(failed: bool, alarms: Iterable[str], target: Target) -> Verdict:
    """Return a verdict with what varies from run to run taken out of its alarms."""
    return Verdict(failed, frozenset(_masked(alarm, target) for alarm in alarms))


def caught(faulty: Verdict, controls: list[Verdict]) -> bool:
    """Whether a fault was caught: the run failed, for something no correct server is failed for.

    A tool that passes the correct server needs no more than to fail.
    """
    if not any(control.failed for control in controls):
        return faulty.failed
    known = frozenset().union(*(control.alarms for control in controls))
    return faulty.failed and bool(faulty.alarms - known)


def _masked(text: str, target: Target) -> str:
    for value, name in ((target.key, "KEY"), (target.campaign, "CAMPAIGN")):
        text = text.replace(value, name)
    text = text.replace(target.message, "MESSAGE")
    for pattern, name in _VARYING:
        text = pattern.sub(name, text)
    return " ".join(text.split())
