"""Generated requests: Schemathesis makes and checks them, and jsonschema stays the validator.

Every byte leaves through the endpoint's own client, Schemathesis' own probes included: to
Schemathesis the endpoint is a WSGI application in this process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import hypothesis
import schemathesis
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from retry_contract.contract.validator import validate_expected
from retry_contract.endpoint.guard import GuardError
from retry_contract.exchange import Exchange
from retry_contract.fuzz.conformance import problem_of_form, rule_out_outage, violation
from retry_contract.fuzz.engine import (
    NO_CASE,
    Broken,
    Plan,
    Tally,
    broken,
    case_prober,
    needs_messages,
    run_cases,
    settings_of,
)
from retry_contract.fuzz.steps import is_text
from retry_contract.fuzz.supply import Supply
from retry_contract.outcome import NotExercised, Violation
from retry_contract.rules.generated_cases import REQUESTS
from retry_contract.rules.refusals import DOCUMENTED_ERRORS, PUBLISHED_CODES
from retry_contract.verification.prober import Prober

FAILED, PROBED, UNKNOWN, FOREIGN, KEYLESS = "failed", "probed", "unknown", "foreign", "keyless"
TARGETS = (FAILED, UNKNOWN, FAILED, FOREIGN, PROBED, KEYLESS)
"""What a generated request is aimed at; half of them at a message that really has failed.

A `probed` one has Schemathesis ask once more without a key, and with a wrong one.
"""

_RETRY = "/campaigns/{campaignId}/messages/{messageId}/retry"
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_SEGMENT = re.compile(r"[^/\\?#\x00-\x1f\x7f]+")
_FIELD_NAME = re.compile(r"[A-Za-z0-9-]+")
_FIELD_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_STATUSES = {
    FAILED: frozenset({201}),
    PROBED: frozenset({201}),
    UNKNOWN: frozenset({400}),
    FOREIGN: frozenset({400, 401, 403, 404}),
    KEYLESS: frozenset({401}),
}
_IDS: dict[str, tuple[str, ...]] = {
    FAILED: (),
    PROBED: (),
    UNKNOWN: ("messageId",),
    FOREIGN: ("campaignId", "messageId"),
    KEYLESS: ("messageId",),
}
"""The ids that are generated; the others are those of the session."""

_STATUS_RULES = {
    FAILED: "status-is-201",
    PROBED: "status-is-201",
    UNKNOWN: "unknown-message-refused",
    FOREIGN: "foreign-campaign-refused",
    KEYLESS: "wrong-key-refused",
}
_FAILURE_RULES = {
    "ServerError": "no-server-error",
    "UndefinedContentType": "content-type-is-json",
    "MissingContentType": "content-type-is-json",
    "MalformedMediaType": "content-type-is-json",
    "JsonSchemaError": "error-shape",
    "MalformedJson": "error-shape",
    "IgnoredAuth": "key-required",
    "UndefinedStatusCode": "error-shape",
}


@dataclass(frozen=True)
class RequestCase:
    """One generated request. The ids of a failed message are filled in when it is sent."""

    target: str
    path_parameters: dict[str, str]
    headers: dict[str, str]

    def document(self) -> dict[str, Any]:
        """Return the case as JSON values."""
        return {"request": dict(vars(self))}


def fuzz_requests(plan: Plan, tally: Tally) -> Broken | None:
    """Send generated retries; return the smallest that breaks the contract, or None.

    Raises NotExercised if no retry was accepted, and NotTested if the endpoint gave out.
    """
    # Elsewhere a retry costs a message, and a foreign campaign is not the user's to ask of.
    targets = TARGETS if plan.endpoint.expendable else (UNKNOWN,)
    if targets != (UNKNOWN,):
        needs_messages(plan)
    bridge, supply = _Bridge(), Supply(plan.cases)
    operation = _operation(plan, bridge)

    def play(case: RequestCase) -> None:
        with case_prober(plan, tally) as prober, tally.watching():
            _play(case, _Stage(plan, operation, bridge, prober, supply, tally))

    def generate() -> None:
        test = hypothesis.given(_cases(operation, targets))(play)
        settings_of(plan)(hypothesis.seed(plan.seed)(test))()

    def replay() -> None:
        play(_read_replay(plan.replay))

    return run_cases(plan, tally, generate=generate, replay=replay)


@dataclass(frozen=True)
class _Stage:
    plan: Plan
    operation: Any
    bridge: _Bridge
    prober: Prober
    supply: Supply
    tally: Tally


class _Bridge:
    """The WSGI application that hands each request to the endpoint's client."""

    def __init__(self) -> None:
        self.prober: Prober | None = None

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        assert self.prober is not None
        headers = {
            name[5:].replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") and name != "HTTP_HOST"
        }
        response = self.prober.forward(
            "retry",
            environ["REQUEST_METHOD"],
            environ["REQUEST_URI"].partition("/api/v2/")[2],
            headers=headers,
            content=environ["wsgi.input"].read(),
        )
        start_response(
            f"{response.status_code} {response.reason_phrase}", list(response.headers.items())
        )
        return [response.content]


