"""`validate`: validates saved responses, one JSON document a file."""

import argparse
import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retry_contract.cli.output import complain, paint, write_json, write_lines
from retry_contract.cli.subcommand import Subcommand
from retry_contract.contract.catalogue import catalogue
from retry_contract.outcome import UsageError, Verdict
from retry_contract.privacy.descriptions import escape

if TYPE_CHECKING:
    from retry_contract.contract.validator import Validation

_LARGEST = 50_000_000
_WORST_LAST = (Verdict.KEPT, Verdict.NOT_TESTED, Verdict.USAGE_ERROR, Verdict.BROKEN)

_EXAMPLE = """\
exit: 0 kept, 1 broken, 2 usage error
example: retry-contract validate --contract after response.json"""
_OPTIONS = (
    ("files", "FILE", "a file, or - for standard input", {"nargs": "*"}),
    ("--contract", "NAME", "before, after, auto (the one in force), any (default)"),
    ("--on", "INSTANT", "for auto: a date, or an instant with an offset"),
    ("--strict", "", "drift is a failure too"),
    ("--json", "", "print the outcome as JSON"),
)


@dataclass(frozen=True)
class _Result:
    """The validation of one file; if it cannot be read, an empty one and the reason."""

    file: str
    verdict: Verdict
    validation: "Validation"
    reason: str | None = None


def run(options: argparse.Namespace) -> int:
    """Validate the files. One that cannot be read does not stop the others."""
    from retry_contract.contract.expectation import expectations
    from retry_contract.contract.validator import Validation, validate_saved

    if not options.files:
        how = "give a file, or - for standard input"
        raise UsageError(f"{how}; see: retry-contract validate --help")
    expected = expectations(catalogue(), options.contract, options.on, default="auto", every="any")
    results = []
    for file in options.files:
        try:
            found = validate_saved(_read(file), expected)
        except UsageError as error:
            unread = Validation(None, ())
            results.append(_Result(file, Verdict.USAGE_ERROR, unread, str(error)))
        else:
            broken = found.violations or (options.strict and found.drift)
            results.append(_Result(file, Verdict.BROKEN if broken else Verdict.KEPT, found))
    verdict = max((result.verdict for result in results), key=_WORST_LAST.index)
    if options.json:
        write_json({"outcome": str(verdict), "files": [_document(result) for result in results]})
    else:
        for result in results:
            _show(result)
    return verdict.exit_code


def _read(file: str) -> bytes:
    if not file:
        raise UsageError("cannot be read: the name of the file is empty")
    if file == "-" and sys.stdin is None:
        raise UsageError("cannot be read: it is closed")
    try:
        with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as stream:
            body = stream.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(body) > _LARGEST:
        raise UsageError("is over 50 MB: give one saved response a file")
    return body


def _show(result: _Result) -> None:
    from retry_contract.rules import RULES

    name = "standard input" if result.file == "-" else escape(result.file) or "a file"
    if result.reason is not None:
        complain(f"{name}: {result.reason}")
        return
    found = result.validation
    line = f"{name}: {result.verdict.upper()} {found.contract or 'under any contract'}"
    if found.drift:
        strict = result.verdict is Verdict.BROKEN and not found.violations
        line += ", with drift" + ", which --strict forbids" * strict
    details = []
    for v in found.violations:
        rule = RULES[v.rule]
        details.append(f"  at        {v.pointer or 'the body'}")
        details += [f"  expected  {v.expected}", f"  came      {v.actual}"]
        details.append(f"  rule      {rule.id} (basis: {rule.basis}): {rule.source}")
    details += [f"  drift     {d.pointer or 'the body'}: {d.message}" for d in found.drift]
    write_lines([paint(line, result.verdict), *details])


def _document(result: _Result) -> dict[str, Any]:
    found, members = result.validation, ("rule", "pointer", "expected", "actual", "message")
    return {
        "file": result.file,
        "keeps": list(found.keeps),
        "contract": found.contract,
        "violations": [{name: getattr(v, name) for name in members} for v in found.violations],
        "drift": [{"pointer": d.pointer, "message": d.message} for d in found.drift],
        **({} if result.reason is None else {"reason": result.reason}),
    }


COMMAND = Subcommand(
    *("validate", run, "validate saved responses, one JSON document a file", _EXAMPLE, _OPTIONS),
    "Validate saved responses of the retry endpoint, one JSON document a file.",
)
