"""Running generated cases: drawn by Hypothesis, played, and the first that breaks shrunk.

Cases are data. They are drawn first and then played, so a seed generates the same ones however
many are played side by side. The first that breaks the contract is shrunk: by Hypothesis, which
draws them once more, looks up what became of each, and plays only what is new; or, where cases
wait for messages, in rounds of smaller ones that are played side by side.
"""

import contextlib
import json
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import hypothesis
from hypothesis.errors import HypothesisException

from retry_contract.exchange import Exchange
from retry_contract.fuzz.plan import NO_CASE, SECRET, Broken, Kind, OutOfMessages, Plan
from retry_contract.fuzz.play import Bounds, Play, run_side_by_side
from retry_contract.fuzz.search import EndOfRun, isolated
from retry_contract.outcome import Drift, NotExercised, NotTested, Traffic, Violation
from retry_contract.privacy.scrubber import Scrubber
from retry_contract.rules.every_response import stretch_ends

Player = Callable[[Any, Play], None]
_MOST_DRAWN = 200
"""So many cases are drawn before they are played side by side."""

_NOTHING_ACCEPTED = "no generated retry was accepted"
_ONLY_UNKNOWN = (
    "off this machine only retries of unknown messages are generated, and each was "
    "refused as documented; the rest needs an endpoint on this machine"
)


@dataclass
class Tally:
    """What became of the cases: the traffic, the smallest that broke the contract, and so on.

    `playing` are the plays that go on now, or did when the run was interrupted.
    `played` is how many were played to their end; it was `cut` where time was up before all were,
    and `short` is why no message is left for more. `reason` is why none was tested, `crash` an
    error that is no result of a case. `known` is what cases broke that is known. `shown` are the
    exchanges with the run's own endpoint between which no other contract shows.
    """

    most_shrinks: int
    traffic: Traffic = field(default_factory=Traffic)
    played: int = 0
    accepted: int = 0
    drift: dict[Drift, None] = field(default_factory=dict)
    smallest: Broken | None = None
    reason: NotExercised | NotTested | None = None
    crash: BaseException | None = None
    cut: bool = False
    short: NotExercised | None = None
    playing: Sequence[Play] = ()
    known: dict[Violation, None] = field(default_factory=dict)
    shown: list[Exchange] = field(default_factory=list)

    @property
    def sent(self) -> Traffic:
        """How much was sent so far, in plays that go on too."""
        going_on = (play.traffic for play in self.playing if not play.counted)
        return sum(going_on, self.traffic)

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return self.traffic.requests

    @property
    def ended(self) -> bool:
        """Whether no further case is to be played, but for a smaller one."""
        return any((self.smallest, self.reason, self.crash, self.short))

    def add(self, play: Play) -> None:
        """Add one play; they come in the order of generation."""
        exchanges, end, total = play.exchanges, play.end, self.traffic + play.traffic
        self.traffic, play.counted = total, True  # where no Ctrl-C comes between
        self.accepted += sum(e.kind == "retry" and e.succeeded for e in exchanges)
        if isinstance(end, NotTested):
            self.reason = self.reason or end
        if self.ended:  # how many were played after the one that ended the run is chance
            return
        self.drift |= play.drift
        self.played += play.kept or isinstance(end, Broken)
        if isinstance(end, Broken):
            self.smallest = end
        elif isinstance(end, OutOfMessages):
            self.short = end
        elif isinstance(end, NotExercised):
            self.reason = end
        elif end is not None and not isinstance(end, EndOfRun):
            self.crash = end


