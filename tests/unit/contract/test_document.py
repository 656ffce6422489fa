"""Bytes that are one JSON document are read; of the others it is said what they are."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retry_contract.contract.document import DEEPEST, read_document

BOM = b"\xef\xbb\xbf"
MARKER = "Ж"


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"{}", {}),
        (b' \n{"id": "a"}\r\n', {"id": "a"}),
        (b"[]", []),
        (b'"text"', "text"),
        (b"null", None),
        (b"0", 0),
        (b"1e2", 100.0),
        ('{"name": "测试"}'.encode(), {"name": "测试"}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b"1" * 5000, float("inf")),
        (b"[" * DEEPEST + b"]" * DEEPEST, json.loads("[" * DEEPEST + "]" * DEEPEST)),
        (b'["' + b"[{" * DEEPEST + b'"]', ["[{" * DEEPEST]),
        (b'["\\"' + b"[" * 300 + b'"]', ['"' + "[" * 300]),
        (b"[" + b"[]," * 300 + b"[]]", [[]] * 301),
    ],
)
def test_json_document_is_read(body: bytes, payload: object) -> None:
    document = read_document(body)
    assert document.violations == ()
    assert document.drift == ()
    assert document.payload == payload


@pytest.mark.parametrize(
    ("body", "actual"),
    [
        (b"", "empty"),
        (BOM, "empty"),
        (b" \r\n\t", "only white space"),
        (b'{"id": "a"', "cut off"),
        (b'{"id": "a', "cut off"),
        (b'{"id":', "cut off"),
        (b"{", "cut off"),
        (b'{"values": {"n": NaN}}', "NaN, which JSON does not have"),
        (b"[Infinity]", "Infinity, which JSON does not have"),
        (b"-Infinity", "-Infinity, which JSON does not have"),
        (b"<html></html>", "HTML or XML"),
        (b'\n<?xml version="1.0"?>', "HTML or XML"),
        (b"{} {}", "more than one JSON document (the second at line 1, column 4)"),
        (b"{}\n{}\n", "more than one JSON document (the second at line 2, column 1)"),
        (b"{'id': 1}", "not JSON (Expecting property name"),
        (b'{"id": 01}', "not JSON (Expecting ',' delimiter"),
        (b'{"id": "a\nb"}', "not JSON (Invalid control character at line 1, column 10)"),
        (b'{"id": "\\q"}', "not JSON (Invalid \\escape"),
        (b"error", "not JSON (Expecting value"),
        (BOM + BOM + b"{}", "not JSON (Unexpected UTF-8 BOM"),
        (b'"\xff"', "not UTF-8 (at byte 1)"),
        (BOM + b'"\xff"', "not UTF-8 (at byte 4)"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        ('{"name": "é"}'.encode("latin-1"), "not UTF-8"),
        ("{}".encode("utf-16"), "UTF-16"),
        ("{}".encode("utf-16-le"), "UTF-16"),
        ("{}".encode("utf-16-be"), "UTF-16"),
        (b"\xfe\xff" + "{}".encode("utf-16-be"), "UTF-16"),
        (b"[" * (DEEPEST + 1), "nested deeper than 200 levels"),
        (b'{"a":' * 100_000, "nested deeper than 200 levels"),
        (b"[" * 100_000 + b"]" * 100_000, "nested deeper than 200 levels"),
    ],
)
def test_other_bytes_break_one_rule_and_are_described(body: bytes, actual: str) -> None:
    document = read_document(body)
    assert document.payload is None
    (violation,) = document.violations
    assert violation.rule == "body-is-json"
    assert violation.pointer == ""
    assert violation.expected == "one JSON document in UTF-8 (RFC 8259)"
    assert actual in violation.actual
    assert violation.message == f"the body is {violation.actual}"


def test_cost_of_a_cut_off_string_grows_with_its_length_alone() -> None:
    body = b"[" * (DEEPEST + 1) + b'"' + b'\\"' * 1_000_000
    assert "nested deeper" in read_document(body).violations[0].actual


def test_byte_order_mark_is_drift() -> None:
    document = read_document(BOM + b"{}")
    assert document.payload == {}
    assert [(d.pointer, d.message) for d in document.drift] == [
        ("", "begins with a byte order mark")
    ]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b'{"id": 1, "id": 2}', ["/id"]),
        (b'{"b": 1, "a": 1, "a": 1, "b": 1, "b": 1}', ["/a", "/b"]),
        (b'{"values": {"a/b": "1", "a/b": "2"}}', ["/values/a~1b"]),
        (b'{"batches": [{}, {"id": 1, "id": 1}]}', ["/batches/1/id"]),
        (b'{"id": {"a": 1, "a": 1}, "id": 2}', ["/a", "/id"]),
        (b'{"id": 1, "i\\u0064": 2}', ["/id"]),
    ],
)
def test_duplicate_key_is_drift_at_its_place(body: bytes, pointers: list[str]) -> None:
    document = read_document(body)
    assert document.violations == ()
    assert [d.pointer for d in document.drift] == pointers
    assert {d.message for d in document.drift} == {"duplicate key"}


def test_last_of_duplicate_keys_counts() -> None:
    assert read_document(b'{"id": 1, "id": 2}').payload == {"id": 2}


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_described(body: bytes) -> None:
    document = read_document(body)
    assert len(document.violations) <= 1
    if document.violations:
        assert document.violations[0].message.isprintable()


@given(st.text('{}[]":,\\ 0n\n<' + MARKER, max_size=60))
def test_broken_body_is_never_quoted(text: str) -> None:
    assert MARKER not in repr(read_document(f"{MARKER}{text}".encode()).violations)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_json_writes_is_read_back(payload: object) -> None:
    document = read_document(json.dumps(payload).encode())
    assert (document.payload, document.violations, document.drift) == (payload, (), ())
