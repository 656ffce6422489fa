"""Trying a reader in every scenario, by the policy of docs/consumer.md."""

import time
from collections.abc import Iterable, Iterator, Sequence

from retry_contract.consumer import readiness
from retry_contract.consumer.advice import advise
from retry_contract.consumer.compare import Difference, advice_on, differences, is_within, leaves
from retry_contract.consumer.process.attempt import Attempt, Ending
from retry_contract.consumer.process.readers import ONE_LINE, Reader
from retry_contract.consumer.reader.reader_scenarios import (
    MOST_HELD,
    Failure,
    Readings,
    Scenario,
    scenarios,
)
from retry_contract.consumer.readiness import CheckPlan, Finding, Readiness, Result, ScenarioOutcome
from retry_contract.contract.catalogue import Catalogue, Pair, newest_pair
from retry_contract.fuzz.pairs import Case, cases, plainest, rare_forms
from retry_contract.fuzz.search import draw, smallest
from retry_contract.privacy.descriptions import one_line
from retry_contract.privacy.scrubber import Scrubber

_TIMES, _NOTHING = 5, object()
_LONGEST_SHRINK = 5.0  # seconds, of all failures together: a step may cost a process
_FEW = 3
_SLOW = "look at what it waits for; give --timeout if it takes longer"
_FORGET = "let it forget between two payloads what it has read (a cache, a table, known ids)"
_READ_ON = (
    "let it read on to the end of its input: look at what it keeps from one payload to the next "
    "(a count, memory, open files); one that takes a single payload needs --per-payload"
)
_FULL = (
    f"It stopped before all payloads were tried: {MOST_HELD // 2**20} MiB of what it returned or "
    "raised are held. Give fewer --payloads, or let it return less."
)
_BLIND = (
    "It returned the same of every payload, so only whether it reads was tested: let it return all "
    "that it reads (a command: write `ok JSON`)."
)


def check_reader(options: CheckPlan, reader: Reader, catalogue: Catalogue) -> Readiness:
    """Try a reader on generated payloads. Raises UsageError."""
    begin, pair, timeline = time.perf_counter(), newest_pair(catalogue), catalogue.timeline
    shown = scenarios(pair, pair.current_contracts(timeline, options.now))
    run = _ReaderCheck(options, reader, pair)
    outcomes = (*run.outcomes(shown), run.rare_forms())
    new, notes = pair.new.period, tuple(run.notes(shown))
    now = timeline.at(options.now) is new, outcomes, time.perf_counter() - begin
    return Readiness(options.target, new, pair.old.period, *now, options.seed, notes=notes)


