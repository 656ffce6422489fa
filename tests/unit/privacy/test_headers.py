"""Headers are shown in the form that a page documents; in another one they are described."""

from __future__ import annotations

import pytest
from support.planted import ENCODINGS, NAME, NRIC, NUMBER

from retry_contract.privacy.headers import media_type_of, shown_header


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("application/json; charset=utf-8", "application/json"),
        ("Text/HTML", "text/html"),
        ("application/problem+json", "application/problem+json"),
        ("application/vnd.api+json", "application/vnd.api+json"),
        ("", "absent"),
        (" ;charset=utf-8", "absent"),
        ("json", "no media type"),
        (f"application/{NUMBER}", "no media type"),
        (f"application/vnd.{NRIC}+json", "no media type"),
        (f"text/{NAME}", "no media type"),
    ],
)
def test_media_type(header: str, shown: str) -> None:
    assert media_type_of({"content-type": header}) == shown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("content-type", "application/json"),
        ("content-type", "text/html; charset=ISO-8859-1"),
        ("content-type", 'text/html;charset="UTF-8"'),
        ("allow", "GET, POST"),
        ("retry-after", "30"),
        ("retry-after", "Mon, 24 Feb 2025 00:00:00 GMT"),
    ],
)
def test_documented_form_is_shown(name: str, value: str) -> None:
    assert shown_header(name, value) == value


@pytest.mark.parametrize("name", ["content-type", "allow", "retry-after"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("secret", [NUMBER, NRIC, NAME])
def test_another_form_is_described(secret: str, encoding: str, name: str) -> None:
    encoded = ENCODINGS[encoding](secret)
    for value in (
        encoded,
        f"text/html; charset={encoded}",
        f"text/html; x={encoded}",
        f"GET, {encoded}",
        f"30 {encoded}",
    ):
        assert shown_header(name, value) == f"a string of {len(value)} characters"
