"""Faults in authentication, in statuses, and in how refusals are answered."""

import re
from dataclasses import replace
from operator import not_
from typing import Any

from retry_contract.service.faults import model
from retry_contract.service.faults.model import RULE, Table, Wrap, responses, statuses
from retry_contract.service.http import Handler, Request, Response, json_response
from retry_contract.service.model import Service

_HTML = b"<!DOCTYPE html><html><title>Bad Request</title><h1>Bad Request</h1></html>"
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_TRACE = "Error: no\n    at retryMessage (/app/node_modules/server/retry.js:10:5)"


def _let_in(bearer: bool | None, known: bool) -> Wrap:
    """Return a wrapper that gives a retry the key of its campaign.

    It must have the Bearer scheme or not (None: no header), and a key that is known or not.
    """

    def change(service: Service, request: Request) -> Request:
        campaign = service.campaigns.get(request.path.split("/campaigns/")[-1].split("/")[0])
        if campaign is None or not model.is_retry(request):
            return request
        header = request.headers.get("authorization")
        scheme, _, key = (header or "").partition(" ")
        found = None if header is None else scheme.lower() == "bearer"
        if (found, any(c.key == key for c in service.campaigns.values())) != (bearer, known):
            return request
        return replace(request, headers={"authorization": f"Bearer {campaign.key}"})

    return model.requests(change)


@model.requests
def _find_anywhere(service: Service, request: Request) -> Request:
    """Look up a message by its id alone, whatever campaign the path names."""
    message = model.message_of(service, request)
    keys = {f"Bearer {campaign.key}" for campaign in service.campaigns.values()}
    known = request.headers.get("authorization") in keys
    if message is None or not known or not model.is_retry(request):
        return request
    own = service.campaigns[message.campaign]
    path = re.sub("/campaigns/[^/]+/", f"/campaigns/{own.id}/", request.path)
    return replace(request, path=path, headers={"authorization": f"Bearer {own.key}"})


@model.wrapper
def _stumble_over_campaign(service: Service, handle: Handler, request: Request) -> Response:
    response = handle(request)
    known = any(f"/campaigns/{campaign}/" in request.path for campaign in service.campaigns)
    hit = response.status == 403 and model.is_retry(request) and not known
    return replace(response, status=500) if hit else response


@model.wrapper
def _echo_key(_: Service, handle: Handler, request: Request) -> Response:
    response = handle(request)
    if not model.is_retry(request) or response.status != 400:
        return response
    said = f"refused: {request.headers.get('authorization', '')}"
    return json_response(400, {"message": said, "statusCode": 400})


def _recode(code: str) -> Wrap:
    error = {"code": code, "message": "No.", "type": "domain_error", "id": "1"}
    return responses(lambda response: response.with_json({"error": error}), status=400)


def _take(method: str) -> Wrap:
    """Return a wrapper that takes another method at the retry's path for a POST."""

    def change(_: Service, request: Request) -> Request:
        taken = request.method == method and request.path.endswith("/retry")
        return replace(request, method="POST") if taken else request

    return model.requests(change)


@model.requests
def _take_bare_key(service: Service, request: Request) -> Request:
    key = request.headers.get("authorization")
    known = any(campaign.key == key for campaign in service.campaigns.values())
    bare = known and model.is_retry(request)
    return replace(request, headers={"authorization": f"Bearer {key}"}) if bare else request


@model.requests
def _take_revoked_key(service: Service, request: Request) -> Request:
    header = request.headers.get("authorization")
    for campaign in service.campaigns.values():
        if header == f"Bearer {campaign.revoked_key}" and model.is_retry(request):
            return replace(request, headers={"authorization": f"Bearer {campaign.key}"})
    return request


@model.wrapper
def _stumble_over_id(_: Service, handle: Handler, request: Request) -> Response:
    response = handle(request)
    id_ = request.path.removesuffix("/retry").rpartition("/")[2]
    stumbles = response.status == 400 and model.is_retry(request) and not _UUID.search(id_)
    return replace(response, status=500) if stumbles else response


