"""Faults in which retries go through, and in what they do to the message."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from retry_contract.service.faults import model
from retry_contract.service.faults.model import RULE, Table, Wrap, after_retry, before_retry
from retry_contract.service.http import Handler, Request, Response
from retry_contract.service.model import Service
from retry_contract.service.records import Message

_SOON, _MOST_REPEATED = timedelta(milliseconds=50), 10_000


def _accept(which: Callable[[Message], bool]) -> Wrap:
    """Return a wrapper that accepts the retry of some messages as if they had failed."""

    def change(message: Message) -> None:
        if which(message):
            message.status, message.course = "failure", ()

    return before_retry(change)


@before_retry
def _forget_attempts(message: Message) -> None:
    if message.status == "failure":
        del message.attempts[1:]


@before_retry
def _open_batch(message: Message) -> None:
    if message.batch:
        message.batch.status = "messages_enqueued"


def _refuse(which: Callable[[Message], bool]) -> Wrap:
    """Return a wrapper that refuses the retry of some messages, once the key has been checked."""

    @model.wrapper
    def answer(service: Service, handle: Handler, request: Request) -> Response:
        message = model.message_of(service, request)
        if message is None or not model.is_retry(request) or not which(message):
            return handle(request)
        status, message.status = message.status, "sent"
        response, message.status = handle(request), status
        return response

    return answer


@model.wrapper
def _keep_failed(service: Service, handle: Handler, request: Request) -> Response:
    message = model.message_of(service, request)
    saved = replace(message, attempts=list(message.attempts)) if message else None
    response = handle(request)
    if model.is_retry(request) and response.status == 201 and saved is not None:
        service.messages[saved.id] = saved
    return response


def _repeat(service: Service, handle: Handler) -> Handler:
    """Answer a retry that comes too early with the response to the one before it."""
    accepted: dict[str, Response] = {}

    def answer(request: Request) -> Response:
        response, message = handle(request), model.message_of(service, request)
        if message is None or not model.is_retry(request):
            return response
        if response.status == 201:
            accepted[message.id] = response
            if len(accepted) > _MOST_REPEATED:
                del accepted[next(iter(accepted))]
        refused = response.status == 400 and message.status != "failure"
        return accepted.get(message.id, response) if refused else response

    return answer


@model.wrapper
def _accept_soon(service: Service, handle: Handler, request: Request) -> Response:
    message = model.message_of(service, request)
    if message is not None and model.is_retry(request) and message.status == "created":
        since = service.clock() - message.attempts[0].created_at
        if len(message.attempts) > 1 and since < _SOON:
            message.status = "failure"
    return handle(request)


def _lose(status: int) -> Wrap:
    return after_retry(lambda service, message: service.drop_message(message.id), status=(status,))


@model.wrapper
def _delete_all_the_same(service: Service, handle: Handler, request: Request) -> Response:
    message = model.message_of(service, request)
    if message is not None and request.method == "DELETE":
        service.drop_message(message.id)
    return handle(request)


def _touch(_: Service, message: Message) -> None:
    message.updated_at += timedelta(milliseconds=1)


def _enqueue(_: Service, message: Message) -> None:
    message.status = "enqueued"


FAULTS: Table = {
    "unfailed-message-refused": RULE,
    "unfailed-accepted: A message that has not failed is retried.": _accept(
        lambda m: len(m.attempts) == 1
    ),
    "success-accepted: A message that was delivered is retried.": _accept(
        lambda m: m.status == "success"
    ),
    "second-retry-refused": RULE,
    "second-retry-accepted: A message that has just been retried is retried again.": _accept(
        lambda m: len(m.attempts) > 1
    ),
    "second-retry-repeated: "
    "A second retry is answered as the first was, and nothing comes of it.": _repeat,
    "concurrent-retries-accepted-once": RULE,
    "concurrent-accepted: A retry within 50 milliseconds of an accepted one is accepted too.": (
        _accept_soon
    ),
    "attempt-recorded": RULE,
    "attempt-lost: A retry is not added to the attempts.": after_retry(
        lambda _, message: message.attempts.pop(), status=(201,)
    ),
    "attempts-capped": RULE,
    "cap-ignored: A message may be tried without end.": _forget_attempts,
    "cap-too-early: A message may be retried once only.": _refuse(
        lambda m: len(m.attempts) >= 2 and m.status == "failure"
    ),
    "status-is-201": RULE,
    "failed-refused: A message that has failed is refused.": _refuse(
        lambda m: m.batch is None and len(m.attempts) == 1
    ),
    "batch-status-respected": RULE,
    "batch-status-ignored: "
    "A message of a batch is retried whatever the batch's status.": _open_batch,
    "batch-refused: A message of a batch of status messages_enqueuing_failed is refused.": _refuse(
        lambda m: m.batch is not None and m.batch.status == "messages_enqueuing_failed"
    ),
    "retrieve-agrees": RULE,
    "state-not-changed: The response says created, but the message stays as it was.": _keep_failed,
    "message-lost: The message is gone once it has been retried.": _lose(201),
    "refusal-changes-nothing": RULE,
    "refusal-loses-message: The message is gone once its retry was refused.": _lose(400),
    "delete-refused-and-done: A DELETE is answered with 405, and deletes the message.": (
        _delete_all_the_same
    ),
    "refusal-touches-message: A refusal moves updatedAt on.": after_retry(_touch, status=(400,)),
    "refusal-sends-message: A retry is refused, and the message is sent all the same.": after_retry(
        _enqueue, status=(400, 401)
    ),
}
