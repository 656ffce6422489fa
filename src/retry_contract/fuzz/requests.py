"""Generated requests: Schemathesis makes and checks them, and jsonschema stays the validator.

Every byte leaves through the endpoint's own client, the probes of Schemathesis included: to
Schemathesis the endpoint is a WSGI application in this process.
"""

import contextlib
import re
import string
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote, unquote

import schemathesis
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi import checks

from retry_contract.contract.validator import validate_expected
from retry_contract.endpoint import guard
from retry_contract.environment import isolated
from retry_contract.exchange import Exchange, Observation
from retry_contract.fuzz import conformance
from retry_contract.fuzz.engine import Tally, run_cases
from retry_contract.fuzz.plan import NO_CASE, Broken, Kind, OutOfMessages, Plan, is_text
from retry_contract.fuzz.play import Play
from retry_contract.fuzz.smaller import shorter
from retry_contract.outcome import NotExercised, Violation
from retry_contract.rules.delivery import FAILURE
from retry_contract.rules.generated_cases import REQUESTS
from retry_contract.rules.refusals import DOCUMENTED_ERRORS
from retry_contract.rules.scenarios import ACCEPTED
from retry_contract.verification.prober import Prober
from retry_contract.verification.provider import Mistake

FAILED, PROBED, UNKNOWN, FOREIGN, KEYLESS = "failed", "probed", "unknown", "foreign", "keyless"
TARGETS: dict[str, tuple[tuple[str, ...], frozenset[int], str]] = {
    FAILED: ((), frozenset({201}), "status-is-201"),
    PROBED: ((), frozenset({201}), "status-is-201"),
    UNKNOWN: (("messageId",), frozenset({400}), "unknown-message-refused"),
    FOREIGN: (("campaignId", "messageId"), DOCUMENTED_ERRORS - {429}, "foreign-campaign-refused"),
    KEYLESS: (("messageId",), frozenset({401}), "wrong-key-refused"),
}
"""The generated ids, the statuses that may come, and their rule; `probed` tries keys too."""

_RETRY = "/campaigns/{campaignId}/messages/{messageId}/retry"
_LETTERS = string.ascii_lowercase
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_FAILURE_RULES = {
    "ServerError": "no-server-error",
    "IgnoredAuth": "key-required",
    "UndefinedContentType": "content-type-is-json",
    "MissingContentType": "content-type-is-json",
    "MalformedMediaType": "content-type-is-json",
    **dict.fromkeys(("JsonSchemaError", "MalformedJson", "UndefinedStatusCode"), "error-shape"),
}


@dataclass(frozen=True)
class RequestCase:
    """One generated request; the id of a failed message is filled in when it is sent."""

    target: str
    path_parameters: dict[str, str]
    headers: dict[str, str]

    def sendable(self, headers: dict[str, str]) -> bool:
        """Whether a correct client can send the case, and every server reads this path in it."""
        return all(map(guard.is_plain, self.path_parameters.values())) and _can_be_sent(headers)


def fuzz_requests(plan: Plan, tally: Tally) -> Broken | None:
    """Send generated retries. Returns and raises what `run_cases` does."""
    drawn: tuple[str, ...] = (UNKNOWN,)
    # Elsewhere a retry costs a message, and a foreign campaign belongs to somebody else.
    if plan.endpoint.expendable:
        # Half of the requests retry a message that has failed.
        drawn = (FAILED, UNKNOWN, FAILED, FOREIGN, PROBED, KEYLESS)
    player = _Player(plan)
    # Drawn side by side: a branch for each target would let Hypothesis dwell on the larger
    # ones, and too few cases would retry a message that has failed.
    cases = st.builds(_read_case, st.sampled_from(drawn), player.operation.as_strategy())
    kind = Kind("request", cases, _read_replay, player.play, _texts, _smaller)
    return run_cases(plan, tally, kind)


