"""What a run was asked to do, checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retry_contract.contract.catalogue import Catalogue
from retry_contract.contract.expectation import Expectation, expectations
from retry_contract.endpoint.guard import is_loopback
from retry_contract.endpoint.live import (
    LiveSettings,
    check_key,
    check_proxy,
    check_url,
    may_provision,
    trust,
)
from retry_contract.outcome import UsageError
from retry_contract.rules import rule_named
from retry_contract.verification.option_table import MOCK, OPTIONS, SERVED, Option
from retry_contract.verification.option_values import (
    number,
    positive,
    read_id,
    read_replay,
    read_seed,
    template_values,
    usable_file,
    usable_folder,
)

_LIVE_ONLY = (
    *("campaign", "message", "foreign-campaign", "provision", "values", "budget", "rate"),
    *("timeout", "proxy", "ca-file", "allow-production"),
)
_BUDGET, _RATE, _TIMEOUT = 200, 2.0, 10.0
_FUZZ_HERE = 50


@dataclass(frozen=True)
class Options:
    """The options of one run, checked. `live` is None for the mock; `seed`, without fuzzing.

    `expectations` is empty where the contract is the one that is served. `given` are the options
    as they were given, by name.
    """

    endpoint: str
    live: LiveSettings | None
    expectations: tuple[Expectation, ...]
    ignored: frozenset[str]
    strict: bool
    report: Path | None
    record: Path | None = None
    fuzz: int = 0
    seed: int | None = None
    replay: dict[str, Any] | None = None
    examples: Path | None = None
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read_options(
    given: Mapping[str, Any],
    *,
    catalogue: Catalogue,
    environment: Mapping[str, str] = os.environ,
) -> Options:
    """Check the options of a run, by name. Raises UsageError, saying what to do instead."""
    values = {option.name: _value(option, given, environment) for option in OPTIONS}
    endpoint = MOCK if values["endpoint"] is None else str(values["endpoint"])
    live = None if endpoint == MOCK else _live(endpoint, values, environment)
    if live is None:
        _check_mock(given)
    elif values["contract"] == "all":
        raise UsageError("--contract all is for the mock: a service serves one at a time; name it")
    ignored = frozenset(values["ignore"] or ())
    try:
        for name in sorted(ignored):
            rule_named(name)
    except LookupError as error:
        raise UsageError(f"--ignore {error}") from None
    replay = read_replay(values["replay"])
    here = live is None or is_loopback(live.url)
    fuzz = number("fuzz", values["fuzz"], default=_FUZZ_HERE if here else 0)
    return Options(
        endpoint=endpoint if live is None else live.url,
        live=live,
        expectations=_expected(catalogue, values, default="all" if live is None else "auto"),
        ignored=ignored,
        strict=bool(values["strict"]),
        report=usable_folder("report", values["report"]),
        record=usable_file("record", values["record"]),
        fuzz=0 if replay else fuzz,
        seed=read_seed(values["seed"], 0 if replay else fuzz),
        replay=replay,
        examples=usable_folder("example-database", values["example-database"]),
        given=given,
    )


def _check_mock(given: Mapping[str, Any]) -> None:
    live_only = [name for name in _LIVE_ONLY if given.get(name) is not None]
    if live_only:
        raise UsageError(f"--{live_only[0]} goes with --endpoint URL, not with the mock")
    if given.get("contract") == SERVED:
        raise UsageError("--contract served goes with --endpoint URL, not with the mock")


def _expected(
    catalogue: Catalogue, values: Mapping[str, Any], *, default: str
) -> tuple[Expectation, ...]:
    if values["contract"] != SERVED:
        return expectations(catalogue, values["contract"], values["on"], default=default)
    if values["on"] is not None:
        raise UsageError("--on goes with --contract auto, not with --contract served")
    return ()


def _live(endpoint: str, values: Mapping[str, Any], environment: Mapping[str, str]) -> LiveSettings:
    if not endpoint.strip():
        raise UsageError(
            "the endpoint is empty: give --endpoint mock, or unset RETRY_CONTRACT_ENDPOINT"
        )
    url = check_url(endpoint, allow_production=bool(values["allow-production"]))
    key = check_key(environment.get("POSTMAN_API_KEY", ""))
    if not values["campaign"]:
        raise UsageError("no campaign: give --campaign, or set RETRY_CONTRACT_CAMPAIGN")
    here, simulate = is_loopback(url), _simulate(url, values["provision"])
    foreign = values["foreign-campaign"]
    if values["ca-file"] is not None and not Path(values["ca-file"]).is_file():
        raise UsageError(f"--ca-file {values['ca-file']}: there is no such file")
    if url.startswith("https:"):
        trust(values["ca-file"])
    return LiveSettings(
        url=url,
        key=key,
        campaign=read_id("campaign", values["campaign"]),
        foreign_campaign=None if foreign is None else read_id("foreign-campaign", foreign),
        messages=tuple(read_id("message", message) for message in values["message"] or ()),
        simulate=simulate,
        values=template_values(values["values"]),
        budget=number("budget", values["budget"], default=None if here else _BUDGET),
        rate=positive("rate", values["rate"], default=None if here else _RATE),
        timeout=positive("timeout", values["timeout"], default=_TIMEOUT) or _TIMEOUT,
        proxy=check_proxy(values["proxy"], url),
        ca_file=values["ca-file"],
    )


def _simulate(url: str, provision: str | None) -> bool:
    if provision not in (None, "none", "simulator"):
        raise UsageError(f"--provision {provision}: give none or simulator")
    if provision == "simulator" and not may_provision(url):
        raise UsageError(
            "--provision simulator: the simulator numbers exist in the test environment only, "
            "https://test.postman.gov.sg/api/v2"
        )
    return provision == "simulator"


def _value(option: Option, given: Mapping[str, Any], environment: Mapping[str, str]) -> Any:
    value = given.get(option.name)
    if value is None and option.variable is not None:
        value = environment.get(option.variable)
        if value is not None and option.kind == "list":
            return [item.strip() for item in value.split(",") if item.strip()]
    return value
