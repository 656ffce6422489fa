"""Strategies for the values of single fields, hand-written for variety and for plain shrinking.

Each begins with its plainest value, because Hypothesis shrinks towards the first alternative, and
draws seldom, because draws are what a payload costs. `BY_DEFINITION` reaches all that the schemas
permit; `DOCUMENTED` stays with the forms that the public pages show.
"""

from calendar import isleap
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from retry_contract.contract.timeline import SINGAPORE

OFFSETS = (
    *("+08:00", "Z", "z", "+00:00", "-00:00", "+05:30", "+05:45", "-03:30", "+14:00"),
    *("-12:00", "+00:01", "+23:59", "-23:59"),
)
FRACTIONS = (".247", "", ".0", ".1", ".000", ".157000", ".999999", ".123456789", "." + "9" * 30)
SIMULATORS = ("6522222222", *(f"651111{n}" for n in (1111, 2222, 3333, 4444, 5555, 9999)))
_SCRIPTS = (
    *("测试收件人", "சோதனை பெறுநர்", "Penerima Ujian", "مستلم تجريبي", "נמען לבדיקה"),
    *("परीक्षण प्राप्तकर्ता", "ผู้รับทดสอบ", "テスト受信者", "Тест"),
    *("e\u0301 Z\u0351\u0346\u036ba\u0318l\u0321g\u0322o", "\u202eright to left\u202c"),
    *("\U00020bb7野家 \U0001f9ea\U0001f468\u200d\U0001f469\u200d\U0001f467", "\uff11\uff12\uff13"),
)
PLAIN = ("Test Recipient", "", "1", "O'Neil & Sons <b>", 'said "hi" \\ then', "two\nlines", "{{x}}")
NAMES = (
    *("name", "date", "time", "place", "amount", "reference", "agency", "officer", "link"),
    *("First Name", "first_name", "a/b", "a~b", "a.b", "名字", "பெயர்", "اسم", "ชื่อ", "\U0001f600"),
    *("__proto__", "constructor", "", "0", "x" * 80),
)

_DAYS = ("2024-05-16", "2024-02-29", "2000-02-29", "0000-02-29", "0000-01-01", "9999-12-31",
         "1900-02-28", "1969-12-31", "2038-01-19", "2025-02-23", "2025-02-24")  # fmt: skip
_UUID = "886313e1-3b8a-5372-9b90-0c9aee199e5d"
_LINE = "A line of a long test message. "
_PAGE_TEXTS = (
    *("'", "1", "0", "-", "#", "true", "null", "=1+1", "O'Neil", 'said "hi"', "Tan & Sons"),
    *("<b>bold</b>", "50% off", "a, b; c", "C:/temp", "http://a.example/?q=1&r=2", "two\nlines"),
    *("测试收件人", "சோதனை பெறுநர்", "Penerima Ujian", "José Núñez", "x" * 80),
)
_PAGE_LETTERS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,-"
    "!\"#$%&'()*+/:;<=>?@_àâçéèêëîïôùûüñÅåØøßÆæ¡¿£¥§的一是不了在人有我他这中大来上。அஆஇஈஉஊஎஏஐ"
)
_TIMES = st.one_of(
    st.sampled_from(("16:48:42", "00:00:00", "23:59:59", "12:00:00", "15:59:59")),
    st.integers(0, 86_399).map(lambda s: f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}"),
)
_DATES = st.one_of(
    st.sampled_from(_DAYS),
    st.integers(1, date.max.toordinal()).map(lambda n: date.fromordinal(n).isoformat()),
    st.integers(0, 9999).map(lambda y: f"{y:04}-02-{29 if isleap(y) else 28}"),
)
_FORMS = st.sampled_from(FRACTIONS), st.sampled_from(OFFSETS)
_TIMESTAMPS = st.builds("".join, st.tuples(_DATES, st.sampled_from("Tt"), _TIMES, *_FORMS))

TEXTS = st.one_of(st.sampled_from(PLAIN), st.sampled_from(_SCRIPTS), st.text(max_size=30))
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
    st.sampled_from(_PAGE_TEXTS),
    st.text(st.sampled_from(_PAGE_LETTERS), min_size=1, max_size=12),
)
"""What may fill a parameter of a template: no emoji, no braces, no space at an end."""


def ids(kind: str) -> st.SearchStrategy[str]:
    """Return identifiers of a kind, such as `message_1`, and of other forms: ids are opaque."""
    short = st.sampled_from((f"{kind}_1", f"{kind}_2", "1", "-", f"{kind} é/名", "x" * 300))
    uuids = ("00000000-0000-4000-8000-000000000001", _UUID, "6F1C2B8E-0D3A-4C55-9C58-0F4F2F3F8A11")
    return st.one_of(short, st.sampled_from(uuids).map(f"{kind}_{{}}".format), _random_ids(kind))


def _random_ids(kind: str) -> st.SearchStrategy[str]:
    return st.integers(0, 16**12 - 1).map(f"{kind}_00000000-0000-4000-8000-{{:012x}}".format)


def _moments(odd: tuple[str, ...], begin: str, days: int) -> st.SearchStrategy[str]:
    first = datetime.fromisoformat(begin).replace(tzinfo=SINGAPORE)
    moments = st.integers(0, days * 86_400_000).map(
        lambda n: (first + timedelta(milliseconds=n)).isoformat(timespec="milliseconds")
    )
    return st.one_of(st.sampled_from(odd), moments)


BY_DEFINITION: dict[str, st.SearchStrategy[Any]] = {
    "timestamp": st.just("2024-05-16T16:48:42.247+08:00") | _TIMESTAMPS,
    "createdAt": st.just("2024-05-16T16:48:42.247+08:00") | _TIMESTAMPS,
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
    "createdAt": _moments(
        ("2024-05-16T16:48:42.000+08:00", "2024-02-29T23:59:59.999+08:00",
         "2024-01-01T00:00:00.000+08:00"),
        "2023-11-01", 190,
    ),
    "updatedAt": _moments(
        ("2024-05-16T16:49:00.000+08:00", "2024-12-31T23:59:59.999+08:00",
         "2025-02-24T00:00:00.000+08:00", "2028-02-29T12:00:00.010+08:00"),
        "2024-05-17", 1200,
    ),
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
}  # fmt: skip
"""Strategies in documented forms: code need not meet a timestamp of the year 0000."""
