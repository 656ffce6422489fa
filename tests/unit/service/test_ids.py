"""Ids of the forms that the public samples show, and the same in each run."""

from __future__ import annotations

import re
import uuid

import pytest

from retry_contract.service.model import new_ids

KINDS = ("message", "campaign", "user", "template_body", "trace")


@pytest.mark.parametrize("kind", KINDS)
def test_id_is_its_kind_and_a_random_uuid(kind: str) -> None:
    new_id = new_ids()
    for _ in range(20):
        found = re.fullmatch(rf"{kind}_([0-9a-f-]{{36}})", new_id(kind))
        assert found is not None
        assert uuid.UUID(found[1]).version == 4
        assert str(uuid.UUID(found[1])) == found[1]


def test_id_of_a_batch_is_a_number() -> None:
    new_id = new_ids()
    assert [new_id("batch") for _ in range(3)] == ["1001", "1002", "1003"]


def test_ids_are_the_same_in_each_run_and_used_once() -> None:
    kinds = (*KINDS, "batch") * 10
    runs = [[new_id(kind) for kind in kinds] for new_id in (new_ids(), new_ids())]
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == len(kinds)
    assert new_ids()("message") == "message_27426e5c-88e0-40dc-aab5-3b3947b3e920"
