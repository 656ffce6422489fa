"""Checking a rule by generated cases."""

import dataclasses
import json

from retry_contract.fuzz.engine import Broken, Plan, Tally
from retry_contract.outcome import RuleResult, RuleState, Violation
from retry_contract.rules.generated_cases import REQUESTS
from retry_contract.verification.observer import Generate, Observer
from retry_contract.verification.options import Options, replay_command
from retry_contract.verification.prober import Listener
from retry_contract.verification.run import Interrupted


def generator(options: Options, record: Listener | None = None) -> Generate:
    """Return what checks a rule by generated cases. `record` is called with each exchange."""

    def generate(rule: str, run: Observer) -> tuple[Violation, ...]:
        name = "request" if rule == REQUESTS else "sequence"
        replay = options.replay and options.replay[name]
        target = run.prober.endpoint, run.expectation
        plan = Plan(*target, options.fuzz, options.seed or 0, replay, options.examples, record)
        tally = Tally(plan.most_shrinks)
        try:
            # The libraries behind each are slow to import.
            if name == "request":
                from retry_contract.fuzz.requests import fuzz_requests as fuzz
            else:
                from retry_contract.fuzz.stateful import fuzz_sequences as fuzz
            return _violations(fuzz(plan, tally), options, run)
        except KeyboardInterrupt:
            found = _violations(tally.smallest, options, run)
            if not found:
                raise
            raise Interrupted(RuleResult(rule, run.contract, RuleState.BROKEN, found)) from None
        finally:
            run.add(tally.traffic, tally.drift)

    return generate


def _violations(found: Broken | None, options: Options, run: Observer) -> tuple[Violation, ...]:
    if found is None:
        return ()
    # ASCII alone, so that no code page between here and a shell can change the case.
    case, kind = json.dumps(found.case), f"generated {next(iter(found.case))}"
    return tuple(
        dataclasses.replace(
            violation,
            message=f"{violation.rule}: {violation.message}",
            scenario=kind,
            seen=f"a {kind}, the smallest that was found",
            case=case,
            replay=replay_command(options, run.contract, case),
        )
        for violation in found.violations
    )
