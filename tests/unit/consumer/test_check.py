"""From verdicts by situation to the answer, and how it is told."""

from __future__ import annotations

import contextlib
import json
import re
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from support import trying
from support.trying import PAIR, answered, tried

from retry_contract.consumer.answers import Answer, read_detailed
from retry_contract.consumer.hosted.loading import prepared
from retry_contract.consumer.readiness import Finding, Readiness
from retry_contract.report.readiness import (
    closing_line,
    readiness_document,
    readiness_lines,
    write_readiness,
)

Payload = dict[str, Any]
slow = pytest.mark.slow


def results(found: Readiness) -> list[str]:
    return [str(situation.result) for situation in found.situations]


def finding(found: Readiness) -> Finding:
    told = found.of(found.period).finding
    assert told is not None
    return told


def requiring(reply: Payload) -> Any:
    return reply["creatorId"]


def test_before_the_cutover_the_old_contract_counts() -> None:
    then = datetime(2025, 1, 1, tzinfo=UTC)
    found = tried(requiring, now=then)
    assert not found.ready
    assert closing_line(found).endswith("after-2025-02-24 (in force from 24 Feb 2025)")
    assert found.situations[0].counts


def test_in_the_transition_both_count_and_afterwards_one() -> None:
    assert not tried(requiring, now=datetime(2025, 2, 24, 4, tzinfo=UTC)).ready
    assert tried(requiring, now=datetime(2025, 2, 25, 4, tzinfo=UTC)).ready


@pytest.mark.parametrize(
    ("consume", "payload"),
    [
        (lambda r: 1 / ("'" not in r["values"].get("name", "")), {"values": {"name": "'"}}),
        pytest.param(lambda r: 1 / (len(r["fullMessage"]) < 500), {"fullMessage": 500}, marks=slow),
        (
            lambda r: 1 / (r["createdAt"][17:19] != "00"),
            {"createdAt": "2024-05-16T00:00:00.247+08:00"},
        ),
        (lambda r: 1 / (r["recipient"] != "6511119999"), {"recipient": "6511119999"}),
        pytest.param(
            lambda r: 1 / ("&" not in r["values"]["name"]), {"values": {"name": "&"}}, marks=slow
        ),
    ],
)
def test_what_fails_is_shrunk(consume: Callable[[Payload], Any], payload: Payload) -> None:
    found = tried(consume, payloads=150)
    ((name, expected),) = payload.items()
    told = finding(found)
    assert told.odd == (f"/{name}",)
    assert told.payload is not None
    value = told.payload[name]
    assert (len(value) if isinstance(expected, int) else value) == expected


@slow
def test_both_at_once_are_needed_and_both_are_kept() -> None:
    def consume(reply: Payload) -> None:
        if "'" in reply["values"].get("name", "") and reply["recipient"] != "6522222222":
            raise ValueError

    found = tried(consume, payloads=300)
    assert finding(found).odd == ("/recipient", "/values")


@slow
def test_an_equality_and_another_oddity_are_both_kept() -> None:
    def consume(reply: Payload) -> None:
        assert reply["createdAt"] != reply["updatedAt"] or "'" not in reply["fullMessage"]

    told = finding(tried(consume, payloads=1000))
    assert told.odd in (("/updatedAt", "/fullMessage"), ("/createdAt", "/fullMessage"))
    assert told.payload is not None
    assert told.payload["fullMessage"] == "'"


def test_a_failure_is_shrunk_to_the_same_failure() -> None:
    def consume(reply: Payload) -> None:
        if reply["fullMessage"] == "'":
            raise KeyError("alone")
        if "'" in reply["fullMessage"]:
            raise ValueError("an apostrophe")

    found = tried(consume)
    told = finding(found)
    assert told.error == "ValueError: an apostrophe"
    assert told.payload is not None
    assert len(told.payload["fullMessage"]) == 2


def test_a_nested_creator_is_not_to_be_mistaken_for_the_new_one() -> None:
    def anywhere(value: Any) -> Any:
        if isinstance(value, dict):
            inner = (anywhere(v) for k, v in value.items() if k != "creatorId")
            return next((v for v in inner if v), None) or value.get("creatorId")
        return None

    found = tried(lambda reply: {"creator": anywhere(reply)})
    assert not found.ready
    assert "differs" in results(found)

    def at_the_top(reply: Payload) -> Any:
        return {"creator": reply.get("creatorId"), "parameters": reply["values"]}

    assert results(tried(at_the_top)) == ["ok"] * 6


