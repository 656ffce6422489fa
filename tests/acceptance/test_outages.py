"""What goes wrong on the way to a service is "not tested", in one line, and never a false alarm."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.proxy import (
    AT_ONCE,
    BEHAVIOURS,
    Call,
    between,
    bomb,
    refusing,
    response,
    trap,
    unanswering,
)
from support.server import Served, serve

from retry_contract.contract.catalogue import catalogue
from retry_contract.outcome import ContractResult, Outcome, conclude
from retry_contract.report.json_document import outcome_document
from retry_contract.report.text import verdict_line
from retry_contract.rules import ESSENTIAL, RULES
from retry_contract.rules.scenarios import MALFORMED_IDS
from retry_contract.verification.options import read_options
from retry_contract.verification.refusal_steps import UNKNOWN_MESSAGE
from retry_contract.verification.verification import Verification

pytestmark = pytest.mark.slow

Done = subprocess.CompletedProcess[str]

CUT_OFF = "the connection broke, or the response was cut off"
TIME = "it did not answer in time; see --timeout"
LARGE = "a response is larger than 1 MiB, and was not read to its end"
UNASKED = "a response was compressed in a way that nobody had asked for"
LIST = "this machine's address is not on the campaign's list"
ADVICE = "does the campaign have it, and is /api/v2 missing from the base URL?"

OUTAGES = {
    "reset at once": CUT_OFF,
    "closed at once": CUT_OFF,
    "silent at once": TIME,
    "garbage at once": CUT_OFF,
    "reset before the headers": CUT_OFF,
    "closed before the headers": CUT_OFF,
    "reset in the headers": CUT_OFF,
    "reset in the body": CUT_OFF,
    "body cut off": CUT_OFF,
    "chunks cut off": CUT_OFF,
    "silent": TIME,
    "headers drip": TIME,
    "body drips": TIME,
    "endless body": LARGE,
    "endless headers": CUT_OFF,
    "endless early hints": TIME,
    "gzip bomb": LARGE,
    "gzip bomb in gzip": UNASKED,
    "gzip garbled": CUT_OFF,
    "gzip cut off": CUT_OFF,
    "brotli unasked": UNASKED,
    "503": "the service is down: the first request was answered with 503",
    "502 in HTML": "the service is down: the first request was answered with 502",
    "200 in HTML": f"answered with 200 and no message: {ADVICE}",
    "401": "the key was refused (401): is POSTMAN_API_KEY the key of this campaign?",
    "403": f"refused with 403: {LIST}",
    "404": f"answered with 404 and no message: {ADVICE}",
    "429": "too many requests (429), however long was waited: see --rate",
    "address refused": f"refused with 400: {LIST}",
    "1010 in HTML": f"refused with 403: {LIST}",
}
LATER = {
    "503": "the service is down: a Retrieve that must work got 503, on a new",
    "502 in HTML": "the service is down: a Retrieve that must work got 502, on a new",
    "200 in HTML": "the service is down: a Retrieve that must work got 200 and no",
    **{name: f" of the run, {OUTAGES[name]}" for name in ("401", "403")},
    **{name: f" of the run, {OUTAGES[name]}" for name in ("1010 in HTML", "address refused")},
}
"""What an outage says where it comes after the first request, if not the same."""

SOON, PATIENTLY = "0.3", "5"
"""In seconds: where no response may come in time, and where each has to, on a busy machine too."""

LOST = "404"
"""What breaks the contract where it comes after the first request: the message is gone."""


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    assert bomb(1)
    assert bomb(2)
    with serve() as model:
        yield model


@dataclass(frozen=True)
class Found:
    """What a run came to: its exit code, its JSON document, and the last line of its text."""

    code: int
    document: dict[str, Any]
    last: str

    @property
    def states(self) -> dict[str, str]:
        return {rule["rule"]: rule["state"] for rule in self.document["contracts"][0]["rules"]}


Run = Callable[..., Found]


@pytest.fixture
def check(served: Served, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Check every rule at a URL, as the contract tests do, without pytest around it."""
    monkeypatch.setenv("POSTMAN_API_KEY", served.key)

    def run(
        url: str,
        *,
        message: str = "",
        contract: str = "after",
        only: str = "",
        timeout: str = SOON,
    ) -> Found:
        given = {
            **{"endpoint": url, "campaign": served.campaign, "contract": contract, "fuzz": "0"},
            **{"message": [message] if message else served.failed(), "timeout": timeout},
        }
        options = read_options(given, catalogue=catalogue())
        with contextlib.closing(Verification(options)) as verification:
            (name,) = verification.names
            results = tuple(verification.check(name, rule) for rule in RULES if only in rule)
            contracts = (ContractResult(name, results),)
            found = verification.findings()
        verdict, reason = conclude(contracts, essential=ESSENTIAL, failure=found.failure)
        outcome = Outcome(verdict, url, reason, contracts, found.traffic)
        return Found(verdict.exit_code, outcome_document(outcome), verdict_line(outcome))

    return run


