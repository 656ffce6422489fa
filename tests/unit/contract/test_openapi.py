"""The OpenAPI documents: valid, alike, resolvable, and able to catch a bad response."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import given, settings
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from retry_contract.contract.catalogue import Contract, catalogue
from retry_contract.strategies import error_responses, near_misses, retry_responses

CONTRACTS = tuple(catalogue().values())
RETRY = "/campaigns/{campaignId}/messages/{messageId}/retry"
REFUSALS = {"400", "401", "403", "429", "500", "502", "503", "504"}
OPERATIONS = {
    ("/campaigns/{campaignId}/messages", "post"): ("sendMessage", {"201", *REFUSALS}),
    (RETRY, "post"): ("retryMessage", {"201", *REFUSALS}),
    (RETRY.removesuffix("/retry"), "get"): ("retrieveMessage", {"200", "404", *REFUSALS}),
}
CHECKED = ("content_type_conformance", "response_schema_conformance", "status_code_conformance")
RUN = settings(max_examples=20)

each_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.name)


def _path(contract: Contract) -> Path:
    return contract.folder / contract.name / "openapi.json"


def _document(contract: Contract) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_path(contract).read_text(encoding="utf-8"))
    return document


def _operations(contract: Contract) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (path, method): operation
        for path, item in _document(contract)["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, dict | list):
            yield from _nodes(child)


@each_contract
def test_document_keeps_the_specification(contract: Contract) -> None:
    OpenAPIV31SpecValidator(_document(contract), base_uri=_path(contract).as_uri()).validate()


@each_contract
def test_contract_is_named(contract: Contract) -> None:
    document = _document(contract)
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["version"] == contract.name
    assert [s["url"] for s in document["servers"]] == ["https://test.postman.gov.sg/api/v2"]


@each_contract
def test_operations_and_statuses_are_the_documented_ones(contract: Contract) -> None:
    found = {
        key: (operation["operationId"], set(operation["responses"]))
        for key, operation in _operations(contract).items()
    }
    assert found == OPERATIONS


@each_contract
def test_every_operation_wants_a_bearer_key(contract: Contract) -> None:
    document = _document(contract)
    (scheme,) = document["components"]["securitySchemes"].items()
    assert (scheme[1]["type"], scheme[1]["scheme"]) == ("http", "bearer")
    assert document["security"] == [{scheme[0]: []}]
    assert not any("security" in operation for operation in _operations(contract).values())


@each_contract
def test_schemas_are_referred_to_and_never_copied(contract: Contract) -> None:
    for node in _nodes(_document(contract)):
        if "schema" in node:
            assert list(node["schema"]) == ["$ref"]
            file = node["schema"]["$ref"].partition("#")[0]
            assert (_path(contract).parent / file).is_file()
        assert not {"properties", "enum", "pattern"} & node.keys()


@each_contract
def test_responses_refer_to_the_schemas_of_the_contract(contract: Contract) -> None:
    accepted = {
        operation["operationId"]: response["content"]["application/json"]["schema"]["$ref"]
        for operation in _operations(contract).values()
        for status, response in operation["responses"].items()
        if status.startswith("2")
    }
    assert accepted == {
        "sendMessage": "single-send-response.schema.json",
        "retryMessage": "retry-response.schema.json",
        "retrieveMessage": "retrieve-response.schema.json",
    }


@each_contract
def test_refusals_hold_the_error_response_and_failures_hold_anything(contract: Contract) -> None:
    refused = _document(contract)["components"]["responses"]
    response = {"application/json": {"schema": {"$ref": "../common/error-response.schema.json"}}}
    for operation in _operations(contract).values():
        for status in set(operation["responses"]) & {*REFUSALS, "404"}:
            name = operation["responses"][status]["$ref"].removeprefix("#/components/responses/")
            assert refused[name].get("content") == (response if status < "500" else None)


@each_contract
def test_links_lead_from_the_send_to_the_retry_and_to_the_message(contract: Contract) -> None:
    links = {
        (operation["operationId"], link["operationId"]): link["parameters"]
        for operation in _operations(contract).values()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    }
    assert set(links) == {
        ("sendMessage", "retryMessage"),
        ("sendMessage", "retrieveMessage"),
        ("retryMessage", "retrieveMessage"),
    }
    for parameters in links.values():
        assert parameters == {
            "campaignId": "$request.path.campaignId",
            "messageId": "$response.body#/id",
        }


def test_documents_differ_in_what_they_say_of_themselves_alone() -> None:
    first, *others = (_document(contract) for contract in CONTRACTS)
    titles = ("title", "version", "summary")
    for other in others:
        assert all(first["info"].pop(k) != other["info"].pop(k) for k in titles)
        assert other == first
        first = _document(CONTRACTS[0])


@pytest.mark.parametrize("missing", ["recipient", "language", "values"])
def test_send_wants_all_of_its_members(missing: str) -> None:
    documents = catalogue().documents()
    schema = next(s for u, s in documents.items() if u.endswith("/single-send-request.schema.json"))
    registry = Registry[Any]().with_resources(
        (uri, Resource.from_contents(document)) for uri, document in documents.items()
    )
    sends = Draft202012Validator(schema, registry=registry)
    whole = {"recipient": "6522222222", "language": "english", "values": {"name": "Test"}}
    assert sends.is_valid(whole)
    assert not sends.is_valid({k: v for k, v in whole.items() if k != missing})
    assert not sends.is_valid({**whole, "values": {"name": ""}})


def _problems(contract: Contract, status: int, body: bytes, media_type: str) -> set[str]:
    operation = schemathesis.openapi.from_path(_path(contract))[RETRY]["POST"]
    case = operation.Case(path_parameters={"campaignId": "campaign_1", "messageId": "message_1"})
    request = httpx.Request("POST", "https://test.postman.gov.sg/api/v2/x")
    response = httpx.Response(
        status, content=body, headers={"content-type": media_type}, request=request
    )
    response.elapsed = timedelta(0)
    load_all_checks()
    checks: list[Any] = [CHECKS.get_one(name) for name in CHECKED]
    try:
        case.validate_response(response, checks=checks)
    except FailureGroup as group:
        return {type(failure).__name__ for failure in group.exceptions}
    return set()


def _json_problems(contract: Contract, status: int, payload: Any) -> set[str]:
    return _problems(contract, status, json.dumps(payload).encode(), "application/json")


def _sample(contract: Contract) -> dict[str, Any]:
    return {field: contract.sample("retry", field) for field in contract.fields()}


@each_contract
def test_canary_every_reference_resolves(contract: Contract) -> None:
    schema = schemathesis.openapi.from_path(_path(contract))
    assert list(schema.iter_schema_warnings()) == []
    # A parameter's reference that leads nowhere is no warning: it makes the operation an error.
    assert [type(result) for result in schema.get_all_operations()] == [Ok] * len(OPERATIONS)


def test_canary_notices_a_reference_that_leads_nowhere(tmp_path: Path) -> None:
    contract = CONTRACTS[0]
    shutil.copytree(contract.folder, tmp_path / "schemas")
    moved = tmp_path / "schemas" / contract.name
    (moved / "retry-response.schema.json").unlink()
    (warning,) = schemathesis.openapi.from_path(moved / "openapi.json").iter_schema_warnings()
    assert "retry-response.schema.json" in warning.message


@each_contract
def test_canary_good_responses_pass(contract: Contract) -> None:
    assert _json_problems(contract, 201, _sample(contract)) == set()
    assert _json_problems(contract, 401, {"message": "Unauthorized", "statusCode": 401}) == set()
    assert _problems(contract, 503, b"<html>", "text/html") == set()


@each_contract
def test_canary_bad_responses_are_caught(contract: Contract) -> None:
    # No contract lets creatorId be null: before it is forbidden, after it is a string.
    spoilt = {**_sample(contract), "creatorId": None}
    assert _json_problems(contract, 201, spoilt) == {"JsonSchemaError"}
    assert _json_problems(contract, 400, {"error": {}}) == {"JsonSchemaError"}
    assert _problems(contract, 400, b"<html>", "text/html") == {"UndefinedContentType"}
    assert _json_problems(contract, 418, {}) == {"UndefinedStatusCode"}


@each_contract
def test_schemathesis_agrees_with_the_validator(contract: Contract) -> None:
    operation = schemathesis.openapi.from_path(_path(contract))[RETRY]["POST"]

    @RUN
    @given(retry_responses(contract), near_misses(contract), error_responses())
    def agrees(payload: Any, near: Any, error: Any) -> None:
        assert operation.is_valid_response(_response(201, payload))
        assert not operation.is_valid_response(_response(201, near.payload))
        assert operation.is_valid_response(_response(400, error))

    agrees()


def _response(status: int, payload: Any) -> httpx.Response:
    request = httpx.Request("POST", "https://test.postman.gov.sg/api/v2/x")
    response = httpx.Response(status, json=payload, request=request)
    response.elapsed = timedelta(0)
    return response
