"""Headers as they may be shown: in their documented form, else described."""

import re
from collections.abc import Mapping

from retry_contract.privacy.descriptions import describe
from retry_contract.privacy.names import is_plain_name

_MEDIA_TYPE = re.compile(r"([a-z]+)/([a-z0-9][a-z0-9!#$&^_.+-]*)")
_CHARSETS = ("utf-8", "us-ascii", "iso-8859-1", "utf-16", "windows-1252")
_CHARSET = re.compile(rf"[^;]+; ?charset=\"?({'|'.join(_CHARSETS)})\"?", re.IGNORECASE)
_METHODS = frozenset(("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"))
_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_DAYS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_DAY = rf"({_DAYS}), [0-3][0-9] ({_MONTHS}) 20[0-9]{{2}} [0-2][0-9](:[0-5][0-9]){{2}} GMT"
_RETRY_AFTER = re.compile(rf"[0-9]{{1,5}}|{_DAY}")
UNUSUAL = "no media type"


def media_type_of(headers: Mapping[str, str]) -> str:
    """Return the media type that headers in lower case name, or what is there instead of one."""
    named = headers.get("content-type", "").partition(";")[0].strip().lower()
    if not named:
        return "absent"
    found = _MEDIA_TYPE.fullmatch(named)
    return named if found and all(map(_is_plain, re.split("[.+]", found[2]))) else UNUSUAL


def _is_plain(word: str) -> bool:
    return word[:1].isalpha() and is_plain_name(word)


def shown_header(name: str, value: str) -> str:
    """Return the value of a header that is recorded, if it has the form that a page documents."""
    match name:
        case "content-type":
            plain = media_type_of({name: value}) not in (UNUSUAL, "absent")
            known = plain and (";" not in value or _CHARSET.fullmatch(value))
        case "allow":
            known = {method.strip() for method in value.split(",")} <= _METHODS
        case _:
            known = _RETRY_AFTER.fullmatch(value) is not None
    return value if known else describe(value)
