"""`sandbox`: serves the documented service on loopback."""

import argparse
import contextlib
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retry_contract.choices import unknown_name
from retry_contract.cli.interrupts import ending_signals, handle_signals
from retry_contract.cli.output import write_json, write_lines
from retry_contract.cli.subcommand import REPEATABLE, Subcommand
from retry_contract.contract.catalogue import Catalogue, catalogue
from retry_contract.contract.timeline import SINGAPORE, InvalidInstant, as_instant
from retry_contract.outcome import ExitCode, UsageError

if TYPE_CHECKING:
    from retry_contract.service.controls import Start

_EXAMPLE = """\
exit: that of --run; 0 when ended by Ctrl-C, 2 usage error
example: retry-contract sandbox --port 0 --run "retry-contract verify --fuzz 0\""""
_PORT, _LARGEST_PORT, _LIST = 8020, 65535, "list"
_FAIL_AFTER = 0.3
"""When a message to a simulator number fails, after it was sent or retried, in seconds."""
_AUTO, _ATTEMPTS = {"default": "auto"}, {"default": "attempts"}
_OPTIONS = (
    ("--port", "N", f"default {_PORT}; 0 takes any that is free"),
    ("--contract", "NAME", "before, after or auto (default): by its clock", _AUTO),
    ("--on", "INSTANT", "what its clock starts at; default now"),
    ("--cutover-in", "SECONDS", "start its clock so long before the cutover"),
    ("--rate", "PER_SECOND", "answer more with 429; default no limit"),
    ("--errors", "ENVELOPE", "of errors: nested (default) or flat", {"default": "nested"}),
    ("--cap", "WHAT", "what of three is capped: attempts (default) or retries", _ATTEMPTS),
    ("--fail-after", "SECONDS", f"when a simulator number's message fails; default {_FAIL_AFTER}"),
    ("--allow-host", "NAME", "a name to answer for, as of a container; repeatable", REPEATABLE),
    ("--run", "COMMAND", "run a command with the sandbox in its environment"),
    ("--fault", "NAME", "a fault to have, repeatable; list prints them all", REPEATABLE),
    ("--json", "", "print what it serves as JSON"),
)
_GRACE = 5.0
"""How long a command has to end after Ctrl-C, in seconds."""


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted, or until the command has ended. Raises UsageError."""
    if _LIST in options.fault:
        _list_faults(as_json=options.json)
        return ExitCode.KEPT
    from retry_contract.endpoint.server import serve
    from retry_contract.service.admission import refuse_other_hosts
    from retry_contract.service.controls import CONTROL, Sandbox
    from retry_contract.service.model import PREFIX
    from retry_contract.verification.option_values import number

    if options.json and options.run is not None:
        raise UsageError("--json: goes without --run, whose command has it all in its environment")
    if options.run is not None and not options.run.strip():
        raise UsageError("--run: the command is empty")
    contracts = catalogue()
    port = number("port", options.port, default=_PORT, most=_LARGEST_PORT)
    sandbox = Sandbox(contracts, _start(options, contracts), lambda: datetime.now(SINGAPORE))
    handling = handle_signals(signal.default_int_handler, *ending_signals())
    handle = refuse_other_hosts(sandbox.handle, _allowed_hosts(options))
    with handling, serve(handle, port=port) as (url,):
        places = {"endpoint": url + PREFIX, "control": url + CONTROL}
        described = {**places, **sandbox.description()}
        if options.run is not None:
            return _run_command(options.run, _environment(described, _command_of(options)))
        with contextlib.suppress(KeyboardInterrupt):
            if options.json:
                write_json(described)
            else:
                write_lines(_lines(described))
            _wait()
    return 0


def _allowed_hosts(options: argparse.Namespace) -> list[str]:
    from retry_contract.service.admission import NAME

    for name in options.allow_host:
        if not NAME.fullmatch(name.removesuffix(".")):
            raise UsageError(f"--allow-host {name}: give a name or an IPv4 address alone")
    return list(options.allow_host)


def _list_faults(*, as_json: bool) -> None:
    from retry_contract.service.faults import FAULTS

    faults = FAULTS.values()
    if as_json:
        rows = [{"fault": f.name, "sentence": f.sentence, "rule": f.rule} for f in faults]
        write_json({"faults": rows})
    else:
        width = max(map(len, FAULTS)) + 2
        write_lines(fault.name.ljust(width) + fault.sentence for fault in faults)


def _start(options: argparse.Namespace, contracts: Catalogue) -> "Start":
    from retry_contract.service.controls import AUTO, Start
    from retry_contract.service.faults import fault_named
    from retry_contract.service.model import Settings
    from retry_contract.verification.option_values import number, positive

    contract, known = options.contract, [*(c.period.alias for c in contracts.values()), AUTO]
    if contract not in (*known, *contracts):
        said = unknown_name("contract", contract, known, also=contracts)
        raise UsageError(f"--contract {said}")
    try:
        faults = tuple(fault_named(name).name for name in options.fault)
    except LookupError as error:
        raise UsageError(f"--fault {error}") from None
    for name, words in (("errors", ("nested", "flat")), ("cap", ("attempts", "retries"))):
        if getattr(options, name) not in words:
            raise UsageError(f"--{name} {getattr(options, name)}: give {' or '.join(words)}")
    rate = number("rate", options.rate, default=None, least=1)
    delay = positive("fail-after", options.fail_after, default=_FAIL_AFTER, or_zero=True)
    delivery = timedelta(seconds=delay)
    settings = Settings(cap=options.cap, errors=options.errors, rate=rate, delivery=delivery)
    return Start(contract, _instant(options, contracts), faults, settings)


def _instant(options: argparse.Namespace, contracts: Catalogue) -> datetime | None:
    """Return what the clock starts at; None for the time of day."""
    from retry_contract.service.controls import YEARS
    from retry_contract.verification.option_values import positive

    lead = positive("cutover-in", options.cutover_in, default=None)
    if lead is not None:
        if options.contract != "auto" or options.on is not None:
            raise UsageError("--cutover-in sets the clock: leave out --on and --contract")
        cutover = list(contracts.values())[-1].period.effective_from
        assert cutover is not None  # only the first contract holds from the beginning
        return cutover - timedelta(seconds=lead)
    try:
        at = None if options.on is None else as_instant(options.on)
    except InvalidInstant as error:
        raise UsageError(f"--on: {error}") from None
    if at is not None and at.year not in YEARS:
        raise UsageError(f"--on {options.on}: give an instant from {YEARS[0]} to {YEARS[-1]}")
    return at


def _lines(described: dict[str, Any]) -> Iterator[str]:
    yield f"base URL  {described['endpoint']}"
    yield f"controls  {described['control']}"
    yield f"contract  {described['contract']}, at {described['now']} by its clock"
    if described["faults"]:
        yield f"faults    {', '.join(described['faults'])}"
    for campaign in (described, described["foreign"]):
        yield f"\ncampaign  {campaign['campaign']}"
        yield f"key       {campaign['key']}"
        if "revoked_key" in campaign:
            yield f"revoked   {campaign['revoked_key']}"
        yield from (f"  {state:<32}{message}" for state, message in campaign["messages"].items())
    yield "\nServing on loopback; Ctrl-C ends it."


def _command_of(options: argparse.Namespace) -> str:
    """Return the command that starts such a sandbox, at any port, but for its --run."""
    words = ["retry-contract", "sandbox", "--port", "0"]
    for option, _, _, *more in _OPTIONS:
        value = getattr(options, option.removeprefix("--").replace("-", "_"))
        if option in ("--port", "--run", "--json") or value in (None, *_defaults(more)):
            continue
        for item in value if isinstance(value, list) else [value]:
            words += [option, item]
    return shlex.join(words)


def _defaults(more: Sequence[dict[str, Any]]) -> list[Any]:
    return [keywords["default"] for keywords in more if "default" in keywords]


def _environment(described: dict[str, Any], command: str) -> dict[str, str]:
    from retry_contract.endpoint import sandbox_client

    # Last, so that the command finds this one where no other is in the way.
    places = [os.environ.get("PATH", os.defpath), str(Path(sys.executable).parent)]
    return {
        **os.environ,
        "PATH": os.pathsep.join(places),
        "RETRY_CONTRACT_ENDPOINT": described["endpoint"],
        "RETRY_CONTRACT_CAMPAIGN": described["campaign"],
        "RETRY_CONTRACT_FOREIGN_CAMPAIGN": described["foreign"]["campaign"],
        "RETRY_CONTRACT_MESSAGES": ",".join(described["messages"].values()),
        sandbox_client.VARIABLE: described["control"],
        sandbox_client.COMMAND: command,
        "POSTMAN_API_KEY": described["key"],
        "RETRY_CONTRACT_REVOKED_KEY": described["revoked_key"],
    }


def _wait() -> None:
    threading.Event().wait()


def _run_command(command: str, environment: dict[str, str]) -> int:
    """Run a command to its end, and leave nothing of it behind. Return its exit code."""
    child, signals = None, list[int]()
    try:
        # A Ctrl-C while it is being started waits, or the command would be lost sight of.
        numbers = (signal.SIGINT, *ending_signals())
        with handle_signals(lambda number, _: signals.append(number), *numbers):
            from retry_contract.consumer.process import user_process

            group = user_process.group_arguments()
            child = subprocess.Popen(command, shell=True, env=environment, **group)
        if signals:
            raise KeyboardInterrupt
        code = child.wait()
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
        if child is not None:
            user_process.signal_group(child, signal.SIGINT)
            # In a thread: the time limit of Popen.wait is that of a clock that may stand still.
            waiter = threading.Thread(target=child.wait, daemon=True)
            waiter.start()
            with contextlib.suppress(KeyboardInterrupt):
                waiter.join(_GRACE)
    finally:
        if child is not None:
            user_process.end_group(child)
    return code if code >= 0 else 128 - code


COMMAND = Subcommand(
    *("sandbox", run, "serve the documented service on loopback", _EXAMPLE, _OPTIONS),
    "Serve the documented service on loopback, until Ctrl-C.",
    "%(prog)s [OPTION ...]",
)
