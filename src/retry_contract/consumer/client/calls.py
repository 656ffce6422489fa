"""Calling a client: a process for each scenario, or for each call where it is a command."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from retry_contract.consumer.client.client_scenarios import Scenario
from retry_contract.consumer.process.attempt import Attempt, Ending, read_hosted, read_line
from retry_contract.consumer.process.command import Command, apart_environment, check_started
from retry_contract.consumer.process.host import CALL
from retry_contract.consumer.process.lines import await_import, hosted
from retry_contract.consumer.process.running import Group, Running
from retry_contract.outcome import UsageError
from retry_contract.service.stage import Call, Stage, Visit

_LONGEST_START, _LOOK = 0.5, 0.01
_NAMES = (
    *("RETRY_CONTRACT_ENDPOINT", "POSTMAN_API_KEY"),
    *("RETRY_CONTRACT_CAMPAIGN", "RETRY_CONTRACT_MESSAGES"),
)


@dataclass(frozen=True)
class Client:
    """The user's code that makes the call: a Python callable, or a `command` started once a call.

    `predicate` is the callable that says what counts as accepted, if any; `timeout` is in seconds.
    """

    target: str
    timeout: float
    command: Command | None = None
    predicate: str = ""


@dataclass(frozen=True)
class Made:
    """One call that was made. `printed` is a line of what it printed that holds the API key."""

    call: Call
    visit: Visit
    attempt: Attempt
    printed: str = ""


class Calls:
    """Makes the calls of all scenarios, side by side."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._starting = threading.Semaphore(os.cpu_count() or 1)
        self._group = Group()

    def make(
        self, scenarios: Sequence[Scenario], stages: Sequence[Stage], urls: Sequence[str]
    ) -> list[list[Made]]:
        """Return the calls of each scenario, up to one that does not end. Raises UsageError.

        The last begin first: they wait for a timeout of the client's own, while the others start.
        """
        given = list(zip(scenarios, stages, urls, strict=True))
        with ThreadPoolExecutor(len(given)) as pool, self._group.together():
            begun = [pool.submit(self._scenario, *each) for each in reversed(given)]
            return self._group.results(begun[::-1])

    def _scenario(self, scenario: Scenario, stage: Stage, url: str) -> list[Made]:
        made: list[tuple[Made, Running]] = []
        running, is_command = None, self._client.command is not None
        try:
            for call in scenario.calls:
                visit = stage.begin(call)
                given = (url, visit.key, visit.campaign, visit.message)
                running = running or self._start(given, visit)
                stage.end_by(running.give_up)
                attempt = self._attempt(running, given, visit)
                stage.end_by(lambda: None)
                made.append((Made(call, visit, attempt), running))
                if attempt.ending is Ending.HUNG:
                    break
                if is_command or attempt.ending is Ending.CRASHED:
                    self._group.stop(running)
                    running = None
        finally:
            if running is not None:
                self._group.stop(running)
        # What was printed is known once the process has ended. A host's output is the protocol.
        return [
            replace(each, printed=(is_command and process.output.leak) or process.errors.leak)
            for each, process in made
        ]

    def _start(self, given: Sequence[str], visit: Visit) -> Running:
        """Start a process, but no more at once than there are processors: it takes most of one."""
        client = self._client
        words = client.command or hosted(client.target, CALL, client.predicate)
        named = dict(zip(_NAMES, given, strict=True)) if client.command else {}
        with self._starting:
            if self._group.over:
                raise UsageError("the check is over")
            running = self._group.start(words, apart_environment(named), visit.key)
            if client.command is None:
                await_import(running)
                return running
            running.send("", last=True)
            until = time.monotonic() + _LONGEST_START
            while not visit.seen and running.is_alive() and time.monotonic() < until:
                if self._group.over:
                    break
                time.sleep(_LOOK)
        return running

    def _attempt(self, running: Running, given: Sequence[str], visit: Visit) -> Attempt:
        last, is_hosted = "", self._client.command is None
        if is_hosted:
            running.send(json.dumps(given) + "\n", last=False)
        try:
            for line in running.lines(self._client.timeout):
                if is_hosted:
                    return self._checked(read_hosted(line))
                last = line if line.strip() else last
        except TimeoutError:
            asked = len(visit.retries())
            times = f"; it had asked {asked} times" if asked > 1 else ""
            return Attempt(Ending.HUNG, error=f"no end within {self._client.timeout:g} s{times}")
        status = running.stop()
        if status:
            if not is_hosted and not visit.seen:
                check_started(status)
            error, trace = running.describe(status), running.errors.text
            return Attempt(Ending.CRASHED, error=error, trace=trace, success=False)
        read = read_line(f"ok {last}") if last else Attempt(Ending.READ)
        return replace(read if read.is_read else Attempt(Ending.READ), success=True)

    def _checked(self, attempt: Attempt) -> Attempt:
        """Return an attempt. Raises UsageError if the user's predicate was of no use."""
        if attempt.refused and self._client.predicate:
            how = "it must answer True or False of what the client returned"
            raise UsageError(f"--accepted-when {self._client.predicate}: {attempt.refused}; {how}")
        if attempt.refused:
            how = "give --accepted-when to say whether it is a success"
            raise UsageError(f"what it returned has no truth value: it {attempt.refused}; {how}")
        return attempt
