"""Checking a rule by generated cases."""

import contextlib
import dataclasses
import json
import time
from collections.abc import Callable

from retry_contract.fuzz.engine import Tally
from retry_contract.fuzz.plan import Broken, Plan
from retry_contract.outcome import NotExercised, RuleResult, RuleState, Traffic, Violation
from retry_contract.rules.generated_cases import REQUESTS
from retry_contract.rules.scenarios import EVERY_RESPONSE, GROUPS
from retry_contract.verification.observer import GeneratedCases, Observer
from retry_contract.verification.options import Options, replay_command
from retry_contract.verification.run import Interrupted
from retry_contract.verification.sender import Listener


class Generator:
    """Checks rules by generated cases. `record` is called with each exchange.

    The two kinds of cases, for each contract, share --max-seconds.
    """

    def __init__(self, options: Options, record: Listener | None = None) -> None:
        self._options, self._record = options, record
        self._left, self._shares = options.max_seconds, 2 * max(1, len(options.expectations))

    def __call__(self, rule: str, run: Observer) -> GeneratedCases:
        """Check a rule. Raises NotExercised, NotTested, or Interrupted."""
        if run.prober.endpoint.asks_team and not self._options.replay:
            # Of messages that are few, the scenarios have the first.
            for scenario in GROUPS[EVERY_RESPONSE]:
                with contextlib.suppress(NotExercised):
                    run.observe(scenario)
        plan, begin = self._plan(rule, run), time.monotonic()
        tally = Tally(plan.most_shrinks)
        run.count(lambda: tally.sent)
        try:
            broken = _fuzz_of(rule)(plan, tally)
            found = (*_violations(broken, self._options, run), *tally.known)
        except NotExercised as reason:
            played, asked = (tally.played, plan.cases) if tally.cut else (None, None)
            return GeneratedCases((), played, asked, str(reason), tuple(tally.shown))
        except KeyboardInterrupt:
            found = _violations(tally.smallest, self._options, run)
            if not found:
                raise
            result = RuleResult(rule, run.contract, RuleState.BROKEN, found, cases=tally.played)
            raise Interrupted(result) from None
        finally:
            run.add(Traffic(), tally.drift)
            self._count(time.monotonic() - begin)
        asked, shown = plan.cases if tally.cut or tally.short else None, tuple(tally.shown)
        return GeneratedCases(found, tally.played, asked, shown=shown)

    def _plan(self, rule: str, run: Observer) -> Plan:
        options = self._options
        return Plan(
            *(run.prober.endpoint, run.expectation, options.fuzz, options.seed or 0),
            replay=options.replay and options.replay[_kind_of(rule)],
            examples=options.examples,
            listen=self._record,
            seconds=None if options.replay or self._left is None else self._left / self._shares,
            progress=run.progress,
            provider=run.provider,
            is_known=self._is_known(rule, run.contract),
        )

    def _is_known(self, rule: str, contract: str) -> Callable[[Violation], bool]:
        baseline = self._options.baseline
        if baseline is None:
            return lambda _: False
        return lambda violation: baseline.entry_of(violation, rule, contract) is not None

    def _count(self, seconds: float) -> None:
        """Leave what is left of the time to the rules that are still to be checked."""
        if self._left is not None:
            self._left = max(0.0, self._left - seconds)
        self._shares = max(1, self._shares - 1)


def _kind_of(rule: str) -> str:
    return "request" if rule == REQUESTS else "sequence"


def _fuzz_of(rule: str) -> Callable[[Plan, Tally], Broken | None]:
    # The libraries behind each are slow to import.
    if rule == REQUESTS:
        from retry_contract.fuzz.requests import fuzz_requests

        return fuzz_requests
    from retry_contract.fuzz.stateful import fuzz_sequences

    return fuzz_sequences


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
