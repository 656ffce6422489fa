"""`validate`: validates saved responses, one JSON document a file."""

import argparse
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from retry_contract.cli.output import complain, paint, write_json, write_lines
from retry_contract.cli.saved_files import STANDARD_INPUT, SavedFile, is_folder, saved_files
from retry_contract.cli.subcommand import Subcommand
from retry_contract.contract.catalogue import catalogue
from retry_contract.outcome import UsageError, Verdict

if TYPE_CHECKING:
    from retry_contract.contract.expectation import Expectation
    from retry_contract.report.saved_report import FileResult

_WORST_LAST = (Verdict.KEPT, Verdict.NOT_TESTED, Verdict.USAGE_ERROR, Verdict.BROKEN)

_EXAMPLE = """\
exit: 0 kept, 1 broken, 2 usage error
example: retry-contract validate --contract after response.json"""
_OPTIONS = (
    ("files", "FILE", "a file, a folder for its *.json, or - for standard input", {"nargs": "*"}),
    ("--contract", "NAME", "before, after, auto (default: the one in force at --on), any"),
    ("--on", "INSTANT", "a date, or an instant with an offset; default now"),
    ("--strict", "", "drift is a failure too"),
    ("-q --quiet", "", "print only what is not kept, and the counts"),
    ("--json", "", "print the outcome as JSON"),
)


def run(options: argparse.Namespace) -> int:
    """Validate the files. One that cannot be validated does not stop the others."""
    from retry_contract.contract.expectation import expectations
    from retry_contract.report.saved_report import count_document, count_line, file_document

    if not options.files:
        how = "give a file or a folder, or - for standard input"
        raise UsageError(f"{how}; see: retry-contract validate --help")
    expected = expectations(catalogue(), options.contract, options.on, default="auto", every="any")
    counts, documents, reason = Counter[tuple[Verdict, bool]](), list[dict[str, Any]](), ""
    try:
        for number, file in enumerate(saved_files(options.files), 1):
            result = _scrubbed(_validate(file, expected, strict=options.strict), number)
            counts[result.verdict, result.has_drift] += 1
            if options.quiet and result.verdict is Verdict.KEPT:
                continue
            if options.json:
                documents.append(file_document(result))
            else:
                _show(result)
    except KeyboardInterrupt:
        if not counts:
            raise
        reason = "interrupted: the other files were not validated"
    verdict = max((verdict for verdict, _ in counts), key=_WORST_LAST.index)
    if reason:
        verdict = max(verdict, Verdict.NOT_TESTED, key=_WORST_LAST.index)
        complain(f"retry-contract validate: {reason}")
    if options.json:
        head = {"outcome": str(verdict), **({"reason": reason} if reason else {})}
        write_json({**head, "counts": count_document(counts), "files": documents})
    elif options.quiet or len(options.files) > 1 or is_folder(options.files[0]):
        write_lines([paint(count_line(counts), verdict)])
    return verdict.exit_code


def _validate(file: SavedFile, expected: "Sequence[Expectation]", *, strict: bool) -> "FileResult":
    from retry_contract.contract.saved import validate_saved
    from retry_contract.report.saved_report import FileResult

    try:
        saved = validate_saved(file.read(), expected)
    except UsageError as error:
        return FileResult(file.name, Verdict.USAGE_ERROR, reason=str(error))
    broken = saved.violations or (strict and saved.drift)
    return FileResult(file.name, Verdict.BROKEN if broken else Verdict.KEPT, saved)


def _scrubbed(result: "FileResult", number: int) -> "FileResult":
    """Return a result with a number, and without what may be of a person or secret."""
    from retry_contract.privacy.names import mask_path
    from retry_contract.privacy.scrubber import Scrubber, keys_in

    scrubber = Scrubber(*keys_in(os.environ))
    given = result.file == STANDARD_INPUT
    name = result.file if given else scrubber.scrub(mask_path(result.file))
    saved = result.saved
    if saved is not None and (saved.violations or saved.drift):
        violations = tuple(map(scrubber.scrub_violation, saved.violations))
        drift = tuple(map(scrubber.scrub_drift, saved.drift))
        saved = replace(saved, violations=violations, drift=drift)
    return replace(result, file=name, number=number, saved=saved)


def _show(result: "FileResult") -> None:
    from retry_contract.report.saved_report import detail_lines, headline

    if result.saved is None:
        complain(f"{_name(result)}: {result.reason}")
        return
    line = headline(_name(result), result.verdict, result.saved)
    write_lines([paint(line, result.verdict), *detail_lines(result.saved)])


def _name(result: "FileResult") -> str:
    from retry_contract.privacy.names import MASK

    if result.file == STANDARD_INPUT:
        return "standard input"
    return (
        f"file {result.number} ({result.file})" if MASK in result.file else result.file or "a file"
    )


COMMAND = Subcommand(
    *("validate", run, "validate saved responses, one JSON document a file", _EXAMPLE, _OPTIONS),
    "Validate saved responses of the retry endpoint, one JSON document a file.",
)
