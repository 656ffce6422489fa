"""Calling a client: a process for each scenario, or for each call where it is a command."""

import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from retry_contract.consumer.process import attempt as attempts
from retry_contract.consumer.process import user_process
from retry_contract.consumer.process.attempt import Attempt, Ending
from retry_contract.consumer.process.host import host_command
from retry_contract.consumer.process.user_environment import isolated_environment
from retry_contract.consumer.process.user_process import Command, ProcessPool, UserProcess
from retry_contract.outcome import UsageError
from retry_contract.privacy.scrubber import map_texts
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
class CallResult:
    """One call. `leak` is a line of what the client printed that holds the API key."""

    call: Call
    visit: Visit
    attempt: Attempt
    leak: str = ""

    @property
    def reading(self) -> Any:
        """What was read, with names in place of the ids that no other call has."""
        return map_texts(self.attempt.read, self.visit.mask)


class Calls:
    """Makes the calls of all scenarios, side by side."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._starting = threading.Semaphore(os.cpu_count() or 1)
        self._processes = ProcessPool()

    def make(
        self, scenarios: Sequence[Sequence[Call]], stages: Sequence[Stage], urls: Sequence[str]
    ) -> list[list[CallResult]]:
        """Return the calls of each scenario, up to one that does not end. Raises UsageError."""
        given = zip(scenarios, stages, urls, strict=True)
        # The last begin first: they wait for a timeout of the client's own.
        return self._processes.results([partial(self._run, *each) for each in given])

    def _run(self, calls: Sequence[Call], stage: Stage, url: str) -> list[CallResult]:
        results: list[tuple[CallResult, UserProcess]] = []
        process, is_command = None, self._client.command is not None
        try:
            for call in calls:
                visit = stage.begin(call)
                given = (url, visit.key, visit.campaign, visit.message)
                process = process or self._start(given, visit)
                stage.end_by(process.give_up)
                attempt = self._attempt(process, given, visit)
                stage.end_by(lambda: None)
                results.append((CallResult(call, visit, attempt), process))
                if attempt.ending is Ending.HUNG:
                    break
                if is_command or attempt.ending is Ending.CRASHED:
                    self._processes.stop(process)
                    process = None
        finally:
            if process is not None:
                self._processes.stop(process)
        # What was printed is known once the process has ended. A host's output is the protocol.
        return [
            replace(result, leak=(is_command and process.output.leak) or process.errors.leak)
            for result, process in results
        ]

    def _start(self, given: Sequence[str], visit: Visit) -> UserProcess:
        """Start a process, but no more at once than there are processors: it takes most of one."""
        client = self._client
        words = client.command or host_command(client.target, attempts.CALL, client.predicate)
        named = dict(zip(_NAMES, given, strict=True)) if client.command else {}
        with self._starting:
            if self._processes.over:
                raise UsageError("the check is over")
            environment = isolated_environment(named)
            process = self._processes.add(UserProcess(words, environment, visit.key))
            if client.command is None:
                process.await_import()
                return process
            process.send("", last=True)
            until = time.monotonic() + _LONGEST_START
            while process.is_alive() and time.monotonic() < until:
                if visit.seen or self._processes.over:
                    break
                time.sleep(_LOOK)
        return process

    def _attempt(self, process: UserProcess, given: Sequence[str], visit: Visit) -> Attempt:
        last, is_host = "", self._client.command is None
        if is_host:
            process.send(json.dumps(given) + "\n", last=False)
        try:
            for line in process.lines(self._client.timeout):
                if is_host:
                    return self._check_predicate(attempts.read_host_line(line))
                last = line if line.strip() else last
        except TimeoutError:
            asked = len(visit.retries())
            times = f"; it had asked {asked} times" if asked > 1 else ""
            return Attempt(Ending.HUNG, error=f"no end within {self._client.timeout:g} s{times}")
        status = process.stop()
        if status:
            if not is_host and not visit.seen:
                user_process.check_started(status)
            error, trace = process.describe(status), process.errors.text
            return Attempt(Ending.CRASHED, error=error, trace=trace, success=False)
        read = attempts.read_line(f"ok {last}" if last else "ok")
        return replace(read if read.is_read else Attempt(Ending.READ), success=True)

    def _check_predicate(self, attempt: Attempt) -> Attempt:
        """Return an attempt. Raises UsageError if the user's predicate was of no use."""
        if not attempt.refused:
            return attempt
        if self._client.predicate:
            how = "it must answer True or False of what the client returned"
            raise UsageError(f"--accepted-when {self._client.predicate}: {attempt.refused}; {how}")
        how = "give --accepted-when to say whether it is a success"
        raise UsageError(f"what it returned has no truth value: it {attempt.refused}; {how}")
