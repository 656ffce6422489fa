"""What a fault is, and the wrappers that most faults are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from retry_contract.service.http import Handler, Request, Response
from retry_contract.service.model import Service
from retry_contract.service.records import Message

Wrap = Callable[[Service, Handler], Handler]
Payload = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """A named way to misbehave: a wrapper of `Service.handle`.

    `rule` is the rule that it breaks first of all, though others may break too; None for drift,
    which is a failure only when strict, and for what leaves nothing to check: not `testable`.
    """

    name: str
    sentence: str
    rule: str | None
    wrap: Wrap
    testable: bool = True


def is_retry(request: Request) -> bool:
    """Whether a request is for a retry."""
    return request.method == "POST" and request.path.endswith("/retry")


def is_retrieve(request: Request) -> bool:
    """Whether a request is for a message."""
    return request.method == "GET" and not request.path.endswith(("/retry", "/messages"))


def is_send(request: Request) -> bool:
    """Whether a request is a Single Send."""
    return request.method == "POST" and request.path.endswith("/messages")


def message_of(service: Service, request: Request) -> Message | None:
    """Return the message that a request names, as it stands now."""
    parts = request.path.split("/messages/")
    message = service.messages.get(parts[1].split("/")[0]) if len(parts) == 2 else None
    if message is not None:
        service.settle(message)
    return message


def responses(
    change: Callable[[Response], Response],
    *,
    to: Callable[[Request], bool] = is_retry,
    status: int = 201,
) -> Wrap:
    """Return a wrapper that changes the responses of one status to one kind of request."""

    def wrap(_: Service, handle: Handler) -> Handler:
        def faulty(request: Request) -> Response:
            response = handle(request)
            return change(response) if to(request) and response.status == status else response

        return faulty

    return wrap


def payloads(
    change: Callable[[Payload], Any],
    *,
    to: Callable[[Request], bool] = is_retry,
    status: int = 201,
) -> Wrap:
    """Return a wrapper that changes the payload of such responses in place."""

    def edit(response: Response) -> Response:
        payload = response.json()
        change(payload)
        return response.with_json(payload)

    return responses(edit, to=to, status=status)


def statuses(status: int, *, of: int) -> Wrap:
    """Return a wrapper that answers retries with another status, and the same body."""
    return responses(lambda response: replace(response, status=status), status=of)


def before(prepare: Callable[[Service, Request], Request | None]) -> Wrap:
    """Return a wrapper that meddles with the service, or the request, before it is handled."""

    def wrap(service: Service, handle: Handler) -> Handler:
        def faulty(request: Request) -> Response:
            return handle(prepare(service, request) or request)

        return faulty

    return wrap


def after(meddle: Callable[[Service, Request, Response], None]) -> Wrap:
    """Return a wrapper that meddles with the service once a request has been handled."""

    def wrap(service: Service, handle: Handler) -> Handler:
        def faulty(request: Request) -> Response:
            response = handle(request)
            meddle(service, request, response)
            return response

        return faulty

    return wrap
