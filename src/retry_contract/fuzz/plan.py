"""What a run of generated cases is asked for, and the case that breaks the contract."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import hypothesis
from hypothesis import Phase
from hypothesis.database import DirectoryBasedExampleDatabase, ReadOnlyDatabase
from hypothesis.strategies import SearchStrategy

from retry_contract.contract.expectation import Expectation
from retry_contract.endpoint.base import Endpoint
from retry_contract.fuzz.play import Play
from retry_contract.fuzz.search import isolated_settings
from retry_contract.outcome import NotExercised, Violation
from retry_contract.verification.provider import Provider
from retry_contract.verification.sender import Listener

C = TypeVar("C")

NO_CASE = "--replay: not a case that this version can play"
SECRET = "--replay: the case holds the API key, or a value of --values"
_MOST_SHRINKS, _MOST_SHRINKS_IN_REAL_TIME = 200, 500
"""How many cases are tried for a smaller one, after the first that broke the contract."""

_SIDE_BY_SIDE = 50
"""How many cases are played at once where most of their time is waiting."""


@dataclass(frozen=True)
class Plan:
    """What to generate, and the endpoint that it is sent to.

    `replay` is one case to play instead. `examples` is a folder of failures to read and extend.
    The cases are played within `seconds`, so many `side_by_side`. `listen` gets every exchange, in
    the order of the cases, and `progress` a line that says how far the run is. `provider` asks the
    service's team for messages. A case that breaks only what `is_known` ends there, and counts as
    kept.
    """

    endpoint: Endpoint
    expectation: Expectation
    cases: int
    seed: int
    replay: Any = None
    examples: Path | None = None
    listen: Listener | None = None
    seconds: float | None = None
    side_by_side: int = _SIDE_BY_SIDE
    provider: Provider | None = None
    progress: Callable[[str], None] = lambda _: None
    is_known: Callable[[Violation], bool] = lambda _: False

    @property
    def waits(self) -> bool:
        """Whether most of the time of a case is waiting, and it costs nothing."""
        return self.endpoint.real_time and self.endpoint.expendable

    @property
    def workers(self) -> int:
        """How many cases are played at once at the most."""
        return self.side_by_side if self.waits else 1

    @property
    def most_shrinks(self) -> int:
        """How many cases may be tried for a smaller one; none where a case costs something."""
        if not self.endpoint.expendable:
            return 0
        return _MOST_SHRINKS_IN_REAL_TIME if self.endpoint.real_time else _MOST_SHRINKS

    def settings(self, *, shrinks: bool) -> hypothesis.settings:
        """Return the settings of Hypothesis: to draw cases alone, or to shrink one too.

        Hypothesis tries one case after the other, so it shrinks none where each waits.
        """
        phases = [Phase.generate, *([Phase.shrink] if shrinks and not self.waits else [])]
        database: Any = None
        if self.examples is not None:
            phases.insert(0, Phase.reuse)
            database = DirectoryBasedExampleDatabase(self.examples)
            # A case that is drawn and not yet played would be taken for one that is mended.
            database = database if shrinks else ReadOnlyDatabase(database)
        # A replay generates no case, but Hypothesis wants at least one.
        return isolated_settings(max(1, self.cases), phases=phases, database=database)


class OutOfMessages(NotExercised):
    """No message is left for a case; the message says what would give more."""

    def __init__(self) -> None:
        super().__init__(
            "needs --provision simulator: no failed message is left, of a hook or otherwise"
        )


class Broken(Exception):
    """A generated case broke the contract: which rules, and the case as JSON values."""

    def __init__(self, case: Any, *violations: Violation) -> None:
        super().__init__(", ".join(violation.rule for violation in violations))
        self.case, self.violations = case, violations
        steps = case.get("sequence", {}).get("steps", ())
        self.size = len(steps), len(json.dumps(case))


@dataclass(frozen=True)
class Kind(Generic[C]):
    """One kind of case: what generates it, reads it from JSON values, and plays it.

    `read` raises NotExercised for other values. `play` raises Broken, NotExercised and NotTested.
    `texts` returns what in a case may be any text. `smaller` returns the cases that one is reduced
    to, if they break the contract too. `steps` is how many a case has.
    """

    name: str
    strategy: SearchStrategy[C]
    read: Callable[[Any], C]
    play: Callable[[C, Play], None]
    texts: Callable[[C], Iterable[str]] = lambda _: ()
    smaller: Callable[[C], Iterable[C]] = lambda _: ()
    steps: Callable[[C], int] = lambda _: 0


def is_text(value: Any) -> bool:
    """Return whether this is a string that UTF-8 can carry."""
    return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)