class _Series:
    """The cases of one run, each played once."""

    def __init__(self, plan: Plan, tally: Tally, kind: Kind[Any]) -> None:
        self._plan, self._tally, self._kind = plan, tally, kind
        self._bounds = Bounds(plan.seconds)
        endpoint = plan.endpoint
        keys = (endpoint.key, endpoint.revoked_key or "")
        self._scrubber = Scrubber(*keys, *(endpoint.values or {}).values())
        self._drawn: list[Any] = []
        self._results: dict[str, Broken | None] = {}
        self._shrinks = 0

    def replay(self) -> None:
        """Play the case that is to be replayed. Raises NotExercised if it is none."""
        case = self._kind.read(self._plan.replay)
        if self._holds_secret(case):
            raise NotExercised(SECRET)
        self._play([case])

    def generate(self) -> None:
        """Draw the cases and play them."""
        with contextlib.suppress(EndOfRun):
            self._draw(self._collect, shrinks=False)
            self._play(self._drawn)
        tally = self._tally
        tally.cut = self._bounds.passed and not tally.ended and tally.played < self._plan.cases

    def shrink(self) -> None:
        """Look for a smaller case than the first that broke, and keep the examples up to date."""
        tally, plan = self._tally, self._plan
        if tally.reason is not None or not tally.most_shrinks:
            return
        if plan.examples is not None or (tally.smallest is not None and not plan.waits):
            self._draw_again()
        if tally.smallest is not None and plan.waits:
            self._reduce()

    def _draw_again(self) -> None:
        tally = self._tally
        try:
            self._draw(self._look_up, shrinks=True)
        except (Broken, EndOfRun, HypothesisException):
            # Hypothesis calls a case flaky if its search was ended.
            if tally.smallest is None and not tally.cut:
                raise

    def _reduce(self) -> None:
        """Go on with a smaller case that breaks the same rule, until there is none."""
        tally = self._tally
        while tally.smallest is not None and tally.reason is None and tally.short is None:
            smaller = self._smaller(tally.smallest)
            if smaller is None:
                return
            tally.smallest = smaller

    def _smaller(self, found: Broken) -> Broken | None:
        """Play smaller cases side by side; return the first that breaks the same rule, or None."""
        kind = self._kind

        def play(case: Any, one: Play) -> None:
            try:
                _play_smaller(kind, found, case, one)
            except OutOfMessages:
                raise
            except NotExercised:
                pass

        cases = {_key(case): case for case in kind.smaller(kind.read(found.case[kind.name]))}
        new = [
            case
            for key, case in cases.items()
            if self._results.get(key, found) is not None and not self._holds_secret(case)
        ][: self._tally.most_shrinks - self._shrinks]
        self._shrinks += len(new)
        plays = self._play(new, play)
        for number, one in enumerate(plays, 1):
            if isinstance(one.end, Broken):
                self._shrinks -= len(plays) - number  # how many of those were played is chance
                return one.end
        return None

    def _draw(self, visit: Callable[[Any], None], *, shrinks: bool) -> None:
        def case(drawn: Any) -> None:
            if not self._holds_secret(drawn):
                visit(drawn)

        strategy, settings = self._kind.strategy, self._plan.settings(shrinks=shrinks)
        settings(hypothesis.seed(self._plan.seed)(hypothesis.given(strategy)(case)))()

    def _holds_secret(self, case: Any) -> bool:
        """Whether a case is left out, since it is shown as it was generated."""
        return any(self._scrubber.scrub(text) != text for text in self._kind.texts(case))

    def _collect(self, case: Any) -> None:
        self._drawn.append(case)
        if len(self._drawn) >= (_MOST_DRAWN if self._plan.workers > 1 else 1):
            self._play(self._drawn)
        if self._tally.ended or self._bounds.passed:
            raise EndOfRun

    def _look_up(self, case: Any) -> None:
        """Raise Broken if a case breaks the contract; play it if that is not known."""
        key = _key(case)
        if key not in self._results:
            if self._shrinks >= self._tally.most_shrinks:
                raise EndOfRun
            self._shrinks += 1
            self._play([case])
            if key not in self._results or self._tally.reason is not None:
                raise EndOfRun
        found = self._results[key]
        if found is not None:
            tally = self._tally
            # Of two of one size, the later is the one that Hypothesis calls simpler.
            tally.smallest = min(found, tally.smallest or found, key=lambda broken: broken.size)
            raise Broken(found.case, *found.violations)  # raised elsewhere it is another failure

    def _play(self, cases: list[Any], player: Player | None = None) -> Sequence[Play]:
        """Play cases, and empty their list."""
        player = self._ends_at_known(player or self._kind.play)
        plan, bounds = self._plan, self._bounds
        plays = [Play(case, plan.endpoint, bounds, plan.provider) for case in cases]
        cases.clear()
        rest, self._tally.playing = deque(plays), plays

        def add_ended() -> None:
            while rest and rest[0].over:
                self._add(rest.popleft())
            self._plan.progress(self._progress(rest))

        try:
            if len(plays) == 1:
                plays[0].run(player)
            elif plays:
                run_side_by_side(plays, player, self._plan.workers, add_ended)
        finally:
            add_ended()
            for play in plays:  # on Ctrl-C, which comes in the middle of one or of adding one
                if not play.counted:
                    self._add(play)
            self._tally.playing = ()
        if self._tally.crash is not None:
            raise self._tally.crash
        return plays

    def _ends_at_known(self, player: Player) -> Player:
        """Return a player for which a case that breaks only what is known is kept."""

        def play(case: Any, one: Play) -> None:
            try:
                player(case, one)
            except Broken as broken:
                new = [v for v in broken.violations if not self._plan.is_known(v)]
                self._tally.known |= dict.fromkeys(v for v in broken.violations if v not in new)
                if new:
                    raise Broken(broken.case, *new) from None

        return play

    def _add(self, play: Play) -> None:
        self._tally.add(play)
        if play.on_shared_endpoint:
            self._tally.shown += stretch_ends(play.exchanges, self._plan.expectation)
        if self._plan.listen is not None:
            for exchange in play.exchanges:
                self._plan.listen(exchange)
        broken = play.end if isinstance(play.end, Broken) else None
        if play.kept or broken is not None:
            self._results[_key(play.case)] = broken

    def _progress(self, rest: Collection[Play]) -> str:
        name, waiting = self._kind.name, self._bounds.waiting
        if self._shrinks:
            return f"looking for a smaller {name}, {self._shrinks} tried"
        done = self._tally.played + sum(play.kept for play in rest)
        wait = f", {waiting} wait for a message to fail" if waiting else ""
        return f"{done} of {self._plan.cases} {name}s played{wait}"


