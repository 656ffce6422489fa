"""Runs of `verify` against the team's service, in this process: every rule, with what is given."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable
from typing import Any

import pytest
from support.team import Team

from retry_contract.contract.catalogue import catalogue
from retry_contract.outcome import RuleResult, RuleState
from retry_contract.rules import GENERATED, RULES
from retry_contract.verification.observer import Callbacks
from retry_contract.verification.options import Options, read_options
from retry_contract.verification.verification import Verification


def results_of(
    team: Team, *, hook: bool = True, order: Iterable[str] = RULES, **given: Any
) -> dict[str, RuleResult]:
    """Return the result of every rule. `given` are options of `verify`, by name."""
    wanted = {"endpoint": team.url, "campaign": team.campaign, "fuzz": "0", "contract": "after"}
    wanted |= {"foreign-campaign": team.foreign_campaign}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POSTMAN_API_KEY", team.key)
        patch.setenv("RETRY_CONTRACT_REVOKED_KEY", team.revoked_key)
        options = read_options(wanted | given, catalogue=catalogue())
    if hook:
        options = dataclasses.replace(options, states=team.new_message)
    with contextlib.closing(Verification(options, Callbacks(_generator(options)))) as verification:
        (run,) = verification.names
        results = {rule: verification.check(run, rule) for rule in order}
        assert verification.findings().mistakes == ()
        return results


def _generator(options: Options) -> Any:
    if not options.fuzz:
        return None
    from retry_contract.fuzz.generate import Generator

    return Generator(options)


def in_state(results: dict[str, RuleResult], state: RuleState) -> set[str]:
    """Return the rules in a state."""
    return {rule for rule, result in results.items() if result.state is state}


def alarms(results: dict[str, RuleResult]) -> dict[str, str]:
    """Return what each broken rule says."""
    return {
        rule: result.violations[0].message for rule, result in results.items() if result.violations
    }


def left_out(results: dict[str, RuleResult]) -> set[str]:
    """Return the rules that were not exercised, but for generated ones."""
    return in_state(results, RuleState.NOT_EXERCISED) - GENERATED
