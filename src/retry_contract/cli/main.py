"""The command `retry-contract` and its subcommands."""

from __future__ import annotations

import argparse
import re
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from retry_contract._version import __version__
from retry_contract.cli import consumer, reference, sandbox, validate, verify
from retry_contract.cli.interrupts import ignore_from_now_on, raise_from_now_on
from retry_contract.cli.output import prepare_streams, refuse, write_lines
from retry_contract.outcome import UsageError, Verdict

_ABOUT = "Contract tests for the retry endpoint of Postman v2 (postman.gov.sg)."
_EXAMPLE = "example: retry-contract verify --contract after"
_NAME = "retry-contract"
_COMMANDS = (
    *("verify", "validate", "consumer", "sandbox"),
    *("schema", "timeline", "rules", "explain"),
)
_KNOWN = f"{', '.join(_COMMANDS[:-1])} or {_COMMANDS[-1]}"
_LONG = re.compile(r"--[A-Za-z]+(-[A-Za-z]+)*")
_SHORT = re.compile(r"-[A-Za-z]")


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the options, and quotes no value: it may be a key."""

    def error(self, message: str) -> NoReturn:
        if "invalid choice" in message:
            raise UsageError(f"no such command; give {_KNOWN}; see: {self.prog} --help")
        unquoted = re.split(r""":? ['"]""", message)[0]
        raise UsageError(f"{unquoted}; see: {self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code."""
    prepare_streams()
    own, extra = _split(list(sys.argv[1:] if arguments is None else arguments))
    name = " ".join([_NAME, *(word for word in own[:1] if word in _COMMANDS)])
    try:
        return _run(own, extra)
    except UsageError as error:
        return refuse(name, str(error), as_json="--json" in own)
    except OSError as error:
        reason = ": ".join(str(part) for part in (error.filename, error.strerror) if part)
        return refuse(name, reason or str(error), as_json="--json" in own)
    except KeyboardInterrupt:
        ignore_from_now_on()
        not_tested = Verdict.NOT_TESTED
        return refuse(name, "interrupted", as_json="--json" in own, verdict=not_tested)
    except Exception as error:
        # Only the place is told: the message of an unforeseen error may quote a secret.
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}"
        reason = f"an error inside the kit, please report it: {place}; nothing was proved"
        return refuse(name, reason, as_json="--json" in own, verdict=Verdict.NOT_TESTED)


def _run(own: list[str], extra: list[str]) -> int:
    parser = _parser()
    try:
        options, unknown = parser.parse_known_args(own)
    finally:
        write_lines([])  # --help and --version end here, and their reader may be gone too
    if options.command is None:
        raise UsageError(f"give a command: {_KNOWN}; see: {_NAME} --help")
    if hasattr(options, "files"):
        # argparse takes files in one place only, and so leaves those behind an option.
        late = [word for word in unknown if word == "-" or not word.startswith("-")]
        unknown = [word for word in unknown if word not in late]
        options.files += late + extra
        extra = []
    if unknown:
        named = _without_values(unknown)
        raise UsageError(f"unrecognized arguments: {named}; see: {_NAME} {options.command} --help")
    if extra and options.run is not verify.run:
        raise UsageError("only verify takes -- ARGS")
    options.extra = extra
    if options.run is not verify.run:  # which has nothing to end before its session starts
        raise_from_now_on()
    code: int = options.run(options)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=_NAME, description=_ABOUT, epilog=_EXAMPLE, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"{_NAME} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for module in (verify, validate, consumer, sandbox, reference):
        module.add(commands)
    return parser


def _without_values(words: list[str]) -> str:
    """Name the options among some words, and none of their values."""
    names = dict.fromkeys(_name_of(word) for word in words)
    told = [", ".join(name for name in names if name), "a word that is no option" * ("" in names)]
    return " and ".join(filter(None, told))


def _name_of(word: str) -> str:
    """Return the name of an option without what is glued to it; "" if a word is none."""
    long = _LONG.fullmatch(word.partition("=")[0])
    found = long or _SHORT.match(word)
    return found[0] if found else ""


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in arguments:
        return arguments, []
    index = arguments.index("--")
    return arguments[:index], arguments[index + 1 :]
