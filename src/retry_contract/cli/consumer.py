"""`consumer`: tries the user's code on both contracts."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from retry_contract.cli.output import paint, visible, write_json, write_lines
from retry_contract.outcome import Unusable

if TYPE_CHECKING:
    from retry_contract.consumer.answers import Consumer
    from retry_contract.consumer.readiness import Readiness

_EXAMPLE = """\
exit: 0 ready, 1 not ready, 2 unusable, 3 not tested
example: retry-contract consumer json:dumps --payloads 100"""
_PAYLOADS, _FEW_PAYLOADS, _MOST_PAYLOADS = 1000, 25, 100_000
_TIMEOUT, _PATIENCE = 10.0, 10.0
_LONGEST_REASON = 500
_TARGET = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def add(commands: Any) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "consumer",
        usage="%(prog)s [OPTION ...] [TARGET]",
        help="try your code on both contracts",
        description="Try your code on both contracts: what reads the reply, or makes the call.",
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
        "--client",
        metavar="TARGET",
        help="what makes the call: takes (base_url, api_key, campaign_id, message_id)",
    )
    parser.add_argument(
        "--per-payload",
        action="store_true",
        help="start the command once a payload, and read its exit status",
    )
    _add_values(parser)
    parser.set_defaults(run=run)


def _add_values(parser: argparse.ArgumentParser) -> None:
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
    """Try the consumer. Raises Unusable."""
    from retry_contract.masking import Scrubber
    from retry_contract.session.values import usable_folder

    scrub = Scrubber(_secret()).scrub
    try:
        target = _target(options)
    except Unusable as error:
        raise Unusable(scrub(str(error))) from None
    folder = usable_folder("report", options.report)
    try:
        with _patience(options):
            found = _check(options, target)
    except Unusable as error:
        from retry_contract.consumer.answers import cut

        option = "" if options.exec_command is None else "--exec "
        reason = cut(scrub(str(error)), _LONGEST_REASON)
        raise Unusable(visible(f"{option}{scrub(target)}: {reason}")) from None
    found = found.scrubbed(scrub)
    if folder is not None:
        from retry_contract.report.readiness import write_readiness

        write_readiness(found, folder)
    _show(found, as_json=options.json)
    return found.verdict.exit_code


def _target(options: argparse.Namespace) -> str:
    given = [options.target, options.exec_command, options.client]
    if sum(target is not None for target in given) != 1:
        raise Unusable("give one of package.module:callable, --exec COMMAND and --client TARGET")
    if options.per_payload and options.exec_command is None:
        raise Unusable("--per-payload goes with --exec COMMAND")
    generated = (options.payloads, options.seed, options.values)
    if options.client is not None and any(option is not None for option in generated):
        raise Unusable("--payloads, --seed and --values are for code that reads, not for a client")
    target = next(target for target in given if target is not None)
    if not target.strip():
        raise Unusable("the target is empty: give package.module:callable, or a command to --exec")
    if options.exec_command is None and not _TARGET.fullmatch(target):
        raise Unusable(f"{visible(target)}: write package.module:callable, as app.sms:parse")
    return str(target)


def _check(options: argparse.Namespace, target: str) -> Readiness:
    from retry_contract.consumer.cases import newest_pair
    from retry_contract.consumer.check import Asked, check
    from retry_contract.contract.catalogue import catalogue
    from retry_contract.session.values import number, read_seed, template_values

    contracts, now = catalogue(), datetime.now(UTC)
    if options.client is not None:
        from retry_contract.consumer.client.check import check_client

        asked = Asked(target, 0, 0, now, _secret())
        return check_client(asked, _timeout(options), newest_pair(contracts), contracts)
    default = _FEW_PAYLOADS if options.per_payload else _PAYLOADS
    payloads = number("payloads", options.payloads, default=default)
    if payloads > _MOST_PAYLOADS:
        raise Unusable(f"--payloads {payloads}: give at most {_MOST_PAYLOADS}")
    seed = read_seed(options.seed, 1) or 0
    with _consumer(options, target) as consumer:
        asked = Asked(target, payloads, seed, now, _secret(), template_values(options.values))
        return check(asked, consumer, newest_pair(contracts), contracts.timeline)


@contextlib.contextmanager
def _patience(options: argparse.Namespace) -> Iterator[None]:
    """Say on standard error, once it has lasted for some time, that it goes on."""
    quicker = "" if options.client else "; with fewer --payloads it takes less time"
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
    from retry_contract.session.values import positive

    return positive("timeout", options.timeout, default=_TIMEOUT) or _TIMEOUT


@contextlib.contextmanager
def _consumer(options: argparse.Namespace, target: str) -> Iterator[Consumer]:
    from retry_contract.consumer.process.command import read_command
    from retry_contract.consumer.process.each import Each
    from retry_contract.consumer.process.lines import Lines, python_consumer

    timeout = _timeout(options)
    if options.exec_command is None:
        with python_consumer(target, timeout) as lines:
            yield lines
    elif options.per_payload:
        yield Each(read_command(target), timeout)
    else:
        with Lines(read_command(target), timeout) as lines:
            yield lines


def _show(found: Readiness, *, as_json: bool) -> None:
    from retry_contract.report.readiness import closing_line, readiness_document, readiness_lines

    if as_json:
        write_json(readiness_document(found))
        return
    closing = paint(closing_line(found), found.verdict)
    write_lines([*map(visible, readiness_lines(found)), closing])