def _operation(plan: Plan, bridge: _Bridge) -> Any:
    contract = plan.expectation.contract
    # A configuration of its own: else it is a schemathesis.toml of the folder, or above it.
    schema = schemathesis.openapi.from_path(
        contract.folder / contract.name / "openapi.json", config=SchemathesisConfig()
    )
    schema.config.analysis.constants.enabled = False
    # The operations are made when they are first looked up, and take the application with them.
    schema.app = bridge
    return schema[_RETRY]["POST"]


def _cases(operation: Any, targets: tuple[str, ...]) -> SearchStrategy[RequestCase]:
    # Drawn side by side: a branch for each target would let Hypothesis dwell on the larger ones,
    # and too few cases would retry a message that has failed.
    return st.builds(_read_case, st.sampled_from(targets), operation.as_strategy())


def _read_case(target: str, generated: Any) -> RequestCase:
    """Take from what Schemathesis generated just what this target leaves open."""
    headers = {str(k): str(v).strip() for k, v in (generated.headers or {}).items()}
    if target != KEYLESS:
        headers.pop("Authorization", None)
    ids = {name: generated.path_parameters[name] for name in _IDS[target]}
    return RequestCase(target, ids, headers)


def _read_replay(document: Any) -> RequestCase:
    try:
        case = RequestCase(**document)
    except TypeError:
        raise NotExercised(NO_CASE) from None
    if case.target not in TARGETS:
        raise NotExercised(NO_CASE)
    parts = (case.path_parameters, case.headers)
    texts = all(isinstance(p, dict) and all(map(is_text, p.values())) for p in parts)
    if not texts or set(case.path_parameters) != set(_IDS[case.target]):
        raise NotExercised(NO_CASE)
    return case


def _play(case: RequestCase, stage: _Stage) -> None:
    endpoint, prober = stage.prober.endpoint, stage.prober
    headers = dict(case.headers)
    if case.target != KEYLESS:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    elif headers.get("Authorization", "").endswith(endpoint.key):
        return
    if not _sendable(case.path_parameters.values(), headers):
        return
    parameters = {"campaignId": endpoint.campaign, **case.path_parameters}
    if "messageId" not in parameters:
        parameters["messageId"] = stage.supply.take(prober)
    stage.bridge.prober = prober
    sendable = stage.operation.Case(path_parameters=parameters, headers=headers)
    path = "campaigns/{campaignId}/messages/{messageId}/retry".format(**parameters)
    try:
        response = prober.forward("retry", "POST", path, headers=headers)
    except GuardError:  # by the guard: what it may take for another path is not sent
        return
    exchange = prober.exchanges[-1]
    response.elapsed = timedelta(0)  # Schemathesis asks for it, and checks nothing by it
    own_key = case.target not in (FOREIGN, KEYLESS)
    rule_out_outage(prober, exchange, lambda: _known(stage, prober), own_key=own_key)
    found = _check(case, sendable, response, exchange, stage)
    if found:
        broken(case.document(), *found)


def _sendable(ids: Iterable[str], headers: dict[str, str]) -> bool:
    """Whether a case can leave a correct client at all, and is for this path to all who read it."""
    seen = (text for part in ids for text in (part, unquote(part), unquote(unquote(part))))
    return (
        all(_SEGMENT.fullmatch(text) and text not in (".", "..") for text in seen)
        and all(_FIELD_NAME.fullmatch(name) for name in headers)
        and all(_FIELD_VALUE.fullmatch(value) for value in headers.values())
    )