def _type(content_type: str, **limits: Any) -> Wrap:
    headers = {"content-type": content_type}
    return responses(lambda r: replace(r, headers={**r.headers, **headers}), **limits)


FAULTS: Table = {
    "status-is-201": RULE,
    "answers-200: An accepted retry is answered with 200.": statuses(200, of=201),
    "answers-202: An accepted retry is answered with 202.": statuses(202, of=201),
    "key-required": RULE,
    "no-key-accepted: A retry without a key is accepted.": _let_in(None, False),
    "no-key-forbidden: A retry without a key is answered with 403.": statuses(403, of=401),
    "wrong-key-refused": RULE,
    "wrong-key-accepted: Any Bearer key is accepted.": _let_in(True, False),
    "wrong-scheme-accepted: A key is accepted with another scheme than Bearer.": _let_in(
        False, True
    ),
    "bare-key-accepted: A key is accepted without any scheme.": _take_bare_key,
    "revoked-key-refused": RULE,
    "revoked-key-accepted: A key that was revoked is accepted.": _take_revoked_key,
    "malformed-id-refused": RULE,
    "malformed-id-is-500: An id that is no UUID is answered with 500.": _stumble_over_id,
    "foreign-campaign-refused": RULE,
    "foreign-campaign-accepted: The key of one campaign is accepted for another.": _let_in(
        True, True
    ),
    "campaign-not-checked: A message is retried whatever campaign the path names.": (
        _find_anywhere
    ),
    "no-secret-echoed": RULE,
    "key-echoed: A refusal quotes the API key.": _echo_key,
    "stack-trace-shown: A refusal shows a stack trace.": responses(
        lambda r: json_response(400, {"message": _TRACE, "statusCode": 400}), status=400
    ),
    "error-code-documented": RULE,
    "error-code-unknown: A refusal carries a code that is not documented.": _recode("retry_failed"),
    "error-code-of-another-cause: A refusal carries the code of another cause.": _recode(
        "parameter_invalid"
    ),
    "error-shape": RULE,
    "error-is-html: A refusal is an HTML page.": responses(
        lambda r: replace(r, body=_HTML), status=400
    ),
    "error-envelope-unknown: A refusal comes in an envelope that is not documented.": responses(
        lambda response: response.with_json({"errors": ["No."]}), status=400
    ),
    "error-status-differs: statusCode is another one than the response's.": responses(
        lambda r: r.with_json({"message": "No.", "statusCode": 422}), status=400
    ),
    "content-type-is-json": RULE,
    "content-type-is-html: An accepted retry is of content type text/html.": _type(
        "text/html; charset=utf-8"
    ),
    "error-content-type-is-text: A refusal is of content type text/plain.": _type(
        "text/plain", status=400
    ),
    "unknown-message-refused": RULE,
    "unknown-is-404: An unknown message is answered with 404.": statuses(404, of=400, about=not_),
    "no-server-error": RULE,
    "unknown-is-500: An unknown message is answered with 500.": statuses(500, of=400, about=not_),
    "unknown-campaign-is-500: A campaign that does not exist is answered with 500.": (
        _stumble_over_campaign
    ),
    "unfailed-message-refused": RULE,
    "unfailed-is-409: A message that has not failed is answered with 409.": statuses(
        409, of=400, about=lambda m: m is not None and m.status != "failure"
    ),
    "attempts-capped": RULE,
    "spent-is-409: A message that was tried too often is answered with 409.": statuses(
        409, of=400, about=lambda m: m is not None and len(m.attempts) >= 3
    ),
    "wrong-method-refused": RULE,
    "wrong-method-accepted: A PUT at the retry's path retries the message.": _take("PUT"),
    "head-accepted: A HEAD at the retry's path retries the message.": _take("HEAD"),
    "delete-is-500: A DELETE at the retry's path is answered with 500.": statuses(
        500, of=405, to=lambda request: request.method == "DELETE"
    ),
    "wrong-method-is-500: Another method at the retry's path is answered with 500.": statuses(
        500, of=405, to=lambda _: True
    ),
}
