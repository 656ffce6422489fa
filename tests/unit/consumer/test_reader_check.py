"""The policy for code that reads: docs/consumer.md, rule by rule."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from support.in_process_reader import NOW, readiness

from retry_contract.consumer.process.attempt import Attempt, Ending
from retry_contract.consumer.reader.reader_check import check_reader
from retry_contract.consumer.readiness import (
    CheckPlan,
    Finding,
    Readiness,
    Result,
    ScenarioOutcome,
)
from retry_contract.contract.catalogue import catalogue
from retry_contract.outcome import UsageError, Verdict

Payload = dict[str, Any]
OK, BREAKS, DIFFERS, UNTESTED = Result.OK, Result.BREAKS, Result.DIFFERS, Result.NOT_TESTED
READY, NOT_READY = Verdict.KEPT, Verdict.BROKEN


def results(found: Readiness) -> tuple[Result, ...]:
    return tuple(scenario.result for scenario in found.scenarios[:5])


def scenario(found: Readiness, name: str = "after") -> ScenarioOutcome:
    return next(tried for tried in found.scenarios if tried.name == name)


def finding(found: Readiness, name: str = "after") -> Finding:
    shown = scenario(found, name).finding
    assert shown is not None
    return shown


def require_creator(response: Payload) -> Any:
    return response["creatorId"]


def closed_reader(response: Payload) -> Any:
    if "creatorId" in response:
        raise TypeError("too many fields")
    return response["id"]


class Response:
    def __init__(self, response: Payload) -> None:
        self.id = response["id"]
        self._all = response
        self.creator = response.get("creatorId")


@pytest.mark.parametrize(
    "consume",
    [
        lambda response: (response["id"], response["latestStatus"]),
        lambda response: response,
        lambda response: response.get("creatorId"),
        lambda response: response.get("creatorId", ""),
        lambda response: {"id": response["id"], "by": response.get("creatorId")},
        lambda response: json.dumps(response),
        lambda response: json.dumps(response).encode(),
        lambda response: {*response["values"].values()},
        lambda response: [{"text": json.dumps(response)}],
        Response,
        lambda response: (pair for pair in sorted(response["values"].items())),
    ],
)
def test_code_that_reads_the_same_but_for_the_new_value_is_ready(
    consume: Callable[..., Any],
) -> None:
    found = readiness(consume)
    assert (found.verdict, results(found)) == (READY, (OK,) * 5)
    assert not found.notes


@pytest.mark.parametrize(
    ("consume", "place"),
    [
        (len, ""),
        (lambda response: {"n": len(response), "id": response["id"]}, "/n"),
        (lambda response: {"old": "creatorId" not in response}, "/old"),
        (lambda response: response.get("creatorId", "unknown"), ""),
        (lambda response: {"creator": response.get("creatorId", response["id"])}, "/creator"),
        (lambda response: f"{response['id']} {response.get('creatorId')}", ""),
        (lambda response: {"hash": sum(map(len, response))}, "/hash"),
    ],
)
def test_any_other_difference_counts_until_it_is_accepted(
    consume: Callable[..., Any], place: str
) -> None:
    found = readiness(consume)
    assert found.verdict is NOT_READY
    shown = finding(found, "paired")
    assert (shown.result, place) == (DIFFERS, shown.differs[0].pointer)
    assert f"--accept {place or chr(39) * 2}" in shown.advice
    accepted = readiness(consume, accept=(place,))
    assert accepted.verdict is READY
    assert any(note.startswith("Accepted (paired): ") for note in accepted.notes)


def test_another_place_than_the_accepted_one_still_counts() -> None:
    found = readiness(lambda r: {"n": len(r), "m": len(r)}, accept=("/n",))
    assert [place.pointer for place in finding(found, "paired").differs] == ["/m"]


@pytest.mark.parametrize(
    ("consume", "expected"),
    [
        (lambda r: {"last": [*r.values()][-1]}, (OK, OK, DIFFERS, DIFFERS, OK)),
        (lambda r: [*r.values()][2], (OK, OK, DIFFERS, DIFFERS, OK)),
        (lambda r: {k: v for k, v in r.items() if k != "createdAt"}, (OK,) * 5),
    ],
)
def test_the_order_of_the_fields_must_not_matter(
    consume: Callable[..., Any], expected: tuple[Result, ...]
) -> None:
    found = readiness(consume)
    assert results(found)[:4] == expected[:4]


def test_a_break_on_one_more_field_is_shown_and_does_not_count() -> None:
    def strict(response: Payload) -> Any:
        if len(response) > 10:
            raise ValueError("one field more than ten")
        return response["id"]

    found = readiness(strict)
    assert (found.verdict, results(found)) == (READY, (OK, OK, OK, BREAKS, OK))
    assert not scenario(found, "after, with one more field").counts


def test_a_difference_on_one_more_field_counts() -> None:
    found = readiness(lambda r: {"odd": len(r) > 10})
    assert (found.verdict, results(found)) == (NOT_READY, (OK, OK, OK, DIFFERS, OK))


def test_the_older_contract_counts_while_it_is_served() -> None:
    now = readiness(require_creator)
    assert (now.verdict, results(now)) == (READY, (BREAKS, OK, OK, OK, BREAKS))
    assert [tried.counts for tried in now.scenarios[:5]] == [False, True, True, False, False]
    assert readiness(require_creator, now=datetime(2025, 1, 1, tzinfo=UTC)).verdict is NOT_READY
    assert readiness(require_creator, now=datetime(2025, 2, 24, 4, tzinfo=UTC)).verdict is NOT_READY
    assert readiness(require_creator, now=datetime(2025, 2, 25, 4, tzinfo=UTC)).verdict is READY


def test_a_closed_reader_breaks_wherever_the_field_is() -> None:
    found = readiness(closed_reader)
    assert (found.verdict, results(found)) == (NOT_READY, (OK, *(BREAKS,) * 4))
    shown = finding(found)
    assert (shown.error, shown.odd) == ("TypeError: too many fields", ())
    assert shown.advice.startswith("let the code pass over fields")
    assert scenario(found).failed == scenario(found).tried


def test_what_differs_from_time_to_time_is_left_out_with_a_note() -> None:
    numbers = itertools.count()
    found = readiness(lambda r: {"id": r["id"], "call": next(numbers)})
    assert found.verdict is READY
    assert found.notes == ("Left out, since it differs from time to time: /call.",)


@pytest.mark.parametrize("value", [object, lambda: [object()], lambda: {"a": object()}])
def test_what_cannot_be_compared_at_all_is_not_tested(value: Callable[[], Any]) -> None:
    found = readiness(lambda response: value())
    assert found.verdict is Verdict.NOT_TESTED
    assert results(found) == (OK, OK, UNTESTED, UNTESTED, UNTESTED)
    assert '--accept ""' in finding(found, "paired").advice
    assert readiness(lambda response: value(), accept=("",)).verdict is READY


def test_what_cannot_be_compared_in_part_is_a_note() -> None:
    found = readiness(lambda response: {"id": response["id"], "lock": object()})
    assert found.verdict is READY
    assert found.notes == ("Not compared, since it is no plain data: /lock.",)


def test_code_that_returns_nothing_is_tested_for_breaks_only() -> None:
    found = readiness(lambda response: None)
    (note,) = found.notes
    assert (found.verdict, note.partition(",")[0]) == (
        READY,
        "It returned the same of every payload",
    )


@pytest.mark.parametrize(
    ("fails", "odd"),
    [
        (lambda r: "'" in "".join(r["values"].values()), ("/values",)),
        (lambda r: r["createdAt"] == r["updatedAt"], ("/updatedAt",)),
        (lambda r: r["createdAt"].endswith(":42.000+08:00"), ("/createdAt",)),
        (lambda r: r["recipient"] == "6511119999", ("/recipient",)),
    ],
)
def test_what_fails_is_shown_by_the_plainest_payload(
    fails: Callable[[Payload], bool], odd: tuple[str, ...]
) -> None:
    def consume(response: Payload) -> Any:
        if fails(response):
            raise ValueError("an oddity")
        return response["id"]

    shown = finding(readiness(consume, 400))
    assert (shown.error, shown.odd, shown.advice) == ("ValueError: an oddity", odd, "")


def test_rare_forms_are_a_note_and_do_not_count() -> None:
    def reads(response: Payload) -> Any:
        moment = datetime.strptime(response["createdAt"], "%Y-%m-%dT%H:%M:%S.%f%z")
        return moment.isoformat(), response["recipient"].startswith("65")

    found = readiness(reads)
    assert found.verdict is READY
    rare = scenario(found, "after, in rare forms")
    assert (rare.result, rare.counts, rare.finding) == (BREAKS, False, None)
    assert "timestamps-in-utc-without-fraction.json (guide, Authentication): Val" in found.notes[0]
    assert found.notes[1].startswith("Of the rare forms that the schema alone permits it breaks on")
    assert len(found.notes) == 2


def test_rare_forms_are_no_news_where_the_plainest_response_breaks() -> None:
    assert scenario(readiness(closed_reader), "after, in rare forms").result is UNTESTED


@dataclasses.dataclass
class Scripted:
    """Reads each line as scripted: in one process, and in a new one."""

    shared: Callable[[Payload], Attempt | None]
    alone: Callable[[Payload], Attempt | None]

    def ask(self, lines: Sequence[str]) -> list[Attempt | None]:
        return [self.shared(json.loads(line)) for line in lines]

    def ask_alone(self, lines: Sequence[str]) -> list[Attempt | None]:
        return [self.alone(json.loads(line)) for line in lines]


def check_scripted(reader: Scripted, payloads: int, secret: str = "") -> Readiness:
    asked = CheckPlan("module:consume", NOW, payloads, 7, secret)
    return check_reader(asked, reader, catalogue())


def read(response: Payload) -> Attempt:
    return Attempt(Ending.READ, True, response["id"])


def refuse(response: Payload) -> Attempt:
    if "creatorId" in response:
        return Attempt(Ending.RAISED, error="ValueError: seen before")
    return read(response)


def test_a_target_that_cannot_be_imported_is_known_before_payloads_are_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cannot_import(_: Payload) -> Attempt:
        raise UsageError("cannot be imported")

    monkeypatch.setattr("retry_contract.consumer.reader.reader_check.draw", None)
    with pytest.raises(UsageError, match="cannot be imported"):
        check_scripted(Scripted(cannot_import, cannot_import), 1000)


def test_a_failure_that_a_new_process_does_not_have_is_not_tested() -> None:
    found = check_scripted(Scripted(refuse, read), 10)
    assert found.verdict is Verdict.NOT_TESTED
    shown = finding(found)
    assert shown.error == "it depends on what was read before: ValueError: seen before"
    assert shown.advice.startswith("let it forget between two payloads")


def test_a_failure_that_only_a_new_process_has_counts() -> None:
    found = check_scripted(Scripted(read, refuse), 10)
    assert (found.verdict, finding(found).error) == (NOT_READY, "ValueError: seen before")


def test_a_secret_is_in_nothing_that_is_found() -> None:
    def leaks(response: Payload) -> Attempt:
        error = "ValueError: " + "x" * 290 + "key_test_0123456789"
        return Attempt(Ending.RAISED, error=error) if "creatorId" in response else read(response)

    found = check_scripted(Scripted(leaks, leaks), 5, secret="key_test_0123456789")
    assert "key_test" not in repr(found)
    assert len(finding(found).error) <= 300


def test_a_clock_that_moves_on_during_the_check_is_left_out() -> None:
    reads = itertools.count()
    found = readiness(lambda r: {"id": r["id"], "at": next(reads) // 60})
    assert (found.verdict, found.notes[-1]) == (
        READY,
        "Left out, since it differs from time to time: /at.",
    )


def test_what_differs_from_process_to_process_is_left_out() -> None:
    processes = itertools.count()

    def alone(response: Payload) -> Attempt:
        return Attempt(Ending.READ, True, {"id": response["id"], "pid": next(processes)})

    def shared(response: Payload) -> Attempt:
        return Attempt(Ending.READ, True, {"id": response["id"], "pid": -1})

    found = check_scripted(Scripted(shared, alone), 10)
    assert (found.verdict, found.notes) == (
        READY,
        ("Left out, since it differs from time to time: /pid.",),
    )


def test_what_holds_a_place_that_is_left_out_alone_is_not_tested() -> None:
    reads = itertools.count()

    def flips(response: Payload) -> Any:
        last = {"id": response["id"], "last": [*response.values()][-1]}
        return {"a": last if next(reads) % 2 else "cached"}

    assert readiness(flips).verdict is not READY


def test_one_option_a_place_is_printed_whatever_payload_shows_it() -> None:
    found = readiness(lambda r: {"n": len(r), **({"x": 1} if len(r) > 10 else {})})
    shown = finding(found, "after, with one more field")
    assert shown.advice.endswith("give --accept /n --accept /x")


def test_a_reader_that_returns_the_same_of_every_payload_has_a_note() -> None:
    for note in [*readiness(lambda _: None).notes, *readiness(lambda _: {}).notes]:
        assert note.startswith("It returned the same of every payload")
    assert len(readiness(lambda _: True).notes) == 1


def test_a_reader_that_hangs_is_asked_once_a_contract() -> None:
    asked: list[str] = []

    def hang(response: Payload) -> Attempt:
        asked.append(("creatorId" in response and "after") or "before")
        return Attempt(Ending.HUNG, error="no line within 1 s")

    class Hanging(Scripted):
        def ask(self, lines: Sequence[str]) -> list[Attempt | None]:
            return [hang(json.loads(lines[0])), *[None] * (len(lines) - 1)]

    found = check_scripted(Hanging(hang, hang), 100)
    assert found.verdict is NOT_READY
    assert finding(found).advice.startswith("look at what it waits for")
    assert (asked.count("before"), asked.count("after")) <= (3, 5)
    for shown in found.scenarios:
        assert shown.failed <= shown.tried


def test_a_reading_that_vanishes_is_a_difference() -> None:
    def vanishes(response: Payload) -> Attempt:
        return read(response) if "creatorId" not in response else Attempt(Ending.READ)

    assert finding(check_scripted(Scripted(vanishes, vanishes), 5), "paired").result is DIFFERS


def test_advice_on_fields_is_not_given_for_an_odd_value() -> None:
    def splits(response: Payload) -> Any:
        first, last = response["values"]["name"].split(" ")
        return first, last

    shown = finding(readiness(splits, 100))
    assert (shown.odd, shown.advice) == (("/values",), "")