def _violations_of(
    case: RequestCase, parameters: dict[str, str], exchange: Exchange, stage: _Stage
) -> tuple[Violation, ...]:
    wanted = _STATUSES[case.target]
    if case.target in (UNKNOWN, KEYLESS) and not _PLAIN.fullmatch(unquote(parameters["messageId"])):
        wanted = wanted | {404}
    if exchange.status not in wanted:
        rule = "no-server-error" if exchange.status >= 500 else _STATUS_RULES[case.target]
        expected = "status " + " or ".join(str(status) for status in sorted(wanted))
        return (violation(rule, "", expected, f"status {exchange.status}"),)
    expectation = stage.plan.expectation
    problem = problem_of_form(exchange, expectation.contract, stage.prober.endpoint.key)
    if problem is not None:
        return (problem,)
    if exchange.status == 400 and exchange.error_code not in (None, *PUBLISHED_CODES):
        actual = "a code that is not published"
        return (violation("error-code-documented", "/error/code", "a published code", actual),)
    if not exchange.succeeded:
        return ()
    checked = validate_expected(exchange.payload, expectation)
    stage.tally.drift |= dict.fromkeys(checked.drift)
    return checked.violations or _ids(exchange, parameters)


def _ids(exchange: Exchange, parameters: dict[str, str]) -> tuple[Violation, ...]:
    wanted = (
        ("id", "messageId", "message-id-kept"),
        ("campaignId", "campaignId", "campaign-id-kept"),
    )
    return tuple(
        violation(rule, f"/{name}", "the id in the path", "another id")
        for name, parameter, rule in wanted
        if exchange.members.get(name) != parameters[parameter]
    )


class _NotKept(Failure):
    """What the kit's own check found, for Schemathesis to gather with what its checks found."""

    def __init__(self, operation: str, violations: tuple[Violation, ...]) -> None:
        super().__init__(operation=operation, title="Contract broken", message="")
        self.violations = violations


def _known(stage: _Stage, prober: Prober) -> str | None:
    """Return a message that can be retrieved, if there is one without sending any for it."""
    if stage.supply.known is None and prober.endpoint.expendable:
        return stage.supply.take(prober)
    return stage.supply.known or next(iter(prober.endpoint.named), None)


def _check(
    case: RequestCase, sendable: Any, response: Any, exchange: Exchange, stage: _Stage
) -> tuple[Violation, ...]:
    """Run the kit's own check, and those of Schemathesis that the document supports.

    `positive_data_acceptance` is left out: it takes the documented 400 for a failure. What a 2xx
    holds is for the kit's check alone, which knows what a transition puts up with.
    """

    def contract_kept(_: Any, __: Any, sent: Any) -> None:
        found = _violations_of(case, sent.path_parameters, exchange, stage)
        if found:
            raise _NotKept(sent.operation.label, found)

    checks: list[Any] = [contract_kept, not_a_server_error, content_type_conformance]
    checks.append(response_headers_conformance)
    if exchange.status in (201, *DOCUMENTED_ERRORS - {404}):
        checks.append(status_code_conformance)
    if not exchange.succeeded:
        checks.append(response_schema_conformance)
    if case.target == PROBED:
        checks.append(ignored_auth)
    try:
        sendable.validate_response(response, checks=checks, headers=sendable.headers)
    except FailureGroup as group:
        return _from_failures(tuple(_flatten(group)))
    return ()


def _flatten(group: BaseExceptionGroup[Any]) -> Iterable[Failure]:
    for failure in group.exceptions:
        if isinstance(failure, BaseExceptionGroup):
            yield from _flatten(failure)
        else:
            yield failure


def _from_failures(failures: tuple[Failure, ...]) -> tuple[Violation, ...]:
    """Return what broke: by the kit's own check if it found it, in Schemathesis' words if not."""
    own = next((f.violations for f in failures if isinstance(f, _NotKept)), ())
    return own or tuple(_from_failure(failure) for failure in failures)


def _from_failure(failure: Failure) -> Violation:
    rule = _FAILURE_RULES.get(type(failure).__name__, REQUESTS)
    return violation(rule, "", "what the OpenAPI document says", failure.title.lower())
