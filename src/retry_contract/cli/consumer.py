"""`consumer`: tries the user's code on both contracts."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from retry_contract.cli.interrupts import ending_signals, handle_signals
from retry_contract.cli.output import disarm, paint, write_json, write_lines
from retry_contract.outcome import UsageError
from retry_contract.privacy.descriptions import escape

if TYPE_CHECKING:
    from retry_contract.consumer.process.attempt import Reader
    from retry_contract.consumer.readiness import Asked, Readiness

_EXAMPLE = """\
exit: 0 ready, 1 not ready, 2 usage error, 3 not tested
example: retry-contract consumer json:dumps --payloads 100"""
_PAYLOADS, _FEW_PAYLOADS, _MOST_PAYLOADS = 1000, 25, 100_000
_TIMEOUT, _PATIENCE = 10.0, 10.0
_LONGEST_REASON, _LONGEST_TARGET = 500, 100
_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_POINTER = re.compile(r"(/([^/~]|~0|~1)*)*")
_WAYS = "package.module:callable, --exec COMMAND, --client TARGET and --client-exec COMMAND"
_OF_READERS = ("payloads", "seed", "values")


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "consumer",
        usage="%(prog)s [OPTION ...] [TARGET]",
        help="try your code on both contracts",
        description="Try your code on both contracts: what reads the response, or makes the call.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "target",
        nargs="?",
        metavar="TARGET",
        help="package.module:callable; it takes a dict, or str or bytes if so annotated",
    )
    parser.add_argument(
        "--exec",
        dest="exec_command",
        metavar="COMMAND",
        help="a command instead: one payload a line in; ok, ok JSON or error TEXT out",
    )
    parser.add_argument(
        "--per-payload",
        action="store_true",
        help="start the command once a payload, and read its exit status",
    )
    parser.add_argument(
        "--client",
        metavar="TARGET",
        help="what makes the call: takes (base_url, api_key, campaign_id, message_id)",
    )
    parser.add_argument(
        "--client-exec",
        metavar="COMMAND",
        help="a command that makes one call; its environment says where to",
    )
    _add_values(parser)
    parser.set_defaults(run=run)


def _add_values(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--accept",
        action="append",
        metavar="POINTER",
        help='a place of what it returns that is meant to differ; "" is all of it; repeatable',
    )
    parser.add_argument(
        "--accepted-when",
        metavar="TARGET",
        help="with --client: says by True or False whether what it returned is a success",
    )
    parser.add_argument(
        "--payloads",
        metavar="N",
        help=f"payloads to generate ({_PAYLOADS}; with --per-payload, {_FEW_PAYLOADS})",
    )
    parser.add_argument("--seed", metavar="N", help="the same seed gives the same payloads")
    parser.add_argument("--values", metavar="JSON", help="what fills your template, made up")
    parser.add_argument(
        "--timeout", metavar="SECONDS", help=f"how long a payload or call may take ({_TIMEOUT:g})"
    )
    parser.add_argument("--report", metavar="DIR", help="write report.json and summary.md")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")


def run(options: argparse.Namespace) -> int:
    """Try the user's code; a signal that ends a program is a Ctrl-C. Raises UsageError."""
    from retry_contract.privacy.scrubber import Scrubber

    scrub = Scrubber(_secret()).scrub
    ctrl_c = signal.getsignal(signal.SIGINT)
    like_ctrl_c = ctrl_c if callable(ctrl_c) else signal.default_int_handler
    try:
        with handle_signals(like_ctrl_c, *ending_signals()):
            return _run(options, scrub)
    except (UsageError, OSError) as error:
        raise UsageError(escape(scrub(str(error)))) from None


def _run(options: argparse.Namespace, scrub: Callable[[str], str]) -> int:
    from retry_contract.privacy.scrubber import map_texts
    from retry_contract.verification.option_values import usable_folder

    target = _target(options)
    folder = usable_folder("report", options.report)
    try:
        with _patience(options):
            found = _check(options, target)
    except UsageError as error:
        raise UsageError(_reason(options, scrub(target), scrub(str(error)))) from None
    safe: Readiness = map_texts(found, scrub)
    _show(safe, as_json=options.json)
    if folder is not None:
        from retry_contract.report.readiness_report import write_readiness

        write_readiness(safe, folder)
    return safe.verdict.exit_code


def _reason(options: argparse.Namespace, target: str, reason: str) -> str:
    """Return why code cannot be tried; of a command, which may be long, before its text."""
    from retry_contract.privacy.descriptions import cut

    reason, target = cut(reason, _LONGEST_REASON), cut(target, _LONGEST_TARGET)
    for option, command in (("exec", options.exec_command), ("client-exec", options.client_exec)):
        if command is not None:
            return f"{reason} (--{option} {target})"
    return f"{target}: {reason}"


