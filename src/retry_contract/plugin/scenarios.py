"""One scenario as a test sees it: what was observed, and which rules it keeps."""

from typing import TYPE_CHECKING

import pytest

from retry_contract.exchange import Exchange, Observation, Observations
from retry_contract.outcome import NotExercised
from retry_contract.plugin.failures import Failed
from retry_contract.report.known import entry_text
from retry_contract.report.text import violation_lines
from retry_contract.rules import rule_named
from retry_contract.rules.scenarios import EVERY_RESPONSE, WHOLE_RUN

if TYPE_CHECKING:
    from retry_contract.plugin.session import ContractSession


class Scenario:
    """One scenario, or a group of them, under one contract: observed once, when first needed."""

    def __init__(self, session: "ContractSession", run: str, name: str) -> None:
        self._session, self._run, self._name = session, run, name

    def __repr__(self) -> str:
        return f"<Scenario {self._name}, {self.contract}>"

    @property
    def contract(self) -> str:
        """The name of the contract, `after-2025-02-24` for instance."""
        return self._session.verification.run(self._run).contract

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The retries, each with the Retrieves around it. Skips the test if there are none."""
        return self._seen().found

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The retries; of `every_response` and `whole_run`, every exchange that they look at.

        Of generated cases these are those at which the contract that is served may have changed.
        Skips the test if there are none.
        """
        seen = self._seen()
        if self._name in (EVERY_RESPONSE, WHOLE_RUN):
            return seen.exchanges
        return tuple(observation.exchange for observation in seen.found)

    def keeps(self, rule: str) -> None:
        """Pass if a rule is kept, fail if it is broken, and skip if it was not exercised."""
        __tracebackhide__ = True
        try:
            asked = rule_named(rule)
        except LookupError as error:
            raise pytest.fail.Exception(str(error), pytrace=False) from None
        if asked.scenario != self._name:
            pytest.fail(f"{rule} looks at another scenario: use fixture {asked.scenario}", False)
        result = self._session.check(self._run, asked.id)
        if result.violations:
            raise Failed("\n".join(violation_lines(result)), pytrace=False)
        if result.known:
            pytest.xfail(f"{result.state}: {', '.join(map(entry_text, result.known))}")
        if result.reason is not None:
            pytest.skip(f"{result.state}: {result.reason}")

    def _seen(self) -> Observations:
        try:
            return self._session.observations(self._run, self._name)
        except NotExercised as reason:
            raise pytest.skip.Exception(f"not exercised: {reason}") from None
