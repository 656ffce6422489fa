"""What a test of the user's own is run with."""

from __future__ import annotations

from typing import Any, cast

import pytest

from retry_contract import identify
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


def test_payloads_are_every_valid_example_of_each_contract() -> None:
    found = cases(Node(marked=False), payloads=True)
    assert {case.contract for case in found} == set(NAMES)
    assert "after-2025-02-24-the-page" in [str(case) for case in found]
    assert len({str(case) for case in found}) == len(found)
    assert all(identify(payload_of(case)) == (case.contract,) for case in found)


def test_payload_is_a_new_one_each_time() -> None:
    (case, *_) = cases(Node("after"), payloads=True)
    payload_of(case).clear()
    assert payload_of(case)


@pytest.mark.parametrize(
    ("node", "said"),
    [
        (Node("later"), "retry_contract('later'): no such contract; use one of before, after"),
        (Node("after", 7), "retry_contract(7): no such contract; use one of before, after"),
        (Node(), 'takes names of contracts: write @pytest.mark.retry_contract("after")'),
        (Node("after", name="before"), "(name=…): takes fail_after, and names of contracts"),
        (Node("after").under("after", name=1), "(name=…): takes fail_after, and names of"),
        (Node(fail_after=0), "(fail_after=0): give seconds, above 0 and up to 999999"),
        (Node(fail_after=1e6), "(fail_after=1000000.0): give seconds, above 0 and up to 999999"),
        (Node(fail_after="2"), "(fail_after='2'): give seconds, above 0 and up to 999999"),
        (Node(fail_after=True), "(fail_after=True): give seconds, above 0 and up to 999999"),
        (Node(fail_after=float("nan")), "(fail_after=nan): give seconds, above 0 and up to"),
        (Node(fail_after=[2]).under("after"), "(fail_after=[2]): give seconds, above 0 and up to"),
    ],
)
@pytest.mark.parametrize("payloads", [False, True])
def test_marker_that_names_no_known_contract_is_a_usage_error(
    node: Node, said: str, payloads: bool
) -> None:
    with pytest.raises(pytest.UsageError) as error:
        cases(node, payloads=payloads)
    (line,) = str(error.value).splitlines()
    assert line.startswith("retry-contract: test_own.py::test_retry: ")
    assert said in line