def _can_be_sent(headers: dict[str, str]) -> bool:
    return all(map(_HEADER_NAME.fullmatch, headers)) and all(
        map(_HEADER_VALUE.fullmatch, headers.values())
    )


def _read_case(target: str, generated: Any) -> RequestCase:
    """Take from what Schemathesis generated what this target leaves open, and can be sent."""
    headers = {str(k): str(v).strip() for k, v in (generated.headers or {}).items()}
    if target != KEYLESS:
        headers.pop("Authorization", None)
    headers = {name: value for name, value in headers.items() if _can_be_sent({name: value})}
    names, *_ = TARGETS[target]
    return RequestCase(target, {n: _plain_id(generated.path_parameters[n]) for n in names}, headers)


def _plain_id(generated: str) -> str:
    """Return a generated id with a letter for each character that the guard lets nowhere."""
    text = "".join(c if guard.is_plain(c) else _LETTERS[ord(c) % 26] for c in unquote(generated))
    written = quote(text, safe="")
    return written if guard.is_plain(written) else "0"


def _read_replay(document: Any) -> RequestCase:
    """Read a case from JSON values. Raises NotExercised if it is none."""
    with contextlib.suppress(TypeError, AttributeError, KeyError):  # other members, other types
        case = RequestCase(**document)
        texts = (*case.path_parameters.values(), *case.headers.values())
        names, *_ = TARGETS[case.target]
        if all(map(is_text, texts)) and {*case.path_parameters} == {*names}:
            return case
    raise NotExercised(NO_CASE)


def _texts(case: RequestCase) -> list[str]:
    return [*case.path_parameters.values(), *case.headers, *case.headers.values()]


def _smaller(case: RequestCase) -> Iterator[RequestCase]:
    """Yield a case with fewer headers, with shorter ones, and with shorter ids."""
    for names in shorter([*case.headers]):
        yield replace(case, headers={name: case.headers[name] for name in names})
    for name, value in case.headers.items():
        for text in shorter(value):
            yield replace(case, headers={**case.headers, name: text})
    for name, value in case.path_parameters.items():
        for text in shorter(value):
            yield replace(case, path_parameters={**case.path_parameters, name: text})


