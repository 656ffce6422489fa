"""Generated sequences: a state machine over any endpoint that messages can be sent on."""

import contextlib
import inspect
import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import hypothesis
from hypothesis import stateful
from hypothesis import strategies as st

from retry_contract.contract.expectation import Expectation
from retry_contract.fuzz.engine import NO_CASE, Broken, Plan, Tally, is_text, run_cases
from retry_contract.fuzz.field_values import TEXTS
from retry_contract.fuzz.sequence import Start, StatefulSequence
from retry_contract.outcome import NotExercised
from retry_contract.service.seeds import BATCH, STATUSES

_BATCHES = ("messages_enqueued", "messages_enqueuing_failed", "success", "messages_sent")
VALUES: dict[str, Sequence[Any]] = {
    "state": (*STATUSES, *(BATCH + status for status in _BATCHES)),
    "delivery": STATUSES,
    "status": _BATCHES,
    "which": range(3),
    "how": ("no key", "wrong key", "no scheme"),
    "number": range(2**32),
    "method": ("GET", "PUT", "PATCH", "DELETE"),
}
"""The values of each parameter of a step or a move; `text` is any text."""

_STEPS = {
    name: tuple(inspect.signature(getattr(StatefulSequence, f"_{name}")).parameters)[1:]
    for name in (
        *("send", "seed", "fail", "retry", "batch", "unauthorised", "elsewhere", "unknown"),
        *("method", "cutover"),
    )
}
"""The parameters of each step."""

_MOVES: dict[str, Callable[..., list[tuple[Any, ...]]]] = {
    "send": lambda text: [("send", text)],
    "seed_and_retry": lambda delivery: [("seed", delivery), ("retry", 0)],
    "retry_delivered": lambda: [("seed", "success"), ("retry", 0)],
    "retry_in_batch": lambda status: [("seed", BATCH + status), ("retry", 0)],
    "retry": lambda which: [("retry", which)],
    "fail_and_retry": lambda which: [("fail", which), ("retry", which)],
    "retry_twice": lambda which: [("fail", which), ("retry", which), ("retry", which)],
    "spend_attempts": lambda which: [("fail", which), ("retry", which)] * 2,
    "change_batch": lambda which, status: [("batch", which, status)],
    "retry_unauthorised": lambda which, how: [("fail", which), ("unauthorised", which, how)],
    "retry_elsewhere": lambda: [("elsewhere",)],
    "retry_unknown": lambda number: [("unknown", number)],
    "wrong_method": lambda which, method: [("fail", which), ("method", which, method)],
    "cutover": lambda: [("cutover",)],
}
"""The rules of the state machine; each parameter is drawn from the strategy of its name."""

_DRAWN: dict[str, st.SearchStrategy[Any]] = {
    **{name: st.sampled_from(values) for name, values in VALUES.items()},
    "number": st.integers(0, 2**32 - 1),
    "text": TEXTS,
}


def fuzz_sequences(plan: Plan, tally: Tally) -> Broken | None:
    """Play generated sequences. Returns and raises what `run_cases` does."""
    if not plan.endpoint.expendable:
        raise NotExercised("off this machine no sequence is generated: each would cost messages")
    plan.require_messages()
    starts = _starts(plan)

    @contextlib.contextmanager
    def begin(number: int) -> Iterator[StatefulSequence]:
        start = starts[number]
        twin = None if start.instant is None else plan.endpoint.twin_at(start.instant)
        with tally.prober(plan, twin) as prober:
            yield StatefulSequence(prober, tally, start)

    def replay() -> None:
        start, steps = _read_replay(plan.replay, len(starts))
        with begin(start) as sequence:
            for step in steps:
                sequence.play(*step)

    def generate() -> None:
        machine = hypothesis.seed(plan.seed)(_machine(begin, len(starts)))
        stateful.run_state_machine_as_test(machine, settings=plan.settings(stateful_step_count=12))

    return run_cases(plan, tally, generate=generate, replay=replay)


def _starts(plan: Plan) -> tuple[Start, ...]:
    """Return where sequences may begin: within the contract, and shortly before a cutover."""
    expectation = plan.expectation
    contract, catalogue = expectation.contract, expectation.catalogue
    within = catalogue.timeline.instant_within(contract.period)
    if plan.endpoint.twin_at(within) is None:
        return (Start(0, None, expectation),)
    found = [Start(0, within, expectation)]
    for older, newer in itertools.pairwise(catalogue.timeline):
        cutover = newer.effective_from
        if cutover is not None and contract.period in (older, newer):
            before, after = (Expectation(catalogue, catalogue.of(p)) for p in (older, newer))
            begin = cutover - timedelta(minutes=30)
            found.append(Start(len(found), begin, before, (cutover, after)))
    return tuple(found)


def _machine(
    opener: Callable[[int], contextlib.AbstractContextManager[StatefulSequence]], starts: int
) -> type[stateful.RuleBasedStateMachine]:
    stack = contextlib.ExitStack()

    class Machine(stateful.RuleBasedStateMachine):
        def teardown(self) -> None:
            stack.close()

        @stateful.initialize(start=st.integers(0, starts - 1), text=TEXTS)
        def begin(self, start: int, text: str) -> None:
            self.sequence = stack.enter_context(opener(start))
            # With nothing sent, most of what follows would have nothing to act on.
            self.sequence.play("send", text)

    for name, move in _MOVES.items():
        setattr(Machine, name, _rule(name, move))
    return Machine


def _rule(name: str, move: Callable[..., list[tuple[Any, ...]]]) -> Any:
    def play(self: Any, **drawn: Any) -> None:
        for step in move(**drawn):
            self.sequence.play(*step)

    play.__name__ = name
    strategies: dict[str, Any] = {p: _DRAWN[p] for p in inspect.signature(move).parameters}
    decorate: Any = stateful.rule
    decorated = decorate(**strategies)(play)
    if name == "cutover":
        decorated = stateful.precondition(lambda self: self.sequence.cutover is not None)(decorated)
    return decorated


def _read_replay(document: Any, starts: int) -> tuple[int, list[list[Any]]]:
    """Read a start and steps from JSON values. Raises NotExercised if they are none."""
    match document:
        case {"start": int(start), "steps": list(steps)} if (
            start in range(starts)
            and type(start) is int
            and all(isinstance(step, list) and is_step(*step) for step in steps)
        ):
            return start, steps
    raise NotExercised(NO_CASE)


def is_step(*step: Any) -> bool:
    """Whether these are the name of a step and its values."""
    name, *values = step or (None,)
    parameters = _STEPS.get(name) if isinstance(name, str) else None
    if parameters is None or len(parameters) != len(values):
        return False
    return all(map(_is_value, parameters, values))


def _is_value(parameter: str, value: Any) -> bool:
    if parameter == "text":
        return is_text(value)
    return type(value) in (int, str) and value in VALUES[parameter]
