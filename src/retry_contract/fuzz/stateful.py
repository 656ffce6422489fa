"""Generated sequences of steps, for any endpoint that messages can be sent on."""

import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, TypedDict

from hypothesis import strategies as st

from retry_contract.contract.expectation import Expectation
from retry_contract.fuzz.engine import Tally, run_cases
from retry_contract.fuzz.field_values import TEXTS
from retry_contract.fuzz.plan import NO_CASE, Broken, Kind, Plan, is_text
from retry_contract.fuzz.play import Play
from retry_contract.fuzz.sequence import Start, StatefulSequence
from retry_contract.fuzz.smaller import shorter
from retry_contract.outcome import NotExercised
from retry_contract.service.seeds import BATCH, STATUSES

_HALF = 11
_BATCHES = ("messages_enqueued", "messages_enqueuing_failed", "success", "other")
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
    "retry": lambda which: [("retry", which)],
    "fail_and_retry": lambda which: [("fail", which), ("retry", which)],
    "spend_attempts": lambda which: [("fail", which), ("retry", which)] * 2,
    "retry_twice": lambda which: [("fail", which), ("retry", which), ("retry", which)],
    "send": lambda text: [("send", text)],
    "seed_and_retry": lambda delivery: [("seed", delivery), ("retry", 0)],
    "retry_delivered": lambda: [("seed", "success"), ("retry", 0)],
    "retry_in_batch": lambda status: [("seed", BATCH + status), ("retry", 0)],
    "change_batch": lambda which, status: [("batch", which, status)],
    "retry_unauthorised": lambda which, how: [("fail", which), ("unauthorised", which, how)],
    "retry_elsewhere": lambda: [("elsewhere",)],
    "retry_unknown": lambda number: [("unknown", number)],
    "wrong_method": lambda which, method: [("fail", which), ("method", which, method)],
    "cutover": lambda: [("cutover",)],
}
"""What a sequence is made of, the plainest first: Hypothesis shrinks towards the first.

Each parameter is drawn by its name.
"""

_DRAWN: dict[str, st.SearchStrategy[Any]] = {
    **{name: st.sampled_from(values) for name, values in VALUES.items()},
    "number": st.integers(0, 2**32 - 1),
    "text": TEXTS,
}


def _drawn_move(move: Callable[..., list[tuple[Any, ...]]]) -> st.SearchStrategy[Any]:
    return st.builds(move, **{name: _DRAWN[name] for name in inspect.signature(move).parameters})


_DRAWN_MOVES = {name: _drawn_move(move) for name, move in _MOVES.items()}


class SequenceCase(TypedDict):
    """A sequence as data: the number of its start, and its steps, a name and JSON values each."""

    start: int
    steps: list[list[Any]]


def fuzz_sequences(plan: Plan, tally: Tally) -> Broken | None:
    """Play generated sequences. Returns and raises what `run_cases` does."""
    if not plan.endpoint.expendable:
        raise NotExercised("off this machine no sequence is generated: each would cost messages")
    starts = _starts(plan)

    def play(case: SequenceCase, one: Play) -> None:
        start = starts[case["start"]]
        twin = None if start.instant is None else plan.endpoint.twin_at(start.instant)
        with one.open(twin) as prober:
            sequence = StatefulSequence(one, prober, start)
            for step in case["steps"]:
                sequence.play(*step)

    def read(document: Any) -> SequenceCase:
        return _read_replay(document, len(starts))

    kind = Kind("sequence", _sequences(starts), read, play, _texts, _smaller, _steps)
    return run_cases(plan, tally, kind)


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


def _sequences(starts: Sequence[Start]) -> st.SearchStrategy[SequenceCase]:
    """Return a strategy for a start and steps."""
    return st.one_of([_from_start(start) for start in starts])


def _from_start(start: Start) -> st.SearchStrategy[SequenceCase]:
    moves = [
        move
        for name, move in _DRAWN_MOVES.items()
        if name != "cutover" or start.cutover is not None
    ]
    # Two lists, since Hypothesis seldom draws one of more than a few.
    half = st.lists(st.one_of(moves), max_size=_HALF)

    def case(text: str, *halves: list[list[tuple[Any, ...]]]) -> SequenceCase:
        # With nothing sent, most of what follows would have nothing to act on.
        steps = [("send", text), *itertools.chain(*itertools.chain(*halves))]
        return {"start": start.number, "steps": list(map(list, steps))}

    return st.builds(case, TEXTS, half, half)


def _texts(case: SequenceCase) -> list[str]:
    return [text for name, *values in case["steps"] if name == "send" for text in values]


def _steps(case: SequenceCase) -> int:
    return len(case["steps"])


def _smaller(case: SequenceCase) -> Iterator[SequenceCase]:
    """Yield a sequence with fewer steps, the fewest first, and then with plainer values."""
    steps = case["steps"]
    ends = (steps[:1] + steps[begin:] for begin in range(2, len(steps)))
    for fewer in sorted((*ends, *shorter(steps)), key=len):
        if fewer:
            yield {**case, "steps": fewer}
    for number, (name, *values) in enumerate(steps):
        for place, parameter in enumerate(_STEPS[name]):
            for plainer in _plainer(parameter, values[place]):
                step = [name, *values[:place], plainer, *values[place + 1 :]]
                yield {**case, "steps": [*steps[:number], step, *steps[number + 1 :]]}


def _plainer(parameter: str, value: Any) -> Iterable[Any]:
    if parameter == "text":
        return shorter(str(value))
    plainest = VALUES[parameter][0]
    return () if value == plainest else (plainest,)


def _read_replay(document: Any, starts: int) -> SequenceCase:
    """Read a start and steps from JSON values. Raises NotExercised if they are none."""
    match document:
        case {"start": int(start), "steps": list(steps)} if (
            start in range(starts)
            and type(start) is int
            and all(isinstance(step, list) and is_step(*step) for step in steps)
        ):
            return {"start": start, "steps": steps}
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
