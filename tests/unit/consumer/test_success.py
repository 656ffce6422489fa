"""Whether what was returned can be told from what is returned after an accepted retry."""

from __future__ import annotations

from typing import Any

import pytest

from retry_contract.consumer.client.success import resembles

IDS = ("message_0a24715e-edce-4e8d-962a-791dcd3b6744", "message_53db5778-df99-4e57-b71d-1ccb533e")
TIMES = ("2025-02-25T23:59:43.000+08:00", "2025-02-24T08:01:00.050+08:00")


@pytest.mark.parametrize(
    ("known", "value"),
    [
        ([None, None], None),
        ([True, True], True),
        ([201, 201], 201),
        ([{"a": "x", "b": 1}, {"a": "x-y", "b": 1}, {"a": "-z", "b": 1}], {"a": "?", "b": 1}),
        ([0.5, 0.75], 0.25),
        ([3, 5], 0),
        ([3, -5], -1),
        (list(IDS), "message_74df9ccb-73eb-4786-98fd-30971f511a99"),
        (list(TIMES), "2024-01-01T00:00:00.000+08:00"),
        (["retried message_id", "retried message_id"], "retried message_id"),
        (["retried 0.1 s", "retried 3e-05 s", "retried 0:00:01.5 s"], "retried 2 s"),
        (["retried in 1e-05 s", "retried in 0.5 s"], "retried in 0.25 s"),
        ([f"{TIMES[0]}: retried", f"{TIMES[1]}: retried"], "2024-01-01 12:00:00Z: retried"),
        ([f"sent {IDS[0]}", "sent", f"sent {IDS[1]}"], "sent message_74df9ccb"),
        ([{"id": IDS[0]}, {"id": IDS[1]}], {"id": "message_12345678"}),
        ([{"id": "a"}, {"id": "a", "creatorId": "user_12345678"}], {"id": "a"}),
        ([["a", 1], ["a", 2]], ["a", 3]),
        ([["a"], ["a", "b"]], ["a", "b"]),
        ([[], ["a"]], []),
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
        ([3, 5], -1),
        ([None, None], {"error": {}}),
        (["created", "created"], "failed"),
        (["retried message_id", "retried message_id"], "refused message_id"),
        (list(IDS), "message_not_found"),
        (["201", "201"], "400"),
        (["HTTP 201", "HTTP 201"], "HTTP 400"),
        (["<Response [201]>"] * 3, "<Response [429]>"),
        (["201 in 0.0012s", "201 in 0.0034s"], "400 in 0.0021s"),
        (["201 in 1e-05s", "201 in 0.5s"], "403 in 0.25s"),
        ([f"201 {IDS[0]}", f"201 {IDS[1]}"], f"500 {IDS[0]}"),
        (["201 new 1", "201 new 2", "201 old"], "400 old"),
        (["retried", 201], "refused"),
        ([{"ok": True, "id": "a1"}, {"ok": True, "id": "b2"}], {"ok": False, "id": "c3"}),
        ([{"id": "a"}, {"id": "a"}], {"id": "a", "error": "refused"}),
        ([{"id": "a"}, {"id": "a"}], {}),
        ([["a", True], ["a", True]], ["a", False]),
        ([{"a": "x", "b": 1}, {"a": "x-y", "b": 1}], {"a": "?", "b": 1}),
        ([{"a": "x"}, {"a": "x-y"}, {"a": "-z"}], {"a": "?"}),
        ([["a"], ["a"]], []),
        ([["a"], ["a", "b"]], []),
        ([["a"], ["a", "b"]], ["b"]),
        ([["a"], ["a", "b"]], ["a", "b", "c"]),
        ([["a"], ["a"]], "a"),
        ([{"a": 1}, {"a": 1}], [1]),
        ([], None),
    ],
)
def test_another_form_or_another_constant_can(known: list[Any], value: Any) -> None:
    assert not resembles(value, known)
