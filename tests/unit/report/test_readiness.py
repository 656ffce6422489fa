"""What a check of a consumer found, as a person reads it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from support.trying import tried

from retry_contract.consumer.readiness import Finding, Readiness, Result, Tried
from retry_contract.report.readiness import notes, readiness_document, readiness_lines

Payload = dict[str, Any]


def lines_of(found: Readiness, label: str) -> list[str]:
    shown = [line for line in readiness_lines(found) if line.startswith(f"  {label} ")]
    return [line[12:] for line in shown]


def paired(found: Readiness) -> Finding:
    told = next(s.finding for s in found.situations if s.name == "paired")
    assert told is not None
    return told


def test_what_was_read_differently_is_shown_as_far_as_the_payload_holds_it() -> None:
    def last(reply: Payload) -> Any:
        value = str([*reply.values()][-1])
        long = value.upper() * 2
        return {"campaign": value, "long": long, "all": [value.upper()], "n": len(reply)}

    found = tried(last)
    read = lines_of(found, "read")
    assert read[0].startswith('/campaign is "')
    assert ' instead of "user_' in read[0]
    assert read[1].startswith('/long is "…')
    assert {place.pointer for place in paired(found).differs} == {
        "/campaign",
        "/long",
        "/all/0",
        "/n",
    }
    document = readiness_document(found)["situations"][4]
    assert document["differs"] == [place["pointer"] for place in document["read"]]


def test_null_from_the_newer_reply_alone_is_traced_to_what_the_code_catches() -> None:
    def swallows(reply: Payload) -> Any:
        try:
            _, _, message, _, _, _, _, _, campaign = reply.values()
        except ValueError:
            return None
        return {"id": message, "campaign": campaign}

    found = tried(swallows)
    assert paired(found).advice.startswith("look at what the code catches")
    assert lines_of(found, "read")[0].startswith('the result is null instead of {"id": "message_')


def test_a_long_list_is_shortened_in_the_text_alone() -> None:
    found = tried(lambda reply: [[*reply.values()][-1]] * 5)
    assert lines_of(found, "read")[3] == "and 2 more"
    assert len(readiness_document(found)["situations"][2]["differs"]) == 5


def broken_in(*names: str) -> Readiness:
    found = tried(lambda reply: reply["id"])
    told = Finding(Result.BREAKS, "ValueError", requests=tuple(map(str, range(9))))
    more = [Tried(name, "after-2025-02-24", True, 2, 2, told) for name in names]
    return replace(found, situations=(*found.situations, *more), unit="call")


def test_a_heading_of_many_situations_is_wrapped_between_them() -> None:
    names = [f"400 refusal number {number}" for number in range(9)]
    lines = [*readiness_lines(broken_in(*names))]
    begin = lines.index(next(line for line in lines if line.startswith("BREAKS")))
    heading = lines[begin : begin + 3]
    assert all(len(line) <= 100 for line in heading)
    assert "BREAKS " + "; ".join(names) == " ".join(line.strip() for line in heading)
    assert all(line.endswith(";") for line in heading[:2])


def test_a_payload_is_wrapped_between_its_members_and_stays_json() -> None:
    def closed(reply: Payload) -> None:
        if reply["fullMessage"] == "x" * 80:
            raise ValueError("long, and more")

    lines = [*readiness_lines(tried(closed, 100))]
    begin = next(n for n, line in enumerate(lines) if line.startswith("  payload   {"))
    end = next(n for n, line in enumerate(lines) if line.startswith("  oddity"))
    shown = "".join(line[12:] for line in lines[begin:end])
    told = tried(closed, 100).situations[0].finding
    assert told is not None
    assert json.loads(shown) == told.payload
    assert 5 < end - begin <= 10
    assert all(len(line) <= 100 or "x" * 80 in line for line in lines[begin:end])


def test_notes_stand_next_to_the_closing_line() -> None:
    assert [*readiness_lines(tried(lambda _: None))][-1].startswith("Nothing that it read could")


def test_the_reason_and_the_requests_name_the_first_few() -> None:
    found = broken_in("one", "two", "three", "four", "five")
    assert next(notes(found)) == "It fails in some situations: one; two; three; and 2 more."
    assert lines_of(found, "asked") == ["0", "1", "2", "3", "4", "5", "and 3 more"]


def test_all_payloads_of_one_situation_are_not_called_some() -> None:
    found = tried(lambda reply: [*reply.values()][-1])
    reason = readiness_document(found)["reason"]
    assert reason.startswith("It fails in some situations: ")
