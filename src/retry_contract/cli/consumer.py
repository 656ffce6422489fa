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
    from retry_contract.consumer.process.readers import Reader
    from retry_contract.consumer.readiness import Readiness

_EXAMPLE = """\
exit: 0 ready, 1 not ready, 2 usage error, 3 not tested
example: retry-contract consumer json:dumps --payloads 100"""
_PAYLOADS, _FEW_PAYLOADS, _MOST_PAYLOADS = 1000, 25, 100_000
_TIMEOUT, _PATIENCE = 10.0, 10.0
_LONGEST_REASON, _LONGEST_TARGET = 500, 100
_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_POINTER = re.compile(r"(/([^/~]|~0|~1)*)*")
_WAYS = "package.module:callable, --exec COMMAND, --client TARGET and --client-exec COMMAND"
_OPTIONS = {
    "target": ("TARGET", "package.module:callable; takes a dict, or str or bytes if so annotated"),
    "--exec": ("COMMAND", "a command: one payload a line in; ok, ok JSON or error TEXT out"),
    "--per-payload": ("", "start the command once a payload, and read its exit status"),
    "--client": ("TARGET", "makes the call: takes (base_url, api_key, campaign_id, message_id)"),
    "--client-exec": ("COMMAND", "a command that makes one call; its environment says where to"),
    "--accept": ("POINTER", 'a place of the result that may differ; "" is all of it; repeatable'),
    "--accepted-when": ("TARGET", "with --client: answers True or False: is its result a success"),
    "--payloads": ("N", f"payloads to generate ({_PAYLOADS}; with --per-payload, {_FEW_PAYLOADS})"),
    "--seed": ("N", "the same seed gives the same payloads"),
    "--values": ("JSON", "what fills your template, made up"),
    "--timeout": ("SECONDS", f"how long a payload or call may take ({_TIMEOUT:g})"),
    "--report": ("DIR", "write report.json and summary.md"),
    "--json": ("", "print the outcome as JSON"),
}
_FORMS: dict[str, dict[str, Any]] = {
    "target": {"nargs": "?"},
    "--exec": {"dest": "exec_command"},
    "--accept": {"action": "append", "default": []},
}


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
    for name, (metavar, text) in _OPTIONS.items():
        form: dict[str, Any] = {"metavar": metavar} if metavar else {"action": "store_true"}
        parser.add_argument(name, help=text, **form, **_FORMS.get(name, {}))
    parser.set_defaults(run=run)


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
        with _progress_note(options):
            found = _check(options, target)
    except UsageError as error:
        raise UsageError(_reason(options, scrub(target), scrub(str(error)))) from None
    from retry_contract.report import readiness_report

    safe: Readiness = map_texts(found, scrub)
    if options.json:
        write_json(readiness_report.readiness_document(safe))
    else:
        outcome = paint(readiness_report.outcome_line(safe), safe.verdict)
        write_lines([outcome, *map(disarm, readiness_report.readiness_lines(safe))])
    if folder is not None:
        readiness_report.write_readiness(safe, folder)
    return safe.verdict.exit_code


def _reason(options: argparse.Namespace, target: str, reason: str) -> str:
    """Return why code cannot be tried; of a command, which may be long, before its text."""
    from retry_contract.privacy.descriptions import cut

    reason, target = cut(reason, _LONGEST_REASON), cut(target, _LONGEST_TARGET)
    for option, command in (("exec", options.exec_command), ("client-exec", options.client_exec)):
        if command is not None:
            return f"{reason} (--{option} {target})"
    return f"{target}: {reason}"


def _is_client(options: argparse.Namespace) -> bool:
    return options.client is not None or options.client_exec is not None


def _target(options: argparse.Namespace) -> str:
    callables, commands = (
        (options.target, options.client),
        (options.exec_command, options.client_exec),
    )
    given = [target for target in (*callables, *commands) if target is not None]
    if len(given) != 1:
        raise UsageError(f"give one of {_WAYS}")
    if options.per_payload and options.exec_command is None:
        raise UsageError("--per-payload goes with --exec COMMAND")
    if options.accepted_when is not None and options.client is None:
        raise UsageError("--accepted-when goes with --client TARGET; a command exits with 0 or not")
    of_readers = (options.payloads, options.seed, options.values)
    if _is_client(options) and of_readers != (None, None, None):
        readers = "--payloads, --seed and --values are for code that reads, not for a client"
        raise UsageError(readers)
    if not given[0].strip():
        raise UsageError("the target is empty: give package.module:callable, or a command")
    for name in (options.accepted_when, *callables):
        if name is not None and not _TARGET.fullmatch(name):
            how = "write package.module:callable, as app.sms:parse; a command goes with --exec"
            raise UsageError(f"{escape(name)}: {how}")
    for pointer in options.accept:
        if not _POINTER.fullmatch(pointer):
            how = 'write a JSON Pointer, such as /count or /items/0, or "" for all of it'
            raise UsageError(f"--accept {escape(pointer)}: {how}")
    return str(given[0])


def _check(options: argparse.Namespace, target: str) -> Readiness:
    from retry_contract.consumer.readiness import CheckOptions
    from retry_contract.contract.catalogue import catalogue
    from retry_contract.contract.pair import newest_pair
    from retry_contract.verification.option_values import (
        number,
        positive,
        read_seed,
        template_values,
    )

    contracts, now, accept = catalogue(), datetime.now(UTC), tuple(options.accept)
    timeout = positive("timeout", options.timeout, default=None) or _TIMEOUT
    pair = newest_pair(contracts)
    if _is_client(options):
        from retry_contract.consumer.client.calls import Client
        from retry_contract.consumer.client.client_check import check_client
        from retry_contract.consumer.process.user_process import read_command

        command = None if options.client_exec is None else read_command(options.client_exec)
        client = Client(target, timeout, command, options.accepted_when or "")
        check = CheckOptions(target, now, secret=_secret(), accept=accept)
        return check_client(check, client, pair, contracts)
    default = _FEW_PAYLOADS if options.per_payload else _PAYLOADS
    payloads = number("payloads", options.payloads, default=default)
    if payloads > _MOST_PAYLOADS:
        raise UsageError(f"--payloads {payloads}: give at most {_MOST_PAYLOADS}")
    seed, values = read_seed(options.seed, 1) or 0, template_values(options.values)
    check = CheckOptions(target, now, payloads, seed, _secret(), values, accept)
    from retry_contract.consumer.reader.reader_check import check_reader

    with _reader(options, target, timeout) as reader:
        return check_reader(check, reader, pair, contracts.timeline)


@contextlib.contextmanager
def _reader(options: argparse.Namespace, target: str, timeout: float) -> Iterator[Reader]:
    from retry_contract.consumer.process import readers
    from retry_contract.consumer.process.user_process import read_command

    if options.per_payload:
        yield readers.PerPayloadReader(read_command(target), timeout)
        return
    if options.exec_command is None:
        reader = readers.python_reader(target, timeout)
    else:
        reader = readers.LineReader(read_command(target), timeout)
    with contextlib.closing(reader):
        yield reader


@contextlib.contextmanager
def _progress_note(options: argparse.Namespace) -> Iterator[None]:
    """Write to standard error, once it has lasted for some time, that the check goes on."""
    quicker = "" if _is_client(options) else "; with fewer --payloads it takes less time"
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
