"""The command that repeats a run, or one generated case of it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

from retry_contract.verification.option_table import MOCK, OPTIONS, SERVED
from retry_contract.verification.options import Options

_NOT_REPEATED = {
    "contract",
    "fuzz",
    "seed",
    "replay",
    "report",
    "record",
    "example-database",
    "values",
}


def replay_command(options: Options, contract: str, case: str | None = None) -> str:
    """Return a command for a shell that repeats a run on one contract, as its options were.

    `case` is a generated case as JSON; without one nothing is generated.
    """
    words = ["retry-contract", "verify"]
    if options.given.get("on") is None:
        served = options.given.get("contract") == SERVED
        words += ["--contract", SERVED if served else contract]
    words += _repeated(options)
    words += ["--fuzz", "0"] if case is None else ["--replay", case]
    return shlex.join(words)


def _repeated(options: Options) -> Iterator[str]:
    live = options.live
    effective = {} if live is None else {
        "endpoint": options.endpoint,
        "campaign": live.campaign,
        "foreign-campaign": live.foreign_campaign,
    }  # fmt: skip
    for option in OPTIONS:
        value = effective.get(option.name) or options.given.get(option.name)
        if value in (None, MOCK) or option.name in _NOT_REPEATED:
            continue
        if option.kind == "flag":
            yield f"--{option.name}"
            continue
        for item in value if option.kind == "list" else [value]:
            # The address of a proxy may hold a password.
            secret = option.name == "proxy" and "@" in item
            yield from (f"--{option.name}", "URL" if secret else item)
    if live is not None and live.values:
        yield from ("--values", json.dumps(dict(live.values)))
