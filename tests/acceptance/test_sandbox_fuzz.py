"""Generated cases against the real sandbox: nothing is waited for that never comes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from subprocess import CompletedProcess

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.endpoint.server import serve
from retry_contract.service.controls import CONTROL, Sandbox, Start
from retry_contract.service.model import PREFIX, Settings

Done = CompletedProcess[str]
Place = tuple[Sandbox, tuple[str, ...]]

pytestmark = pytest.mark.slow


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """A sandbox whose messages fail at once, and the options that lead to it."""
    settings = Settings(delivery=timedelta(milliseconds=40))
    sandbox = Sandbox(catalogue(), Start(settings=settings), lambda: datetime.now(UTC))
    with contextlib.ExitStack() as stack:
        (url,) = stack.enter_context(serve(sandbox.handle))
        monkeypatch.setenv("POSTMAN_API_KEY", sandbox.own.key)
        monkeypatch.setenv("RETRY_CONTRACT_SANDBOX", url + CONTROL)
        yield sandbox, ("--endpoint", url + PREFIX, "--campaign", sandbox.own.id)


@pytest.mark.parametrize("seed", range(1, 7))
def test_documented_sandbox_keeps_generated_sequences(
    seed: int, here: Callable[..., Done], place: Place
) -> None:
    sandbox, options = place
    words = ("--provision", "simulator", "--fuzz", "15", "--seed", str(seed))
    done = here("verify", *options, *words, "--", "-k", "sequences-kept or message-id")
    assert done.returncode == 0, done.stdout
    assert "generated 1 of 1" in done.stdout
    assert sandbox.count < 3000


BY_SEND = {"same-shape-as-single-send"}


@pytest.mark.parametrize(("more", "left"), [((), BY_SEND), (("--provision", "simulator"), set())])
def test_rules_that_are_reached_are_those_that_the_page_of_the_sandbox_says(
    more: tuple[str, ...], left: set[str], here: Callable[..., Done], place: Place
) -> None:
    messages = ",".join(place[0].messages.values())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETRY_CONTRACT_MESSAGES", messages)
        patch.setenv("RETRY_CONTRACT_FOREIGN_CAMPAIGN", place[0].foreign.id)
        patch.setenv("RETRY_CONTRACT_REVOKED_KEY", place[0].own.revoked_key)
        done = here("verify", *place[1], *more, "--fuzz", "2", "--seed", "1", "--json")
    assert done.returncode == 0, done.stdout
    (contract,) = json.loads(done.stdout)["contracts"]
    rules = {rule["rule"]: rule["state"] for rule in contract["rules"]}
    assert {rule for rule, state in rules.items() if state == "not exercised"} == left