def test_only_a_next_field_breaks_it() -> None:
    def knowing(reply: Payload) -> str:
        if len(reply) > 10:
            raise ValueError("closed")
        return str(reply["id"])

    found = tried(knowing)
    assert found.ready
    assert results(found)[3] == "breaks"
    assert "The next field that is added will break it." in list(readiness_lines(found))


@pytest.mark.parametrize(
    "consume",
    [
        lambda reply: {"id": reply["id"], "name": reply["values"]["name"]},
        lambda reply: uuid.UUID(reply["id"].removeprefix("message_")).hex,
        lambda reply: re.findall(r"^campaign_[0-9a-f-]{36}$", reply["campaignId"])[0],
        lambda reply: re.findall(r"^65[0-9]{8}$", str(reply["recipient"]))[0],
    ],
)
def test_code_need_not_read_what_is_not_its_own(consume: Any) -> None:
    found = tried(consume, 100)
    assert found.ready
    assert results(found)[5] == "breaks"
    assert not found.situations[5].counts


def test_what_differs_from_call_to_call_is_no_difference() -> None:
    calls: list[int] = []

    def consume(reply: Payload) -> Any:
        calls.append(1)
        return {"call": len(calls), "id": reply["id"]}

    assert results(tried(consume)) == ["ok"] * 6


def test_each_payload_is_asked_once() -> None:
    direct = trying.Direct(lambda reply: reply["id"])
    trying.checked(direct, 50)
    assert direct.asked < 5 * 75


@slow
def test_the_matrix_the_details_and_the_closing_line() -> None:
    def closed(reply: Payload) -> None:
        if "creatorId" in reply:
            raise ValueError("unknown: creatorId")

    found = tried(closed)
    lines = [*readiness_lines(found), closing_line(found)]
    assert lines[0].startswith("before ")
    assert lines[1].startswith("after ")
    assert " breaks on " in lines[1]
    assert "  error     ValueError: unknown: creatorId" in lines
    assert "  oddity    none: it is the plainest payload" in lines
    assert any(line.startswith("  to do     let the code pass over fields") for line in lines)
    assert lines[-1] == "NOT READY for after-2025-02-24 (in force since 24 Feb 2025)"


def test_advice_for_the_cutover_is_for_code_that_only_the_newer_reply_breaks() -> None:
    def always(reply: Payload) -> None:
        raise ValueError("no")

    def closed(reply: Payload) -> None:
        if "creatorId" in reply:
            raise ValueError("closed")

    def closed_to_one(reply: Payload) -> None:
        if "creatorId" in reply and "'" in reply["fullMessage"]:
            raise ValueError("an apostrophe")

    assert finding(tried(always)).advice == ""
    assert finding(tried(closed)).advice.startswith("let the code pass over fields")
    assert finding(tried(closed_to_one)).advice == ""


def test_an_equality_is_told_as_one() -> None:
    def instant(reply: Payload) -> None:
        assert reply["createdAt"] != reply["updatedAt"]

    told = [line for line in readiness_lines(tried(instant)) if line.startswith("  oddity")]
    assert told == ["  oddity    /createdAt is equal to /updatedAt"] or told == [
        "  oddity    /updatedAt is equal to /createdAt"
    ]


def test_some_payloads_failing_is_told_from_all() -> None:
    def narrow(reply: Payload) -> None:
        assert reply["recipient"] != "6511111111" or "creatorId" not in reply

    reason = readiness_document(tried(narrow))["reason"]
    assert reason == "It fails in some situations: after; after, in another order."


@slow
def test_every_newer_and_some_older_payloads_failing_is_told() -> None:
    def narrow(reply: Payload) -> None:
        assert reply["recipient"] != "6511111111"
        assert "creatorId" not in reply

    reason = readiness_document(tried(narrow))["reason"]
    assert reason == (
        "It fails on every payload of after-2025-02-24, and on some of before-2025-02-24."
    )


