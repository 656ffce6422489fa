"""The command `retry-contract` and its subcommands."""

import argparse
import gc
import os
import re
import sys
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from retry_contract._version import __version__
from retry_contract.choices import closest_name
from retry_contract.cli import consumer, reference, sandbox, schema, validate, verify
from retry_contract.cli.interrupts import ignore_from_now_on, raise_from_now_on
from retry_contract.cli.output import prepare_streams, refuse, write_lines
from retry_contract.cli.runner import show_refusal
from retry_contract.outcome import UsageError, Verdict

_ABOUT = "Contract tests for the retry endpoint of Postman v2 (postman.gov.sg)."
_EXAMPLE = "example: retry-contract verify --contract after"
_NAME = "retry-contract"
_FIRST = (verify.COMMAND, validate.COMMAND, consumer.COMMAND, sandbox.COMMAND, schema.COMMAND)
_COMMANDS = {command.name: command for command in (*_FIRST, *reference.COMMANDS)}
_KNOWN = " or ".join(", ".join(_COMMANDS).rsplit(", ", 1))
_INVALID_CHOICE = re.compile(r"invalid choice: ['\"](.*?)['\"]")
_OPTION = re.compile(r"--[A-Za-z]+(-[A-Za-z]+)*(?==|\Z)|-[A-Za-z]")


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the options, and quotes no value: it may be a key."""

    def error(self, message: str) -> NoReturn:
        if wrong := _INVALID_CHOICE.search(message):
            meant = closest_name(wrong[1], _COMMANDS)
            how = f"did you mean {meant}?" if meant else f"give {_KNOWN}; see: {self.prog} --help"
            raise UsageError(f"no such command; {how}")
        unquoted = re.split(r""":? ['"]""", message)[0]
        raise UsageError(f"{unquoted}; see: {self.prog} --help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code."""
    prepare_streams()
    words = list(sys.argv[1:] if arguments is None else arguments)
    end = words.index("--") if "--" in words else len(words)
    own, extra = words[:end], words[end + 1 :]
    verdict = Verdict.NOT_TESTED
    try:
        return _run(own, extra)
    except UsageError as error:
        verdict, reason = Verdict.USAGE_ERROR, str(error)
    except OSError as error:
        file = _shown_file(error)
        parts = [part for part in (file, error.strerror) if part]
        verdict, reason = Verdict.USAGE_ERROR, ": ".join(parts) or str(error)
    except KeyboardInterrupt:
        ignore_from_now_on()
        reason = "interrupted"
    except Exception as error:
        # Only the place is shown: the message of an unexpected error may quote a secret.
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}"
        reason = f"an error inside the kit, please report it: {place}; nothing was proved"
    name = " ".join([_NAME, *(word for word in own[:1] if word in _COMMANDS)])
    reason = _without_keys(reason)
    show_refusal(name, reason, verdict)
    return refuse(name, reason, verdict, as_json="--json" in own)


def _shown_file(error: OSError) -> str | None:
    from retry_contract.privacy.names import mask_path

    return mask_path(str(error.filename)) if error.filename else None


def _without_keys(reason: str) -> str:
    from retry_contract.privacy.scrubber import Scrubber, keys_in

    return Scrubber(*keys_in(os.environ)).scrub(reason)


def _run(own: list[str], extra: list[str]) -> int:
    parser = _parser()
    try:
        options, unknown = parser.parse_known_args(own)
    finally:
        write_lines([])  # --help and --version end here, and may write to a closed pipe too
    if options.command is None and unknown:
        raise UsageError(_unrecognized(unknown, ("--help", "--version"), _NAME))
    if options.command is None:
        raise UsageError(f"give a command: {_KNOWN}; see: {_NAME} --help")
    if hasattr(options, "files"):
        # argparse takes files in one place only, and leaves those after an option.
        late = [word for word in unknown if word == "-" or not word.startswith("-")]
        unknown = [word for word in unknown if word not in late]
        options.files, extra = options.files + late + extra, []
    if unknown:
        known = options.subcommand.option_names
        raise UsageError(_unrecognized(unknown, known, f"{_NAME} {options.command}"))
    is_verify = options.subcommand is verify.COMMAND
    if extra and not is_verify:
        raise UsageError("only verify takes -- ARGS")
    options.extra = extra
    if not is_verify:  # which has nothing to end before its session starts
        raise_from_now_on()
        gc.enable()
    code: int = options.subcommand.run(options)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=_NAME, description=_ABOUT, epilog=_EXAMPLE, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"{_NAME} {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for command in _COMMANDS.values():
        command.add_to(commands)
    return parser


def _unrecognized(words: list[str], known: Iterable[str], command: str) -> str:
    """Return what is said of words that a command does not know: no value, and what was meant."""
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    meant = dict.fromkeys(filter(None, (closest_name(option, known) for option in options)))
    how = f"did you mean {' and '.join(meant)}?" if meant else f"see: {command} --help"
    return f"unrecognized arguments: {_without_values(words)}; {how}"


def _without_values(words: list[str]) -> str:
    """Name the options among some words, without their values."""
    options = [option[0] for word in words if (option := _OPTION.match(word))]
    named = ", ".join(dict.fromkeys(options))
    other = "a word that is no option" if len(options) < len(words) else ""
    return " and ".join(filter(None, (named, other)))
