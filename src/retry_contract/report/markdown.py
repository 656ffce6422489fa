"""Texts that a service, or the user's code, chose, within Markdown."""

from retry_contract.privacy.descriptions import one_line
from retry_contract.privacy.disarm import disarm

_PLAIN = str.maketrans({"\\": "\\\\", "|": "\\|", "<": "&lt;", "[": "\\[", "`": "'"})


def plain(text: str) -> str:
    """Return a text in which Markdown finds no link, markup or cell of a table."""
    return disarm(one_line(text)).translate(_PLAIN)


def code(text: str) -> str:
    """Return a text as code, in which Markdown reads nothing."""
    return "`" + disarm(one_line(text)).replace("`", "'").replace("|", "\\|") + "`"
