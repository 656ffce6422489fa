"""Validates a saved response, and names what is none."""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from retry_contract.contract.catalogue import KINDS, Catalogue, Contract, Kind
from retry_contract.contract.document import MOST_VALUES, Document, read_document
from retry_contract.contract.expectation import Expectation
from retry_contract.contract.validator import (
    error_response_problem,
    keeps,
    validate_expected,
)
from retry_contract.outcome import NO_MORE, SHOWN, Drift, More, UsageError, Violation

OtherKind = Literal["error"] | Kind
_KINDS: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "retry")

_BEGINNINGS = {
    b"\x1f\x8b": "is gzip: unpack it, and give the body of the response",
    b"PK\x03\x04": "is a zip archive: unpack it, and give the body of the response",
    b"\x28\xb5\x2f\xfd": "is zstd: unpack it, and give the body of the response",
    b"HTTP/": "is the output of curl -i, headers and body: save the body alone, as without -i",
}
_HAR = (
    "is a HAR, which holds many exchanges: save the body of one response, and give that "
    "(log.entries[N].response.content.text)"
)
_HAR_BEGINS = re.compile(rb'(?:\xef\xbb\xbf)?\s*+\{\s*+"log"\s*+:')
_LARGE = f"holds over {MOST_VALUES:,} values: that is no saved response; give the body of one"
_LINES = "is JSON lines, one document a line: save each response in a file of its own, in a folder"


@dataclass(frozen=True)
class SavedResponse:
    """A saved response, validated by the contract that is expected.

    Of several contracts it is the one with the fewest violations. `contract` is None for a body
    that is no JSON. `more` is what there is that is left out.
    """

    contract: str | None
    violations: tuple[Violation, ...]
    drift: tuple[Drift, ...] = ()
    payload: Any = field(default=None, repr=False)
    catalogue: Catalogue | None = field(default=None, repr=False)
    more: More = NO_MORE

    @functools.cached_property
    def keeps(self) -> tuple[str, ...]:
        """The names of the contracts that it keeps, the oldest first."""
        if self.catalogue is None:
            return ()
        others = [c for c in self.catalogue.values() if c.name != self.contract]
        kept = {c.name for c in others if keeps(self.payload, c)}
        kept |= set() if self.violations else {str(self.contract)}
        return tuple(name for name in self.catalogue if name in kept)

    @functools.cached_property
    def other_kind(self) -> OtherKind | None:
        """The other response that it is: an error response, or of a kind with all its own members.

        Those are the members that the response of a retry does not have.
        """
        if self.catalogue is None or not isinstance(self.payload, dict):
            return None
        contracts = list(self.catalogue.values())
        if error_response_problem(self.payload, contracts[-1]) is None:
            return "error"
        kinds = [kind for kind in _KINDS if any(_is_of(self.payload, c, kind) for c in contracts)]
        return max(kinds, default=None, key=lambda kind: len(contracts[-1].fields(kind)))


def validate_saved(body: bytes, expectations: Sequence[Expectation]) -> SavedResponse:
    """Validate the body of a response. Raises UsageError for a body that is no saved response.

    It is shown against the expectation with the fewest violations, the later on a tie. What keeps
    no contract of the retry, but another kind's, breaks one rule: it is another response.
    """
    document = _document(body)
    if document.violations:
        return SavedResponse(None, document.violations)
    found = (validate_expected(document.payload, expected) for expected in reversed(expectations))
    best = min(found, key=lambda one: len(one.violations) + one.more.violations)
    catalogue = expectations[0].catalogue
    violations, drift = best.violations, document.drift + best.drift
    left_out = More(len(violations[SHOWN:]), len(drift[SHOWN:]) + document.more)
    saved = SavedResponse(
        *(best.contract, violations[:SHOWN], drift[:SHOWN], document.payload, catalogue),
        more=best.more + left_out,
    )
    if violations and not saved.keeps and saved.other_kind:
        only = (_another_response(saved.other_kind),)
        return replace(saved, violations=only, drift=(), more=NO_MORE)
    return saved


def _is_of(payload: dict[str, Any], contract: Contract, kind: Kind) -> bool:
    """Return whether a payload keeps a schema, and has all members that a retry's has not."""
    # The schema alone is not enough: that of Retrieve takes a retry whose status was not reset.
    own = set(contract.fields(kind)) - set(contract.fields())
    return own <= payload.keys() and keeps(payload, contract, kind)


def _another_response(kind: OtherKind) -> Violation:
    expected, actual = "the response of a retry", named_response(kind)
    text = f"the body is {actual}; expected {expected}"
    return Violation("response-matches-schema", "", text, expected, actual)


def named_response(kind: OtherKind) -> str:
    """Return a kind of response as a noun with its article."""
    return f"{'an' if kind == 'error' else 'a'} {kind} response"


def _document(body: bytes) -> Document:
    for beginning, problem in _BEGINNINGS.items():
        if body.startswith(beginning):
            raise UsageError(problem)
    document = read_document(body)
    if document.violations and _is_lines(body):
        raise UsageError(_LINES)
    if document.too_many:
        raise UsageError(_HAR if _HAR_BEGINS.match(body) else _LARGE)
    log = document.payload.get("log") if isinstance(document.payload, dict) else None
    if isinstance(log, dict) and isinstance(log.get("entries"), list):
        raise UsageError(_HAR)
    return document


def _is_lines(body: bytes) -> bool:
    """Return whether the first two lines that are not blank are a JSON object each."""
    first, _, rest = body.lstrip().partition(b"\n")
    second = rest.lstrip().partition(b"\n")[0]
    return all(isinstance(read_document(line).payload, dict) for line in (first, second))
