"""What a consumer answers to one payload, and how a line of the protocol says it."""

from __future__ import annotations

import enum
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

_LONGEST, _MOST = 300, 10_000
"""How long a text that is shown may be; and one from which a secret is yet to be taken out."""


class Kind(enum.Enum):
    """How an attempt at one payload ended."""

    READ = enum.auto()
    REFUSED = enum.auto()
    CRASHED = enum.auto()
    HUNG = enum.auto()
    NOISE = enum.auto()


@dataclass(frozen=True)
class Answer:
    """The answer to one payload.

    `read` is what the consumer made of it, as JSON values, if `told`. Otherwise `error` says in one
    line what went wrong, `where` in which line of the user's code, and `clues` are names of
    libraries that had a part in it. `caught` is an error that the user's code caught, if it was
    watched. `exits_well` says that it would end the program with the exit status 0.
    """

    kind: Kind
    told: bool = False
    read: Any = None
    error: str = ""
    where: str = ""
    clues: tuple[str, ...] = ()
    caught: str = ""
    exits_well: bool = False

    @property
    def sort(self) -> str:
        """What a failure is known by again: how it ended, and the name of its exception."""
        return f"{self.kind.name} {self.error.partition(':')[0]}"


class Ask(Protocol):
    """A way to the user's code: takes payloads as lines of JSON."""

    def __call__(self, lines: Sequence[str], *, search: bool = False) -> list[Answer | None]:
        """Return the answer to each line; None where it was not tried, after too many losses.

        A search may end at the first line that is not read. Raises Unusable if the code cannot be
        started.
        """
        ...


class Consumer(Protocol):
    """The user's code: asked for all lines in one process, or afresh, in one of its own for each.

    What is remembered in a process, such as a cache or a set of known ids, plays no part afresh.
    """

    @property
    def ask(self) -> Ask:
        """The way to one process, as long as it lasts."""
        ...

    @property
    def ask_afresh(self) -> Ask:
        """The way to a process for each line."""
        ...

    @property
    def ask_together(self) -> Ask:
        """The way to a process that was not asked before."""
        ...


def read_answer(line: str) -> Answer:
    """Read a line of the protocol: `ok`, `ok JSON` or `error TEXT`; anything else is noise."""
    word, _, rest = line.strip().partition(" ")
    if word == "error":
        return Answer(Kind.REFUSED, error=one_line(rest) or "error, without a text")
    if word == "ok" and not rest.strip():
        return Answer(Kind.READ)
    if word == "ok":
        try:
            return Answer(Kind.READ, told=True, read=json.loads(rest))
        except (ValueError, RecursionError):
            pass
    said = f"wrote a line that is neither ok, ok JSON nor error TEXT: {one_line(line)}"
    return Answer(Kind.NOISE, error=said)


def read_detailed(line: str) -> Answer:
    """Read a line of the Python host, whose errors are JSON objects."""
    word, _, rest = line.partition(" ")
    if word == "caught":
        caught = json.loads(rest)
        return Answer(Kind.READ, told=True, read=caught["read"], caught=one_line(caught["text"]))
    answer = read_answer(line)
    if answer.kind is not Kind.REFUSED:
        return answer
    detail = json.loads(rest)
    clues = tuple(str(clue) for clue in detail["clues"])
    return Answer(
        Kind.REFUSED,
        error=one_line(detail["text"]),
        where=detail["where"],
        clues=clues,
        exits_well=detail["exits_well"],
    )


def shortened(answer: Answer) -> Answer:
    """Return an answer with texts that can be shown. What must not be is taken out before."""
    if max(len(answer.error), len(answer.caught)) <= _LONGEST:
        return answer
    error, caught = (cut(text, _LONGEST) for text in (answer.error, answer.caught))
    return replace(answer, error=error, caught=caught)


def one_line(text: str) -> str:
    """Return a text on one line, printable and of a bounded length, far longer than is shown."""
    lines = (line.strip() for line in text.splitlines())
    joined = "; ".join(line for line in lines if line)
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in joined)
    return cut(safe, _MOST)


def cut(text: str, longest: int) -> str:
    """Return a text, of a longer one what it begins with."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
