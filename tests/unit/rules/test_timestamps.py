"""Timestamps as exact seconds, of which only differences mean anything."""

from __future__ import annotations

from decimal import Decimal

import pytest

from retry_contract.exchange import instant_of


def _difference(later: str, earlier: str) -> Decimal:
    one, other = instant_of(later), instant_of(earlier)
    assert one is not None
    assert other is not None
    return one[0] - other[0] + Decimal(f"0.{one[1]}") - Decimal(f"0.{other[1]}")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2024-05-16T16:48:42.247+08:00", "2024-05-16T08:48:42.247Z"),
        ("2024-05-16T16:48:42+08:00", "2024-05-16T04:18:42-04:30"),
        ("2024-05-16T16:48:42.2470+08:00", "2024-05-16T16:48:42.247+08:00"),
        ("2024-05-16t08:48:42z", "2024-05-16T08:48:42Z"),
        ("2024-05-16T00:30:00+08:00", "2024-05-15T16:30:00Z"),
        ("2024-03-01T07:59:59+08:00", "2024-02-29T23:59:59Z"),
        ("2025-01-01T00:00:00+08:00", "2024-12-31T16:00:00-00:00"),
    ],
)
def test_same_instant_written_differently(one: str, other: str) -> None:
    assert instant_of(one) == instant_of(other)


@pytest.mark.parametrize(
    ("later", "earlier", "seconds"),
    [
        ("2025-02-24T00:00:00+08:00", "2025-02-23T23:59:59+08:00", "1"),
        ("2025-02-24T00:00:00Z", "2025-02-24T00:00:00+08:00", "28800"),
        ("2024-05-16T16:48:42.0000001Z", "2024-05-16T16:48:42Z", "0.0000001"),
        ("2024-05-16T16:48:42.000000000002Z", "2024-05-16T16:48:42.000000000001Z", "1E-12"),
        ("2000-01-01T00:00:00Z", "1999-12-31T00:00:00Z", "86400"),
        ("2001-01-01T00:00:00Z", "2000-01-01T00:00:00Z", "31622400"),
        ("1901-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "31536000"),
        ("0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "31622400"),
        ("0000-03-01T00:00:00Z", "0000-02-28T00:00:00Z", "172800"),
        ("9999-12-31T23:59:59Z", "9998-12-31T23:59:59Z", "31536000"),
        ("2400-01-01T00:00:00Z", "2000-01-01T00:00:00Z", str(146_097 * 86_400)),
    ],
)
def test_difference_is_exact(later: str, earlier: str, seconds: str) -> None:
    assert _difference(later, earlier) == Decimal(seconds)


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        1715849339157,
        True,
        ["2024-05-16T16:48:42Z"],
        "",
        "2024-05-16",
        "2024-05-16T16:48:42",
        "2024-05-16 16:48:42Z",
        "2024-05-16T16:48Z",
        "2024-05-16T16:48:42.Z",
        "2024-05-16T16:48:42+0800",
        "2024-05-16T16:48:42Z\n",
        "\uff12\uff10\uff12\uff14-05-16T16:48:42Z",
        "2024-02-30T16:48:42Z",
        "2023-02-29T16:48:42Z",
        "1900-02-29T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-00-01T00:00:00Z",
    ],
)
def test_what_is_no_timestamp_has_no_seconds(value: object) -> None:
    assert instant_of(value) is None
