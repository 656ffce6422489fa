"""`consumer`: tries the user's code on both contracts."""

import argparse
import contextlib
import dataclasses
import json
import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from retry_contract.cli.interrupts import ending_signals, handle_signals
from retry_contract.cli.output import complain, paint, write_json, write_lines
from retry_contract.cli.runner import show_readiness
from retry_contract.cli.subcommand import REPEATABLE, Subcommand
from retry_contract.contract.catalogue import catalogue
from retry_contract.outcome import UsageError
from retry_contract.privacy.descriptions import cut, escape
from retry_contract.privacy.names import MASK

if TYPE_CHECKING:
    from retry_contract.consumer.process.readers import LineReader, PerPayloadReader
    from retry_contract.consumer.readiness import Readiness
    from retry_contract.privacy.scrubber import Scrubber

_NOT_REPEATED = ("--seed", "--report", "--json")
_EXAMPLE = """\
exit: 0 ready, 1 not ready, 2 usage error, 3 not tested
example: retry-contract consumer json:dumps --payloads 100"""
_PAYLOADS, _FEW_PAYLOADS, _MOST_PAYLOADS = 1000, 25, 100_000
_TIMEOUT, _PATIENCE = 10.0, 10.0
_LONGEST_REASON, _LONGEST_TARGET = 500, 100
_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
_POINTER = re.compile(r"(/([^/~]|~0|~1)*)*")
_WAYS = "package.module:callable, --exec COMMAND, --client TARGET and --client-exec COMMAND"
_TAKES = "package.module:callable; takes a dict, or str or bytes if so annotated"
_ACCEPT = 'a place of the result that may differ; "" is all of it; repeatable'
_OPTIONS = (
    ("target", "TARGET", _TAKES, {"nargs": "?"}),
    ("--exec", "COMMAND", "a command: one payload a line in; ok, ok JSON or error TEXT out"),
    ("--per-payload", "", "start the command once a payload, and read its exit status"),
    ("--client", "TARGET", "makes the call: takes (base_url, api_key, campaign_id, message_id)"),
    ("--client-exec", "COMMAND", "a command that makes one call; its environment says where to"),
    ("--accept", "POINTER", _ACCEPT, REPEATABLE),
    ("--accepted-when", "TARGET", "with --client: answers True or False: is its result a success"),
    ("--payloads", "N", f"payloads to generate ({_PAYLOADS}; with --per-payload, {_FEW_PAYLOADS})"),
    ("--seed", "N", "the same seed gives the same payloads"),
    ("--values", "JSON", "what fills your template, made up"),
    ("--timeout", "SECONDS", f"how long a payload or call may take ({_TIMEOUT:g})"),
    ("--report", "DIR", "write report.json and .html, summary.md, junit.xml"),
    ("--json", "", "print the outcome as JSON"),
)


def run(options: argparse.Namespace) -> int:
    """Try the user's code; a signal that ends a program is a Ctrl-C. Raises UsageError."""
    from retry_contract.privacy.scrubber import Scrubber, keys_in

    secret = os.environ.get("POSTMAN_API_KEY", "")  # the user's code may quote it
    scrubber, ctrl_c = Scrubber(*keys_in(os.environ)), signal.getsignal(signal.SIGINT)
    like_ctrl_c = ctrl_c if callable(ctrl_c) else signal.default_int_handler
    try:
        with handle_signals(like_ctrl_c, *ending_signals()):
            return _run(options, secret, scrubber)
    except (UsageError, OSError) as error:
        raise UsageError(escape(scrubber.scrub(str(error)))) from None


def _run(options: argparse.Namespace, secret: str, scrubber: "Scrubber") -> int:
    from retry_contract.privacy.words import mask_words
    from retry_contract.verification.report_folder import claim

    folder = claim("consumer", options.report)
    target, limits, began = _target(options), _limits(options), datetime.now(UTC)
    try:
        with _progress_note(options):
            found = _check(options, target, limits, secret)
    except UsageError as error:
        reason = mask_words(scrubber.scrub(str(error)))
        raise UsageError(_reason(options, scrubber.scrub(target), reason)) from None
    from retry_contract.consumer.readiness import mask_found
    from retry_contract.privacy.scrubber import map_texts
    from retry_contract.report import readiness_report, readiness_text

    replay = _replay(options, found.seed, lambda text: mask_words(scrubber.scrub(text)))
    safe: Readiness = mask_found(map_texts(found, scrubber.scrub))
    safe = dataclasses.replace(safe, replay=replay, began=began)
    if folder is not None:
        from retry_contract.report.readiness_files import written_readiness

        safe = written_readiness(safe, folder)
    show_readiness(safe, as_json=options.json)
    if options.json:
        write_json(readiness_report.readiness_document(safe))
    else:
        outcome = paint(readiness_text.outcome_line(safe), safe.verdict)
        write_lines([outcome, *readiness_report.readiness_lines(safe)])
    if safe.unwritten:
        complain(f"retry-contract consumer: --report: {safe.unwritten}")
    return safe.verdict.exit_code


