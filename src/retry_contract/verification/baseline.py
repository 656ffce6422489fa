"""A baseline: the breaches that are known, which a run does not fail on.

An entry is a rule, a contract, a JSON Pointer and, where a status is wrong or something secret is
shown, which: the same in every run and with every seed. An index is `*`, and nothing that a body
holds is in it.
"""

import dataclasses
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from retry_contract.contract.timeline import SINGAPORE
from retry_contract.outcome import (
    EXERCISED,
    ContractResult,
    Drift,
    Entry,
    KnownBreaches,
    RuleResult,
    RuleState,
    Violation,
)
from retry_contract.privacy.names import MASK, mask_name
from retry_contract.rules import GENERATED, RULES

DRIFT = "drift"
"""Stands in the place of a rule, for what only --strict fails on."""

LONGEST = 1_000
"""In characters, of each text of an entry."""

Key = tuple[str, str, str, str]
"""A rule, a contract, a pointer, and the status or secret that came; where it is empty, any."""

CAME = re.compile(r"status \d{3}|text that holds [a-zA-Z ]{1,40}")
"""What came of the few things that come there, as a violation has it: a status, or a secret."""


@dataclass(frozen=True)
class Baseline:
    """The entries of a file, and the day by which they expire.

    `left_out` is how many breaches can have no entry.
    """

    entries: Mapping[Key, Entry]
    today: date
    left_out: int = 0

    def entry_of(self, violation: Violation, rule: str, contract: str) -> Entry | None:
        """Return the entry of a violation that `rule` found, if there is one that counts.

        What a generated case breaks is known by the entry of the rule that it breaks, too.
        """
        exact = [_key_of_violation(violation, name, contract) for name in (rule, violation.rule)]
        keys = [key for one in exact for key in (one, _whatever_came(one))]
        return next((self.entries[key] for key in keys if self._counts(key)), None)

    def apply(self, result: RuleResult) -> RuleResult:
        """Return a result in which what is known is no violation.

        Where more was found than is shown, what it is cannot be said, and the rule stays broken.
        """
        found = [(v, self.entry_of(v, result.rule, result.contract)) for v in result.violations]
        known = tuple(sorted({entry for _, entry in found if entry is not None}, key=key_of))
        if not known:
            return result
        new = tuple(violation for violation, entry in found if entry is None)
        if result.more and not new:
            return result
        state = RuleState.BROKEN if new else RuleState.KNOWN
        return dataclasses.replace(result, state=state, violations=new, known=known)

    def apply_to_drift(self, result: ContractResult) -> ContractResult:
        """Return a result without the drift that is known; as it is, where not all is shown."""
        if result.more:
            return result
        keys = {drift: _key_of_drift(drift, result.contract) for drift in result.drift}
        new = tuple(drift for drift, key in keys.items() if not self._counts(key))
        return dataclasses.replace(result, drift=new)

    def _counts(self, key: Key) -> bool:
        entry = self.entries.get(key)
        return entry is not None and not self.is_expired(entry) and is_general(key)

    def is_expired(self, entry: Entry) -> bool:
        """Return whether the day of an entry is over."""
        return entry.expires is not None and self.today > entry.expires

    def compared(
        self, contracts: Sequence[ContractResult], *, strict: bool, whole: bool = True
    ) -> KnownBreaches:
        """Return what became of the entries in a run; of drift only where it is held.

        Nothing has gone in a run that is not `whole`, since it was broken off.
        """
        found = breaches(contracts, strict=strict, entries=self.entries)
        seen = {key for one in found for key in (one, _whatever_came(one))}
        exercised = _exercised(contracts, strict=strict) if whole else {}
        of = [(key, e) for key, e in self.entries.items() if strict or e.rule != DRIFT]
        unseen = [e for key, e in of if key not in seen]
        gone = tuple(e for e in unseen if _is_exercised(e, exercised))
        return KnownBreaches(
            known=tuple(e for key, e in of if key in seen and not self.is_expired(e)),
            gone=gone,
            not_exercised=tuple(e for e in unseen if e not in gone),
            expired=tuple(e for key, e in of if key in seen and self.is_expired(e)),
        )

    def updated(
        self, contracts: Sequence[ContractResult], *, strict: bool, whole: bool = True
    ) -> "Baseline":
        """Return the entries after a run: those that are gone dropped, and what is new added.

        What people wrote stays, and what was not exercised as it was.
        """
        gone = set(self.compared(contracts, strict=strict, whole=whole).gone)
        entries = {key: entry for key, entry in self.entries.items() if entry not in gone}
        found = breaches(contracts, strict=strict, entries=self.entries)
        for key, scenario in found.items():
            if not is_general(key):
                continue
            own = key if key in entries or (wide := _whatever_came(key)) not in entries else wide
            entry = entries.get(own) or self._new_entry(key, scenario)
            last = max(self.today, entry.last_seen)
            entries[own] = dataclasses.replace(entry, last_seen=last)
        left_out = sum(not is_general(key) for key in found)
        return Baseline(dict(sorted(entries.items())), self.today, left_out)

    def _new_entry(self, key: Key, scenario: str) -> Entry:
        rule, contract, pointer, came = key
        days = self.today, self.today
        return Entry(rule, contract, pointer, *days, came=came, scenario=scenario)


