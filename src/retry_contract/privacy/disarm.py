"""Writes texts so that none of them steers a terminal, or the runner of a pipeline."""

import json
import re
from typing import Any

from retry_contract.privacy.descriptions import escape

_ANYWHERE = re.compile(r"##(?=[A-Za-z]*\[)")
"""Azure Pipelines, TeamCity and older GitHub runners obey `##vso[…]` and `##[…]` in any place."""

_AT_THE_BEGINNING = re.compile(r"(\s*)::")
"""GitHub's runner obeys a line that begins with `::`."""


def disarm(line: str) -> str:
    """Escape what steers a terminal or breaks the line, and what a runner takes for a command."""
    shown = _ANYWHERE.sub(r"#\\#", escape(line))
    if found := _AT_THE_BEGINNING.match(shown):
        return f"{found[1]}\\{shown[found.end(1) :]}"
    return shown


def json_text(document: Any, *, indent: int | None = 2) -> str:
    """Return a document as JSON in ASCII, with nothing in it that a runner takes for a command."""
    return _ANYWHERE.sub(r"#\\u0023", json.dumps(document, indent=indent))
