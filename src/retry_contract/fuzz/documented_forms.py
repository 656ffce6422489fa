"""Strategies for single fields in the forms that the public pages show.

Narrower than those of `values`, which reach all that the schemas permit: code need not meet a
timestamp of the year 0000.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from retry_contract.contract.catalogue import Contract
from retry_contract.contract.timeline import SINGAPORE
from retry_contract.fuzz.field_values import SIMULATORS
from retry_contract.fuzz.payloads import field_strategy

_TEXTS = (
    *("'", "1", "0", "-", "#", "true", "null", "=1+1", "O'Neil", 'said "hi"', "Tan & Sons"),
    *("<b>bold</b>", "50% off", "a, b; c", "C:/temp", "http://a.example/?q=1&r=2", "two\nlines"),
    *("测试收件人", "சோதனை பெறுநர்", "Penerima Ujian", "José Núñez", "x" * 80),
)
_LETTERS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,-"
    "!\"#$%&'()*+/:;<=>?@_àâçéèêëîïôùûüñÅåØøßÆæ¡¿£¥§的一是不了在人有我他这中大来上。அஆஇஈஉஊஎஏஐ"
)
_LONG = "A line of a long test message. " * 40
_LONGEST = 1000
"""The most characters of a message's body (guide, Single Send)."""


def documented_field(contract: Contract, field: str) -> SearchStrategy[Any]:
    """Return a field's values in documented forms, or by its schema; its sample comes first."""
    schema = contract.schema_of("retry")["properties"][field]
    name = Path(schema.get("$ref", "")).name if isinstance(schema, dict) else ""
    form = _FORMS[name] if name in _FORMS else field_strategy(schema, contract)
    return st.one_of(st.just(contract.sample("retry", field)), form, form)


def documented_texts() -> SearchStrategy[str]:
    """Return what may fill a parameter of a template: no emoji, no braces, no space at an end."""
    drawn = st.text(st.sampled_from(_LETTERS), min_size=1, max_size=12)
    return st.one_of(st.just("Test Recipient"), st.sampled_from(_TEXTS), drawn)


def _timestamps(odd: tuple[str, ...], begin: str, days: int) -> SearchStrategy[str]:
    first = datetime.fromisoformat(begin).replace(tzinfo=SINGAPORE)
    moments = st.integers(0, days * 86_400_000).map(
        lambda n: (first + timedelta(milliseconds=n)).isoformat(timespec="milliseconds")
    )
    return st.one_of(st.sampled_from(odd), moments)


def _ids(kind: str) -> SearchStrategy[str]:
    return st.integers(0, 16**12 - 1).map(f"{kind}_00000000-0000-4000-8000-{{:012x}}".format)


_FORMS: dict[str, SearchStrategy[Any]] = {
    "createdAt": _timestamps(
        ("2024-05-16T16:48:42.000+08:00", "2024-02-29T23:59:59.999+08:00",
         "2024-01-01T00:00:00.000+08:00"),
        "2023-11-01", 190,
    ),
    "updatedAt": _timestamps(
        ("2024-05-16T16:49:00.000+08:00", "2024-12-31T23:59:59.999+08:00",
         "2025-02-24T00:00:00.000+08:00", "2028-02-29T12:00:00.010+08:00"),
        "2024-05-17", 1200,
    ),
    "id": st.just("message_886313e1-3b8a-5372-9b90-0c9aee199e5d") | _ids("message"),
    "campaignId": _ids("campaign"),
    "creatorId": _ids("user"),
    "templateBodyId": _ids("template_body"),
    "recipient": st.sampled_from(SIMULATORS),
    "fullMessage": st.one_of(
        documented_texts(),
        st.lists(documented_texts(), min_size=2, max_size=3).map("\n\n---\n\n".join),
        st.integers(1, _LONGEST).map(lambda n: _LONG[:n].strip()),
    ),
}  # fmt: skip
"""By the name of the definition in `schemas/common/fields.schema.json`."""
