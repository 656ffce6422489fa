"""The schemas of the other responses: each keyword is needed by a payload of this table.

Each payload is a valid one with one edit: a member of another value, or without one.
"""

from __future__ import annotations

import copy
import functools
import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from support.keywords import Place, reachable, verdicts, without

from retry_contract.contract.catalogue import catalogue, schemas_folder
from retry_contract.contract.document import read_document

DOCUMENTS = catalogue().documents()
BASE = "https://retry-contract.invalid/schemas/"
STATUSES = ("created", "enqueued", "sending", "sent", "sent_to_telco", "success", "failure")
INSTANT = "2024-05-16T16:48:42.247+08:00"
GONE = object()
"""In an edit, in place of a value: the member is taken out."""

Edits = dict[str, tuple[Any, ...]]
"""By JSON Pointer, what is put there, each alone."""

ATTEMPT = {
    "status": "failure",
    "createdAt": INSTANT,
    "sentAt": INSTANT,
    "deliveredAt": None,
    "error": {"type": "server_error", "code": "server_unknown_error"},
}
TEMPLATE_BODY = {
    "createdAt": INSTANT,
    "updatedAt": INSTANT,
    "id": "template_body_1",
    "templateId": "template_1",
    "language": "english",
    "body": "This is a message to {{name}}.",
    "creatorId": "user_1",
}
SHOWN = {
    "templateBody": TEMPLATE_BODY,
    "batches": [{"id": "1", "status": "success"}],
    "language": "english",
    "creatorEmail": "campaign_1@postman.gov.sg",
    "attempts": [ATTEMPT],
}
REFUSED: dict[str, Edits] = {
    "single-send": {"/latestStatus": ("failure", GONE), "/language": (7, GONE)},
    "retrieve": {
        "/latestStatus": ("lost", None, GONE),
        "/templateBody": ("x", None),
        "/templateBody/createdAt": ("2024-05-16", 7),
        "/templateBody/updatedAt": ("2024-05-16", 7),
        "/templateBody/id": ("", 7),
        "/templateBody/templateId": ("", 7),
        "/templateBody/language": (7,),
        "/templateBody/body": (7,),
        "/templateBody/creatorId": ("", 7),
        "/batches": ({}, [1]),
        "/language": (7,),
        "/creatorEmail": (7,),
        "/attempts": ({}, [1]),
        "/attempts/0/status": (7,),
        "/attempts/0/createdAt": ("2024-05-16", None),
        "/attempts/0/sentAt": ("2024-05-16", 7),
        "/attempts/0/deliveredAt": ("2024-05-16", 7),
        "/attempts/0/error": ("x",),
        "/attempts/0/error/type": (7,),
        "/attempts/0/error/code": (7,),
    },
    "single-send-request": {
        "": ([], None),
        "/recipient": ("+6522222222", "022222222", "6522222222\n", 6522222222, GONE),
        "/language": ("klingon", GONE),
        "/values": ([], {"name": 7}, {"name": ""}, GONE),
    },
    "error-response": {
        "": ([], "x", {}, {"message": "No."}, {"statusCode": 400}),
        "/error": (GONE, "x", []),
        "/error/code": ("Not-Snake", "newline\n", "", 7, GONE),
        "/error/message": (7, GONE),
        "/error/type": ("", 7, GONE),
        "/error/id": ("", 7, GONE),
    },
    "error-response flat": {
        "/message": (7, GONE),
        "/statusCode": ("400", 399, 600, GONE),
        "/error": ("x",),
    },
    "timeline": {
        "": ([], None),
        "/$schema": (7,),
        "/contracts": (GONE, [], {}, "x"),
        "/contracts/0": ("x",),
        "/contracts/0/effectiveFrom": (INSTANT[:19] + "+08:00", GONE),
        "/contracts/1/effectiveFrom": (
            *(None, "2025-02-24", "2025-02-24T00:00:00Z", "2025-02-24T00:00:00+08:00\n"),
        ),
        "/contracts/1/name": ("Not a folder", "newline\n", "-x", 7, GONE),
        "/contracts/1/alias": ("Not a word", "newline\n", "-x", 7, GONE),
        "/contracts/1/summary": ("", 7, GONE),
        "/contracts/1/announcements": ({}, ["x"]),
        "/contracts/1/announcements/0/effectiveFrom": (
            "24 Feb 2025",
            "20250127",
            "2025-01-27\n",
            7,
            GONE,
        ),
        "/contracts/1/announcements/0/note": (7, GONE),
        "/contracts/1/announcements/0/source": (7, GONE),
        "/contracts/1/announcements/0/other": ("x",),
        "/contracts/1/transition": ("x",),
        "/contracts/1/transition/from": ("2025-01-27", 7, GONE),
        "/contracts/1/transition/until": ("2025-02-25", 7, GONE),
        "/contracts/1/transition/other": ("x",),
        "/contracts/1/other": ("x",),
        "/other": ("x",),
    },
}
ACCEPTED: dict[str, Edits] = {
    "single-send": {"/other": ("x",)},
    "retrieve": {
        **{f"/{name}": (GONE,) for name in SHOWN},
        "/latestStatus": STATUSES,
        "/attempts/0/sentAt": (None, GONE),
        "/attempts/0/deliveredAt": (INSTANT, GONE),
        "/attempts/0/error": (None, GONE),
        "/other": ("x",),
    },
    "single-send-request": {"/language": ("chinese", "malay", "tamil"), "/values": ({},)},
    "error-response": {"/other": ("x",)},
    "error-response flat": {"/statusCode": (400, 599), "/other": ("x",)},
    "timeline": {"/contracts/1/transition": (GONE,), "/contracts/1/announcements": ([], GONE)},
}


