"""What to change in the user's code, by the library that is recognised in its error."""

from __future__ import annotations

import re
from dataclasses import dataclass

from retry_contract.consumer.answers import Answer


@dataclass(frozen=True)
class Advice:
    """One way in which a library refuses an added field, and what makes it take one.

    `clue` is a module or kind of class that must have had a part, if any; `says` what the error
    then holds.
    """

    library: str
    clue: str | None
    says: str
    change: str

    def fits(self, answer: Answer) -> bool:
        """Say whether an error is of this kind."""
        known = self.clue is None or self.clue in answer.clues
        return known and re.search(self.says, answer.error, re.IGNORECASE) is not None


_KEYWORD = r"unexpected keyword argument"
_ADVICE = (
    Advice("marshmallow", "marshmallow", "unknown field",
           "set `unknown = EXCLUDE` in the schema's Meta"),
    Advice("pydantic", "pydantic_core", "extra_forbidden|Extra inputs are not permitted",
           'take out `extra="forbid"` (the default, "ignore", reads on)'),
    Advice("msgspec", "msgspec", "unknown field", "take out `forbid_unknown_fields=True`"),
    Advice("cattrs", "cattrs", "extra fields|ForbiddenExtraKeys",
           "take out `forbid_extra_keys=True`"),
    Advice("dacite", "dacite", "UnexpectedData|can not match", "take out `Config(strict=True)`"),
    Advice("jsonschema", "jsonschema", "additional properties|unevaluated properties",
           'take out `"additionalProperties": false`, or list the field'),
    Advice("attrs", "attrs", _KEYWORD,
           "build the class from the fields that it has (`attrs.fields`), or read with cattrs"),
    Advice("dataclass", "dataclass", _KEYWORD,
           "build the class from the fields that it has (`dataclasses.fields`), not from **reply"),
    Advice("NamedTuple", "namedtuple", _KEYWORD,
           "build the tuple from its `_fields`, not from **reply"),
    Advice("Python", None, _KEYWORD, "let the function take **others, or pass only what it knows"),
    Advice("Jackson", None, "UnrecognizedPropertyException|Unrecognized field",
           "configure FAIL_ON_UNKNOWN_PROPERTIES to false, or annotate the class with "
           "@JsonIgnoreProperties(ignoreUnknown = true)"),
    Advice("kotlinx.serialization", None, "unknown key|Encountered an unknown",
           "use `Json { ignoreUnknownKeys = true }`"),
    Advice("zod", None, r"unrecognized_keys|Unrecognized key",
           "take out `.strict()` (or use z.object instead of z.strictObject)"),
    Advice("joi", None, r'"[\w.]+" is not allowed', "add `.unknown()` to the object's schema"),
    Advice("ajv", None, "must NOT have (additional|unevaluated) properties",
           'take out `"additionalProperties": false`, or set `removeAdditional`'),
    Advice("System.Text.Json", None, "could not be mapped to any .NET member",
           "set `UnmappedMemberHandling` to Skip"),
    Advice("Newtonsoft.Json", None, "Could not find member",
           "set `MissingMemberHandling` to Ignore"),
    Advice("serde", None, "unknown field `", "take out `#[serde(deny_unknown_fields)]`"),
    Advice("encoding/json", None, 'json: unknown field "',
           "do not call `DisallowUnknownFields`"),
    Advice("Moshi", None, "Cannot skip unexpected", "use the adapter without `failOnUnknown()`"),
    Advice("Python", None, "too many values to unpack|not enough values to unpack",
           "read the fields by name: their number and order are not promised"),
    Advice("Python", None, "JSON object must be str|bytes-like object is required, not '?dict",
           "annotate the parameter as `str` or `bytes`, or wrap it in a function that is annotated "
           "so, to be given the reply's text"),
    Advice("Python", None, "'dict' object has no attribute '(?!read)",
           "name the function that takes the parsed reply, a dict, or wrap yours in one"),
    Advice("protocol", None, "^wrote a line",
           "write `ok`, `ok JSON` or `error TEXT` for each payload, all else to standard error"),
    Advice("protocol", None, "^ended with exit status 0",
           "answer each payload, until the input ends; to start a command for each, --per-payload"),
    Advice("timeout", None, "^no answer within",
           "give --timeout if it takes longer (a command must flush each line that it writes)"),
)  # fmt: skip
BY_NAME = "read each field by its name at the top of the reply, and nowhere else"
WAITS = "look at what it waits for of the newer reply alone; give --timeout if it takes longer"
LOOK_AT_CATCHES = (
    "look at what the code catches or compares: of this reply it made null, false or nothing, and "
    "went on"
)
SHOW_MORE = (
    "if that is meant, let it return what it reads as well; if not, let it pass over fields that "
    "it does not know"
)
PASS_OVER = "let the code pass over fields that it does not know, and read the others by name"


def advise(answer: Answer) -> str:
    """Return what to change, in a clause that begins with the library; empty if not known."""
    found = next((advice for advice in _ADVICE if advice.fits(answer)), None)
    return f"{found.library}: {found.change}" if found else ""


def advice_for(answer: Answer, *, only_newer: bool) -> str:
    """Return what to change, by the library or else in general; empty if nothing is known.

    The general advice is for code that fails on the newer reply alone: `only_newer`.
    """
    return advise(answer) or (PASS_OVER if only_newer else "")
