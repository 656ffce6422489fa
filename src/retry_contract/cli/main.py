"""The command `retry-contract` and its subcommands."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from retry_contract._version import __version__
from retry_contract.cli import inform, validate, verify
from retry_contract.cli.output import prepare_streams, refuse
from retry_contract.outcome import ExitCode, Unusable

_ABOUT = "Contract tests for the retry endpoint of Postman v2 (postman.gov.sg)."
_EXAMPLE = "example: retry-contract verify --contract after"


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the options."""

    def error(self, message: str) -> NoReturn:
        as_json = "--json" in sys.argv
        sys.exit(refuse(self.prog, f"{message}; see: {self.prog} --help", as_json=as_json))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line, and return its exit code."""
    prepare_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    own, extra = _split(given)
    options = _parser().parse_args(own)
    options.extra = extra
    if extra and options.run is not verify.run:
        return refuse(
            f"retry-contract {options.command}", "only verify takes -- ARGS", as_json=False
        )
    try:
        code: int = options.run(options)
        sys.stdout.flush()
        return code
    except Unusable as error:
        as_json = getattr(options, "json", False)
        return refuse(f"retry-contract {options.command}", str(error), as_json=as_json)
    except KeyboardInterrupt:
        print("retry-contract: interrupted", file=sys.stderr)
        return ExitCode.NOT_TESTED
    except BrokenPipeError:
        # Whoever read the output has closed it; Python must not fail over it again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.NOT_TESTED


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="retry-contract", description=_ABOUT, epilog=_EXAMPLE, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"retry-contract {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for module in (verify, validate, inform):
        module.add(commands)
    return parser


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    if "--" not in arguments:
        return arguments, []
    index = arguments.index("--")
    return arguments[:index], arguments[index + 1 :]
