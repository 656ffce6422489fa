"""Strategies for the values of single fields, hand-written for variety and for plain shrinking.

Each begins with its plainest value, because Hypothesis shrinks towards the first alternative, and
draws seldom, because draws are what a payload costs. `BY_DEFINITION` reaches all that the schemas
permit; `DOCUMENTED` stays with the forms that the public pages show. The texts to choose from
are in field_values.json.
"""

import json
from calendar import isleap
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from retry_contract.contract.timeline import SINGAPORE
from retry_contract.service.model import simulator_number
from retry_contract.service.records import SIMULATOR

_DATA: dict[str, list[str]] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
OFFSETS, FRACTIONS = _DATA["offsets"], _DATA["fractions"]
NAMES, SIMULATORS = _DATA["names"], [simulator_number()]
SIMULATORS += [number for number in SIMULATOR if number not in SIMULATORS]
_UUID = "886313e1-3b8a-5372-9b90-0c9aee199e5d"
_LINE = "A line of a long test message. "
_TIMES = st.one_of(
    st.sampled_from(("16:48:42", "00:00:00", "23:59:59", "12:00:00", "15:59:59")),
    st.integers(0, 86_399).map(lambda s: f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}"),
)
_DATES = st.one_of(
    st.sampled_from(_DATA["days"]),
    st.integers(1, date.max.toordinal()).map(lambda n: date.fromordinal(n).isoformat()),
    st.integers(0, 9999).map(lambda y: f"{y:04}-02-{29 if isleap(y) else 28}"),
)
_FORMS = st.sampled_from(FRACTIONS), st.sampled_from(OFFSETS)
_TIMESTAMPS = st.builds("".join, st.tuples(_DATES, st.sampled_from("Tt"), _TIMES, *_FORMS))
_CREATED = st.just("2024-05-16T16:48:42.247+08:00") | _TIMESTAMPS

_SHORT = st.sampled_from(_DATA["plain"]), st.sampled_from(_DATA["scripts"])
TEXTS = st.one_of(*_SHORT, st.text(max_size=30))
"""Short texts: plain, in several scripts, and of any characters but surrogates."""

_MESSAGES = st.one_of(
    st.just("This is a message to Test Recipient."),
    TEXTS,
    st.builds(
        lambda sentence, length: (sentence * (length // len(sentence) + 1))[:length],
        st.sampled_from((_LINE, "一行测试短信。", "ஒரு வரி. ", "سطر. ", "\U0001f9ea ")),
        st.integers(0, 1600),
    ),
)
_PHONE_NUMBERS = st.one_of(
    st.sampled_from(SIMULATORS),
    st.integers(10**6, 10**15 - 1).map(str),
    st.sampled_from(("1000000", "999999999999999")),
)
_NRICS = st.builds(
    "{}{:07}{}".format,
    *(st.sampled_from("STFGMstfgm"), st.integers(0, 10**7 - 1), st.sampled_from("XAZjz")),
)
_RECIPIENT_OBJECTS = st.builds(
    lambda nric, more: {"value": nric, **dict(more)},
    _NRICS,
    st.sampled_from(((), (("kind", "invitee"),), (("type", "nric"), ("name", "")))),
)
_VALUES = st.one_of(
    st.builds(dict[str, str]),
    st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=4),
    st.dictionaries(TEXTS, TEXTS, max_size=2),
    st.builds(lambda n, text: dict.fromkeys(NAMES[:n], text), st.integers(0, 20), TEXTS),
)
DOCUMENTED_TEXTS = st.one_of(
    st.just("Test Recipient"),
    st.sampled_from(_DATA["documented_texts"]),
    st.text(st.sampled_from(_DATA["documented_letters"]), min_size=1, max_size=12),
)
"""What may fill a parameter of a template: no emoji, no braces, no space at an end."""


def ids(kind: str) -> st.SearchStrategy[str]:
    """Return identifiers of a kind, such as `message_1`, and of other forms: ids are opaque."""
    short = st.sampled_from((f"{kind}_1", f"{kind}_2", "1", "-", f"{kind} é/名", "x" * 300))
    uuids = ("00000000-0000-4000-8000-000000000001", _UUID, "6F1C2B8E-0D3A-4C55-9C58-0F4F2F3F8A11")
    return st.one_of(short, st.sampled_from(uuids).map(f"{kind}_{{}}".format), _random_ids(kind))


def _random_ids(kind: str) -> st.SearchStrategy[str]:
    return st.integers(0, 16**12 - 1).map(f"{kind}_00000000-0000-4000-8000-{{:012x}}".format)


def _moments(odd: list[str], begin: str, days: int) -> st.SearchStrategy[str]:
    first = datetime.fromisoformat(begin).replace(tzinfo=SINGAPORE)
    moments = st.integers(0, days * 86_400_000).map(
        lambda n: (first + timedelta(milliseconds=n)).isoformat(timespec="milliseconds")
    )
    return st.one_of(st.sampled_from(odd), moments)


BY_DEFINITION: dict[str, st.SearchStrategy[Any]] = {
    "timestamp": _CREATED,
    "createdAt": _CREATED,
    "updatedAt": st.just("2024-05-16T16:48:59.157+08:00") | _TIMESTAMPS,
    "opaqueId": ids("id"),
    "id": ids("message"),
    "templateBodyId": ids("template_body"),
    "campaignId": ids("campaign"),
    "creatorId": ids("user"),
    "phoneNumber": _PHONE_NUMBERS,
    "nric": _NRICS,
    "recipient": st.one_of(_PHONE_NUMBERS, _NRICS, _RECIPIENT_OBJECTS),
    "values": _VALUES,
    "fullMessage": _MESSAGES,
    "language": st.sampled_from(("english", "chinese", "malay", "tamil", "ENGLISH")),
}
"""Strategies by the name of the definition in `schemas/common/fields.schema.json`."""

DOCUMENTED: dict[str, st.SearchStrategy[Any]] = {
    "createdAt": _moments(_DATA["created"], "2023-11-01", 190),
    "updatedAt": _moments(_DATA["updated"], "2024-05-17", 1200),
    "id": st.just(f"message_{_UUID}") | _random_ids("message"),
    "campaignId": _random_ids("campaign"),
    "creatorId": _random_ids("user"),
    "templateBodyId": _random_ids("template_body"),
    "recipient": st.sampled_from(SIMULATORS),
    "fullMessage": st.one_of(
        DOCUMENTED_TEXTS,
        st.lists(DOCUMENTED_TEXTS, min_size=2, max_size=3).map("\n\n---\n\n".join),
        # The guide of Single Send has at most 1,000 characters.
        st.integers(1, 1000).map(lambda n: (_LINE * 40)[:n].strip()),
    ),
}
"""Strategies in documented forms: code need not meet a timestamp of the year 0000."""
