"""The command that repeats a run, or one generated case of it."""

import json
import shlex

from retry_contract.verification.option_table import MOCK, OPTIONS, SERVED
from retry_contract.verification.options import Options

_NOT_REPEATED = frozenset(
    {"contract", "fuzz", "seed", "replay", "report", "record", "example-database", "values"}
)


def replay_command(options: Options, contract: str, case: str | None = None) -> str:
    """Return a shell command that repeats a run on one contract, with the same options.

    `case` is a generated case as JSON; without one nothing is generated.
    """
    given, live = dict(options.given), options.live
    words = ["retry-contract", "verify"]
    if given.get("on") is None:
        words += ["--contract", SERVED if given.get("contract") == SERVED else contract]
    if live is not None:
        from_environment = (options.endpoint, live.campaign, live.foreign_campaign)
        given |= zip(("endpoint", "campaign", "foreign-campaign"), from_environment, strict=True)
    for option in OPTIONS:
        value = given.get(option.name)
        if value in (None, MOCK) or option.name in _NOT_REPEATED:
            continue
        if option.kind == "flag":
            words.append(f"--{option.name}")
            continue
        for item in value if option.kind == "list" else [value]:
            # The address of a proxy may hold a password.
            secret = option.name == "proxy" and "@" in item
            words += [f"--{option.name}", "URL" if secret else item]
    if live is not None and live.values:
        words += ["--values", json.dumps(dict(live.values))]
    words += ["--fuzz", "0"] if case is None else ["--replay", case]
    return shlex.join(words)