def _replay(options: argparse.Namespace, seed: int | None, hide: Callable[[str], str]) -> str:
    """Return a command that tries the same again; a value of the template is a mask."""
    words = ["retry-contract", "consumer"]
    for name, *_ in _OPTIONS:
        value = getattr(options, name.removeprefix("--").replace("-", "_"))
        if name in _NOT_REPEATED or value in (None, False):
            continue
        if name == "--values":
            value = json.dumps(dict.fromkeys(json.loads(value), MASK))
        for item in value if isinstance(value, list) else [value]:
            words += [name] if name.startswith("--") else []
            words += [] if item is True else [hide(item)]
    words += [] if seed is None else ["--seed", str(seed)]
    return shlex.join(words)


def _reason(options: argparse.Namespace, target: str, reason: str) -> str:
    """Return why code cannot be tried; of a command, which may be long, before its text."""
    reason, target = cut(reason, _LONGEST_REASON), cut(target, _LONGEST_TARGET)
    if options.exec or options.client_exec:
        return f"{reason} (--{'exec' if options.exec else 'client-exec'} {target})"
    return f"{target}: {reason}"


def _is_client(options: argparse.Namespace) -> bool:
    return options.client is not None or options.client_exec is not None


def _target(options: argparse.Namespace) -> str:
    """Return the one target that is given. Raises UsageError if options do not go together."""
    callables = (options.target, options.client)
    targets = (*callables, options.exec, options.client_exec)
    given = [target for target in targets if target is not None]
    if len(given) != 1:
        quoted = "" if len(given) < 2 else "; a command of several words goes in quotes"
        raise UsageError(f"give one of {_WAYS}{quoted}")
    if options.per_payload and options.exec is None:
        raise UsageError("--per-payload goes with --exec COMMAND")
    if options.accepted_when is not None and options.client is None:
        raise UsageError("--accepted-when goes with --client TARGET; a command exits with 0 or not")
    of_readers = (options.payloads, options.seed, options.values)
    if _is_client(options) and of_readers != (None, None, None):
        alone = "are for code that reads, not for a client"
        raise UsageError(f"--payloads, --seed and --values {alone}")
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


@dataclass(frozen=True)
class _Limits:
    """What the options say of how much is tried; `timeout` is in seconds."""

    payloads: int
    seed: int
    values: dict[str, str] | None
    timeout: float


def _limits(options: argparse.Namespace) -> _Limits:
    from retry_contract.verification import option_values as read

    few = _FEW_PAYLOADS if options.per_payload else _PAYLOADS
    return _Limits(
        read.number("payloads", options.payloads, default=few, least=1, most=_MOST_PAYLOADS),
        read.read_seed(options.seed, 1) or 0,
        read.template_values(options.values),
        read.positive("timeout", options.timeout, default=None) or _TIMEOUT,
    )


def _check(options: argparse.Namespace, target: str, limits: _Limits, secret: str) -> "Readiness":
    from retry_contract.consumer.process.user_process import read_command
    from retry_contract.consumer.readiness import CheckPlan

    now, accept = datetime.now(UTC), tuple(options.accept)
    if _is_client(options):
        from retry_contract.consumer.client.calls import Client
        from retry_contract.consumer.client.client_check import check_client

        command = None if options.client_exec is None else read_command(options.client_exec)
        client = Client(target, limits.timeout, command, options.accepted_when or "")
        check = CheckPlan(target, now, secret=secret, accept=accept)
        return check_client(check, client, catalogue())
    drawn = limits.payloads, limits.seed
    check = CheckPlan(target, now, *drawn, secret, limits.values, accept)
    with contextlib.closing(_reader(options, target, limits.timeout)) as reader:
        from retry_contract.consumer.reader.reader_check import check_reader

        return check_reader(check, reader, catalogue())


def _reader(
    options: argparse.Namespace, target: str, timeout: float
) -> "LineReader | PerPayloadReader":
    from retry_contract.consumer.process import readers
    from retry_contract.consumer.process.user_process import read_command

    if options.per_payload:
        return readers.PerPayloadReader(read_command(target), timeout)
    if options.exec is None:
        return readers.python_reader(target, timeout)
    return readers.LineReader(read_command(target), timeout)


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


COMMAND = Subcommand(
    *("consumer", run, "try your code on both contracts", _EXAMPLE, _OPTIONS),
    "Try your code on both contracts: what reads the response, or makes the call.",
    "%(prog)s [OPTION ...] [TARGET]",
)
