"""Calls a client in a process, on a service over real HTTP, and watches what it prints."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from retry_contract.consumer.answers import Answer, Kind, shortened
from retry_contract.consumer.client.calls import Scenario
from retry_contract.consumer.client.made import Made
from retry_contract.consumer.client.stage import Call, Stage, Visit
from retry_contract.consumer.process.lines import Lines, client_consumer
from retry_contract.consumer.readiness import scrubbed
from retry_contract.contract.catalogue import Catalogue
from retry_contract.endpoint.extra import sandbox_server
from retry_contract.masking import Scrubber
from retry_contract.service.model import PREFIX

_MOST_HANGS = 4


@contextlib.contextmanager
def calling(target: str, timeout: float, catalogue: Catalogue, secret: str) -> Iterator[Caller]:
    """Serve a sandbox, and give what calls a client on it. `timeout` is in seconds for a call.

    `secret` is what no answer may hold, if anything. Raises Unusable.
    """
    stage, serving = Stage(catalogue), sandbox_server()
    with tempfile.TemporaryDirectory() as folder, serving(stage.handle, 0) as url:
        output = Path(folder) / "output"
        output.touch()
        with client_consumer(target, timeout, str(output)) as client:
            yield Caller(client, stage, url + PREFIX, output, secret)


class Caller:
    """Makes calls, in one process as long as it lasts."""

    def __init__(self, client: Lines, stage: Stage, url: str, output: Path, secret: str) -> None:
        self._client, self._stage, self._url = client, stage, url
        self._output = output
        self._secret = secret
        self._hangs = 0
        self._first = True

    def calls(self, scenario: Scenario, *, alone: bool = False) -> Iterator[Made]:
        """Make the calls of a situation, up to one that does not come back.

        If they are to be `alone`, they have a process of their own: together where the retry is
        to be accepted, since a process makes many such calls, and else one for each.
        """
        for number, call in enumerate(scenario.calls):
            if alone and (number == 0 or call.expects != "accepted"):
                self._start_anew()
            made = self._make(call)
            yield made
            if made.answer is not None and made.answer.kind is Kind.HUNG:
                return

    def _make(self, call: Call) -> Made:
        """Make a call. After four hangs none is tried any more."""
        visit = self._stage.begin(call, self._client.give_up)
        printed, first = self._output.stat().st_size, self._first
        answer = self._answer(visit) if self._hangs < _MOST_HANGS else None
        if answer is None:
            return Made(call, visit, None, leaked=False)
        said = self._output.read_bytes()[printed:]
        leaked = visit.key.encode() in said or visit.key in answer.error
        safe = shortened(scrubbed(answer, Scrubber(self._secret, visit.key).scrub))
        made = Made(call, visit, safe, leaked, first)
        self._hangs += made.hung
        return made

    def _answer(self, visit: Visit) -> Answer | None:
        arguments = [self._url, visit.key, visit.campaign, visit.message]
        (answer,) = self._client.ask([json.dumps(arguments)])
        self._stage.leave()
        self._first = answer is not None and answer.kind not in (Kind.READ, Kind.REFUSED)
        if visit.endless():
            self._start_anew()  # it may have come back, and yet go on in a thread
        return answer

    def _start_anew(self) -> None:
        self._client.start_anew()
        self._first = True
