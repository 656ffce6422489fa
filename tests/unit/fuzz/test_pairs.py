"""Messages by two contracts: valid, in documented forms, the plainest first."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from retry_contract import violations
from retry_contract.contract.catalogue import catalogue, newest_pair
from retry_contract.fuzz.field_values import SIMULATORS
from retry_contract.fuzz.pairs import Case, cases, plainest, rare_forms
from retry_contract.fuzz.search import draw, smallest

PAIR = newest_pair(catalogue())
PLAIN = plainest(PAIR)
STAMP = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}\+08:00")


@pytest.fixture(scope="module")
def drawn() -> list[Case]:
    return draw(cases(PLAIN, given=False), 200, 7)


def test_every_payload_keeps_its_contract(drawn: list[Case]) -> None:
    for case in [PLAIN, *drawn]:
        assert violations(case.before, "before") == ()
        for payload in (case.after, case.reordered, case.extended):
            assert violations(payload, "after") == ()


def test_a_pair_differs_by_the_added_fields_alone(drawn: list[Case]) -> None:
    for case in drawn:
        assert {**case.before, "creatorId": case.after["creatorId"]} == case.after
        assert [*case.after] == [*PAIR.new.fields()]
        assert case.reordered == case.after
        assert [*case.reordered] != [*case.after]
        assert len(case.extended) == len(case.after) + 1


def test_forms_are_those_of_the_public_pages(drawn: list[Case]) -> None:
    for case in drawn:
        assert STAMP.fullmatch(case.payload["createdAt"])
        assert STAMP.fullmatch(case.payload["updatedAt"])
        assert case.payload["recipient"] in SIMULATORS
        assert [*case.payload["values"]] == ["name"]
        (text,) = case.payload["values"].values()
        assert text.strip() == text != ""
        assert not re.search(r"[|^€{}\[\]~\\`\U00010000-\U0010ffff]", text)


def test_the_drawn_messages_vary(drawn: list[Case]) -> None:
    payloads = [case.payload for case in drawn]
    assert any(p["createdAt"] == p["updatedAt"] for p in payloads)
    assert any("'" in p["values"]["name"] for p in payloads)
    assert {case.next_field[0] for case in drawn} >= {"templateBody", "nextFlag", "attempts"}
    assert len({json.dumps(payload) for payload in payloads}) > 150


def test_what_fails_is_shrunk_to_the_plainest_message() -> None:
    found = smallest(
        cases(PLAIN, given=False),
        lambda case: "'" in case.payload["values"]["name"],
        500,
        7,
        until=float("inf"),
    )
    assert found is not None
    assert found.payload == {**PLAIN.payload, "values": {"name": "'"}}
    assert found.odd(PLAIN) == ("/values",)


def test_given_values_stay_as_they_are() -> None:
    plain = plainest(PAIR, {"due": "24 Feb 2025"})
    found = draw(cases(plain, given=True), 20, 7)
    assert {json.dumps(case.payload["values"]) for case in found} == {'{"due": "24 Feb 2025"}'}
    usual = [f for f in rare_forms(plain) if not f.name.startswith("values")]
    own = [form for form in usual if form.case.payload["values"] == {"due": "24 Feb 2025"}]
    assert len(own) >= len(usual) - 1  # the page's own example has another name


def test_rare_forms_are_the_valid_examples_those_of_a_page_first() -> None:
    forms = rare_forms(PLAIN)
    names = [form.name for form in forms]
    assert "timestamps-in-utc-without-fraction.json" in names
    assert "undocumented-field.json" not in names
    pages = [bool(form.page) for form in forms]
    assert pages == sorted(pages, reverse=True)
    assert 0 < sum(pages) < len(pages)
    for form in forms:
        assert violations(form.case.after, "after") == ()


def test_every_source_of_a_form_names_an_example_and_an_address() -> None:
    folder = Path(PAIR.new.folder)
    sources = json.loads((folder / "common" / "forms.json").read_text("utf-8"))
    assert sources.keys() <= PAIR.new.examples("valid").keys()
    for source in sources.values():
        assert source["page"].startswith("guide, ")
        assert source["address"].startswith("https://postman-v2.guides.gov.sg/")
