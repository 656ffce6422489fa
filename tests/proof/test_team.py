"""A service of another kind than the model: FastAPI on SQLite, as the team that runs it has it.

Every bug is found by the rule that names it, from what the hook gives, without a generated case;
the correct service raises no alarm, with one and two instances.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from support.sample import one_in
from support.team import BUGS, Team, app, messages, serve, states
from support.team.store import milliseconds
from support.team_runs import alarms, in_state, left_out, results_of

from retry_contract.outcome import RuleState
from retry_contract.rules import RULES
from retry_contract.verification.states import STATES

SLOW_DELIVERY = 0.5
"""In seconds: retries that are sent at once come back before one of them has failed again."""


@pytest.fixture(scope="module", autouse=True)
def clock_of_looks() -> Iterator[None]:
    """Let the service's time pass by looks at messages alone, however slow the machine is."""
    times = itertools.count(milliseconds(), step=100)
    now, details = [next(times)], vars(app)["details"]

    def looked(*given: Any) -> Any:
        now[0] = next(times)
        return details(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "details", looked)
        patch.setattr(messages, "milliseconds", lambda: now[0])
        yield


@pytest.fixture(scope="module")
def team() -> Iterator[Team]:
    with serve(delivery=SLOW_DELIVERY) as served:
        yield served


@pytest.fixture
def slow_team() -> Iterator[Team]:
    with serve(delivery=SLOW_DELIVERY) as served:
        yield served


def test_every_bug_has_a_rule_that_names_it() -> None:
    assert set(BUGS.values()) <= RULES.keys()


def test_every_state_is_one_that_the_team_can_give() -> None:
    assert set(states.STATES) == STATES.keys()


def test_nothing_is_left_out_where_everything_is_given(team: Team) -> None:
    results = results_of(team, fuzz="5", provision="simulator")
    assert alarms(results) == {}
    assert in_state(results, RuleState.NOT_EXERCISED) == set()


def test_the_hook_alone_leaves_out_what_needs_a_single_send(team: Team) -> None:
    results = results_of(team)
    assert alarms(results) == {}
    assert left_out(results) == {"same-shape-as-single-send"}


def test_generated_rules_are_exercised_by_the_hook_alone(team: Team) -> None:
    results = results_of(team, fuzz="5")
    assert alarms(results) == {}
    assert in_state(results, RuleState.NOT_EXERCISED) == {"same-shape-as-single-send"}


def _states(results: dict[str, Any]) -> dict[str, str]:
    return {rule: str(result.state) for rule, result in results.items()}


@pytest.mark.parametrize("few", [1, 3, 6])
@pytest.mark.parametrize("fuzz", ["0", "3"])
def test_rules_in_any_order_give_one_verdict_where_messages_are_few(few: int, fuzz: str) -> None:
    found = []
    for order in (list(RULES), list(reversed(RULES))):
        with serve(delivery=SLOW_DELIVERY) as served:
            left, provide = {"failure": few}, served.new_message

            def give(state: str, left: Any = left, provide: Any = provide) -> str | None:
                left[state] = left.get(state, 1) - 1
                return str(provide(state)) if left[state] >= 0 else None

            object.__setattr__(served, "new_message", give)
            found.append(_states(results_of(served, order=order, fuzz=fuzz)))
    assert found[0] == found[1]


@pytest.mark.parametrize("instances", [1, 2])
@pytest.mark.parametrize("given", [{}, {"hook": False, "provision": "simulator"}])
@pytest.mark.parametrize("balancer", ["connection", "request"])
def test_correct_service_raises_no_alarm(instances: int, given: Any, balancer: Any) -> None:
    with serve(instances=instances, balancer=balancer) as served:
        assert alarms(results_of(served, **given)) == {}


@pytest.mark.parametrize("bug", one_in(8, sorted(BUGS)))
def test_bug_is_found_by_the_rule_that_names_it(bug: str, slow_team: Team) -> None:
    slow_team.bugs.add(bug)
    given: Any = {"max-seconds": "1.5"}  # for the cap
    assert BUGS[bug] in alarms(results_of(slow_team, **given))


@pytest.mark.parametrize("balancer", ["connection", "request"])
@pytest.mark.parametrize("hook", [True, False])
def test_old_instance_of_two_is_found(balancer: Any, hook: bool) -> None:
    given: Any = {} if hook else {"provision": "simulator"}
    with serve(instances=2, balancer=balancer, contracts=("after", "before")) as served:
        assert "one-contract-served" in alarms(results_of(served, hook=hook, **given))


def test_cutover_of_both_instances_during_a_run_is_named() -> None:
    with serve(instances=2, balancer="connection", contracts=("before",)) as served:
        provide = served.new_message

        def change(state: str) -> str | None:
            if state == "success":
                served.contracts[:] = ["after", "after"]
            return provide(state)

        object.__setattr__(served, "new_message", change)
        results = results_of(served, contract="before")
    assert (
        "the cutover happened during this run, at request "
        in alarms(results)["one-contract-served"]
    )
