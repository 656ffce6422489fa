"""Clients that tell a refusal by what they return, in ways that only their callers see."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import httpx
from support.clients import _retry


@dataclass(frozen=True)
class Retried:
    message: str


@dataclass(frozen=True)
class Refused:
    message: str


class Wrapped:
    def __init__(self, message: str, errors: list[str]) -> None:
        self.message = message
        self._errors = errors

    @property
    def ok(self) -> bool:
        return not self._errors


class Truth:
    def __init__(self, response: httpx.Response) -> None:
        self.url = "known"
        self._response = response

    def __bool__(self) -> bool:
        return self._response.status_code == 201


class Hidden:
    def __init__(self, errors: list[str]) -> None:
        self._errors = errors

    def is_ok(self) -> bool:
        return not self._errors


def by_class(base_url: str, api_key: str, campaign_id: str, message_id: str) -> Any:
    reply = _retry(base_url, api_key, campaign_id, message_id)
    return (Retried if reply.status_code == 201 else Refused)(message_id)


def by_property(base_url: str, api_key: str, campaign_id: str, message_id: str) -> Any:
    reply = _retry(base_url, api_key, campaign_id, message_id)
    return Wrapped(message_id, [] if reply.status_code == 201 else ["refused"])


def by_truth(*given: str) -> Any:
    return Truth(_retry(*given))


def by_method(*given: str) -> Any:
    return Hidden([] if _retry(*given).status_code == 201 else ["refused"])


def lies_by_class(base_url: str, api_key: str, campaign_id: str, message_id: str) -> Any:
    _retry(base_url, api_key, campaign_id, message_id)
    return Retried(message_id)


def lies_by_chance(*given: str) -> Any:
    _retry(*given)
    return {"request": secrets.token_urlsafe(9), "status": "retried"}


def in_another_order(message_id: str, campaign_id: str, api_key: str, base_url: str) -> Any:
    return _retry(base_url, api_key, campaign_id, message_id).raise_for_status().json()["id"]
