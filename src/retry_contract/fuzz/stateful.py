"""Generated sequences: a state machine over any endpoint that messages can be made on."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import hypothesis
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from retry_contract.contract.expectation import Expectation
from retry_contract.fuzz.engine import (
    NO_CASE,
    Broken,
    Plan,
    Tally,
    case_prober,
    needs_messages,
    needs_this_machine,
    run_cases,
    settings_of,
)
from retry_contract.fuzz.field_values import texts
from retry_contract.fuzz.sequence import Start, StatefulSequence
from retry_contract.fuzz.steps import BATCHES, DELIVERY, KEYS, METHODS, NUMBERS, WHICH, is_step
from retry_contract.outcome import NotExercised
from retry_contract.service.seeds import BATCH

_MOST_STEPS = 12
_LEAD = timedelta(minutes=30)
_WHICH = st.sampled_from(WHICH)


def fuzz_sequences(plan: Plan, tally: Tally) -> Broken | None:
    """Play generated sequences; return the smallest that breaks the contract, or None.

    Raises NotExercised if no retry was accepted, and NotTested if the endpoint gave out.
    """
    needs_this_machine(plan)
    needs_messages(plan)
    starts = _starts(plan)

    @contextlib.contextmanager
    def sequence(start: int) -> Iterator[StatefulSequence]:
        instant = starts[start].instant
        twin = None if instant is None else plan.endpoint.twin_at(instant)
        with case_prober(plan, tally, endpoint=twin) as prober:
            yield StatefulSequence(prober, tally, starts[start], start)

    def replay() -> None:
        start, steps = _read_replay(plan.replay, len(starts))
        with sequence(start) as played:
            for step in steps:
                played.play(*step)

    def generate() -> None:
        machine = hypothesis.seed(plan.seed)(_machine(sequence, len(starts)))
        run_state_machine_as_test(machine, settings=settings)

    settings = settings_of(plan, stateful_step_count=_MOST_STEPS)
    return run_cases(plan, tally, generate=generate, replay=replay)


def _read_replay(document: Any, starts: int) -> tuple[int, list[list[Any]]]:
    if not isinstance(document, dict):
        raise NotExercised(NO_CASE)
    start, steps = document.get("start"), document.get("steps")
    if type(start) is not int or start not in range(starts) or not isinstance(steps, list):
        raise NotExercised(NO_CASE)
    if not all(isinstance(step, list) and is_step(*step) for step in steps):
        raise NotExercised(NO_CASE)
    return start, steps


def _starts(plan: Plan) -> tuple[Start, ...]:
    """Return where sequences may begin: within the contract, and shortly before a cutover."""
    expectation = plan.expectation
    contract, catalogue = expectation.contract, expectation.catalogue
    if plan.endpoint.twin_at(_within(expectation)) is None:
        return (Start(None, expectation),)
    found = [Start(_within(expectation), expectation)]
    periods = list(catalogue.timeline)
    for older, newer in itertools.pairwise(periods):
        if newer.effective_from is not None and contract.period in (older, newer):
            before = Expectation(catalogue, catalogue.of(older))
            after = Expectation(catalogue, catalogue.of(newer))
            found.append(Start(newer.effective_from - _LEAD, before, newer.effective_from, after))
    return tuple(found)


def _within(expectation: Expectation) -> datetime:
    return expectation.catalogue.timeline.instant_within(expectation.contract.period)


def _machine(sequence: Any, starts: int) -> type[RuleBasedStateMachine]:
    """Return the state machine; each of its rules is one step of a sequence."""

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.stack = contextlib.ExitStack()

        def teardown(self) -> None:
            self.stack.close()

        @initialize(start=st.integers(0, starts - 1), text=texts())
        def begin(self, start: int, text: str) -> None:
            self.sequence = self.stack.enter_context(sequence(start))
            # With nothing sent, most of what follows would have nothing to act on.
            self.sequence.play("send", text)

        @rule(text=texts())
        def send(self, text: str) -> None:
            self.sequence.play("send", text)

        @rule(state=st.sampled_from(DELIVERY))
        def seed_and_retry(self, state: str) -> None:
            self.sequence.play("seed", state)
            self.sequence.play("retry", 0)

        @rule()
        def retry_delivered(self) -> None:
            self.sequence.play("seed", "success")
            self.sequence.play("retry", 0)

        @rule(status=st.sampled_from(BATCHES))
        def retry_in_batch(self, status: str) -> None:
            self.sequence.play("seed", BATCH + status)
            self.sequence.play("retry", 0)

        @rule(which=_WHICH)
        def retry(self, which: int) -> None:
            self.sequence.play("retry", which)

        @rule(which=_WHICH)
        def fail_and_retry(self, which: int) -> None:
            self.sequence.play("fail", which)
            self.sequence.play("retry", which)

        @rule(which=_WHICH)
        def retry_twice(self, which: int) -> None:
            self.sequence.play("fail", which)
            self.sequence.play("retry", which)
            self.sequence.play("retry", which)

        @rule(which=_WHICH)
        def spend_attempts(self, which: int) -> None:
            for _ in range(2):
                self.sequence.play("fail", which)
                self.sequence.play("retry", which)

        @rule(which=_WHICH, status=st.sampled_from(BATCHES))
        def change_batch(self, which: int, status: str) -> None:
            self.sequence.play("batch", which, status)

        @rule(which=_WHICH, how=st.sampled_from(KEYS))
        def retry_unauthorised(self, which: int, how: str) -> None:
            self.sequence.play("fail", which)
            self.sequence.play("unauthorised", which, how)

        @rule()
        def retry_elsewhere(self) -> None:
            self.sequence.play("elsewhere")

        @rule(number=st.integers(NUMBERS.start, NUMBERS.stop - 1))
        def retry_unknown(self, number: int) -> None:
            self.sequence.play("unknown", number)

        @rule(which=_WHICH, method=st.sampled_from(METHODS))
        def wrong_method(self, which: int, method: str) -> None:
            self.sequence.play("fail", which)
            self.sequence.play("method", which, method)

        @precondition(lambda self: self.sequence.cutover_ahead)
        @rule()
        def cutover(self) -> None:
            self.sequence.play("cutover")

    return Machine
