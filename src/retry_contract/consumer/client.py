"""Trying a client, the user's code that makes the call, on a service over real HTTP."""

from __future__ import annotations

import dataclasses
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from retry_contract.consumer.answers import Answer, Kind
from retry_contract.consumer.calls import Scenario, scenarios
from retry_contract.consumer.cases import Pair
from retry_contract.consumer.check import Asked, required
from retry_contract.consumer.lines import Lines, client_consumer
from retry_contract.consumer.made import Made, known
from retry_contract.consumer.readiness import Readiness
from retry_contract.consumer.remarks import notes
from retry_contract.consumer.stage import Call, Stage
from retry_contract.consumer.verdicts import paired, tried
from retry_contract.contract.catalogue import Catalogue
from retry_contract.endpoint.extra import sandbox_server
from retry_contract.masking import Scrubber
from retry_contract.service.model import PREFIX

_MOST_HANGS = 4


def check_client(asked: Asked, timeout: float, pair: Pair, catalogue: Catalogue) -> Readiness:
    """Call a client in every situation. `timeout` is in seconds for a call. Raises Unusable."""
    begin = time.perf_counter()
    timeline = catalogue.timeline
    served = required(pair, timeline, asked.now)
    made = _made(asked, timeout, catalogue, scenarios(pair, timeline))
    before, after, *_ = made.values()
    every = [call for calls in made.values() for call in calls]
    told = known(before[0], every)
    found = [
        tried(scenario, calls, told, counts=scenario.of in served)
        for scenario, calls in made.items()
    ]
    found.insert(2, paired(pair, before[0], after))
    in_force = timeline.at(asked.now) is pair.new.period
    seconds = time.perf_counter() - begin
    periods = pair.new.period, pair.old.period
    beside = tuple(notes(every, told))
    situations = tuple(found)
    return Readiness(
        asked.target, *periods, in_force, situations, seconds, unit="call", notes=beside
    )


def _made(
    asked: Asked, timeout: float, catalogue: Catalogue, tried: tuple[Scenario, ...]
) -> dict[Scenario, tuple[Made, ...]]:
    """Make every call, and return what came of each."""
    stage, serving = Stage(catalogue), sandbox_server()
    with tempfile.TemporaryDirectory() as folder, serving(stage.handle, 0) as url:
        output = Path(folder) / "output"
        output.touch()
        with client_consumer(asked.target, timeout, str(output)) as client:
            caller = _Caller(client, stage, url + PREFIX, output, asked.secret)
            return {scenario: tuple(caller.calls(scenario)) for scenario in tried}


class _Caller:
    """Makes the calls, in one process as long as it lasts, and watches what it prints."""

    def __init__(self, client: Lines, stage: Stage, url: str, output: Path, secret: str) -> None:
        self._client, self._stage, self._url = client, stage, url
        self._output = output
        self._secret = secret
        self._hangs = 0

    def calls(self, scenario: Scenario) -> Iterator[Made]:
        """Make the calls of a situation, up to one that does not come back."""
        for call in scenario.calls:
            made = self._make(call)
            yield made
            if made.answer is not None and made.answer.kind is Kind.HUNG:
                self._hangs += 1
                return

    def _make(self, call: Call) -> Made:
        """Make a call. After four hangs none is tried any more."""
        visit = self._stage.begin(call)
        arguments = [self._url, visit.key, visit.campaign, visit.message]
        printed = self._output.stat().st_size
        answer: Answer | None = None
        if self._hangs < _MOST_HANGS:
            (answer,) = self._client.ask([json.dumps(arguments)])
        if answer is None:
            return Made(call, visit, None, leaked=False)
        said = self._output.read_bytes()[printed:]
        leaked = visit.key.encode() in said or visit.key in answer.error
        error = Scrubber(self._secret, visit.key).scrub(answer.error)
        return Made(call, visit, dataclasses.replace(answer, error=error), leaked)