def _play_smaller(kind: Kind[Any], found: Broken, case: Any, one: Play) -> None:
    """Play a case. Raises Broken if it breaks the same rule in fewer steps, or in simpler ones.

    A play notes as a step what happened by itself: one that came out as long is no step ahead, or
    the search would go round in a circle.
    """
    try:
        kind.play(case, one)
    except Broken as broken:
        steps, before = broken.size[0], found.size[0]
        simpler = steps == before == kind.steps(case) and broken.case != found.case
        if broken.violations[0].rule == found.violations[0].rule and (steps < before or simpler):
            raise


def _key(case: Any) -> str:
    return json.dumps(case, default=vars)


def run_cases(plan: Plan, tally: Tally, kind: Kind[Any]) -> Broken | None:
    """Run generated cases, or replay one; return the smallest that broke the contract, or None.

    Raises NotExercised if no retry was accepted, and NotTested if the endpoint cannot be reached.
    """
    series = _Series(plan, tally, kind)
    with isolated():
        if plan.replay is not None:
            series.replay()
        else:
            series.generate()
            series.shrink()
    if tally.smallest is not None:
        return tally.smallest
    if tally.reason is not None:
        raise tally.reason
    if plan.replay is not None and not tally.requests:
        raise NotExercised(NO_CASE)
    if tally.short is not None and not tally.accepted:
        raise tally.short
    if plan.replay is None and not tally.accepted:
        here = tally.cut or plan.endpoint.expendable
        raise NotExercised(_NOTHING_ACCEPTED if here else _ONLY_UNKNOWN)
    return None