def breaches(
    contracts: Sequence[ContractResult], *, strict: bool, entries: Collection[Key] = ()
) -> dict[Key, str]:
    """Return what a run found, known or not, as keys of entries, and the scenario of each.

    What a generated case breaks is there once, under the rule that it breaks, if that rule is
    found broken there without it, or has an entry; else under the generated rule.
    """
    found: dict[Key, str] = {}
    generated: list[tuple[Key, Key]] = []
    for contract in contracts:
        for result in contract.rules:
            found |= {key_of(entry): entry.scenario for entry in result.known}
            for violation in result.violations:
                own = _key_of_violation(violation, result.rule, contract.contract)
                if result.rule not in GENERATED:
                    was = violation.scenario if violation.scenario in result.scenarios else ""
                    found.setdefault(own, was)
                else:
                    broken = _key_of_violation(violation, violation.rule, contract.contract)
                    generated.append((broken, own))
        if strict:
            found |= {_key_of_drift(drift, contract.contract): "" for drift in contract.drift}
    for broken, own in generated:
        has_own = broken in found or broken in entries or _whatever_came(broken) in entries
        found.setdefault(broken if has_own else own, "")
    return found


_Exercised = dict[tuple[str, str], frozenset[str]]
"""The scenarios in which a rule of a contract was exercised."""


def _exercised(contracts: Sequence[ContractResult], *, strict: bool) -> _Exercised:
    """Return the rules of which all was seen that is broken."""
    found: _Exercised = {}
    for contract in contracts:
        for result in contract.rules:
            if result.state in EXERCISED and not result.more and result.asked is None:
                found[result.rule, contract.contract] = result.scenarios
        if strict and not contract.more and _accepted(contract):
            found[DRIFT, contract.contract] = frozenset()
    return found


def _is_exercised(entry: Entry, exercised: _Exercised) -> bool:
    """Return whether a breach that is not seen is mended: its scenario has to be observed again."""
    scenarios = exercised.get((entry.rule, entry.contract))
    return scenarios is not None and (not entry.scenario or entry.scenario in scenarios)


def _accepted(contract: ContractResult) -> bool:
    """Return whether a response was seen that could have drift."""
    states = (result.state for result in contract.rules if RULES[result.rule].section == "accepted")
    return any(state in EXERCISED for state in states)


def _key_of_violation(violation: Violation, rule: str, contract: str) -> Key:
    came = None if violation.pointer else CAME.fullmatch(violation.actual)
    return rule, contract, general_pointer(violation.pointer), came[0] if came else ""


def _key_of_drift(drift: Drift, contract: str) -> Key:
    return DRIFT, contract, general_pointer(drift.pointer), ""


def _whatever_came(key: Key) -> Key:
    return *key[:3], ""


def key_of(entry: Entry) -> Key:
    """Return what an entry is found by."""
    return entry.rule, entry.contract, entry.pointer, entry.came


def is_general(key: Key) -> bool:
    """Return whether a breach can have an entry: a masked name may be any, and a long one is."""
    return MASK not in key[2] and len(key[2]) <= LONGEST


def general_pointer(pointer: str) -> str:
    """Return a JSON Pointer with `*` for each index, and a mask for each name of a person."""
    parts = pointer.split("/")
    return "/".join(map(_general_part, parts))


def _general_part(part: str) -> str:
    if part in ("", "*"):
        return part
    return "*" if part.isdecimal() else mask_name(part)


def today_in_singapore() -> date:
    """Return today's date, by which entries expire."""
    return datetime.now(UTC).astimezone(SINGAPORE).date()