class _Player:
    """Plays cases. To Schemathesis it is the WSGI application, and sends by the thread's prober."""

    def __init__(self, plan: Plan) -> None:
        self._plan, self._own = plan, threading.local()
        self._known: str | None = None
        path = plan.expectation.contract.folder / plan.expectation.contract.name / "openapi.json"
        # With no configuration given, Schemathesis would read a schemathesis.toml of the folder.
        with isolated():  # under pytest it would run the module that SCHEMATHESIS_HOOKS names
            schema = schemathesis.openapi.from_path(path, config=SchemathesisConfig())
        schema.config.analysis.constants.enabled = False
        # Set first: an operation takes the application with it when it is looked up.
        schema.app = self
        self.operation: Any = schema[_RETRY]["POST"]

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Hand a request of Schemathesis to the endpoint's client."""
        headers = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") and name != "HTTP_HOST"
        }
        sent = {"headers": headers, "content": environ["wsgi.input"].read()}
        path = environ["REQUEST_URI"].partition("/api/v2/")[2]
        response = self._own.prober.forward("retry", environ["REQUEST_METHOD"], path, **sent)
        status = f"{response.status_code} {response.reason_phrase}"
        start(status, list(response.headers.items()))
        return [response.content]

    def play(self, case: RequestCase, one: Play) -> None:
        """Send one case. Raises Broken if a response breaks the contract."""
        with one.open() as prober:
            self._own.prober = prober
            found = tuple(self._play(case, one, prober))
        if found:
            raise Broken({"request": dict(vars(case))}, *found)

    def _play(self, case: RequestCase, one: Play, prober: Prober) -> Iterable[Violation]:
        endpoint = prober.endpoint
        headers, own_key = dict(case.headers), case.target not in (FOREIGN, KEYLESS)
        if case.target != KEYLESS:
            headers["Authorization"] = f"Bearer {endpoint.key}"
        elif headers.get("Authorization", "").endswith(endpoint.key):
            return ()
        if not case.sendable(headers):  # of a replay: those that are generated are
            return ()
        ids = {"campaignId": endpoint.campaign, **case.path_parameters}
        if "messageId" not in ids:
            ids["messageId"] = self._failed(prober, one)
        response = prober.forward("retry", "POST", _RETRY[1:].format(**ids), headers=headers)
        exchange = prober.exchanges[-1]
        prober.rule_out_outage(exchange, lambda: self._control(prober), own_key=own_key)
        response.elapsed = timedelta(0)  # Schemathesis reads it, and checks nothing by it
        sent = self.operation.Case(path_parameters=ids, headers=headers)
        return self._violations(case, ids, one, exchange) or tuple(
            _from_schemathesis(case.target, sent, response, exchange)
        )

    def _failed(self, prober: Prober, one: Play) -> str:
        """Return a failed message that no other case has. Raises NotExercised."""
        with contextlib.suppress(Mistake):
            provided = one.provided(FAILURE, prober)
            if provided is not None:
                self._known = provided
                return provided
        if prober.endpoint.simulator is None:
            raise OutOfMessages
        message, _ = prober.simulate()
        self._known = message
        prober.wait_until_failed(message)
        return message

    def _control(self, prober: Prober) -> str | None:
        """Return a message that can be retrieved, if there is one without any cost."""
        if self._known is None and prober.endpoint.simulator and prober.endpoint.expendable:
            self._known, _ = prober.simulate()
        return self._known or next(iter(prober.endpoint.named), None)

    def _violations(
        self, case: RequestCase, ids: dict[str, str], one: Play, exchange: Exchange
    ) -> tuple[Violation, ...]:
        endpoint, expectation = self._own.prober.endpoint, self._plan.expectation
        _, statuses, rule = TARGETS[case.target]
        if case.target in (UNKNOWN, KEYLESS) and not _PLAIN.fullmatch(unquote(ids["messageId"])):
            statuses |= {404}
        if exchange.status not in statuses:
            rule = "no-server-error" if exchange.status >= 500 else rule
            expected = "status " + " or ".join(map(str, sorted(statuses)))
            return (conformance.status_violation(rule, expected, exchange),)
        for found in conformance.form_violations(exchange, expectation, endpoint):
            return (found,)
        if not exchange.succeeded:
            return ()
        checked = validate_expected(exchange.payload, expectation)
        one.drift |= dict.fromkeys(checked.drift)
        observation = Observation(ACCEPTED, exchange, ids["campaignId"], ids["messageId"])
        return checked.violations or (
            *conformance.rule_violations("message-id-kept", observation, expectation),
            *conformance.rule_violations("campaign-id-kept", observation, expectation),
        )


def _from_schemathesis(
    target: str, sent: Any, response: Any, exchange: Exchange
) -> Iterator[Violation]:
    """Run those checks of Schemathesis that the document supports.

    `positive_data_acceptance` is left out: it takes the documented 400 for a failure. What a 2xx
    holds is for the kit's own check alone, which knows what a transition tolerates.
    """
    run: list[Any] = [not_a_server_error, checks.content_type_conformance]
    run.append(checks.response_headers_conformance)
    if exchange.status in (201, *DOCUMENTED_ERRORS - {404}):
        run.append(checks.status_code_conformance)
    if not exchange.succeeded:
        run.append(checks.response_schema_conformance)
    if target == PROBED:
        run.append(checks.ignored_auth)
    try:
        sent.validate_response(response, checks=run, headers=sent.headers)
    except FailureGroup as group:
        yield from map(_from_failure, group.exceptions)


def _from_failure(failure: Failure) -> Violation:
    rule = _FAILURE_RULES.get(type(failure).__name__, REQUESTS)
    expected = "what the OpenAPI document says"
    return conformance.violation(rule, "", expected, failure.title.lower())
