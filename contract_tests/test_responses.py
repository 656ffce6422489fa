"""Every response of a run."""

from __future__ import annotations

from retry_contract import Scenario


def test_no_server_error(every_response: Scenario) -> None:
    every_response.keeps("no-server-error")


def test_content_type_is_json(every_response: Scenario) -> None:
    every_response.keeps("content-type-is-json")


def test_neighbours_match_schema(every_response: Scenario) -> None:
    every_response.keeps("neighbours-match-schema")


def test_wrong_method_refused(wrong_method: Scenario) -> None:
    wrong_method.keeps("wrong-method-refused")
