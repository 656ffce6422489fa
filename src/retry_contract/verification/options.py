"""The options of a run, checked, and the command that repeats it."""

import json
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retry_contract.contract.catalogue import Catalogue
from retry_contract.contract.expectation import Expectation, expectations
from retry_contract.endpoint.guard import is_loopback
from retry_contract.outcome import UsageError
from retry_contract.privacy.names import MASK
from retry_contract.privacy.scrubber import Scrubber
from retry_contract.rules import RULES, rule_named
from retry_contract.verification import option_values as read
from retry_contract.verification import report_folder
from retry_contract.verification.baseline import Baseline
from retry_contract.verification.baseline_file import (
    baseline_to_update,
    read_baseline,
    writable_file,
)
from retry_contract.verification.option_table import ALL, MOCK, OPTIONS, SERVED, Option
from retry_contract.verification.states_file import load_states

if TYPE_CHECKING:
    from retry_contract.endpoint.live import LiveSettings

_LIVE_ONLY = (
    *("campaign", "message", "foreign-campaign", "states", "provision", "samples", "values"),
    *("budget", "rate", "timeout", "proxy", "ca-file", "allow-production"),
    *("baseline", "write-baseline"),
)
_NOT_REPEATED = frozenset(
    {"contract", "fuzz", "seed", "replay", "report", "record", "example-database", "values"}
    | {"max-seconds", "baseline", "write-baseline"}
)
_OF_SANDBOX = ("endpoint", "campaign", "foreign-campaign")
_REVOKED_KEY = "RETRY_CONTRACT_REVOKED_KEY"
_BUDGET, _RATE, _TIMEOUT, _CASES = 200, 2.0, 10.0, 50


@dataclass(frozen=True)
class Options:
    """The options of one run. `live` is None for the mock, `seed` without generated cases.

    `expectations` is empty with `--contract served`. `samples` is how many accepted retries to
    observe; None is three where they reach nobody, else one. `required` are rules without which
    nothing is kept. `states` is the hook of --states, `sandbox` the command that starts the sandbox
    that is tested, if that is known. `baseline` is what is known; `to_update` is the baseline that
    is written in the end, as it is now, and `baseline_file` where. `given` holds the options as
    they were given.
    """

    endpoint: str
    live: "LiveSettings | None"
    expectations: tuple[Expectation, ...]
    ignored: frozenset[str]
    required: frozenset[str]
    strict: bool
    report: Path | None
    record: Path | None = None
    fuzz: int = 0
    seed: int | None = None
    replay: dict[str, Any] | None = None
    samples: int | None = None
    examples: Path | None = None
    max_seconds: float | None = None
    states: Callable[[str], Any] | None = None
    sandbox: str | None = None
    baseline: Baseline | None = None
    to_update: Baseline | None = None
    baseline_file: Path | None = None
    given: Mapping[str, Any] = field(default_factory=dict, repr=False)


def read_options(
    given: Mapping[str, Any], *, catalogue: Catalogue, environment: Mapping[str, str] = os.environ
) -> Options:
    """Check the options of a run, by name. Raises UsageError, saying what to do instead."""
    values = {option.name: _value(option, given, environment) for option in OPTIONS}
    # First: where anything else is wrong, no earlier report is left to be taken for this run's.
    report = report_folder.claim("verify", values["report"])
    endpoint = MOCK if values["endpoint"] is None else str(values["endpoint"])
    live = None if endpoint == MOCK else _live(endpoint, values, environment)
    if live is None:
        _check_mock(given)
    elif values["contract"] == ALL:
        raise UsageError("--contract all is for the mock: a service serves one at a time; name it")
    ignored, required = _rules("ignore", values["ignore"]), _required(values["require"])
    expected: tuple[Expectation, ...] = ()
    if (contract := values["contract"]) != SERVED:
        every = ALL if live is None else None
        default = every or "auto"
        expected = expectations(catalogue, contract, values["on"], default=default, every=every)
    elif values["on"] is not None:
        raise UsageError("--on goes with --contract auto, not with --contract served")
    baseline_file = writable_file(values["write-baseline"])
    if report and baseline_file in {report / name for name in report_folder.FILES}:
        raise UsageError("--write-baseline is a file of --report: give another name")
    replay = read.read_replay(values["replay"])
    if replay is not None and (values["baseline"], values["write-baseline"]) != (None, None):
        raise UsageError("--replay shows one case by itself: leave the baseline out")
    here = live is None or is_loopback(live.url)
    cases = read.number("fuzz", values["fuzz"], default=_CASES if here else 0)
    fuzz = 0 if replay else cases
    return Options(
        endpoint=endpoint if live is None else live.url,
        live=live,
        expectations=expected,
        ignored=ignored,
        required=required - ignored,
        strict=bool(values["strict"]),
        record=read.usable_file("record", values["record"]),
        fuzz=fuzz,
        seed=read.read_seed(values["seed"], fuzz),
        replay=replay,
        samples=_samples(values["samples"]),
        examples=read.usable_folder("example-database", values["example-database"]),
        states=None if values["states"] is None else load_states(values["states"]),
        sandbox=None if live is None else _sandbox_command(live.url, environment),
        max_seconds=read.positive("max-seconds", values["max-seconds"], default=None),
        baseline=(baseline := read_baseline("baseline", values["baseline"])),
        to_update=baseline_to_update(values["write-baseline"], baseline),
        baseline_file=baseline_file,
        given=given,
        report=report,
    )


