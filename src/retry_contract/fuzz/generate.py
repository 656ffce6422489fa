"""Checking a rule by generated cases."""

from __future__ import annotations

import dataclasses
import json

from retry_contract.fuzz.engine import Broken, Plan, Tally
from retry_contract.outcome import RuleResult, RuleState, Violation
from retry_contract.rules.generated_cases import REQUESTS
from retry_contract.verification.observer import Generate, Observer
from retry_contract.verification.options import Options
from retry_contract.verification.prober import Listener
from retry_contract.verification.replay import replay_command
from retry_contract.verification.run import Interrupted


def generator(options: Options, record: Listener | None = None) -> Generate:
    """Return what checks the rules whose cases are generated. `record` is told of each exchange."""

    def generate(rule: str, run: Observer) -> tuple[Violation, ...]:
        name = "request" if rule == REQUESTS else "sequence"
        plan = Plan(
            run.prober.endpoint,
            run.expectation,
            options.fuzz,
            options.seed or 0,
            None if options.replay is None else options.replay[name],
            options.examples,
            record,
        )
        tally = Tally(plan.most_shrinks)
        try:
            found = _play(name, plan, tally)
        except KeyboardInterrupt:
            told = _told(tally.smallest, options, run)
            if not told:
                raise
            raise Interrupted(RuleResult(rule, run.contract, RuleState.BROKEN, told)) from None
        finally:
            run.add(tally.traffic, tally.drift)
        return _told(found, options, run)

    return generate


def _play(name: str, plan: Plan, tally: Tally) -> Broken | None:
    if name == "request":
        from retry_contract.fuzz.requests import fuzz_requests

        return fuzz_requests(plan, tally)
    from retry_contract.fuzz.stateful import fuzz_sequences

    return fuzz_sequences(plan, tally)


def _told(found: Broken | None, options: Options, run: Observer) -> tuple[Violation, ...]:
    if found is None:
        return ()
    # ASCII alone, so that no code page between here and a shell can change the case.
    case = json.dumps(found.case)
    return tuple(
        dataclasses.replace(
            violation,
            message=f"{violation.rule}: {violation.message}",
            scenario=f"generated {next(iter(found.case))}",
            seen=f"a generated {next(iter(found.case))}, the smallest that was found",
            case=case,
            replay=replay_command(options, run.contract, case),
        )
        for violation in found.violations
    )
