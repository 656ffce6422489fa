"""Which names may be shown: those of members, and those of files."""

import functools
import os
import re
from collections import Counter
from collections.abc import Callable
from typing import Any

from retry_contract.privacy.views import views

MASK = "[masked]"
PERSONAL = frozenset({"recipient", "values", "fullMessage", "creatorEmail", "body"})
"""Members that hold something of a person."""

DOCUMENTED = PERSONAL.union(
    ("createdAt", "updatedAt", "sentAt", "deliveredAt", "id", "latestStatus", "status"),
    ("templateBodyId", "templateId", "campaignId", "creatorId", "language", "code", "type"),
    ("error", "message", "statusCode", "batches", "attempts"),
)
"""Documented names. They are shown even if a secret is the same word."""

_PLAIN_NAME = re.compile(r"[0-9]{1,4}|[@$]?[A-Za-z_][A-Za-z0-9_]*([.:-]+[A-Za-z0-9_]+)*-?")
_FILE_NAME = re.compile(r"[A-Za-z0-9._+~-]*")
_SEPARATOR = re.compile(r"([/\\])" if os.sep == "\\" else "(/)")
_LONGEST, _LONGEST_PART = 60, 255
_DIGITS = re.compile(r"[0-9]{5}|(?:[0-9][._+~:-]?){7}")
_HIDDEN = re.compile(rf"{_DIGITS.pattern}|\s")
_ID_OR_TIME = re.compile(
    r"(?<![0-9A-Fa-f])[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?![0-9A-Fa-f])|"
    r"(?<![0-9])(19|20)[0-9]{2}[._-]?(0[1-9]|1[0-2])[._-]?(0[1-9]|[12][0-9]|3[01])"
    r"([T_-]?([01][0-9]|2[0-3])[.:_-]?[0-5][0-9]([.:_-]?[0-5][0-9]([._-]?[0-9]{3})?)?Z?)?(?![0-9])"
)


def is_plain_name(name: str) -> bool:
    """Return whether the name of a member may be shown, though a service may put a person there.

    These may be: a documented name; an index of at most 4 digits; words of ASCII letters, digits
    and `_`, with `.`, `:` or `-` between and `@` or `$` before, at most 60 characters. They have
    no 5 digits in a row and no 7 with separators, as an NRIC or a phone number has, and do not
    decode to such, or to a text with a blank.
    """
    return name in DOCUMENTED or (len(name) <= _LONGEST and _is_plain(name))


@functools.lru_cache(1024)
def _is_plain(name: str) -> bool:
    return _PLAIN_NAME.fullmatch(name) is not None and not _hides(name)


def _hides(word: str) -> bool:
    """Return whether a word has the digits of a person, or decodes to them or a blank."""
    shown = _ID_OR_TIME.sub("", word)
    others = (view for view in views(word) if view not in (word, word[::-1]))
    return _DIGITS.search(shown) is not None or any(map(_HIDDEN.search, others))


def mask_name(name: str) -> str:
    """Return the name of a member if it may be shown, else the mask."""
    return name if is_plain_name(name) else MASK


def mask_path(path: str) -> str:
    """Return the path of a file, with each part masked that may be of a person.

    A part is shown if it is ASCII letters, digits and `._+~-`, and every 5 digits in a row are of
    a UUID, or a date, as in `20250224` or `20250224T101500`. The suffix of a masked part stays.
    """
    return "".join(part if part in "/\\" else _mask_part(part) for part in _SEPARATOR.split(path))


def _mask_part(part: str) -> str:
    drive = len(part) == len("C:") and part[0].isalpha() and part[1] == ":"
    shown = len(part) <= _LONGEST_PART and _FILE_NAME.fullmatch(part) and not _hides(part)
    if drive or shown:
        return part
    suffix = re.fullmatch(r".*(\.[a-z]{1,5})", part, re.DOTALL)
    return MASK + (suffix[1] if suffix else "")


def rename(members: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    """Return members with changed names. Equal names get a number, so that none is lost."""
    counts, result = Counter[str](), dict[str, Any]()
    for name, value in members.items():
        new = change(name)
        counts[new] += 1
        result[new if counts[new] == 1 else f"{new} {counts[new]}"] = value
    return result
