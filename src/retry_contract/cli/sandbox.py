"""`sandbox`: serves the documented service on loopback."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retry_contract.cli.interrupts import ending_signals, handle_signals
from retry_contract.cli.output import write_json, write_lines
from retry_contract.consumer.process.group import end, in_a_group, interrupt
from retry_contract.outcome import UsageError

if TYPE_CHECKING:
    from retry_contract.service.controls import Sandbox, Start
    from retry_contract.service.model import Settings

_EXAMPLE = """\
exit: that of --run; 0 when ended by Ctrl-C, 2 usage error
example: retry-contract sandbox --port 0 --run "retry-contract verify --fuzz 0\""""
_PORT = 8020
_LARGEST_PORT = 65535
_DELIVERY = timedelta(milliseconds=300)
_GRACE = 5.0
"""How long a command has to end after Ctrl-C, in seconds."""


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "sandbox",
        usage="%(prog)s [OPTION ...]",
        help="serve the documented service on loopback",
        description="Serve the documented service on loopback, until Ctrl-C.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    texts = {
        "port": ("N", f"default {_PORT}; 0 takes any that is free"),
        "contract": ("NAME", "before, after, or auto (default): the one in force by its clock"),
        "on": ("INSTANT", "what its clock starts at; default now"),
        "cutover-in": ("SECONDS", "start its clock so long before the cutover"),
        "rate": ("PER_SECOND", "answer more with 429; default no limit"),
        "errors": ("ENVELOPE", "of errors: nested (default) or flat"),
        "cap": ("WHAT", "what of three is capped: attempts (default) or retries"),
        "run": ("COMMAND", "run a command beside it, with the sandbox in its environment"),
    }
    for name, (metavar, text) in texts.items():
        dest = "command_line" if name == "run" else name.replace("-", "_")
        parser.add_argument(f"--{name}", dest=dest, metavar=metavar, help=text)
    fault = "a fault to have, repeatable; an unknown one lists them all"
    parser.add_argument("--fault", metavar="NAME", action="append", default=[], help=fault)
    parser.add_argument("--json", action="store_true", help="print what it serves as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted, or until the command has ended. Raises UsageError."""
    from retry_contract.contract.catalogue import catalogue
    from retry_contract.endpoint.server import serve
    from retry_contract.service.controls import Sandbox

    if options.json and options.command_line is not None:
        raise UsageError("--json: goes without --run, whose command has it all in its environment")
    sandbox = Sandbox(catalogue(), _start(options), lambda: datetime.now(UTC))
    port = _port(options.port)
    handling = handle_signals(signal.default_int_handler, *ending_signals())
    with handling, serve(sandbox.handle, port=port) as (url,):
        described = _described(sandbox, url)
        if options.command_line is not None:
            return _accompany(options.command_line, _environment(described))
        with contextlib.suppress(KeyboardInterrupt):
            if options.json:
                write_json(described)
            else:
                write_lines(_lines(described))
            _wait()
    return 0


def _start(options: argparse.Namespace) -> Start:
    from retry_contract.contract.catalogue import catalogue
    from retry_contract.contract.timeline import InvalidInstant, as_instant
    from retry_contract.service.controls import AUTO, YEARS, Start
    from retry_contract.service.faults import FAULTS

    contract = AUTO if options.contract is None else options.contract
    known = [*(c.period.alias for c in catalogue().values()), AUTO]
    if contract not in (*known, *catalogue()):
        raise UsageError(f"--contract {contract}: no such contract; use one of {', '.join(known)}")
    for name in options.fault:
        if name not in FAULTS:
            raise UsageError(f"--fault {name}: no such fault; use some of {', '.join(FAULTS)}")
    try:
        at = None if options.on is None else as_instant(options.on)
    except InvalidInstant as error:
        raise UsageError(f"--on: {error}") from None
    if at is not None and at.year not in YEARS:
        raise UsageError(f"--on {options.on}: give an instant from {YEARS[0]} to {YEARS[-1]}")
    if options.cutover_in is not None:
        at = _before_the_cutover(options, contract)
    return Start(contract, at, tuple(options.fault), _settings(options))


def _before_the_cutover(options: argparse.Namespace, contract: str) -> datetime:
    from retry_contract.contract.catalogue import catalogue
    from retry_contract.verification.option_values import positive

    if contract != "auto" or options.on is not None:
        raise UsageError("--cutover-in sets the clock: it goes with neither --on nor --contract")
    cutover = list(catalogue().values())[-1].period.effective_from
    assert cutover is not None  # only the first contract holds from the beginning
    lead = positive("cutover-in", options.cutover_in, default=None)
    return cutover - timedelta(seconds=lead or 0)


def _settings(options: argparse.Namespace) -> Settings:
    from retry_contract.service.model import Settings
    from retry_contract.verification.option_values import number

    for name, words in (("errors", ("nested", "flat")), ("cap", ("attempts", "retries"))):
        if getattr(options, name) not in (None, *words):
            raise UsageError(f"--{name} {getattr(options, name)}: give {' or '.join(words)}")
    rate = number("rate", options.rate, default=None)
    if rate == 0:
        raise UsageError("--rate 0: give a number of requests a second, from 1")
    cap: Any = options.cap or "attempts"
    errors: Any = options.errors or "nested"
    return Settings(cap=cap, errors=errors, rate=rate, delivery=_DELIVERY)


def _port(text: str | None) -> int:
    from retry_contract.verification.option_values import number

    port = number("port", text, default=_PORT)
    if port > _LARGEST_PORT:
        raise UsageError(f"--port {port}: give a number up to {_LARGEST_PORT}")
    return port


def _described(sandbox: Sandbox, url: str) -> dict[str, Any]:
    from retry_contract.service.controls import CONTROL
    from retry_contract.service.model import PREFIX

    places = {"endpoint": url + PREFIX, "control": f"{url}{CONTROL}"}
    return {**places, **sandbox.description()}


def _lines(described: dict[str, Any]) -> Iterator[str]:
    yield f"base URL  {described['endpoint']}"
    yield f"controls  {described['control']}"
    yield f"contract  {described['contract']}, at {described['now']} by its clock"
    if described["faults"]:
        yield f"faults    {', '.join(described['faults'])}"
    for campaign in (described, described["foreign"]):
        yield ""
        yield f"campaign  {campaign['campaign']}"
        yield f"key       {campaign['key']}"
        for state, message in campaign["messages"].items():
            yield f"  {state:<32}{message}"
    yield ""
    yield "Serving on loopback; Ctrl-C ends it."


def _environment(described: dict[str, Any]) -> dict[str, str]:
    # Last, so that the command finds this one where no other is in the way.
    places = [os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)]
    return {
        **os.environ,
        "PATH": os.pathsep.join(places),
        "RETRY_CONTRACT_ENDPOINT": described["endpoint"],
        "RETRY_CONTRACT_CAMPAIGN": described["campaign"],
        "RETRY_CONTRACT_FOREIGN_CAMPAIGN": described["foreign"]["campaign"],
        "RETRY_CONTRACT_MESSAGES": ",".join(described["messages"].values()),
        "RETRY_CONTRACT_SANDBOX": described["control"],
        "POSTMAN_API_KEY": described["key"],
    }


def _wait() -> None:
    threading.Event().wait()


def _accompany(command: str, environment: dict[str, str]) -> int:
    """Run a command to its end, and leave nothing of it behind. Return its exit code."""
    child, meanwhile = None, list[int]()
    try:
        # A Ctrl-C while it is being started waits, or the command would be lost sight of.
        wait = meanwhile.append
        with handle_signals(lambda number, _: wait(number), signal.SIGINT, *ending_signals()):
            child = subprocess.Popen(command, shell=True, env=environment, **in_a_group())
        if meanwhile:
            raise KeyboardInterrupt
        code = child.wait()
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
        if child is not None:
            interrupt(child)
            with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
                child.wait(_GRACE)
    finally:
        if child is not None:
            end(child)
    return code if code >= 0 else 128 - code