def _edited(payload: Any, pointer: str, value: Any) -> Any:
    if not pointer:
        return value
    edited = copy.deepcopy(payload)
    *path, last = pointer.split("/")[1:]
    parent = functools.reduce(
        lambda node, part: node[int(part) if isinstance(node, list) else part], path, edited
    )
    if isinstance(parent, list):
        parent[int(last)] = value
    elif value is GONE:
        parent.pop(last)
    else:
        parent[last] = value
    return edited


def _edits(subject: str, payload: Any) -> Iterator[tuple[Any, bool]]:
    yield payload, True
    for table, verdict in ((REFUSED, False), (ACCEPTED, True)):
        for pointer, values in table[subject].items():
            yield from ((_edited(payload, pointer, value), verdict) for value in values)


def _messages(contract: str, kind: str) -> Iterator[tuple[Any, bool]]:
    """Return the edits of a message, and the examples of the retry's response, as this kind's."""
    own: dict[str, Any] = {"language": "english", "latestStatus": "created"}
    own |= SHOWN if kind == "retrieve" else {}
    for verdict in ("valid", "invalid"):
        for path in catalogue()[contract].examples(verdict).values():
            document = read_document(path.read_bytes())
            if path.name.startswith("status-") or document.violations:
                continue
            payload = document.payload
            whole = {**payload, **own} if isinstance(payload, dict) else payload
            yield whole, verdict == "valid"
            if path.name == "the-page.json":
                yield from _edits(kind, whole)


SEND = {"recipient": "6522222222", "language": "english", "values": {"name": "Tan"}}
NESTED = {"error": {"code": "a_code", "message": "No.", "type": "domain_error", "id": "trace_1"}}
FLAT = {"message": "Unauthorized", "statusCode": 401}


def _table() -> Iterator[tuple[str, list[tuple[Any, bool]]]]:
    for contract, kind in itertools.product(catalogue(), ("retrieve", "single-send")):
        yield f"{contract}/{kind}-response", list(_messages(contract, kind))
    yield "common/single-send-request", list(_edits("single-send-request", SEND))
    errors = [*_edits("error-response", NESTED), *_edits("error-response flat", FLAT)]
    yield "common/error-response", errors
    timeline = json.loads((schemas_folder() / "timeline.json").read_text(encoding="utf-8"))
    yield "common/timeline", list(_edits("timeline", timeline))


TABLE = {f"{BASE}{name}.schema.json": payloads for name, payloads in _table()}


def _mutants() -> Iterator[Any]:
    of_retry = reachable(DOCUMENTS, catalogue()["after"].schema["$id"], ())
    for uri in TABLE:
        for number, place in enumerate(sorted(reachable(DOCUMENTS, uri, ()), key=str)):
            where = f"{place[0].removeprefix(BASE)}#/{'/'.join(map(str, place[1]))}"
            often = "/before-" in uri or place in of_retry  # and so in the test of the retry's
            marks = [pytest.mark.slow] if often or number % 4 else []
            yield pytest.param(uri, place, id=f"{uri.removeprefix(BASE)}-{where}", marks=marks)


def _misjudged(documents: Mapping[str, Any], uri: str) -> Iterator[Any]:
    found = verdicts(documents, uri, [payload for payload, _ in TABLE[uri]])
    for (payload, wanted), got in zip(TABLE[uri], found, strict=True):
        if got is not wanted:
            yield payload


@pytest.mark.parametrize("uri", TABLE)
def test_payload_is_checked_as_the_table_says(uri: str) -> None:
    assert list(_misjudged(DOCUMENTS, uri)) == []


def test_every_other_schema_is_in_the_table() -> None:
    own = {contract.schema["$id"] for contract in catalogue().values()}
    fields = f"{BASE}common/fields.schema.json"
    assert DOCUMENTS.keys() - own - {fields} == TABLE.keys()


@pytest.mark.parametrize(("uri", "place"), list(_mutants()))
def test_deleted_keyword_changes_a_verdict(uri: str, place: Place) -> None:
    assert any(True for _ in _misjudged(without(DOCUMENTS, place), uri))
