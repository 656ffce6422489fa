"""`sandbox`: serves the documented service over HTTP."""

import argparse
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retry_contract.choices import unknown_name
from retry_contract.cli.env_file import prepare, published
from retry_contract.cli.interrupts import queue_signals
from retry_contract.cli.output import complain, write_json, write_lines
from retry_contract.cli.sandbox_command import (
    Signals,
    environment,
    run_command,
    such_a_sandbox,
    variables,
    wait_for_signal,
)
from retry_contract.cli.subcommand import REPEATABLE, Subcommand
from retry_contract.contract.catalogue import Catalogue, catalogue
from retry_contract.contract.timeline import SINGAPORE, InvalidInstant, as_instant
from retry_contract.outcome import ExitCode, UsageError

if TYPE_CHECKING:
    from retry_contract.service.controls import Start

_EXAMPLE = """\
exit: that of --run, 3 after --timeout; 0 when ended by a signal, 2 usage error
example: retry-contract sandbox --port 0 --run "retry-contract verify --fuzz 0\""""
_PORT, _LARGEST_PORT, _LIST = 8020, 65535, "list"
_FAIL_AFTER = 0.3
"""When a message to a simulator number fails, after it was sent or retried, in seconds."""
_LISTEN = "127.0.0.1"
_HERE, _AUTO, _ATTEMPTS = {"default": _LISTEN}, {"default": "auto"}, {"default": "attempts"}
_OPTIONS = (
    ("--port", "N", f"default {_PORT}; 0 takes any that is free"),
    ("--listen", "ADDRESS", f"default {_LISTEN}; 0.0.0.0 is all of this machine", _HERE),
    ("--contract", "NAME", "before, after or auto (default): by its clock", _AUTO),
    ("--on", "INSTANT", "what its clock starts at; default now"),
    ("--cutover-in", "SECONDS", "start its clock so long before the cutover"),
    ("--rate", "PER_SECOND", "answer more with 429; default no limit"),
    ("--errors", "ENVELOPE", "of errors: nested (default) or flat", {"default": "nested"}),
    ("--cap", "WHAT", "what of three is capped: attempts (default) or retries", _ATTEMPTS),
    ("--fail-after", "SECONDS", f"when a simulator number's message fails; default {_FAIL_AFTER}"),
    ("--allow-host", "NAME", "a name to answer for, as of a container; repeatable", REPEATABLE),
    ("--env-file", "FILE", "has NAME=value lines for a shell, as long as it serves"),
    ("--run", "COMMAND", "run a command with the sandbox in its environment"),
    ("--timeout", "SECONDS", "end the command of --run after it; default none"),
    ("--fault", "NAME", "a fault to have, repeatable; list prints them all", REPEATABLE),
    ("--json", "", "print what it serves as JSON"),
)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal comes, or until the command has ended. Raises UsageError."""
    if _LIST in options.fault:
        _list_faults(as_json=options.json)
        return ExitCode.KEPT
    with queue_signals() as signals:
        # First of all: a script that waits for the file must not find that of an earlier sandbox.
        return _serve(options, prepare(options.env_file), signals)


def _serve(options: argparse.Namespace, file: Path | None, signals: Signals) -> int:
    from retry_contract.cli.listen import read_address
    from retry_contract.endpoint.server import serve
    from retry_contract.service.admission import refuse_other_hosts
    from retry_contract.service.controls import CONTROL, Sandbox
    from retry_contract.service.model import PREFIX
    from retry_contract.verification.option_values import number

    limit = _limit(options)
    contracts = catalogue()
    port = number("port", options.port, default=_PORT, most=_LARGEST_PORT)
    sandbox = Sandbox(contracts, _start(options, contracts), lambda: datetime.now(SINGAPORE))
    address = read_address(options.listen)
    handle = refuse_other_hosts(sandbox.handle, [*_allowed_hosts(options), *address.names])
    with serve(handle, port=port, host=address.bound) as (served,):
        taken = int(served.rpartition(":")[2])
        url = f"http://{address.asked}:{taken}"
        places = {"endpoint": url + PREFIX, "control": url + CONTROL}
        described = {**places, **sandbox.description()}
        found = variables(described)
        if reach := address.reach(taken):
            complain(f"retry-contract sandbox: {reach}")
        with published(file, found):
            if options.run is not None:
                own = environment(found, such_a_sandbox(options, _OPTIONS))
                return run_command(options.run, own, signals, limit)
            if options.json:
                write_json(described)
            else:
                write_lines(_lines(described))
                where = "loopback" if address.is_loopback else address.given
                write_lines(["", f"Serving on {where}; Ctrl-C ends it."])
            wait_for_signal(signals)
    return ExitCode.KEPT


def _limit(options: argparse.Namespace) -> float | None:
    """Return how long the command may take, in seconds, once its options go together."""
    from retry_contract.verification.option_values import positive

    limit = positive("timeout", options.timeout, default=None)
    if options.run is None:
        if limit is not None:
            raise UsageError("--timeout: goes with --run alone, whose command it ends")
        return None
    if options.json:
        raise UsageError("--json: goes without --run, whose command has it all in its environment")
    if not options.run.strip():
        raise UsageError("--run: the command is empty")
    return limit


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
    from retry_contract.service.controls import YEARS, is_shown
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
    if at is not None and not is_shown(at):
        raise UsageError(f"--on {options.on}: give an instant from {YEARS[0]} to {YEARS[-1]}")
    return at


def _lines(described: dict[str, Any]) -> Iterator[str]:
    yield f"base URL  {described['endpoint']}"
    yield f"controls  {described['control']}"
    yield f"contract  {described['contract']}, at {described['now']} by its clock"
    if described["faults"]:
        yield f"faults    {', '.join(described['faults'])}"
    for campaign in (described, described["foreign"]):
        yield from ("", f"campaign  {campaign['campaign']}")
        yield f"key       {campaign['key']}"
        if "revoked_key" in campaign:
            yield f"revoked   {campaign['revoked_key']}"
        yield from (f"  {state:<32}{message}" for state, message in campaign["messages"].items())


COMMAND = Subcommand(
    *("sandbox", run, "serve the documented service on this machine", _EXAMPLE, _OPTIONS),
    "Serve the documented service on this machine, until Ctrl-C or SIGTERM.",
    "%(prog)s [OPTION ...]",
)