@pytest.fixture
def verify(
    here: Callable[..., Done], served: Served, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Run:
    """Run `verify` at a URL, in this process."""
    monkeypatch.setenv("POSTMAN_API_KEY", served.key)

    def run(url: str, *words: str) -> Found:
        named = ("--campaign", served.campaign, "--message", *served.failed())
        fixed = ("--contract", "after", "--fuzz", "0", "--timeout", "0.3")
        options = ("--endpoint", url, *named, *fixed, "--report", str(tmp_path))
        done = here("verify", *options, *words)
        assert "Traceback" not in done.stdout + done.stderr
        assert done.stderr == "" or "--" in words
        document = json.loads((tmp_path / "report.json").read_text("utf-8"))
        return Found(done.returncode, document, done.stdout.splitlines()[-1])

    return run


def _not_tested(found: Found, reason: str) -> None:
    """Check that a run says in one line that nothing is known, and why."""
    assert found.code == 3, found
    assert found.document["outcome"] == "not tested"
    assert reason in found.document["reason"]
    assert re.fullmatch("[ -~]+", found.document["reason"])
    end = "" if found.document["reason"].endswith("?") else "."
    assert found.last == f"NOT TESTED: {found.document['reason']}{end}"


def _from(number: int, behaviour: str) -> Callable[[Call], str]:
    """Return what passes so many requests, and then goes wrong for good."""
    return lambda call: "pass" if call.number < number else behaviour


def test_every_behaviour_is_tried() -> None:
    assert set(OUTAGES) == {*AT_ONCE, *BEHAVIOURS} - {"pass"}


@pytest.mark.parametrize("behaviour", OUTAGES)
def test_outage_from_the_start_is_not_tested(check: Run, served: Served, behaviour: str) -> None:
    with between(served.url, behaviour) as far:
        begin = time.monotonic()
        found = check(far.url)
        assert time.monotonic() - begin < 5
        _not_tested(found, OUTAGES[behaviour])
        assert set(found.states.values()) == {"not exercised"}
        assert far.sent("POST") == [], "nothing is retried once the service is out of reach"
        assert len(far.calls) <= (5 if behaviour == "429" else 2)


@pytest.mark.parametrize("behaviour", [name for name in BEHAVIOURS if name != "pass"])
def test_outage_at_the_accepted_retry_never_sends_it_again(
    check: Run, served: Served, behaviour: str
) -> None:
    (message,) = served.failed()
    refusal = behaviour == "429"

    def behave(call: Call) -> str:
        return behaviour if call.method == "POST" or len(far.sent("POST")) else "pass"

    with between(served.url, each=behave) as far:
        found = check(far.url, message=message)
        if behaviour == LOST:
            assert found.code == 1
        else:
            _not_tested(found, LATER.get(behaviour, OUTAGES[behaviour]))
            asked = [call for call in far.sent("POST") if message in call.target]
            # A 429 says that a request was not accepted; it alone may be followed by another try.
            assert len(asked) == (5 if refusal else 1)
        assert refusal or len(served.service.messages[message].attempts) == 2


@pytest.mark.parametrize(
    "behaviour", ["reset before the headers", "body cut off", "silent", "gzip cut off", "503"]
)
def test_response_to_the_accepted_retry_alone_is_lost(
    check: Run, served: Served, behaviour: str
) -> None:
    """The service goes on as if nothing had been: the retry is not asked for again."""
    (message,) = served.failed()

    def behave(call: Call) -> str:
        return behaviour if call.method == "POST" and len(far.sent("POST")) == 1 else "pass"

    with between(served.url, each=behave) as far:
        found = check(far.url, message=message)
        if behaviour == "503":
            assert found.code == 1, "the control was answered, so it is no outage"
            assert found.states["no-server-error"] == "broken"
            assert found.states["status-is-201"] == "broken"
        else:
            _not_tested(found, OUTAGES[behaviour])
            assert len(far.sent("POST")) == 1


# No response at all


def test_connection_refused(check: Run) -> None:
    with refusing() as url:
        _not_tested(check(url), f"no response from {url}: the connection was refused")


@pytest.mark.skipif(sys.platform != "linux", reason="a full backlog drops connections on Linux")
def test_connection_unanswered(check: Run) -> None:
    with unanswering() as url:
        begin = time.monotonic()
        _not_tested(check(url), TIME)
        assert time.monotonic() - begin < 3


def test_name_that_does_not_exist(verify: Run) -> None:
    begin = time.monotonic()
    found = verify("https://does-not-exist.invalid/api/v2")
    _not_tested(found, "the host's name is not known here")
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize("behaviour", ["reset at once", "silent at once", "closed at once"])
def test_handshake_that_fails(check: Run, served: Served, behaviour: str) -> None:
    with between(served.url, behaviour) as far:
        url = far.url.replace("http:", "https:")
        found = check(url)
        _not_tested(found, f"no response from {url}: ")
        assert far.accepted == 1


# Some responses only: the control tells an outage from a broken rule


def _to_unknown(behaviour: Any) -> Callable[[Call], Any]:
    return lambda call: behaviour if UNKNOWN_MESSAGE in call.target else "pass"


@pytest.mark.parametrize(
    ("behaviour", "broken"),
    [
        ("503", {"unknown-message-refused", "no-server-error"}),
        ("502 in HTML", {"unknown-message-refused", "no-server-error"}),
        ("200 in HTML", {"unknown-message-refused", "content-type-is-json"}),
        (response(500, b"oops"), {"unknown-message-refused", "no-server-error"}),
    ],
)
@pytest.mark.parametrize("alone", [False, True])
def test_fault_of_one_probe_is_a_broken_rule(
    check: Run, served: Served, behaviour: Any, broken: set[str], alone: bool
) -> None:
    with between(served.url, each=_to_unknown(behaviour)) as far:
        found = check(far.url, only="unknown-message-refused" if alone else "")
    assert found.code == 1
    named = {rule for rule, state in found.states.items() if state == "broken"}
    assert named == ({"unknown-message-refused"} if alone else broken)
    assert found.document["reason"] is None


@pytest.mark.parametrize("behaviour", LATER)
@pytest.mark.parametrize("number", [3, 5, 8])
def test_fault_of_every_response_is_an_outage(
    check: Run, served: Served, behaviour: str, number: int
) -> None:
    with between(served.url, each=_from(number, behaviour)) as far:
        found = check(far.url, timeout=PATIENTLY)
        _not_tested(found, LATER[behaviour])
        assert len(far.calls) <= number + 2
        since = re.search("since request ([0-9]+) of the run", found.document["reason"])
        assert since is None or int(since[1]) in (number, number + 1, number + 2)


@pytest.mark.parametrize(
    "behaviour", ["503", "502 in HTML", "401", "403", "404", "1010 in HTML", "address refused"]
)
@pytest.mark.parametrize("rule", ["unknown-message-refused", "wrong-method-refused", "no-server"])
def test_rule_that_is_run_alone_is_not_deceived(
    check: Run, served: Served, behaviour: str, rule: str
) -> None:
    with between(served.url, behaviour) as far:
        found = check(far.url, only=rule, timeout=PATIENTLY)
        _not_tested(found, OUTAGES[behaviour])


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("503", "answered with 503, and no message is known to tell an outage from a fault by"),
        ("200 in HTML", "answered with 200, and no message is known to tell an outage from a"),
        ("401", OUTAGES["401"]),
        ("403", OUTAGES["403"]),
    ],
)
def test_outage_is_one_where_there_is_no_message_at_all(
    here: Callable[..., Done],
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    behaviour: str,
    reason: str,
) -> None:
    monkeypatch.setenv("POSTMAN_API_KEY", served.key)
    with between(served.url, behaviour) as far:
        words = ("--endpoint", far.url, "--campaign", served.campaign, "--fuzz", "0", "--json")
        done = here("verify", *words)
    assert done.returncode == 3
    assert reason in json.loads(done.stdout)["reason"]


