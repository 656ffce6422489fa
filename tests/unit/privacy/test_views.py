"""What a text decodes to, and which texts hold a secret or a person in any encoding."""

from __future__ import annotations

import base64
import json
import time

import pytest
from support.planted import ENCODINGS, NAME, NRIC, NUMBER

from retry_contract.privacy.names import MASK, is_plain_name, mask_path
from retry_contract.privacy.scrubber import Scrubber, holds, keys_in
from retry_contract.privacy.views import views
from retry_contract.privacy.words import mask_words

KEY = "key_test_Q7xk3fJ0pLm9ZtW2"
UUID = "550e8400-e29b-41d4-a716-446655440000"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("secret", [KEY, NUMBER, NRIC, NAME])
def test_encoded_text_is_read(secret: str, encoding: str) -> None:
    assert secret in list(views(ENCODINGS[encoding](secret)))


@pytest.mark.parametrize("first", [name for name in ENCODINGS if name != "in percents twice"])
@pytest.mark.parametrize("second", ["in percents", "in base64", "in hex", "backwards"])
def test_twice_encoded_text_is_read(first: str, second: str) -> None:
    assert holds(ENCODINGS[second](ENCODINGS[first](KEY)), KEY)


@pytest.mark.parametrize(
    "text", ["", "a", "creatorId", "message_550e8400-e29b", "a b", "100 %", "a & b"]
)
def test_text_without_an_encoding_is_itself(text: str) -> None:
    assert set(views(text)) == {text, text[::-1]}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_given_secret_is_masked_in_any_encoding(encoding: str) -> None:
    encoded = ENCODINGS[encoding](KEY)
    shown = Scrubber(KEY).scrub(f"it said {encoded} to me")
    assert shown == f"it said {MASK} to me"
    assert Scrubber(KEY).scrub(f"a{KEY.swapcase()}z") == MASK


@pytest.mark.parametrize("encoding", ["in base64", "in base64 for URLs", "in hex"])
@pytest.mark.parametrize("around", ["saved/{}.json", "user_{}", "a-{}-b", "+{}+", "={}"])
def test_secret_next_to_other_letters_is_found(encoding: str, around: str) -> None:
    assert holds(around.format(ENCODINGS[encoding](KEY)), KEY)


def test_text_that_spreads_a_secret_over_words_is_masked_whole() -> None:
    assert Scrubber("a secret of words").scrub("it is A SECRET OF WORDS") == MASK


@pytest.mark.parametrize("text", ["it said nothing", "key_test_", UUID, "", " "])
def test_text_without_the_secret_stays(text: str) -> None:
    assert Scrubber(KEY).scrub(text) == text


def test_keys_of_an_environment() -> None:
    given = {"POSTMAN_API_KEY": " a ", "RETRY_CONTRACT_REVOKED_KEY": "b", "OTHER": "c"}
    assert keys_in(given) == ("a", "b")
    assert keys_in({"POSTMAN_API_KEY": " "}) == ()


# However it is written

