"""A replay that is printed, run as it is printed in a shell, shows the failure again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.server import Served
from support.watched import watched

from retry_contract.service.faults.model import Wrap, is_retry, is_send, responses
from retry_contract.service.http import Handler, Request, Response, json_response
from retry_contract.service.model import Service

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="what is printed is for a POSIX shell"),
]

DIGITS, NAME = "\uff11\uff12\uff13", "Zebediah O'Quimby"
LONG_RUN = re.compile("[0-9a-f]{8}")
PRINTED = re.compile(r"^ +(?:replay|case) +(.+)$", re.MULTILINE)


def _long_ids(_: Service, handle: Handler) -> Handler:
    """Fail for an id with a long run of digits in it, as a service that takes it for a number."""

    def answer(request: Request) -> Response:
        response = handle(request)
        unknown = is_retry(request) and response.status == 400
        if unknown and LONG_RUN.search(request.path.split("/")[-2]):
            return json_response(500, {"message": "Internal Server Error", "statusCode": 500})
        return response

    return answer


def _digits_lost(response: Response) -> Response:
    payload = response.json()
    if DIGITS in payload["values"].get("name", ""):
        payload["values"] = {}
    return response.with_json(payload)


FAULTS: dict[str, tuple[Wrap, str, str]] = {
    "an id": (_long_ids, "requests", "500"),
    "a text": (responses(_digits_lost, to=is_send), "sequences", "/values is "),
}
"""What fails, the kind of case that shows it, and what came."""


def _run(words: str | list[str], served: Served, shell: dict[str, str]) -> tuple[int, str]:
    """Run a command, or a line in a shell."""
    programs = os.pathsep.join([str(Path(sys.executable).parent), shell["PATH"]])
    done = subprocess.run(
        words,
        shell=isinstance(words, str),
        env={**shell, "PATH": programs, "POSTMAN_API_KEY": served.key},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert served.key not in done.stdout + done.stderr
    assert NAME not in done.stdout + done.stderr
    return done.returncode, done.stdout


def _persons_message(served: Served) -> str:
    """A message that holds the same digits as a generated case, and a name."""
    campaign = served.service.campaigns[served.campaign]
    values = {"name": NAME, "code": DIGITS, "reference": "6f1c2b8e", "account": "2f3f8a11"}
    message = served.service.add_message(campaign, "6590001234", values)
    message.status, message.course = "failure", ()
    return message.id


@pytest.mark.parametrize("fails_for", FAULTS)
def test_printed_replay_shows_the_failure_again(fails_for: str, shell: dict[str, str]) -> None:
    wrap, kind, came = FAULTS[fails_for]
    with watched(wraps=[wrap]) as (served, _):
        words = ["retry-contract", "verify", *served.options, "--contract", "after"]
        words += ["--message", _persons_message(served), "--provision", "simulator"]
        words += ["--values", json.dumps({"name": NAME}), "--fuzz", "60", "--seed", "3"]
        code, shown = _run([*words, "--", "-k", f"{kind} or message-id-kept"], served, shell)
        assert code == 1, shown
        assert came in shown.splitlines()[0], shown
        case, replay = PRINTED.findall(shown)
        assert "[masked]" not in case
        assert case in replay
        code, again = _run(replay, served, shell)
    assert code == 1, again
    assert again.splitlines()[0] == shown.splitlines()[0]
    assert case in PRINTED.findall(again)


@pytest.mark.parametrize("plain", [True, False])
def test_pytest_shows_the_case_as_it_is_too(plain: bool, shell: dict[str, str]) -> None:
    with watched(wraps=[FAULTS["a text"][0]]) as (served, _):
        words = ["--message", _persons_message(served), "--provision", "simulator"]
        words += ["--fuzz", "60", "--seed", "3", *served.options]
        only = ["-k", "sequences_kept or message_id_kept", *(["--full-trace"] * (not plain))]
        options = [f"--contract-{word[2:]}" if word[:2] == "--" else word for word in words]
        program = [sys.executable, "-m", "pytest", "-p", "retry_contract.plugin", "-o", "addopts="]
        tests = str(Path(__file__).parents[2] / "contract_tests/test_generated.py")
        first = tests.replace("generated", "accepted")
        program += ["-p", "no:cacheprovider", "--import-mode=importlib", first, tests]
        code, shown = _run([*program, *options, *only], served, shell)
    assert code == 1, shown
    replays = {found for found in PRINTED.findall(shown) if found.startswith("retry-contract ")}
    assert len(replays) == 1  # where the test fails, and in the outcome
    assert "[masked]" not in str(replays)


def test_case_that_holds_a_value_of_values_is_not_replayed(here: Any, monkeypatch: Any) -> None:
    with watched() as (served, _):
        monkeypatch.setenv("POSTMAN_API_KEY", served.key)
        words = ["--provision", "simulator", "--values", json.dumps({"name": NAME})]
        steps = [["send", f"to {NAME}"]]
        case = json.dumps({"sequence": {"start": 0, "steps": steps}})
        done = here("verify", *served.options, *words, "--replay", case)
    assert done.returncode == 3
    assert "the case holds the API key, or a value of --values" in done.stdout
    assert NAME not in done.stdout + done.stderr