# What was found before


@pytest.mark.parametrize("behaviour", ["503", "reset in the body", "silent", "429"])
def test_what_was_found_before_an_outage_stays(check: Run, served: Served, behaviour: str) -> None:
    with between(served.url, each=_from(4, behaviour)) as far:
        found = check(far.url, contract="before")
    assert found.code == 1
    assert found.document["outcome"] == "broken"
    assert LATER.get(behaviour, OUTAGES[behaviour]) in found.document["reason"]
    states = found.states
    assert states["creator-id-as-contracted"] == "broken"
    assert states["status-is-201"] == "kept"
    assert states["unknown-message-refused"] == "not exercised"
    assert found.last.startswith("BROKEN before-2025-02-24: ")
    assert found.last.endswith(f"; {found.document['reason']}.")


def test_service_that_is_busy_for_a_moment_is_tested(check: Run, served: Served) -> None:
    (message,) = served.failed()

    def behave(call: Call) -> str:
        # Of a retry, the service has acted on it by then.
        return "pass" if call.number % 3 or call.method != "GET" else "429"

    with between(served.url, each=behave) as far:
        found = check(far.url, message=message)
    assert found.code == 0, found
    assert found.document["responses"]["429"] >= 4


def test_odd_id_that_is_dropped_costs_its_own_probe_alone(check: Run, served: Served) -> None:
    odd = ("%FF%FE", "%00")

    def behave(call: Call) -> str:
        dropped = any(id_ in call.target for id_ in odd)
        return "closed before the headers" if dropped else "pass"

    with between(served.url, each=behave) as far:
        found = check(far.url)
    assert found.code == 0
    assert found.states["malformed-id-refused"] == "kept"
    assert found.states["wrong-method-refused"] == "kept"


