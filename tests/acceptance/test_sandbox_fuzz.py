"""Generated cases against the real sandbox: nothing is waited for that never comes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from subprocess import CompletedProcess

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.endpoint.server import serve
from retry_contract.service.controls import CONTROL, Sandbox, Start
from retry_contract.service.model import PREFIX, Settings

Done = CompletedProcess[str]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(1, 7))
def test_documented_sandbox_keeps_generated_sequences(
    seed: int, here: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(delivery=timedelta(milliseconds=40))
    sandbox = Sandbox(catalogue(), Start(settings=settings), lambda: datetime.now(UTC))
    with contextlib.ExitStack() as stack:
        (url,) = stack.enter_context(serve(sandbox.handle))
        monkeypatch.setenv("POSTMAN_API_KEY", sandbox.own.key)
        monkeypatch.setenv("RETRY_CONTRACT_SANDBOX", url + CONTROL)
        place = ("--endpoint", url + PREFIX, "--campaign", sandbox.own.id)
        words = ("--provision", "simulator", "--fuzz", "15", "--seed", str(seed))
        done = here("verify", *place, *words, "--", "-k", "sequences-kept or message-id")
    assert done.returncode == 0, done.stdout
    assert "generated 1 of 1" in done.stdout
    assert sandbox.count < 3000
