"""One attempt of the user's code: how it ended, and the line of the protocol that reports it."""

import contextlib
import enum
import json
from dataclasses import dataclass
from typing import Any

from retry_contract.privacy.descriptions import one_line

READY, CALL = "ready", "call"
"""The first line of a Python host; and the word by which it hosts a client."""
LONGEST_READING, _DEEPEST = 20_000, 60
"""The most characters, as JSON, of a reading that is compared, and its most levels."""
LONGEST_ERROR, LONGEST_TRACE = 10_000, 50_000
"""The most characters of what says how an attempt failed."""
TOO_LARGE = "(too large)"


class Ending(enum.Enum):
    """How an attempt ended."""

    READ = enum.auto()
    RAISED = enum.auto()
    CRASHED = enum.auto()
    HUNG = enum.auto()
    NOISE = enum.auto()


class _AsText:
    """Holds JSON values as text: as objects, small ones take some twenty times as much."""

    def __get__(self, attempt: "Attempt | None", kind: type) -> Any:
        held = None if attempt is None else vars(attempt)["read"]
        return None if held is None else json.loads(held)

    def __set__(self, attempt: "Attempt", value: Any) -> None:
        vars(attempt)["read"] = None if value is None else json.dumps(value)


_NO_READING: Any = _AsText()


@dataclass(frozen=True)
class Attempt:
    """One payload that was read, or one call that was made.

    `read` is what the code returned, as JSON values, if it `returned` any; `opaque` are the JSON
    Pointers in it at which nothing can be compared. Otherwise `error` says in one line what went
    wrong, `where` in which line of the user's code, `clues` which libraries had a part in it, and
    `trace` is the traceback, or the end of what a command wrote. Of a payload that was read alone
    after a process had crashed at it, `error` says how that one ended. Of a call, `success` says
    what the client reported, None where that was None, and `refused` why a predicate was of no use.
    """

    ending: Ending
    returned: bool = False
    read: Any = _NO_READING
    opaque: tuple[str, ...] = ()
    error: str = ""
    where: str = ""
    clues: tuple[str, ...] = ()
    trace: str = ""
    success: bool | None = None
    refused: str = ""

    @property
    def size(self) -> int:
        """How much is held of it, in characters."""
        return len(vars(self)["read"] or "") + len(self.error) + len(self.trace)

    @property
    def is_read(self) -> bool:
        """Whether the code returned, and did not fail."""
        return self.ending is Ending.READ

    @property
    def text(self) -> str:
        """What advice is looked up by: the error, and of a command what it wrote too."""
        return self.error if self.clues else f"{self.error}\n{self.trace}"

    @property
    def sort(self) -> str:
        """What the same failure has in common on a smaller payload: the ending, the exception."""
        return f"{self.ending.name} {self.error.partition(':')[0]}"


def read_line(line: str) -> Attempt:
    """Read a line of a command: `ok`, `ok JSON`, or `error` and a text."""
    word, _, rest = line.strip().partition(" ")
    if word == "error":
        return Attempt(Ending.RAISED, error=one_line(rest) or "error, and nothing more")
    if word == "ok" and len(rest) > LONGEST_READING:
        return Attempt(Ending.READ, returned=True, read=TOO_LARGE, opaque=("",))
    if word == "ok":
        with contextlib.suppress(ValueError, RecursionError):
            read = json.loads(rest) if rest else None
            return Attempt(Ending.READ, returned=bool(rest), read=_decode(read))
    return Attempt(Ending.NOISE, error=f"wrote the line: {one_line(line) or '(an empty one)'}")


def read_host_line(line: str) -> Attempt:
    """Read a line of the Python host: a JSON object with members of an attempt."""
    try:
        members = json.loads(line)
        if "error" in members:
            members |= {"error": one_line(members["error"]), "clues": tuple(members["clues"])}
            return Attempt(Ending.RAISED, success=False, **members)
        members |= {"read": _decode(members["read"]), "opaque": tuple(members["opaque"])}
        return Attempt(Ending.READ, returned=True, **members)
    except (ValueError, TypeError, KeyError, RecursionError):
        return Attempt(Ending.NOISE, error="wrote into the kit's own channel")


def _decode(value: Any, depth: int = 0) -> Any:
    """Return JSON values in which each text that is a JSON object is that object."""
    if depth > _DEEPEST:
        raise ValueError("too deep")
    if isinstance(value, dict):
        return {name: _decode(item, depth + 1) for name, item in value.items()}
    if isinstance(value, list):
        return [_decode(item, depth + 1) for item in value]
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return _decode(value, depth + 1)
    return value
