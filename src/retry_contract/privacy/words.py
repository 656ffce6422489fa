"""Texts of somebody else's, as an exception of the user's code: shown, but for what is personal."""

import re

from retry_contract.privacy.names import MASK
from retry_contract.privacy.views import views

SIMULATOR = re.compile(r"65(11111111|11112222|11113333|11114444|11115555|11119999|22222222)")
"""The documented simulator numbers, which belong to nobody."""

_SHOWN = (
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9}(?!\d))?)?)?",
    rf"(?<!\d){SIMULATOR.pattern}(?!\d)",
)
_MASKED = (
    r"(?<![\w-])\+?[A-Za-z]?\d{5,}[A-Za-z]?(?![\w-])",
    r"\+?\d(?:[ ()-]{0,2}\d){7,}",
    r"[STFGM]\d{7}[A-Z]",
    r"(?<![A-Za-z])[A-Za-z]\d{7}[A-Za-z](?![A-Za-z])",
)
_FORMS = re.compile(f"(?P<shown>{'|'.join(_SHOWN)})|{'|'.join(_MASKED)}")


def mask_words(text: str) -> str:
    """Return a text with the numbers and NRICs masked that may be of a person.

    These are an NRIC, 8 digits in a row or with spaces, brackets and hyphens between, and 5 digits
    that are a word; but no UUID, date or simulator number. A word that decodes to one of them is
    masked whole.
    """
    plain = _FORMS.sub(_masked, text)
    return "".join(
        MASK if _decodes_to_one(word) else word for word in re.split(r"(\s+)", plain) if word
    )


def _masked(found: re.Match[str]) -> str:
    return found[0] if found["shown"] else MASK


def _decodes_to_one(word: str) -> bool:
    others = (view for view in views(word) if view != word and view != word[::-1])
    return any(_FORMS.sub(_masked, view) != view for view in others)
