"""A baseline: the breaches that are known, which a run does not fail on.

An entry is a rule, a contract and a JSON Pointer, the same in every run and with every seed: an
index is `*`, and nothing that a response holds is in it.
"""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from retry_contract.contract.timeline import SINGAPORE
from retry_contract.outcome import (
    EXERCISED,
    ContractResult,
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

Key = tuple[str, str, str]
"""A rule, a contract and a pointer."""


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
        keys = [_key(name, contract, violation.pointer) for name in (rule, violation.rule)]
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
        keys = {drift: _key(DRIFT, result.contract, drift.pointer) for drift in result.drift}
        new = tuple(drift for drift, key in keys.items() if not self._counts(key))
        return dataclasses.replace(result, drift=new)

    def _counts(self, key: Key) -> bool:
        entry = self.entries.get(key)
        return entry is not None and not self.is_expired(entry) and is_general(key)

    def is_expired(self, entry: Entry) -> bool:
        """Return whether the day of an entry is over."""
        return entry.expires is not None and self.today > entry.expires

    def compared(self, contracts: Sequence[ContractResult], *, strict: bool) -> KnownBreaches:
        """Return what became of the entries in a run; of drift only where it is held."""
        seen = breaches(contracts, strict=strict, entries=self.entries)
        exercised = set(_exercised(contracts, strict=strict))
        of = [(key, e) for key, e in self.entries.items() if strict or e.rule != DRIFT]
        return KnownBreaches(
            known=tuple(e for key, e in of if key in seen and not self.is_expired(e)),
            gone=tuple(e for key, e in of if key not in seen and key[:2] in exercised),
            not_exercised=tuple(e for key, e in of if key not in seen and key[:2] not in exercised),
            expired=tuple(e for key, e in of if key in seen and self.is_expired(e)),
        )

    def updated(self, contracts: Sequence[ContractResult], *, strict: bool) -> "Baseline":
        """Return the entries after a run: those that are gone dropped, and what is new added.

        What people wrote stays, and what was not exercised as it was.
        """
        gone = set(self.compared(contracts, strict=strict).gone)
        entries = {key: entry for key, entry in self.entries.items() if entry not in gone}
        found = breaches(contracts, strict=strict, entries=self.entries)
        for key in filter(is_general, found):
            entry = entries.get(key) or Entry(*key, self.today, self.today)
            last = max(self.today, entry.last_seen)
            entries[key] = dataclasses.replace(entry, last_seen=last)
        left_out = sum(not is_general(key) for key in found)
        return Baseline(dict(sorted(entries.items())), self.today, left_out)


def breaches(
    contracts: Sequence[ContractResult], *, strict: bool, entries: Collection[Key] = ()
) -> set[Key]:
    """Return what a run found, known or not, as keys of entries.

    What a generated case breaks is there once, under the rule that it breaks, if that rule is
    found broken there without it, or has an entry; else under the generated rule.
    """
    found: set[Key] = set()
    generated: list[tuple[Key, Key]] = []
    for contract in contracts:
        for result in contract.rules:
            found |= {key_of(entry) for entry in result.known}
            for violation in result.violations:
                own = _key(result.rule, contract.contract, violation.pointer)
                if result.rule not in GENERATED:
                    found.add(own)
                else:
                    broken = _key(violation.rule, contract.contract, violation.pointer)
                    generated.append((broken, own))
        if strict:
            found |= {_key(DRIFT, contract.contract, d.pointer) for d in contract.drift}
    return found | {
        broken if broken in found or broken in entries else own for broken, own in generated
    }


def _exercised(contracts: Sequence[ContractResult], *, strict: bool) -> Iterator[tuple[str, str]]:
    """Yield the rules, each with its contract, of which all was seen that is broken."""
    for contract in contracts:
        for result in contract.rules:
            if result.state in EXERCISED and not result.more and result.asked is None:
                yield result.rule, contract.contract
        if strict and not contract.more and _accepted(contract):
            yield DRIFT, contract.contract


def _accepted(contract: ContractResult) -> bool:
    """Return whether a response was seen that could have drift."""
    states = (result.state for result in contract.rules if RULES[result.rule].section == "accepted")
    return any(state in EXERCISED for state in states)


def _key(rule: str, contract: str, pointer: str) -> Key:
    return rule, contract, general_pointer(pointer)


def key_of(entry: Entry) -> Key:
    """Return what an entry is found by."""
    return entry.rule, entry.contract, entry.pointer


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