def test_odd_ids_may_be_refused_by_a_page_of_what_stands_in_front(
    check: Run, served: Served
) -> None:
    def behave(call: Call) -> Any:
        odd = any(id_ and id_ in call.target for id_ in MALFORMED_IDS.values())
        return response(403, b"<html>", content_type="text/html") if odd else "pass"

    with between(served.url, each=behave) as far:
        found = check(far.url)
    assert (found.code, found.states["content-type-is-json"]) == (0, "kept")


# The command


@pytest.mark.parametrize(
    "behaviour", ["body cut off", "headers drip", "gzip bomb", "502 in HTML", "401", "429"]
)
def test_command_says_so_in_one_line(verify: Run, served: Served, behaviour: str) -> None:
    with between(served.url, behaviour) as far:
        _not_tested(verify(far.url), OUTAGES[behaviour])


def test_rule_that_is_selected_alone_is_not_deceived(verify: Run, served: Served) -> None:
    with between(served.url, "401") as far:
        _not_tested(verify(far.url, "--", "-k", "unknown-message-refused"), OUTAGES["401"])


def test_own_process_says_the_same(command: Callable[..., Done], served: Served) -> None:
    env = {"POSTMAN_API_KEY": served.key}
    with between(served.url, "502 in HTML") as far:
        words = ("--endpoint", far.url, "--campaign", served.campaign, "--message", "m", "--json")
        done = command("verify", *words, env=env)
    assert done.returncode == 3
    assert done.stderr == ""
    assert json.loads(done.stdout)["reason"] == OUTAGES["502 in HTML"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirected_run_is_not_tested(check: Run, served: Served, status: int) -> None:
    with trap() as other, between(served.url, response(status, location=other.url)) as far:
        reason = f"redirected with {status}: give the service's own base URL"
        _not_tested(check(far.url), reason)
        assert len(far.calls) == 1
        assert other.accepted == 0
