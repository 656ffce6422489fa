"""What a run says once a response was lost: the message may be on its way."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from retry_contract.cli.main import main
from retry_contract.contract.catalogue import catalogue
from retry_contract.endpoint.server import serve as serve_sandbox
from retry_contract.service.controls import Sandbox, Start
from retry_contract.service.faults.model import is_retry, is_send
from retry_contract.service.http import Request, Response
from retry_contract.service.model import PREFIX, Settings

STALLS = ("response-stalls", "no-response")
SOON = Settings(delivery=timedelta(milliseconds=60))
LOSE = {"of a retry": is_retry, "of a Single Send": is_send}


def _verify_and_lose(
    patch: pytest.MonkeyPatch, what: str, number: int, words: Sequence[str], *faults: str
) -> int:
    """Verify a service whose response of one kind, the accepted one of a number, is lost."""
    count = itertools.count(1)
    sandbox = Sandbox(catalogue(), Start("after", None, faults, SOON), lambda: datetime.now(UTC))

    def lose(request: Request) -> Response:
        response = sandbox.handle(request)
        last = LOSE[what](request) and response.status == 201 and next(count) == number
        return replace(response, pace="reset") if last else response

    patch.setenv("POSTMAN_API_KEY", sandbox.own.key)
    with serve_sandbox(lose) as (url,):
        place = ["--endpoint", url + PREFIX, "--campaign", sandbox.own.id, "--contract", "after"]
        return main(["verify", "--json", "--provision", "simulator", *place, *words])


@pytest.mark.parametrize("what", LOSE)
@pytest.mark.parametrize("faults", [(), ("creator-id-missing",)])
def test_what_was_lost_is_said_and_nothing_advises_to_send_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: Any, what: str, faults: tuple[str, ...]
) -> None:
    code = _verify_and_lose(monkeypatch, what, 4, ("--fuzz", "0", "--samples", "5"), *faults)
    document = json.loads(capsys.readouterr().out)
    assert (document["sent"]["lost"], document["replay"]) == (1, None)
    assert "may have been accepted" in document["reason"]
    assert "ook in Retrieve" in document["next"]
    assert "run again" not in document["next"]
    assert code == (1 if faults and what == "of a retry" else 3)


@pytest.mark.slow
def test_retry_that_is_lost_in_a_generated_case_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    code = _verify_and_lose(monkeypatch, "of a retry", 12, ("--fuzz", "9", "--seed", "1"))
    document = json.loads(capsys.readouterr().out)
    assert (code, document["sent"]["lost"]) == (3, 1)
    assert re.search(r"The retry of message_\S+ went out and may have been acc", document["reason"])


@pytest.mark.parametrize(
    "fault", ["connection-reset", *(pytest.param(f, marks=pytest.mark.slow) for f in STALLS)]
)
def test_lost_response_says_that_the_retry_may_have_been_accepted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    start = Start("after", None, (fault,), Settings(delivery=timedelta(minutes=1)))
    sandbox = Sandbox(catalogue(), start, lambda: datetime.now(UTC))
    monkeypatch.setenv("POSTMAN_API_KEY", sandbox.own.key)
    with serve_sandbox(sandbox.handle) as (url,):
        words = ["--endpoint", url + PREFIX, "--campaign", sandbox.own.id, "--timeout", "0.5"]
        words += ["--contract", "after", "--fuzz", "0", "--message", sandbox.messages["failure"]]
        code = main(["verify", *words])
        text = capsys.readouterr().out
        accepted = [r for r in sandbox.requests if r[1] == "POST" and r[3] == 201]
        sandbox.reset()
        assert main(["verify", "--json", *words]) == 3
        document = json.loads(capsys.readouterr().out)
    assert (code, len(accepted)) == (3, 1)
    assert 'accepted: Retrieve (200) shows latestStatus as "created" now' in text
    assert "sent: 1 retry (0 accepted, 0 of them observed) and 0 Single Sends; no resp" in text
    assert "; no response to the retry of message_" in text
    assert document["sent"] == {"retries": 1, "accepted": 0, "sends": 0, "lost": 1}
    assert document["replay"] is None
    assert "run again" not in document["next"]
    assert "Retrieve" in document["next"]
