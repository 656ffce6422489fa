"""The fault, and the wrappers that most faults are made of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from retry_contract.service.http import Handler, Request, Response
from retry_contract.service.model import Service
from retry_contract.service.records import Message

Wrap = Callable[[Service, Handler], Handler]
Payload = dict[str, Any]
RULE = None
Table = dict[str, Wrap | None]
"""Faults, "name: sentence." and the wrapper, under a row of the RULE that they break, if any."""


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


def read_faults(table: Table, *, testable: bool = True) -> Iterator[Fault]:
    """Yield the faults of a table."""
    rule = None
    for text, wrap in table.items():
        if wrap is RULE:
            rule = text or None
        else:
            name, _, sentence = text.partition(": ")
            yield Fault(name, sentence, rule, wrap, testable)


def is_retry(request: Request) -> bool:
    """Return whether a request is for a retry."""
    return request.method == "POST" and request.path.endswith("/retry")


def is_retrieve(request: Request) -> bool:
    """Return whether a request is for a message."""
    return request.method == "GET" and not request.path.endswith(("/retry", "/messages"))


def is_send(request: Request) -> bool:
    """Return whether a request is a Single Send."""
    return request.method == "POST" and request.path.endswith("/messages")


def message_of(service: Service, request: Request) -> Message | None:
    """Return the message that a request names, as it is now."""
    parts = request.path.split("/messages/")
    message = service.messages.get(parts[1].split("/")[0]) if len(parts) == 2 else None
    if message is not None:
        service.settle(message)
    return message


def wrapper(answer: Callable[[Service, Handler, Request], Response]) -> Wrap:
    """Return the wrapper that answers each request by a function."""
    return lambda service, handle: partial(answer, service, handle)


def requests(change: Callable[[Service, Request], Request]) -> Wrap:
    """Return a wrapper that changes requests before they are handled."""
    return wrapper(lambda service, handle, request: handle(change(service, request)))


def responses(
    change: Callable[[Response], Response],
    *,
    to: Callable[[Request], bool] = is_retry,
    status: int = 201,
    about: Callable[[Message | None], bool] = lambda _: True,
) -> Wrap:
    """Return a wrapper that changes the responses of one status to one kind of request.

    `about` limits it by the message that the request names, before the request is handled.
    """

    @wrapper
    def answer(service: Service, handle: Handler, request: Request) -> Response:
        hit = to(request) and about(message_of(service, request))
        response = handle(request)
        return change(response) if hit and response.status == status else response

    return answer


def payloads(change: Callable[[Payload], Any], **limits: Any) -> Wrap:
    """Return a wrapper that changes a payload in place. `limits` are those of `responses`."""

    def edit(response: Response) -> Response:
        payload = response.json()
        change(payload)
        return response.with_json(payload)

    return responses(edit, **limits)


def statuses(status: int, *, of: int, **limits: Any) -> Wrap:
    """Return a wrapper that changes a status alone. `limits` are those of `responses`."""
    return responses(lambda response: replace(response, status=status), status=of, **limits)


def before_retry(change: Callable[[Message], None]) -> Wrap:
    """Return a wrapper that changes a message before a request for its retry is handled."""

    @wrapper
    def answer(service: Service, handle: Handler, request: Request) -> Response:
        message = message_of(service, request)
        if message is not None and is_retry(request):
            change(message)
        return handle(request)

    return answer


def after_retry(change: Callable[[Service, Message], Any], *, status: tuple[int, ...]) -> Wrap:
    """Return a wrapper that changes a message once its retry got a response of such a status."""

    @wrapper
    def answer(service: Service, handle: Handler, request: Request) -> Response:
        response = handle(request)
        message = message_of(service, request)
        if message is not None and is_retry(request) and response.status in status:
            change(service, message)
        return response

    return answer
