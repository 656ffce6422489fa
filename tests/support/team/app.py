"""The service's HTTP side: one FastAPI application an instance."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from support.team import messages
from support.team.bugs import spoil_refused, spoil_retried
from support.team.message_object import details, message_object
from support.team.refusals import (
    FORBIDDEN,
    INVALID,
    NOT_FAILED,
    NOT_FOUND,
    UNAUTHORIZED,
    Reason,
    Refusal,
    envelope,
)
from support.team.store import Store, hashed

PREFIX = "/api/v2"
_MESSAGES = "/campaigns/{campaign_id}/messages"
_RETRY = _MESSAGES + "/{message_id}/retry"


@dataclass(frozen=True)
class Settings:
    """What an instance is started with; `contract` and `bugs` are looked at in each request.

    `count_refusal` returns the number of a refused retry, from 1 on, among those of all instances.
    """

    store: Store
    delivery: float
    bugs: set[str]
    contract: Callable[[], str]
    count_refusal: Callable[[], int]


class Send(BaseModel):
    """What a Single Send asks for."""

    recipient: str = Field(pattern="^[1-9][0-9]{6,14}$")
    language: Literal["english"]
    values: dict[str, Annotated[str, Field(min_length=1)]]


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


Here = Annotated[Settings, Depends(_settings)]


def _database(here: Here) -> Iterator[sqlite3.Connection]:
    with here.store.connect() as db:
        yield db


Database = Annotated[sqlite3.Connection, Depends(_database)]
Authorization = Annotated[str | None, Header()]


def _caller(
    here: Here, db: Database, campaign_id: str, authorization: Authorization = None
) -> sqlite3.Row:
    """Return the row of the key that a request comes with. Raises Refusal."""
    key = _key(db, authorization, here.bugs)
    lenient = "no-key-accepted" if authorization is None else "any-key-accepted"
    if key is None and lenient in here.bugs:
        of_campaign = "SELECT * FROM api_keys WHERE campaign_id = ?"
        key = db.execute(of_campaign, (campaign_id,)).fetchone()
    if key is None:
        raise Refusal(UNAUTHORIZED)
    if key["campaign_id"] != campaign_id and "foreign-campaign-accepted" not in here.bugs:
        raise Refusal(FORBIDDEN)
    return key


def _key(db: sqlite3.Connection, authorization: str | None, bugs: set[str]) -> sqlite3.Row | None:
    scheme, _, secret = (authorization or "").partition(" ")
    if "bare-key-accepted" in bugs and not secret:
        scheme, secret = "bearer", scheme
    key: sqlite3.Row | None = db.execute(
        "SELECT * FROM api_keys WHERE hash = ? AND (NOT revoked OR ?)",
        (hashed(secret), "revoked-key-works" in bugs),
    ).fetchone()
    return key if scheme.lower() == "bearer" else None


Caller = Annotated[sqlite3.Row, Depends(_caller)]

router = APIRouter(prefix=PREFIX)


@router.post(_MESSAGES)
def send(here: Here, db: Database, caller: Caller, wanted: Send) -> Response:
    # A test environment reaches nobody: other numbers than the simulator's are refused.
    if wanted.recipient not in messages.SIMULATOR or "name" not in wanted.values:
        raise Refusal(INVALID)
    row = messages.send(db, caller, wanted.recipient, wanted.language, wanted.values)
    shown = message_object(row, here.contract(), here.bugs)
    return JSONResponse({**shown, "language": row["language"]}, 201)


@router.get(_MESSAGES + "/{message_id}")
def retrieve(here: Here, db: Database, _: Caller, campaign_id: str, message_id: str) -> Response:
    row = _find(here, db, campaign_id, message_id)
    if row is None:
        raise Refusal(NOT_FOUND)
    shown = message_object(row, here.contract(), here.bugs) | details(db, row)
    if "retrieve-lacks-field" in here.bugs:
        del shown["fullMessage"]
    return JSONResponse(shown)


@router.post(_RETRY)
def retry(here: Here, db: Database, caller: Caller, campaign_id: str, message_id: str) -> Response:
    row = _find(here, db, campaign_id, message_id)
    if row is None:
        raise Refusal(NOT_FOUND if "unknown-404" in here.bugs else NOT_FAILED)
    try:
        retried = messages.retry(db, row, caller, here.bugs)
    except Refusal:
        messages.after_refusal(db, message_id, here.bugs)
        raise
    shown = message_object(retried, here.contract(), here.bugs)
    spoil_retried(shown, here.bugs)
    status = 200 if "status-200" in here.bugs else 201
    if "text-plain" in here.bugs:
        return Response(json.dumps(shown), status, media_type="text/plain")
    return JSONResponse(shown, status)


@router.api_route(_RETRY, methods=["HEAD", "DELETE"])
def other_method(
    request: Request,
    here: Here,
    db: Database,
    campaign_id: str,
    message_id: str,
    authorization: Authorization = None,
) -> Response:
    if request.method == "HEAD" and "head-retries" in here.bugs:
        caller = _caller(here, db, campaign_id, authorization)
        return retry(here, db, caller, campaign_id, message_id)
    if request.method == "DELETE" and "delete-deletes" in here.bugs:
        messages.delete(db, message_id)
    raise HTTPException(405, headers={"Allow": "POST"})


def _find(here: Settings, db: sqlite3.Connection, campaign: str, text: str) -> sqlite3.Row | None:
    """Return the message that a path names, as it is now; None if there is none."""
    message = messages.read_id(text, here.bugs)
    if message is None:
        return None
    row = messages.find(db, campaign, message, here.delivery)
    if row is None and "unknown-500" in here.bugs:
        raise TypeError("'NoneType' object is not subscriptable")
    return row


def _refuse(request: Request, error: Exception) -> Response:
    """Answer a request that is refused, by this service or by the framework."""
    here, headers = _settings(request), None
    reason = INVALID  # of a RequestValidationError
    if isinstance(error, Refusal):
        reason = error.reason
        if "sometimes-500" in here.bugs and request.url.path.endswith("/retry"):
            _exhaust(here)
    elif isinstance(error, HTTPException):
        code = error.detail.lower().replace(" ", "_")
        reason, headers = Reason(error.status_code, code, error.detail), error.headers
    authorization = request.headers.get("authorization", "")
    payload = spoil_refused(envelope(reason), here.bugs, authorization)
    return JSONResponse(payload, reason.status, headers)


def _exhaust(here: Settings) -> None:
    if here.count_refusal() % 5 == 0:
        raise RuntimeError("the pool of connections is exhausted")


def application(settings: Settings) -> FastAPI:
    """Return an instance of the service."""
    # A redirect from a path with a slash too many would tell a client to send its retry again.
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state.settings = settings
    # A router that is included is built at its first request, and two servers that do so at once
    # get in the way of each other's warnings.
    app.router.routes.extend(router.routes)
    refused: tuple[type[Exception], ...] = (Refusal, HTTPException, RequestValidationError)
    for error in refused:
        app.add_exception_handler(error, _refuse)
    return app