def _target(options: argparse.Namespace) -> str:
    given = [options.target, options.exec_command, options.client, options.client_exec]
    commands = (options.exec_command, options.client_exec)
    if sum(target is not None for target in given) != 1:
        raise UsageError(f"give one of {_WAYS}")
    if options.per_payload and options.exec_command is None:
        raise UsageError("--per-payload goes with --exec COMMAND")
    if options.accepted_when is not None and options.client is None:
        raise UsageError("--accepted-when goes with --client TARGET; a command exits with 0 or not")
    makes_calls = options.client is not None or options.client_exec is not None
    if makes_calls and any(getattr(options, name) is not None for name in _OF_READERS):
        raise UsageError(
            "--payloads, --seed and --values are for code that reads, not for a client"
        )
    target = next(target for target in given if target is not None)
    if not target.strip():
        raise UsageError("the target is empty: give package.module:callable, or a command")
    callables = [options.accepted_when, None if target in commands else target]
    for name in callables:
        if name is not None and not _TARGET.fullmatch(name):
            how = "write package.module:callable, as app.sms:parse; a command goes with --exec"
            raise UsageError(f"{escape(name)}: {how}")
    for pointer in options.accept or ():
        if not _POINTER.fullmatch(pointer):
            how = 'write a JSON Pointer, such as /count or /items/0, or "" for all of it'
            raise UsageError(f"--accept {escape(pointer)}: {how}")
    return str(target)


def _check(options: argparse.Namespace, target: str) -> Readiness:
    from retry_contract.consumer.readiness import Asked
    from retry_contract.contract.catalogue import catalogue
    from retry_contract.contract.pair import newest_pair
    from retry_contract.verification.option_values import number, read_seed, template_values

    contracts, now, accept = catalogue(), datetime.now(UTC), tuple(options.accept or ())
    if options.client is not None or options.client_exec is not None:
        asked = Asked(target, now, secret=_secret(), accept=accept)
        return _check_client(options, asked)
    default = _FEW_PAYLOADS if options.per_payload else _PAYLOADS
    payloads = number("payloads", options.payloads, default=default)
    if payloads > _MOST_PAYLOADS:
        raise UsageError(f"--payloads {payloads}: give at most {_MOST_PAYLOADS}")
    seed, values = read_seed(options.seed, 1) or 0, template_values(options.values)
    from retry_contract.consumer.reader.reader_check import check

    with _reader(options, target) as reader:
        asked = Asked(target, now, payloads, seed, _secret(), values, accept)
        return check(asked, reader, newest_pair(contracts), contracts.timeline)


def _check_client(options: argparse.Namespace, asked: Asked) -> Readiness:
    from retry_contract.consumer.client.calls import Client
    from retry_contract.consumer.client.client_check import check_client
    from retry_contract.consumer.process.command import read_command
    from retry_contract.contract.catalogue import catalogue
    from retry_contract.contract.pair import newest_pair

    command = None if options.client_exec is None else read_command(options.client_exec)
    client = Client(asked.target, _timeout(options), command, options.accepted_when or "")
    return check_client(asked, client, newest_pair(catalogue()), catalogue())


@contextlib.contextmanager
def _patience(options: argparse.Namespace) -> Iterator[None]:
    """Say on standard error, once it has lasted for some time, that it goes on."""
    reads = options.client is None and options.client_exec is None
    quicker = "; with fewer --payloads it takes less time" if reads else ""
    note = f"retry-contract consumer: still trying{quicker}\n"
    timer = threading.Timer(_PATIENCE, sys.stderr.write, [note])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _secret() -> str:
    """Return the API key, if the environment has one: the user's code may quote it."""
    return os.environ.get("POSTMAN_API_KEY", "")


def _timeout(options: argparse.Namespace) -> float:
    from retry_contract.verification.option_values import positive

    return positive("timeout", options.timeout, default=_TIMEOUT) or _TIMEOUT


@contextlib.contextmanager
def _reader(options: argparse.Namespace, target: str) -> Iterator[Reader]:
    from retry_contract.consumer.process.command import read_command
    from retry_contract.consumer.process.lines import Lines, python_reader
    from retry_contract.consumer.process.per_payload import Each

    timeout = _timeout(options)
    if options.exec_command is None:
        with contextlib.closing(python_reader(target, timeout)) as lines:
            yield lines
    elif options.per_payload:
        yield Each(read_command(target), timeout)
    else:
        with contextlib.closing(Lines(read_command(target), timeout)) as lines:
            yield lines


def _show(found: Readiness, *, as_json: bool) -> None:
    from retry_contract.report.readiness_report import (
        outcome_line,
        readiness_document,
        readiness_lines,
    )

    if as_json:
        write_json(readiness_document(found))
        return
    outcome = paint(outcome_line(found), found.verdict)
    write_lines([outcome, *map(disarm, readiness_lines(found))])
