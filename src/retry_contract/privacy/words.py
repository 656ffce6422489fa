"""Texts of somebody else's, as an exception of the user's code: shown, but for what is personal."""

import re

from retry_contract.privacy.names import MASK
from retry_contract.privacy.views import views

SIMULATOR = re.compile(r"65(11111111|11112222|11113333|11114444|11115555|11119999|22222222)")
"""The documented simulator numbers, which belong to nobody."""

_SHOWN = (
    r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}",
    r"[12]\d{3}-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d(?::[0-5]\d(?:[.,]\d{1,9}(?!\d))?)?",
)
_GAP = r"[^0-9A-Za-z\n]?"
_MASKED = (
    r"(?<!\d)(?<!\d\.)(?:65)?[3689]\d{7}(?!\d)",
    rf"(?<!\d)(?<!\d[^0-9A-Za-z])(?:65{_GAP})?[3689](?:{_GAP}\d){{7}}(?!{_GAP}\d)",
    r"\+\d(?:[ ()-]{0,2}\d){6,14}(?!\d)",
    rf"[STFGM]{_GAP}\d{{3}}{_GAP}\d{{4}}{_GAP}[A-Z]",
    r"(?<![A-Za-z])[A-Za-z]\d{7}[A-Za-z](?![A-Za-z])",
)
_FORMS = re.compile(f"(?P<shown>{'|'.join(_SHOWN)})|{'|'.join(_MASKED)}")
_ID_OR_TIME = re.compile("|".join(_SHOWN))


def mask_words(text: str) -> str:
    """Return a text with the phone numbers and NRICs masked, and each word that decodes to one.

    A phone number is one of Singapore (eight digits that begin with 3, 6, 8 or 9, with or without
    65, and single separators), or a number after a plus sign; a UUID and a timestamp hold none.
    """
    plain = _FORMS.sub(_masked, text)
    return "".join(
        MASK if _decodes_to_one(word) else word for word in re.split(r"(\s+)", plain) if word
    )


def _masked(found: re.Match[str]) -> str:
    return found[0] if found["shown"] else MASK


def _decodes_to_one(word: str) -> bool:
    word = _ID_OR_TIME.sub("", word)
    others = (view for view in views(word) if view != word)
    return any(_FORMS.sub(_masked, view) != view for view in others)
