"""Faults in authentication, and in how refusals are answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from retry_contract.service.faults.model import (
    Fault,
    Payload,
    Wrap,
    before,
    is_retry,
    message_of,
    payloads,
    responses,
    statuses,
)
from retry_contract.service.http import Handler, Request, Response, json_response
from retry_contract.service.model import Service

_HTML = b"<!DOCTYPE html><html><title>Bad Request</title><h1>Bad Request</h1></html>"
_TRACE = "Error: no\n    at retryMessage (/app/node_modules/server/retry.js:10:5)"


def _let_in(which: Callable[[Service, Request], bool]) -> Wrap:
    def prepare(service: Service, request: Request) -> Request | None:
        campaign = service.campaigns.get(request.path.split("/campaigns/")[-1].split("/")[0])
        if campaign is None or not is_retry(request) or not which(service, request):
            return None
        return replace(request, headers={"authorization": f"Bearer {campaign.key}"})

    return before(prepare)


def _authorization(request: Request) -> tuple[str, str]:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return scheme.lower(), key


def _knows(service: Service, request: Request) -> bool:
    return any(c.key == _authorization(request)[1] for c in service.campaigns.values())


def _unknown(service: Service, request: Request) -> bool:
    return is_retry(request) and message_of(service, request) is None


def _unfailed(service: Service, request: Request) -> bool:
    message = message_of(service, request)
    return is_retry(request) and message is not None and message.status != "failure"


def _spent(service: Service, request: Request) -> bool:
    message = message_of(service, request)
    return is_retry(request) and message is not None and len(message.attempts) >= 3


def _when(
    which: Callable[[Service, Request], bool], status: int, change: Callable[[Response], Response]
) -> Wrap:
    def wrap(service: Service, handle: Handler) -> Handler:
        def faulty(request: Request) -> Response:
            hit = which(service, request)
            response = handle(request)
            return change(response) if hit and response.status == status else response

        return faulty

    return wrap


def _answer(status: int) -> Callable[[Response], Response]:
    return lambda response: replace(response, status=status)


def _echo_key(_: Service, handle: Handler) -> Handler:
    def faulty(request: Request) -> Response:
        response = handle(request)
        if not is_retry(request) or response.status != 400:
            return response
        said = f"refused: {request.headers.get('authorization', '')}"
        return json_response(400, {"message": said, "statusCode": 400})

    return faulty


def _recode(code: str) -> Callable[[Payload], None]:
    def change(payload: Payload) -> None:
        payload["error"] = {"code": code, "message": "No.", "type": "domain_error", "id": "1"}
        payload.pop("message", None)
        payload.pop("statusCode", None)

    return change


def _reenvelope(payload: Payload) -> None:
    payload.clear()
    payload["errors"] = ["No."]


def _with_trace(response: Response) -> Response:
    return json_response(response.status, {"message": _TRACE, "statusCode": response.status})


def _any_method(service: Service, handle: Handler) -> Handler:
    def faulty(request: Request) -> Response:
        if request.path.endswith("/retry") and request.method == "PUT":
            return handle(replace(request, method="POST"))
        return handle(request)

    return faulty


def _crash_on_method(_: Service, handle: Handler) -> Handler:
    def faulty(request: Request) -> Response:
        response = handle(request)
        return replace(response, status=500) if response.status == 405 else response

    return faulty


def _typed(content_type: str) -> Callable[[Response], Response]:
    return lambda response: replace(
        response, headers={**response.headers, "content-type": content_type}
    )


FAULTS = (
    Fault(
        "no-key-accepted",
        "A retry without a key is accepted.",
        "key-required",
        _let_in(lambda _, r: "authorization" not in r.headers),
    ),
    Fault(
        "no-key-forbidden",
        "A retry without a key is answered with 403.",
        "key-required",
        statuses(403, of=401),
    ),
    Fault(
        "wrong-key-accepted",
        "Any Bearer key is accepted.",
        "wrong-key-refused",
        _let_in(lambda s, r: _authorization(r)[0] == "bearer" and not _knows(s, r)),
    ),
    Fault(
        "wrong-scheme-accepted",
        "A key is accepted without the Bearer scheme.",
        "wrong-key-refused",
        _let_in(lambda s, r: _authorization(r)[0] != "bearer" and _knows(s, r)),
    ),
    Fault(
        "foreign-campaign-accepted",
        "The key of one campaign is accepted for another.",
        "foreign-campaign-refused",
        _let_in(lambda s, r: _authorization(r)[0] == "bearer" and _knows(s, r)),
    ),
    Fault("key-echoed", "A refusal quotes the API key.", "no-secret-echoed", _echo_key),
    Fault(
        "unknown-is-404",
        "An unknown message is answered with 404.",
        "unknown-message-refused",
        _when(_unknown, 400, _answer(404)),
    ),
    Fault(
        "unknown-is-500",
        "An unknown message is answered with 500.",
        "no-server-error",
        _when(_unknown, 400, _answer(500)),
    ),
    Fault(
        "unfailed-is-409",
        "A message that has not failed is answered with 409.",
        "unfailed-message-refused",
        _when(_unfailed, 400, _answer(409)),
    ),
    Fault(
        "spent-is-409",
        "A message that was tried too often is answered with 409.",
        "attempts-capped",
        _when(_spent, 400, _answer(409)),
    ),
    Fault(
        "error-is-html",
        "A refusal is an HTML page.",
        "error-shape",
        responses(lambda r: replace(r, body=_HTML), status=400),
    ),
    Fault(
        "error-envelope-unknown",
        "A refusal comes in an envelope that is not documented.",
        "error-shape",
        payloads(_reenvelope, status=400),
    ),
    Fault(
        "error-code-unknown",
        "A refusal carries a code that is not documented.",
        "error-code-documented",
        payloads(_recode("retry_failed"), status=400),
    ),
    Fault(
        "error-code-of-another-cause",
        "A refusal carries the code of another cause.",
        "error-code-documented",
        payloads(_recode("parameter_invalid"), status=400),
    ),
    Fault(
        "stack-trace-shown",
        "A refusal shows a stack trace.",
        "no-secret-echoed",
        responses(_with_trace, status=400),
    ),
    Fault(
        "content-type-is-html",
        "An accepted retry is of content type text/html.",
        "content-type-is-json",
        responses(_typed("text/html; charset=utf-8")),
    ),
    Fault(
        "error-content-type-is-text",
        "A refusal is of content type text/plain.",
        "content-type-is-json",
        responses(_typed("text/plain"), status=400),
    ),
    Fault(
        "wrong-method-accepted",
        "A PUT at the retry's path retries the message.",
        "wrong-method-refused",
        _any_method,
    ),
    Fault(
        "wrong-method-is-500",
        "Another method at the retry's path is answered with 500.",
        "wrong-method-refused",
        _crash_on_method,
    ),
)
