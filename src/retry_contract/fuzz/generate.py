"""Checking a rule by generated cases."""

import dataclasses
import json
import time
from collections import defaultdict

from retry_contract.fuzz.engine import Tally
from retry_contract.fuzz.plan import Broken, Plan
from retry_contract.outcome import RuleResult, RuleState, Violation
from retry_contract.rules.generated_cases import REQUESTS
from retry_contract.verification.observer import Generate, GeneratedCases, Observer
from retry_contract.verification.options import Options, replay_command
from retry_contract.verification.prober import Listener
from retry_contract.verification.run import Interrupted


def generator(options: Options, record: Listener | None = None) -> Generate:
    """Return what checks a rule by generated cases. `record` is called with each exchange."""
    spent: dict[str, float] = defaultdict(float)

    def generate(rule: str, run: Observer) -> GeneratedCases:
        name = "request" if rule == REQUESTS else "sequence"
        # The libraries behind each are slow to import.
        if name == "request":
            from retry_contract.fuzz.requests import fuzz_requests as fuzz
        else:
            from retry_contract.fuzz.stateful import fuzz_sequences as fuzz
        begin, left = time.monotonic(), _seconds_left(options, name, spent[run.contract])
        plan = Plan(
            *(run.prober.endpoint, run.expectation, options.fuzz, options.seed or 0),
            replay=options.replay and options.replay[name],
            examples=options.examples,
            listen=record,
            seconds=left,
            limit=f"--max-seconds {options.max_seconds or 0:g}",
            progress=run.progress,
        )
        tally = Tally(plan.most_shrinks)
        try:
            found = _violations(fuzz(plan, tally), options, run)
            return GeneratedCases(found, tally.played, tally.cut)
        except KeyboardInterrupt:
            found = _violations(tally.smallest, options, run)
            if not found:
                raise
            result = RuleResult(rule, run.contract, RuleState.BROKEN, found, cases=tally.played)
            raise Interrupted(result) from None
        finally:
            run.add(tally.traffic, tally.drift)
            spent[run.contract] += time.monotonic() - begin

    return generate


def _seconds_left(options: Options, name: str, spent: float) -> float | None:
    """Return how long cases may take: requests half of --max-seconds, sequences what is left."""
    if options.max_seconds is None or options.replay is not None:
        return None
    return options.max_seconds / (2 if name == "request" else 1) - spent


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
