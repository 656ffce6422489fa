"""The payloads: they keep the contracts, and reach what code stumbles over."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest
from support.trying import PAIR

from retry_contract import contracts, violations
from retry_contract.consumer.cases import (
    decoys,
    example_cases,
    make_cases,
    newest_pair,
    plainest,
    rare_cases,
)
from retry_contract.consumer.shrink import _plainer
from retry_contract.consumer.values import DECOY, form_of, usual_text
from retry_contract.contract.catalogue import Catalogue

PLAIN = plainest(PAIR)
CASES = make_cases(PLAIN, 200, 5)


def test_every_payload_keeps_its_contract() -> None:
    for case in CASES[::2]:
        assert violations(case.before, "before") == ()
        for payload in (case.after, case.reordered, case.extended):
            assert violations(payload, "after") == ()


def test_the_situations_show_one_message() -> None:
    for case in CASES:
        assert case.before == {k: v for k, v in case.after.items() if k != "creatorId"}
        assert case.reordered == case.after
        assert {k: v for k, v in case.extended.items() if k != case.unknown[0]} == case.after
        assert len(case.extended) == len(case.after) + 1
    assert all(list(case.reordered) != list(case.after) for case in CASES[:60])


def test_the_same_seed_gives_the_same_payloads() -> None:
    assert make_cases(PLAIN, 200, 5) == CASES
    assert make_cases(PLAIN, 200, 6) != CASES
    assert len(CASES) == 201


@pytest.mark.parametrize("seed", range(5))
def test_the_oddities_that_matter_come_first(seed: int) -> None:
    few = [case.payload for case in make_cases(PLAIN, 25, seed)]
    assert any("'" in payload["values"].get("name", "") for payload in few)
    assert any("'" in payload["fullMessage"] for payload in few)
    assert any(payload["createdAt"] == payload["updatedAt"] for payload in few)


def test_the_template_is_the_user_s() -> None:
    assert {tuple(case.payload["values"]) for case in CASES} == {("name",)}
    values = {"due_date": "24 Feb 2025", "名字": "Test"}
    cases = make_cases(plainest(PAIR, values), 100, 1)
    assert all(case.payload["values"] == values for case in cases)
    assert len({json.dumps(case.payload) for case in cases}) > 70


def test_what_the_user_need_not_meet_is_rare() -> None:
    rare = [case.payload for case in rare_cases(PLAIN)]
    assert any(payload["values"].get("creatorId") == DECOY for payload in rare)
    assert any(payload["values"] == {} for payload in rare)
    assert all(case.rare for case in (*rare_cases(PLAIN), *example_cases(PLAIN)[1]))
    assert not any(case.rare for case in CASES)
    for case in CASES:
        assert case.payload["recipient"].startswith("65")
        ids = [case.payload[name].partition("_")[0] for name in ("id", "campaignId", "creatorId")]
        assert ids == ["message", "campaign", "user"]


def test_equal_times_come_with_other_oddities() -> None:
    equal = [c.payload for c in CASES if c.payload["createdAt"] == c.payload["updatedAt"]]
    assert any("'" in payload["fullMessage"] for payload in equal)


def test_most_generated_payloads_are_different() -> None:
    texts = {json.dumps(case.payload) for case in CASES}
    assert len(texts) > 180


def test_times_are_in_order_and_numbers_are_nobody_s() -> None:
    numbers = {case.payload["recipient"] for case in CASES}
    assert all(case.payload["createdAt"] <= case.payload["updatedAt"] for case in CASES)
    assert {n for n in numbers if n.startswith("65")} == {
        *("6522222222", "6511111111", "6511112222", "6511113333", "6511114444", "6511115555"),
        "6511119999",
    }


def test_examples_in_forms_that_no_page_shows_are_kept_apart() -> None:
    usual, unusual = example_cases(PLAIN)
    assert plainest(PAIR) not in unusual
    assert any(isinstance(case.payload["recipient"], dict) for case in unusual)
    assert all(case.payload["createdAt"].endswith("+08:00") for case in usual)
    assert {case.payload["createdAt"][:4] for case in unusual} >= {"0000"}
    for case in (*usual, *unusual):
        assert violations(case.after, "after") == ()


def test_what_is_plainer_keeps_the_contract_too() -> None:
    plain = plainest(PAIR)
    plainer = itertools.chain.from_iterable(_plainer(case, plain) for case in CASES[100:108])
    for case in itertools.islice(plainer, 0, None, 20):
        assert violations(case.after, "after") == ()


def test_decoys_are_below_the_top() -> None:
    payload = {"creatorId": "user_1", "values": {"creatorId": "user_2", "name": "x"}}
    assert decoys(payload, ["creatorId"]) == {"user_2"}


@pytest.mark.parametrize("text", ["", " x", "x\n", "a|b", "[a]", "{a}", "€", "\U0001f600", "a\\b"])
def test_what_the_guide_forbids_in_values_is_not_usual(text: str) -> None:
    assert not usual_text(text)


def test_a_later_contract_needs_no_code(tmp_path: Path) -> None:
    """The next contract: a field of a known form, one of an unknown form, and one less."""
    three = later(tmp_path)
    pair = newest_pair(three)
    assert (pair.old.name, pair.new.name) == ("after-2025-02-24", "third")
    assert pair.added == ("priority", "channel", "sentAt")
    cases = make_cases(plainest(pair), 60, 1)
    for case in cases:
        assert violations(case.before, three["after"]) == ()
        assert case.after.keys() == set(pair.new_fields)
        assert "templateBodyId" in case.before
        assert "templateBodyId" not in case.after
    assert {case.payload["channel"] for case in cases} == {"sms", "whatsapp"}
    assert len({case.payload["priority"] for case in cases}) > 3
    assert form_of(pair.new, "sentAt").draw(random.Random(1))


def later(folder: Path) -> Catalogue:
    source = contracts.folder
    for file in source.rglob("*.schema.json"):
        copy = folder / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    timeline: dict[str, Any] = json.loads((source / "timeline.json").read_text("utf-8"))
    third = {"name": "third", "alias": "third", "effectiveFrom": "2030-01-01T00:00:00+08:00"}
    timeline["contracts"].append({**third, "summary": "more"})
    (folder / "timeline.json").write_text(json.dumps(timeline), "utf-8")
    schema = dict(contracts["after"].schema)
    schema["properties"] = {
        **{k: v for k, v in schema["properties"].items() if k != "templateBodyId"},
        "priority": {"type": "integer", "minimum": 1, "maximum": 900, "examples": [1]},
        "channel": {"enum": ["sms", "whatsapp"], "examples": ["sms"]},
        "sentAt": {"$ref": "../common/fields.schema.json#/$defs/updatedAt"},
    }
    schema["required"] = list(schema["properties"])
    (folder / "third").mkdir()
    (folder / "third" / "retry-response.schema.json").write_text(json.dumps(schema), "utf-8")
    return Catalogue(folder)


def test_a_case_is_a_plain_value() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        CASES[0].payload = {}  # type: ignore[misc]
