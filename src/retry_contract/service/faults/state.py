"""Faults in which retries go through, and in what they do to the message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from retry_contract.service.faults.model import (
    Fault,
    Wrap,
    after,
    before,
    is_retry,
    message_of,
    statuses,
)
from retry_contract.service.http import Handler, Request, Response
from retry_contract.service.model import Service
from retry_contract.service.records import Message


def _pretend_failed(which: Callable[[Message], bool]) -> Wrap:
    def prepare(service: Service, request: Request) -> None:
        message = message_of(service, request)
        if message is not None and is_retry(request) and which(message):
            message.status, message.course = "failure", ()

    return before(prepare)


def _forget_attempts(service: Service, request: Request) -> None:
    message = message_of(service, request)
    if message is not None and is_retry(request) and message.status == "failure":
        del message.attempts[1:]


def _open_batch(service: Service, request: Request) -> None:
    message = message_of(service, request)
    if message is not None and is_retry(request) and message.batch:
        message.batch.status = "messages_enqueued"


def _refuse(which: Callable[[Message], bool]) -> Wrap:
    def wrap(service: Service, handle: Handler) -> Handler:
        def faulty(request: Request) -> Response:
            message = message_of(service, request)
            if message is None or not is_retry(request) or not which(message):
                return handle(request)
            status, message.status = message.status, "sent"  # refused once the key was looked at
            response, message.status = handle(request), status
            return response

        return faulty

    return wrap


def _in_enqueuing_failed_batch(message: Message) -> bool:
    return message.batch is not None and message.batch.status == "messages_enqueuing_failed"


def _keep_failed(service: Service, handle: Handler) -> Handler:
    def faulty(request: Request) -> Response:
        message = message_of(service, request)
        saved = replace(message, attempts=list(message.attempts)) if message else None
        response = handle(request)
        if is_retry(request) and response.status == 201 and saved is not None:
            service.messages[saved.id] = saved
        return response

    return faulty


def _touch(service: Service, request: Request, response: Response) -> None:
    message = message_of(service, request)
    if message is not None and is_retry(request) and response.status == 400:
        message.updated_at += timedelta(milliseconds=1)


def _requeue(service: Service, request: Request, response: Response) -> None:
    message = message_of(service, request)
    if message is not None and is_retry(request) and response.status in (400, 401):
        message.status = "enqueued"


def _lose(status: int) -> Wrap:
    def meddle(service: Service, request: Request, response: Response) -> None:
        message = message_of(service, request)
        if message is not None and is_retry(request) and response.status == status:
            del service.messages[message.id]

    return after(meddle)


FAULTS = (
    Fault(
        "unfailed-accepted",
        "A message that has not failed is retried.",
        "unfailed-message-refused",
        _pretend_failed(lambda m: len(m.attempts) == 1),
    ),
    Fault(
        "success-accepted",
        "A message that was delivered is retried.",
        "unfailed-message-refused",
        _pretend_failed(lambda m: m.status == "success"),
    ),
    Fault(
        "second-retry-accepted",
        "A message that has just been retried is retried again.",
        "second-retry-refused",
        _pretend_failed(lambda m: len(m.attempts) > 1),
    ),
    Fault(
        "cap-ignored",
        "A message may be tried without end.",
        "attempts-capped",
        before(_forget_attempts),
    ),
    Fault(
        "cap-too-early",
        "A message may be retried once only.",
        "attempts-capped",
        _refuse(lambda m: len(m.attempts) >= 2 and m.status == "failure"),
    ),
    Fault(
        "failed-refused",
        "A message that has failed is refused.",
        "status-is-201",
        _refuse(lambda m: m.batch is None and len(m.attempts) == 1),
    ),
    Fault(
        "batch-status-ignored",
        "A message of a batch is retried whatever the batch's status.",
        "batch-status-respected",
        before(_open_batch),
    ),
    Fault(
        "batch-refused",
        "A message of a batch of status messages_enqueuing_failed is refused.",
        "batch-status-respected",
        _refuse(_in_enqueuing_failed_batch),
    ),
    Fault(
        "state-not-changed",
        "The response says created, but the message stays as it was.",
        "retrieve-agrees",
        _keep_failed,
    ),
    Fault(
        "message-lost",
        "The message is gone once it has been retried.",
        "retrieve-agrees",
        _lose(201),
    ),
    Fault(
        "refusal-loses-message",
        "The message is gone once its retry was refused.",
        "refusal-changes-nothing",
        _lose(400),
    ),
    Fault(
        "refusal-touches-message",
        "A refusal moves updatedAt on.",
        "refusal-changes-nothing",
        after(_touch),
    ),
    Fault(
        "refusal-sends-message",
        "A retry is refused, and the message is sent all the same.",
        "refusal-changes-nothing",
        after(_requeue),
    ),
    Fault(
        "answers-200",
        "An accepted retry is answered with 200.",
        "status-is-201",
        statuses(200, of=201),
    ),
    Fault(
        "answers-202",
        "An accepted retry is answered with 202.",
        "status-is-201",
        statuses(202, of=201),
    ),
)
