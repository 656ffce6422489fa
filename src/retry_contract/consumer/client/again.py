"""What went wrong only because of the calls before it is not the client's: it is called again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from retry_contract.consumer.client.calls import Scenario
from retry_contract.consumer.client.made import Known, Made, known
from retry_contract.consumer.client.wrongs import wrongs

Calls = tuple[Made, ...]
_FEW = 3


@dataclass(frozen=True)
class Doubt:
    """What may have gone wrong only because of the calls before: what it says, and its sort.

    Its `sort` says whether the retry was to be accepted too: those calls share a process.
    """

    sort: tuple[bool, str, str]
    error: str = field(compare=False)


def settled(
    made: Mapping[Scenario, Calls], call_alone: Callable[[Scenario], Iterable[Made]]
) -> tuple[dict[Scenario, Calls], tuple[str, ...]]:
    """Return the calls that count, and a note for each thing that went wrong after others only.

    What is doubtful in a situation is called again from its beginning, alone: after no call of
    another situation. What goes wrong there too is no more doubtful elsewhere, so a client that
    fails everywhere is started again for each way in which it fails, and not for each situation.
    """
    final, certain = dict(made), set[Doubt]()
    otherwise: list[tuple[Doubt, str]] = []
    for scenario, calls in made.items():
        told = known_of(final)
        doubt = _doubt(calls, told)
        if doubt is None or doubt in certain or all(call.first for call in calls):
            continue
        anew = _anew(call_alone(scenario), doubt, told)
        if anew is None:
            certain.add(doubt)
        else:
            final[scenario] = anew
            otherwise.append((doubt, scenario.name))
    return final, tuple(_notes(otherwise))


def known_of(made: Mapping[Scenario, Calls]) -> Known:
    """Return what all calls say, of which the very first one is by the older contract."""
    every = [call for calls in made.values() for call in calls]
    return known(every[0], every)


def _doubt(calls: Sequence[Made], told: Known) -> Doubt | None:
    """Return what is doubtful of the calls of a situation, if nothing is wrong for certain."""
    found = wrongs(calls, told)
    if not found or not all(wrong.doubtful for _, wrong in found):
        return None
    made, wrong = found[0]
    raised = made.answer.error if made.answer else ""
    kinds = wrong.error.partition(":")[0], raised.partition(":")[0]
    return Doubt((made.call.expects == "accepted", *kinds), raised or wrong.error)


def _anew(calls: Iterable[Made], doubt: Doubt, told: Known) -> Calls | None:
    """Return what came of calls in a new process, None once it is the same, or nothing."""
    anew: list[Made] = []
    for made in calls:
        anew.append(made)
        if made.answer is None or _doubt(anew, told) == doubt:
            return None
    return tuple(anew)


def _notes(otherwise: Iterable[tuple[Doubt, str]]) -> Iterator[str]:
    """Yield a note for each kind of error, with the situations in which there was one."""
    groups: dict[str, tuple[str, list[str]]] = {}
    for doubt, name in otherwise:
        kind = doubt.error.partition(":")[0]
        groups.setdefault(kind, (doubt.error, []))[1].append(name)
    for error, names in groups.values():
        more = [f"and {len(names) - _FEW} more"] if len(names) > _FEW else []
        yield (
            "After other calls in the same process it did otherwise "
            f"({'; '.join([*names[:_FEW], *more])}): {error}. What it did in a process of its own "
            "counts."
        )
