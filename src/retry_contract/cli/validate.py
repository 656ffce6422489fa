"""`validate`: checks saved responses, one JSON document a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retry_contract.cli.output import complain, paint, visible, write_json, write_lines
from retry_contract.outcome import UsageError, Verdict

if TYPE_CHECKING:
    from retry_contract.contract.saved_response import SavedResponse

_LARGEST = 50_000_000
_EXAMPLE = """\
exit: 0 kept, 1 broken, 2 usage error
example: retry-contract validate --contract after response.json"""


@dataclass(frozen=True)
class _Validated:
    """One file, and what is said of it or why nothing can be."""

    file: str
    response: SavedResponse | None
    verdict: Verdict
    reason: str | None = None


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "validate",
        help="check saved responses, one JSON document a file",
        description="Check saved responses of the retry endpoint, one JSON document a file.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="a file, or - for standard input")
    parser.add_argument(
        "--contract",
        metavar="NAME",
        help="before, after, auto (the one in force), any (default)",
    )
    parser.add_argument(
        "--on", metavar="INSTANT", help="for auto: a date, or an instant with an offset"
    )
    parser.add_argument("--strict", action="store_true", help="drift is a failure too")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check the files. A file that cannot be read does not keep the others from it."""
    from retry_contract.contract.catalogue import catalogue
    from retry_contract.contract.expectation import expectations
    from retry_contract.contract.saved_response import validate_saved

    if not options.files:
        raise UsageError(
            "give a file, or - for standard input; see: retry-contract validate --help"
        )
    expected = expectations(catalogue(), options.contract, options.on, default="any")
    checked = []
    for file in options.files:
        try:
            response = validate_saved(_read(file), expected)
            checked.append(_Validated(file, response, _verdict(response, strict=options.strict)))
        except UsageError as error:
            checked.append(_Validated(file, None, Verdict.USAGE_ERROR, str(error)))
    verdict = max((one.verdict for one in checked), key=_WORST.index)
    if options.json:
        write_json({"outcome": str(verdict), "files": [_document(one) for one in checked]})
    else:
        for one in checked:
            _show(one)
    return verdict.exit_code


_WORST = (Verdict.KEPT, Verdict.NOT_TESTED, Verdict.USAGE_ERROR, Verdict.BROKEN)


def _verdict(response: SavedResponse, *, strict: bool) -> Verdict:
    broken = bool(response.violations) or (strict and bool(response.drift))
    return Verdict.BROKEN if broken else Verdict.KEPT


def _read(file: str) -> bytes:
    if not file:
        raise UsageError("cannot be read: the name of the file is empty")
    try:
        if file == "-":
            if sys.stdin is None:
                raise UsageError("cannot be read: it is closed")
            body = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(file).open("rb") as stream:
                body = stream.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot be read: {reason}") from None
    if len(body) > _LARGEST:
        raise UsageError("is over 50 MB: give one saved response a file")
    return body


def _show(one: _Validated) -> None:
    if one.response is None:
        complain(f"{_name(one)}: {one.reason}")
        return
    write_lines([paint(_headline(one, one.response), one.verdict), *_details(one.response)])


def _headline(one: _Validated, response: SavedResponse) -> str:
    said = f"{_name(one)}: {one.verdict.upper()} {response.contract or 'under any contract'}"
    if not response.drift:
        return said
    return f"{said}, with drift" + (
        ", which --strict forbids" if _only_strict(one, response) else ""
    )


def _only_strict(one: _Validated, response: SavedResponse) -> bool:
    return one.verdict is Verdict.BROKEN and not response.violations


def _name(one: _Validated) -> str:
    return "standard input" if one.file == "-" else visible(one.file) or "a file"


def _details(response: SavedResponse) -> Iterator[str]:
    from retry_contract.rules import RULES

    for v in response.violations:
        rule = RULES[v.rule]
        yield f"  at        {v.pointer or 'the body'}"
        yield f"  expected  {v.expected}"
        yield f"  came      {v.actual}"
        yield f"  rule      {rule.id} (basis: {rule.basis}): {rule.source}"
    for drift in response.drift:
        yield f"  drift     {drift.pointer or 'the body'}: {drift.message}"


def _document(one: _Validated) -> dict[str, Any]:
    if one.response is None:
        unread: dict[str, Any] = {"keeps": [], "contract": None, "violations": [], "drift": []}
        return {"file": one.file, **unread, "reason": one.reason}
    return {
        "file": one.file,
        "keeps": list(one.response.keeps),
        "contract": one.response.contract,
        "violations": [
            {
                "rule": v.rule,
                "pointer": v.pointer,
                "expected": v.expected,
                "actual": v.actual,
                "message": v.message,
            }
            for v in one.response.violations
        ],
        "drift": [{"pointer": d.pointer, "message": d.message} for d in one.response.drift],
    }