def test_the_report_shows_no_markup_of_a_payload(tmp_path: Path) -> None:
    def narrow(reply: Payload) -> None:
        if "<" in reply["fullMessage"]:
            raise ValueError(f"`{reply['fullMessage']}` | no")

    found = tried(narrow, payloads=200)
    write_readiness(found, tmp_path)
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["outcome"] == "not ready"
    rows = (tmp_path / "summary.md").read_text("utf-8").splitlines()
    assert rows[0] == "## retry-contract: not ready"
    assert all(row.count("`") == 2 for row in rows if row.startswith("- "))


def test_nothing_tried_is_not_ready() -> None:
    class Lost:
        def ask(self, lines: Sequence[str], *, search: bool = False) -> list[Answer | None]:
            return [None] * len(lines)

        ask_afresh = ask_together = ask

    found = trying.checked(Lost(), 5)
    assert not found.ready
    assert set(results(found)) == {"not tested"}
    assert closing_line(found).startswith("NOT TESTED for after-2025-02-24 ")


def test_a_clock_that_moves_on_slowly_is_no_difference() -> None:
    calls: list[int] = []

    def consume(reply: Payload) -> Any:
        calls.append(1)
        return {"at": len(calls) // 40, "id": reply["id"]}

    assert results(tried(consume)) == ["ok"] * 6


BLIND = "Nothing that it read could be compared"


@pytest.mark.parametrize(
    ("consume", "blind"),
    [
        (lambda reply: None, True),
        (lambda reply: True, True),
        (lambda reply: {}, True),
        (lambda reply: object(), True),
        (lambda reply: reply["latestStatus"], False),
        (lambda reply: len(reply["fullMessage"]), False),
        (lambda reply: 1 / 0, False),
    ],
)
def test_code_that_shows_nothing_of_what_it_reads_gets_a_note(consume: Any, blind: bool) -> None:
    found = tried(consume)
    said = [line for line in readiness_lines(found) if line.startswith(BLIND)]
    assert bool(said) is blind
    assert [note[: len(BLIND)] for note in readiness_document(found)["notes"]] == [BLIND] * blind


SUMS = [10**9 + crc32("".join(fields).encode()) for fields in (PAIR.old_fields, PAIR.new_fields)]


@pytest.mark.parametrize(
    ("consume", "notes"),
    [
        (
            lambda reply: {"id": reply["id"], "as": ("old", "new")["creatorId" in reply]},
            ['What it tells at /as depends on creatorId: "new" instead of "old".'],
        ),
        (
            lambda reply: {"id": reply["id"], "sum": crc32("".join(reply).encode()) + 10**9},
            [f"What it tells at /sum depends on creatorId: {SUMS[1]} instead of {SUMS[0]}."],
        ),
        (
            lambda reply: {"id": reply["id"], "fields": len(reply)},
            ["What it tells at /fields depends on creatorId: 10 instead of 9."],
        ),
        (lambda reply: [f"{name}={value}" for name, value in reply.items()], []),
        (lambda reply: sorted([name, value] for name, value in reply.items()), []),
    ],
)
def test_what_code_tells_of_its_own_is_a_note(consume: Any, notes: list[str]) -> None:
    found = tried(consume)
    assert results(found) == ["ok"] * 6
    assert list(found.notes) == [f"{note} See that it is meant." for note in notes]


def test_what_code_tells_of_its_own_by_the_order_of_the_fields_is_a_misreading() -> None:
    known = {"created": "waiting", "sent": "on its way"}

    def consume(reply: Payload) -> Any:
        status = list(reply.values())[6]
        return {"id": reply["id"], "status": known.get(str(status), "unknown")}

    assert results(tried(consume))[2] == "differs"


def test_what_code_tells_of_its_own_alone_may_be_that_it_reads_no_more() -> None:
    found = tried(lambda reply: [f"{name} was unexpected" for name in reply if name == "creatorId"])
    assert not found.ready
    assert found.situations[4].result == "differs"


def test_what_code_catches_of_both_replies_is_nothing_new() -> None:
    def consume(reply: Payload) -> Any:
        with contextlib.suppress(ValueError):
            raise ValueError(f"no error envelope: {reply}")
        return {"id": reply["id"], "status": reply["latestStatus"]}

    class Watched(trying.Direct):
        def ask_afresh(self, lines: Sequence[str], *, search: bool = False) -> list[Answer | None]:
            return [read_detailed(answered(prepared(consume), line, watch=True)) for line in lines]

    found = trying.checked(Watched(consume), 5)
    assert (found.ready, found.notes) == (True, ())
