"""A verification: one run for each contract that is asked for, each on its own endpoint."""

import contextlib
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from retry_contract.contract.expectation import Expectation
from retry_contract.endpoint.base import Endpoint
from retry_contract.endpoint.mock import mock_of
from retry_contract.environment import original, restored
from retry_contract.outcome import RuleResult, Traffic
from retry_contract.rules import RULES
from retry_contract.verification.findings import Findings
from retry_contract.verification.observer import Callbacks
from retry_contract.verification.option_table import SERVED
from retry_contract.verification.options import Options
from retry_contract.verification.provider import HookError
from retry_contract.verification.run import Run

_NETRC = (".netrc", "_netrc")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")


class Verification:
    """The runs of one verification, each begun when it is first asked for."""

    def __init__(self, options: Options, callbacks: Callbacks | None = None) -> None:
        self.options = options
        self._callbacks = callbacks or Callbacks()
        self._runs: dict[str, Run] = {}

    @property
    def names(self) -> list[str]:
        """The names of the runs: a contract each, or `served`."""
        return [e.contract.name for e in self.options.expectations] or [SERVED]

    def run(self, name: str) -> Run:
        """Return a run by name."""
        if name not in self._runs:
            wanted = next((e for e in self.options.expectations if e.contract.name == name), None)
            endpoint = self._open(wanted)
            ignored, samples = self.options.ignored, self.options.samples
            self._runs[name] = Run(endpoint, wanted, ignored, self._callbacks, samples)
        return self._runs[name]

    def check(self, name: str, rule: str) -> RuleResult:
        """Check one rule in one of the runs."""
        return self.run(name).check(RULES[rule])

    def findings(self) -> Findings:
        """Return what was sent and found so far, but for the results of rules."""
        runs = self._runs.values()
        drift = {name: run.drift() for name, run in self._runs.items()}
        return Findings(
            failure=next((run.failure for run in runs if run.failure), None),
            traffic=sum((run.traffic for run in runs), Traffic()),
            samples=sum(run.sample_count for run in runs),
            spent=sum(run.spent_count for run in runs),
            mistakes=tuple(dict.fromkeys(str(m) for run in runs for m in run.mistakes)),
            cutover=next((run.cutover for run in runs if run.cutover is not None), None),
            drift={name: found for name, (found, _) in drift.items()},
            more_drift={name: more for name, (_, more) in drift.items()},
        )

    def close(self) -> None:
        """Close the endpoints."""
        for run in self._runs.values():
            run.prober.endpoint.close()

    def _open(self, expectation: Expectation | None) -> Endpoint:
        live = self.options.live
        if live is None:
            assert expectation is not None
            return mock_of(expectation.catalogue, expectation.contract)
        from retry_contract.endpoint.live import LiveEndpoint
        from retry_contract.endpoint.sandbox_client import states_of

        proxies = sorted(name for name in original() if name.lower() in _PROXIES)
        ignored = [*proxies, *_netrc()]
        if ignored:
            hint = "; --proxy names a proxy to use" if proxies and live.proxy is None else ""
            self._callbacks.announce(f"not used by this run: {', '.join(ignored)}{hint}")
        sandbox = states_of(live.url, os.environ)

        asked = (self.options.states, self._callbacks.state_of, sandbox)
        hooks = [hook for hook in asked if hook is not None]
        return LiveEndpoint(live, partial(_first_message, hooks) if hooks else None)


def _first_message(hooks: Sequence[Callable[[str], Any]], state: str) -> Any:
    """Return what the first hook that has a message returns. Raises HookError."""
    for hook in hooks:
        try:
            with restored():  # the team's code finds its database, say
                message = hook(state)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # pytest's own are none of Exception
            raise HookError(error) from error
        if message is not None:
            return message
    return None


def _netrc() -> list[str]:
    """Return a name for a file of credentials, if any: its path may hold a person's name."""
    named = original().get("NETRC")
    if named is not None:
        return ["the file that NETRC names"] if named and Path(named).is_file() else []
    with contextlib.suppress(RuntimeError, OSError):
        home = Path.home()
        return [f"~/{name}" for name in _NETRC if (home / name).is_file()][:1]
    return []