class _ReaderCheck:
    """One check: what is known of the reader so far, from a shared process and from new ones."""

    def __init__(self, options: CheckPlan, reader: Reader, pair: Pair) -> None:
        scrub = Scrubber(options.secret).scrub
        self._options, self._new = options, pair.new
        self._plain = plainest(pair, options.values)
        self._shared, self._alone = Readings(reader.ask, scrub), Readings(reader.ask_alone, scrub)
        # The older one first, as a process at the cutover does; and before anything is drawn,
        # which takes long: a target that cannot be imported is known then.
        self._shared.learn([self._plain.before])
        self._strategy = cases(self._plain, given=options.values is not None)
        drawn = [self._plain, *draw(self._strategy, options.payloads, options.seed)]
        shown = {str((c.payload, c.order, c.next_field, c.place)): c for c in drawn}
        self._cases = [*shown.values()]
        self._left_out, self._unsteady = options.accept, tuple[str, ...]()
        self._places, self._rare_notes = list[Difference](), list[str]()

    def outcomes(self, shown: Sequence[Scenario]) -> list[ScenarioOutcome]:
        """Try every scenario in one process, and what fails again in new ones."""
        plain, shared, alone, new = self._plain, self._shared, self._alone, self._new.name
        readings = shared.repeat(plain.after, _TIMES - 1, new)
        for scenario in shown:
            self._learn(scenario, self._cases)
        # A clock has moved on by then.
        self._leave_out_unsteady([*readings, *shared.repeat(plain.after, 1, new)])
        failed = {s: self._failures(s, self._cases) for s in shown}
        until, shrunk = time.monotonic() + _LONGEST_SHRINK, dict[Scenario, Failure]()
        for scenario, failures in failed.items():
            if failures:
                known = [failure.case for failure in shrunk.values()]
                shrunk[scenario] = self._shrink(scenario, failures, known, until)
        failing = [p for s, failure in shrunk.items() for p in s.payloads(failure.case)]
        alone.learn([plain.after, plain.before, *failing], new)
        self._leave_out_unsteady([alone.of(plain.after), *alone.repeat(plain.after, 1, new)])
        self._places = [p for all_ in failed.values() for each in all_ for p in each.places]
        return [self._outcome(s, shrunk.get(s), len(all_)) for s, all_ in failed.items()]

    def _leave_out_unsteady(self, attempts: Sequence[Attempt | None]) -> None:
        """Leave out the places at which readings of one payload differ: a clock, chance."""
        read = [attempt.read for attempt in attempts if attempt is not None and attempt.is_read]
        found = (place.pointer for each in read[1:] for place in differences(read[0], each))
        self._unsteady = tuple(dict.fromkeys((*self._unsteady, *found)))
        self._left_out = (*self._unsteady, *self._options.accept)

    def _learn(self, scenario: Scenario, tried: Sequence[Case]) -> None:
        payloads = (payload for case in tried for payload in scenario.payloads(case))
        # Where two are compared, the older ones are known by then.
        self._shared.learn(payloads, self._new.name if scenario.compares else scenario.of)

    def _failures(self, scenario: Scenario, tried: Sequence[Case]) -> list[Failure]:
        self._learn(scenario, tried)
        found = (scenario.failure(case, self._shared, self._left_out) for case in tried)
        return [*filter(None, found)]

    def _shrink(
        self, scenario: Scenario, failures: list[Failure], known: list[Case], until: float
    ) -> Failure:
        """Return the plainest failure: of a difference, if there is one, else of a break."""
        first = min(failures, key=lambda failure: (not failure.places, failure.is_of_others))

        def same(case: Case) -> Failure | None:
            found = self._failures(scenario, [case])
            return next((failure for failure in found if failure.sort == first.sort), None)

        plain = next(filter(None, map(same, (self._plain, *known))), None)
        if plain is None and not (first.is_of_others or first.attempt.ending is Ending.HUNG):
            drawn = self._options.payloads, self._options.seed
            case = smallest(self._strategy, lambda c: same(c) is not None, *drawn, until=until)
            plain = None if case is None else same(case)
        return plain or first

    def _outcome(self, scenario: Scenario, failure: Failure | None, failed: int) -> ScenarioOutcome:
        """Return a scenario's outcome: a failure counts if it happens in a new process too."""
        tried = sum(all(map(self._shared.of, scenario.payloads(case))) for case in self._cases)
        likely = [failure.case, self._plain] if failure else [self._plain]
        alone = (scenario.failure(case, self._alone, self._left_out) for case in likely)
        certain = next(filter(None, alone), None)
        counts, finding = scenario.breaks_count, None
        if found := certain or failure:
            counts, failed = scenario.counts(found), max(1, failed)
            finding = self._finding(found, certain=certain is not None)
        elif scenario.compares and self._nothing_compared():
            counts, finding = True, readiness.NOTHING_COMPARED
        tried = max(tried, failed)
        return ScenarioOutcome(scenario.name, scenario.of, counts, tried, failed, finding)

    def _finding(self, failure: Failure, *, certain: bool) -> Finding:
        """Return a failure as it is shown; what fails after other payloads only is not tested."""
        attempt, places = failure.attempt, failure.places
        odd, error = failure.case.odd(self._plain), "" if places else attempt.error
        result = Result.DIFFERS if places else Result.BREAKS
        every = (*places, *self._places)  # one run shows all that there is to accept
        advice = advice_on(every) if places else self._advice(attempt, odd)
        if not certain:
            error = f"it depends on what was read before: {error or 'it reads something else'}"
            advice = _READ_ON if failure.is_of_others else _FORGET
            result, places = Result.NOT_TESTED, ()
        return Finding(result, error, failure.payload, attempt.where, places, odd, advice=advice)

    def _advice(self, attempt: Attempt, odd: tuple[str, ...]) -> str:
        """Return what to change. Where only the newer response fails, its field is the cause."""
        if attempt.ending in (Ending.HUNG, Ending.NOISE):
            return _SLOW if attempt.ending is Ending.HUNG else ONE_LINE
        plain = (self._alone.of(payload) for payload in (self._plain.before, self._plain.after))
        reads_old, reads_new = (read is not None and read.is_read for read in plain)
        advice = "" if odd else advise(attempt.text, attempt.clues)
        if advice or reads_new or odd:
            return advice
        if not reads_old:
            return advise(attempt.error, of="target")
        added = ", ".join(self._plain.pair.new_fields)
        return f"let the code pass over fields that it does not know, and take {added} as any text"

    def _nothing_compared(self) -> bool:
        attempt = self._shared.of(self._plain.after)
        if attempt is None or not attempt.returned or "" in self._options.accept:
            return False
        left_out = (*attempt.opaque, *self._unsteady)
        return all(is_within(leaf, left_out) for leaf in leaves(attempt.read))

    def rare_forms(self) -> ScenarioOutcome:
        """Try the rare forms, if the plainest response is read: else they are no news."""
        plain, period = self._alone.of(self._plain.after), self._new.period
        name = f"{period.alias}, in rare forms"
        if plain is None or not plain.is_read:
            return ScenarioOutcome(name, period.name, False, 0)
        forms = rare_forms(self._plain)
        self._shared.learn(form.case.after for form in forms)
        found = [(form, self._shared.of(form.case.after)) for form in forms]
        failed = [(form, attempt) for form, attempt in found if attempt and not attempt.is_read]
        tried = (Failure(form.case, form.case.after, each) for form, each in found if each)
        of_others = [failure for failure in tried if failure.is_of_others]  # of no form: it counts
        finding = self._finding(of_others[0], certain=False) if of_others else None
        self._rare_notes = [
            f"Of the rare forms it breaks on {form.name} ({form.page}): {attempt.error}"
            for form, attempt in failed
            if form.page
        ]
        if schema_forms := [form.name for form, _ in failed if not form.page]:
            permitted = "Of the rare forms that the schema alone permits it breaks on"
            self._rare_notes.append(f"{permitted}: {_first_few(schema_forms)}.")
        counts, failures = bool(of_others), len(failed) + len(of_others)
        return ScenarioOutcome(name, period.name, counts, len(forms), failures, finding)

    def notes(self, shown: Sequence[Scenario]) -> Iterator[str]:
        attempt = self._shared.of(self._plain.after)
        every = (self._shared.of(p) for case in self._cases for p in (case.before, case.after))
        read = (each.read for each in every if each is not None and each.is_read)
        first = next(read, _NOTHING)
        blind = len(self._cases) > _FEW and first is not _NOTHING
        if blind and not (attempt and attempt.opaque) and all(each == first for each in read):
            yield _BLIND
        if attempt is not None and attempt.opaque:
            yield f"Not compared, since it is no plain data: {_first_few(attempt.opaque)}."
        if self._unsteady:
            yield f"Left out, since it differs from time to time: {_first_few(self._unsteady)}."
        if self._shared.is_full:
            yield _FULL
        for scenario in shown:
            places = scenario.places(self._plain, self._shared)
            if accepted := [str(p) for p in places if is_within(p.pointer, self._options.accept)]:
                yield f"Accepted ({scenario.name}): {_first_few(accepted)}."
        yield from self._rare_notes


def _first_few(names: Iterable[str]) -> str:
    shown = [one_line(name) or "the whole result" for name in names]
    more = f"; and {len(shown) - _FEW} more" if len(shown) > _FEW else ""
    return "; ".join(shown[:_FEW]) + more