def _sandbox_command(url: str, environment: Mapping[str, str]) -> str | None:
    from retry_contract.endpoint.sandbox_client import COMMAND, states_of

    return environment.get(COMMAND) if states_of(url, environment) is not None else None


def _samples(text: str | None) -> int | None:
    samples = read.number("samples", text, default=None)
    if samples == 0:
        raise UsageError("--samples 0: give 1 or more")
    return samples


def _rules(option: str, names: Sequence[str] | None) -> frozenset[str]:
    try:
        return frozenset(rule_named(name).id for name in sorted(names or ()))
    except LookupError as error:
        raise UsageError(f"--{option} {error}") from None


def _required(names: Sequence[str] | None) -> frozenset[str]:
    named = _rules("require", [name for name in names or () if name != ALL])
    return named | (RULES.keys() if ALL in (names or ()) else set())


def _value(option: Option, given: Mapping[str, Any], environment: Mapping[str, str]) -> Any:
    value = given.get(option.name)
    if value is not None or not option.suffix:
        return value
    value = environment.get(f"RETRY_CONTRACT_{option.suffix}")
    if value is not None and option.kind == "list":
        return [item.strip() for item in value.split(",") if item.strip()]
    return value


def _check_mock(given: Mapping[str, Any]) -> None:
    names = [name for name in _LIVE_ONLY if given.get(name) is not None]
    names += ["contract served"] if given.get("contract") == SERVED else []
    if names:
        raise UsageError(f"--{names[0]} goes with --endpoint URL, not with the mock")


def _live(endpoint: str, values: Mapping[str, Any], environ: Mapping[str, str]) -> "LiveSettings":
    from retry_contract.endpoint import live  # which the mock does not need

    if not endpoint.strip():
        raise UsageError(
            "the endpoint is empty: set RETRY_CONTRACT_ENDPOINT to the base URL, "
            "or give --endpoint mock"
        )
    url = live.check_url(endpoint, allow_production=bool(values["allow-production"]))
    key = live.check_key(environ.get("POSTMAN_API_KEY", ""))
    revoked = environ.get(_REVOKED_KEY, "").strip() or None
    if revoked is not None and live.check_key(revoked, _REVOKED_KEY) == key:
        raise UsageError(f"{_REVOKED_KEY} is the key that must be accepted: give a revoked one")
    if not values["campaign"]:
        raise UsageError("no campaign: give --campaign, or set RETRY_CONTRACT_CAMPAIGN")
    here, provision, ca_file = is_loopback(url), values["provision"], values["ca-file"]
    if provision not in (None, "none", "simulator"):
        raise UsageError(f"--provision {provision}: give none or simulator")
    if provision == "simulator" and not live.may_provision(url):
        raise UsageError(
            "--provision simulator: the simulator numbers exist in the test environment only, "
            "https://test.postman.gov.sg/api/v2"
        )
    if ca_file is not None and not Path(ca_file).is_file():
        raise UsageError(f"--ca-file {ca_file}: there is no such file")
    if url.startswith("https:"):
        live.trust(ca_file)
    foreign = values["foreign-campaign"]
    if foreign is not None and foreign == values["campaign"]:
        raise UsageError(
            "--foreign-campaign is the campaign that is tested: give one of another key"
        )
    return live.LiveSettings(
        url=url,
        key=key,
        campaign=read.read_id("campaign", values["campaign"]),
        foreign_campaign=None if foreign is None else read.read_id("foreign-campaign", foreign),
        messages=tuple(read.read_id("message", message) for message in values["message"] or ()),
        simulate=provision == "simulator",
        values=read.template_values(values["values"]),
        budget=read.number("budget", values["budget"], default=None if here else _BUDGET, least=1),
        rate=read.positive("rate", values["rate"], default=None if here else _RATE),
        timeout=read.positive("timeout", values["timeout"], default=_TIMEOUT) or _TIMEOUT,
        patience=read.positive("max-seconds", values["max-seconds"], default=None),
        proxy=live.check_proxy(values["proxy"], url),
        ca_file=ca_file,
        revoked_key=revoked,
    )


def replay_command(options: Options, contract: str, case: str | None = None) -> str:
    """Return a shell command that repeats a run on one contract, or one `case` of it, as JSON.

    Nothing secret is in it: a value that fills the template is a mask. Under `sandbox --run` the
    command starts such a sandbox first, since this one will be gone.
    """
    given, live = dict(options.given), options.live
    words, hidden = ["retry-contract", "verify"], Scrubber(live.key if live else "")
    if given.get("on") is None:
        words += ["--contract", SERVED if given.get("contract") == SERVED else contract]
    if live is not None and options.sandbox is None:
        from_environment = (options.endpoint, live.campaign, live.foreign_campaign)
        given |= zip(("endpoint", "campaign", "foreign-campaign"), from_environment, strict=True)
    for option in OPTIONS:
        value = given.get(option.name)
        if value in (None, MOCK) or option.name in _NOT_REPEATED:
            continue
        if options.sandbox is not None and option.name in _OF_SANDBOX:
            continue
        if option.kind == "flag":
            words.append(f"--{option.name}")
            continue
        for item in value if option.kind == "list" else [value]:
            # The address of a proxy may hold a password.
            secret = option.name == "proxy" and "@" in item
            words += [f"--{option.name}", "URL" if secret else hidden.scrub(item)]
    if live is not None and live.values:
        words += ["--values", json.dumps(dict.fromkeys(live.values, MASK))]
    words += ["--fuzz", "0"] if case is None else ["--replay", case]
    command = shlex.join(words)
    return f"{options.sandbox} --run {shlex.quote(command)}" if options.sandbox else command
