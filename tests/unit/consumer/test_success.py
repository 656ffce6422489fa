"""Whether what was returned can be told from what is returned after an accepted retry."""

from __future__ import annotations

from typing import Any

import pytest

from retry_contract.consumer.success import resembles

IDS = ("message_0a24715e-edce-4e8d-962a-791dcd3b6744", "message_53db5778-df99-4e57-b71d-1ccb533e")
TIMES = ("2025-02-25T23:59:43.000+08:00", "2025-02-24T08:01:00.050+08:00")


@pytest.mark.parametrize(
    ("known", "value"),
    [
        ([None, None], None),
        ([True, True], True),
        ([201, 201], 201),
        ([0.5, 0.75], 0.25),
        (list(IDS), "message_74df9ccb-73eb-4786-98fd-30971f511a99"),
        (list(TIMES), "2024-01-01T00:00:00.000+08:00"),
        (["retried message_id", "retried message_id"], "retried message_id"),
        ([{"id": IDS[0]}, {"id": IDS[1]}], {"id": "message_12345678"}),
        ([{"id": "a"}, {"id": "a", "creatorId": "user_12345678"}], {"id": "a"}),
        ([["a", 1], ["a", 2]], ["a", 3]),
        ([["a"], ["a", "b"]], ["a", "b", "c"]),
        ([{}, {}], {}),
    ],
)
def test_the_same_form_cannot_be_told(known: list[Any], value: Any) -> None:
    assert resembles(value, known)


@pytest.mark.parametrize(
    ("known", "value"),
    [
        ([True, True], False),
        ([True, True], 1),
        ([True, True], None),
        ([201, 201], 400),
        ([None, None], {"error": {}}),
        (["created", "created"], "failed"),
        (["retried message_id", "retried message_id"], "refused message_id"),
        (list(IDS), "message_not_found"),
        ([{"ok": True, "id": "a1"}, {"ok": True, "id": "b2"}], {"ok": False, "id": "c3"}),
        ([{"id": "a"}, {"id": "a"}], {"id": "a", "error": "refused"}),
        ([{"id": "a"}, {"id": "a"}], {}),
        ([["a", True], ["a", True]], ["a", False]),
        ([["a"], ["a"]], []),
        ([["a"], ["a"]], "a"),
        ([{"a": 1}, {"a": 1}], [1]),
        ([], None),
    ],
)
def test_another_form_or_another_constant_can(known: list[Any], value: Any) -> None:
    assert not resembles(value, known)
