"""`validate`: judges saved replies, one JSON document a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retry_contract.cli.output import complain, paint, visible, write_json, write_lines
from retry_contract.outcome import Unusable, Verdict

if TYPE_CHECKING:
    from retry_contract.contract.saved import SavedReply

_LARGEST = 50_000_000
_EXAMPLE = """\
exit: 0 kept, 1 broken, 2 unusable
example: retry-contract validate --contract after reply.json"""


@dataclass(frozen=True)
class _Judged:
    """One file, and what is said of it or why nothing can be."""

    file: str
    reply: SavedReply | None
    verdict: Verdict
    reason: str | None = None


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "validate",
        help="judge saved replies, one JSON document a file",
        description="Judge saved replies of the retry endpoint, one JSON document a file.",
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
    """Judge the files. A file that cannot be read does not keep the others from it."""
    from retry_contract.contract.catalogue import catalogue
    from retry_contract.contract.expectation import expectations
    from retry_contract.contract.saved import judge_saved

    if not options.files:
        raise Unusable("give a file, or - for standard input; see: retry-contract validate --help")
    expected = expectations(catalogue(), options.contract, options.on, default="any")
    judged = []
    for file in options.files:
        try:
            reply = judge_saved(_read(file), expected)
            judged.append(_Judged(file, reply, _verdict(reply, strict=options.strict)))
        except Unusable as error:
            judged.append(_Judged(file, None, Verdict.UNUSABLE, str(error)))
    verdict = max((one.verdict for one in judged), key=_WORST.index)
    if options.json:
        write_json({"outcome": str(verdict), "files": [_document(one) for one in judged]})
    else:
        for one in judged:
            _show(one)
    return verdict.exit_code


_WORST = (Verdict.KEPT, Verdict.NOT_TESTED, Verdict.UNUSABLE, Verdict.BROKEN)


def _verdict(reply: SavedReply, *, strict: bool) -> Verdict:
    broken = bool(reply.violations) or (strict and bool(reply.drift))
    return Verdict.BROKEN if broken else Verdict.KEPT


def _read(file: str) -> bytes:
    if not file:
        raise Unusable("cannot be read: the name of the file is empty")
    try:
        if file == "-":
            if sys.stdin is None:
                raise Unusable("cannot be read: it is closed")
            body = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with Path(file).open("rb") as stream:
                body = stream.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise Unusable(f"cannot be read: {reason}") from None
    if len(body) > _LARGEST:
        raise Unusable("is over 50 MB: give one saved reply a file")
    return body


def _show(one: _Judged) -> None:
    if one.reply is None:
        complain(f"{_name(one)}: {one.reason}")
        return
    write_lines([paint(_headline(one, one.reply), one.verdict), *_details(one.reply)])


def _headline(one: _Judged, reply: SavedReply) -> str:
    said = f"{_name(one)}: {one.verdict.upper()} {reply.contract or 'under any contract'}"
    if not reply.drift:
        return said
    return f"{said}, with drift" + (", which --strict forbids" if _only_strict(one, reply) else "")


def _only_strict(one: _Judged, reply: SavedReply) -> bool:
    return one.verdict is Verdict.BROKEN and not reply.violations


def _name(one: _Judged) -> str:
    return "standard input" if one.file == "-" else visible(one.file) or "a file"


def _details(reply: SavedReply) -> Iterator[str]:
    from retry_contract.rules import RULES

    for v in reply.violations:
        rule = RULES[v.rule]
        yield f"  at        {v.pointer or 'the body'}"
        yield f"  expected  {v.expected}"
        yield f"  came      {v.actual}"
        yield f"  rule      {rule.id}: {rule.source} (basis: {rule.basis})"
    for drift in reply.drift:
        yield f"  drift     {drift.pointer or 'the body'}: {drift.message}"


def _document(one: _Judged) -> dict[str, Any]:
    if one.reply is None:
        unread: dict[str, Any] = {"keeps": [], "contract": None, "violations": [], "drift": []}
        return {"file": one.file, **unread, "reason": one.reason}
    return {
        "file": one.file,
        "keeps": list(one.reply.keeps),
        "contract": one.reply.contract,
        "violations": [
            {
                "rule": v.rule,
                "pointer": v.pointer,
                "expected": v.expected,
                "actual": v.actual,
                "message": v.message,
            }
            for v in one.reply.violations
        ],
        "drift": [{"pointer": d.pointer, "message": d.message} for d in one.reply.drift],
    }
