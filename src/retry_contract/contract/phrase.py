"""What a schema expects of a value, in words.

A description says it in a line that begins with `Expected: `, in the schemas of any folder. Titles
say nothing here: code generators make the names of types of them.
"""

import json
import re
from typing import Any

from retry_contract.contract.catalogue import Schema

_LINE = re.compile(r"^Expected: (.+?)\.?$", re.MULTILINE)
_OF_TYPE = {
    "null": "null",
    **{name: f"a {name}" for name in ("boolean", "number", "string")},
    **{name: f"an {name}" for name in ("integer", "array", "object")},
}


def expected_value(schema: Schema) -> str:
    """Return what a schema expects: by its description, its constant or its type."""
    keyword = next((name for name in ("const", "type") if name in schema), None)
    return _phrase_line(schema) or (
        _keyword_phrase(keyword, schema[keyword]) if keyword else "a value"
    )


def expected_by(schema: Schema, keyword: str) -> str:
    """Return what a schema expects where a value breaks one of its keywords."""
    return _phrase_line(schema) or _keyword_phrase(keyword, schema[keyword])


def _phrase_line(schema: Schema) -> str | None:
    line = _LINE.search(schema.get("description", ""))
    return line and line[1]


def _keyword_phrase(keyword: str, value: Any) -> str:
    if keyword == "const":
        return f"the constant {json.dumps(value)}"
    if keyword == "type":
        return " or ".join(_OF_TYPE[n] for n in ([value] if isinstance(value, str) else value))
    return f"a value that keeps {json.dumps({keyword: value})[1:-1]}"