WRITTEN = {
    "a header": lambda key: f"Authorization: Bearer {key}\r\nHost: x",
    "a line": lambda key: f"{key}\n",
    "JSON": lambda key: json.dumps({"key": key}, indent=2),
    "other bytes": lambda key: f"\x00\x07{key}\ufffd",
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("before", ["", "a", "ab", "token", "x="])
@pytest.mark.parametrize("encoding", ["in base64", "in base64 for URLs", "in hex"])
def test_key_within_what_is_encoded_is_found(encoding: str, before: str, written: str) -> None:
    encoded = before + ENCODINGS[encoding](WRITTEN[written](KEY))
    assert holds(encoded, KEY)
    assert KEY not in Scrubber(KEY).scrub(encoded)


@pytest.mark.parametrize("charset", ["utf-16", "utf-16-le", "latin-1"])
def test_key_in_other_bytes_is_found(charset: str) -> None:
    raw = b"\xff\xfe" * (charset == "latin-1") + KEY.encode(charset)
    assert holds(base64.b64encode(raw).decode(), KEY)
    assert holds(raw.hex(), KEY)


@pytest.mark.parametrize(
    "text",
    [
        *(f"\\153{KEY[1:]}", f"\\u{{6b}}{KEY[1:]}", f"\\x6b{KEY[1:]}", f"k\u034fe{KEY[2:]}"),
        *(f"&#0000107;{KEY[1:]}", f"&#x6B;{KEY[1:]}", f"k\u200be\ufe0f{KEY[2:]}"),
    ],
)
def test_key_of_which_a_letter_is_hidden_is_found(text: str) -> None:
    assert holds(text, KEY)
    assert holds(text[::-1], KEY)


@pytest.mark.parametrize(
    "text", ["&#" + "9" * 5_000, "&#x" + "f" * 5_000 + ";", "%zz%", "\\u{ffffff}"]
)
def test_no_text_is_an_error(text: str) -> None:
    assert not holds(text, KEY)
    assert mask_words(text) == text
    assert Scrubber(KEY).scrub(text) == text


# A bounded memory


def test_scrubber_that_had_to_learn_too_much_masks_every_text_whole() -> None:
    scrubber = Scrubber()
    scrubber.learn({"values": {"name": "Zebediah"}})
    assert scrubber.scrub("kept") == "kept"
    scrubber.learn({"values": [f"Zebediah {number}" for number in range(6_000)]})
    assert scrubber.scrub("kept") == MASK
    assert scrubber.scrub("") == ""
    assert scrubber.scrub_payload({"id": ["a", 1]}) == {"id": [MASK, 1]}


def test_scrubber_remembers_so_many_characters() -> None:
    scrubber = Scrubber()
    scrubber.learn({"values": ["x" * 600_000, "y" * 600_000]})
    assert scrubber.scrub("kept") == MASK


# Texts of the user's own code


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("secret", [NUMBER, NRIC])
def test_number_of_a_person_is_masked_in_any_encoding(secret: str, encoding: str) -> None:
    encoded = ENCODINGS[encoding](secret)
    assert mask_words(f"cannot read {encoded} here") == f"cannot read {MASK} here"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("to +65 9000 1234.", f"to {MASK}."),
        ("to 65-9000-1234.", f"to {MASK}."),
        ("to_6590001234x", f"to_{MASK}x"),
        ("s7654321b", MASK),
        ("90001234", MASK),
        ("+60 12 345 6789", MASK),
        *((f"6590{gap}001{gap}234", MASK) for gap in ".-_\u2013\xa0\t"),
        ("S765 4321B", MASK),
        ("call 90001234 5 times", f"call {MASK} 5 times"),
        ("nameS7654321Bx", f"name{MASK}x"),
    ],
)
def test_numbers_that_may_be_of_a_person(text: str, shown: str) -> None:
    assert mask_words(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        *("TypeError: 'creatorId'", f"message_{UUID}", "at 2025-02-24T10:15:30.123456789+08:00"),
        *("on 2025-02-24 10:15 it was", "to 6522222222", "line 1204, column 33", "1,234 of 5,678"),
        *(
            "com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException: Unrecognized",
            "a\n b",
        ),
        *(
            "12345 is odd",
            "port 54321",
            "at 1740355200123 ms",
            "3.14159265358979",
            "0x7f8812345670",
        ),
        *(
            "10:15:00.123 2025-02-24 10:15:00,123",
            "on 20250224",
            "[127.0.0.1:54321] SQLSTATE 28000",
        ),
        *("35.186.224.25:443", "8.8.8.8:53, 2025-02-24", "3/12/2025 9:05", "[1, 2, 3]", "v1.2.3.4"),
        *("HTTP 201 in 0.125 s", "https://test.postman.gov.sg/api/v2", "(127.0.0.1) 50 % & more"),
    ],
)
def test_what_helps_to_find_a_bug_stays(text: str) -> None:
    assert mask_words(text) == text


# Names of files


@pytest.mark.parametrize(
    "path",
    [
        *("response.json", "/tmp/a-b/c_d.e+f~1/x.tar.gz", "../x.json", "20250224.json", "-"),
        *(f"message_{UUID}.json", "20250224T101500.json", "19991231-1015.json", "x" * 120),
        *(f"{UUID.upper()}.json", "20250224_101500123.json", "2025-02-24T10-15-00Z.json"),
    ],
)
def test_ordinary_path_stays_readable(path: str) -> None:
    assert mask_path(path) == path


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("secret", [NUMBER, NRIC, NAME])
def test_path_names_no_person(secret: str, encoding: str) -> None:
    encoded = ENCODINGS[encoding](secret).replace("/", "_")
    assert mask_path(f"saved/{encoded}.json") == f"saved/{MASK}.json"
    assert mask_path(f"{encoded}/x.json") == f"{MASK}/x.json"


@pytest.mark.parametrize(
    "name",
    [
        "6590-001-234.json",
        "+65_9000_1234.json",
        "S123-4567-D.json",
        "202502249000.json",
        "20259999.json",
        "1740355200.json",
        "::error ::",
        "a b",
        "测试",
        "a\n",
    ],
)
def test_odd_file_name_is_masked(name: str) -> None:
    assert mask_path(name).startswith(MASK)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("secret", [NUMBER, NRIC, NAME])
def test_member_names_no_person(secret: str, encoding: str) -> None:
    assert not is_plain_name(ENCODINGS[encoding](secret))


# Bounded work


@pytest.mark.parametrize(
    "unit",
    [
        *("a", "YWFh", "%25", "&amp;", "&", "\\u0041", "\uff11", "\u200b6", "0", "+", "=", "a b "),
        *("%", "\\", "65 ", "1(  ", "2025-02-24T10:15", "S7654321", "f1234567-", '"'),
    ],
)
def test_a_megabyte_of_anything_is_looked_through_soon(unit: str) -> None:
    text = unit * (1_000_000 // len(unit.encode()))
    begin = time.process_time()
    assert not holds(text, KEY)
    assert KEY not in Scrubber(KEY).scrub(text)
    assert time.process_time() - begin < 20, "it takes half a second"


@pytest.mark.parametrize("unit", ["a", "65 ", "1(  ", "2025-02-24T10:15", "S765432", "aa ", "%3"])
def test_a_long_text_of_the_users_code_is_masked_soon(unit: str) -> None:
    begin = time.process_time()
    mask_words(unit * (100_000 // len(unit)))
    assert time.process_time() - begin < 20, "it takes half a second"
