"""What a test of the user's own is run with."""

from __future__ import annotations

from typing import Any, cast

import pytest

from retry_contract import identify
from retry_contract.contract.catalogue import catalogue
from retry_contract.plugin.cases import Case, cases_of, payload_of

NAMES = ["before-2025-02-24", "after-2025-02-24"]


class Node:
    """A test with a marker, as far as it is looked at."""

    nodeid = "test_own.py::test_retry"

    def __init__(self, *args: object, marked: bool = True, **kwargs: object) -> None:
        marker = pytest.mark.retry_contract.with_args(*args, **kwargs)
        self._marks = [marker.mark] if marked else []

    def under(self, *args: object, **kwargs: object) -> Node:
        """This test in a class with another marker."""
        self._marks.append(pytest.mark.retry_contract.with_args(*args, **kwargs).mark)
        return self

    def iter_markers(self, name: str) -> list[Any]:
        return self._marks if name == "retry_contract" else []


def cases(node: Node, *, payloads: bool = False) -> list[Case]:
    return cases_of(cast(pytest.Item, node), payloads=payloads)


@pytest.mark.parametrize(
    ("node", "names"),
    [
        (Node(marked=False), NAMES),
        (Node("after"), NAMES[1:]),
        (Node("before-2025-02-24"), NAMES[:1]),
        (Node("after", "before", "after-2025-02-24"), NAMES[::-1]),
    ],
)
def test_contracts_are_those_of_the_marker_once_each(node: Node, names: list[str]) -> None:
    assert [case.contract for case in cases(node)] == names
    assert [str(case) for case in cases(node)] == names


@pytest.mark.parametrize(
    ("node", "names", "seconds"),
    [
        (Node(fail_after=2), NAMES, 2),
        (Node("after", fail_after=0.25), NAMES[1:], 0.25),
        (Node(fail_after=2).under("after"), NAMES[1:], 2),
        (Node("before").under("after", fail_after=3), NAMES[:1], 3),
        (Node(fail_after=2).under("after", fail_after=3), NAMES[1:], 2),
        (Node(fail_after=None).under("after", fail_after=3), NAMES[1:], None),
        (Node("after"), NAMES[1:], None),
    ],
)
@pytest.mark.parametrize("payloads", [False, True])
def test_names_and_keywords_are_those_of_the_closest_marker_that_has_them(
    node: Node, names: list[str], seconds: float | None, payloads: bool
) -> None:
    found = cases(node, payloads=payloads)
    assert list(dict.fromkeys(case.contract for case in found)) == names
    assert {case.fail_after for case in found} == {seconds}


def test_rare_payloads_are_every_valid_example_of_each_contract() -> None:
    found = cases(Node(rare=True), payloads=True)
    assert {case.contract for case in found} == set(NAMES)
    assert "after-2025-02-24-the-page" in [str(case) for case in found]
    assert len({str(case) for case in found}) == len(found)
    assert all(identify(payload_of(case)) == (case.contract,) for case in found)
    assert len(found) == sum(len(c.examples("valid")) for c in catalogue().values())


def test_payloads_are_of_the_forms_that_a_public_page_shows() -> None:
    found = cases(Node("after"), payloads=True)
    assert [case.example and case.example.stem for case in found] == [
        "message-long",
        "recipient-other-simulator-number",
        "the-page",
        "timestamps-in-utc-without-fraction",
    ]
    for payload in map(payload_of, found):
        assert type(payload["recipient"]) is str
        assert payload["updatedAt"].startswith("2024-05-16T")
    assert cases(Node("after", rare=False).under(rare=True), payloads=True) == found
    rare = cases(Node("after").under(rare=True), payloads=True)
    assert {type(payload_of(case)["recipient"]) for case in rare} == {str, dict}


def test_payload_is_a_new_one_each_time() -> None:
    (case, *_) = cases(Node("after"), payloads=True)
    payload_of(case).clear()
    assert payload_of(case)


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (Node("newest"), "newest: no such contract; use one of before, after"),
        (Node("aftr"), "aftr: no such contract; did you mean after?"),
        (
            Node("before-2025-02-23"),
            "before-2025-02-23: no such contract; did you mean before-2025",
        ),
        (Node("after", 7), "7: no such contract; use one of before, after"),
        (Node(["before"]), "['before']: no such contract"),
        (Node(), 'it takes names of contracts: write @pytest.mark.retry_contract("after")'),
        (Node("after", name="before"), "name: no such keyword; use one of fail_after, rare"),
        (Node("after").under("after", name=1), "name: no such keyword; use one of fail_after"),
        (Node(fail_afer=1), "fail_afer: no such keyword; did you mean fail_after?"),
        (Node(rare="no"), "rare='no': give True or False"),
        (Node(fail_after=-1), "fail_after=-1: give seconds, from 0 to 999999"),
        (Node(fail_after=1e6), "fail_after=1000000.0: give seconds, from 0 to 999999"),
        (Node(fail_after="2"), "fail_after='2': give seconds, from 0 to 999999"),
        (Node(fail_after=True), "fail_after=True: give seconds, from 0 to 999999"),
        (Node(fail_after=float("nan")), "fail_after=nan: give seconds, from 0 to"),
        (Node(fail_after=[2]).under("after"), "fail_after=[2]: give seconds, from 0 to"),
    ],
)
@pytest.mark.parametrize("payloads", [False, True])
def test_marker_that_names_no_known_contract_is_a_usage_error(
    node: Node, said: str, payloads: bool
) -> None:
    with pytest.raises(pytest.UsageError) as error:
        cases(node, payloads=payloads)
    (line,) = str(error.value).splitlines()
    assert line.startswith("retry-contract: test_own.py::test_retry: the marker retry_contract: ")
    assert said in line
