"""The options of a run against a service: what it takes, and what is said before any request."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.outcome import UsageError
from retry_contract.verification.options import Options, read_options, replay_command

CONTRACTS = catalogue()
TEST = "https://test.postman.gov.sg/api/v2"
HERE = "http://127.0.0.1:8080/api/v2"
KEY = "key_test_0123456789abcdef"
NAMED: dict[str, Any] = {"endpoint": TEST, "campaign": "campaign_1"}


def _read(environment: dict[str, str] | None = None, **given: Any) -> Options:
    given = {name.replace("_", "-"): value for name, value in given.items()}
    environment = {"POSTMAN_API_KEY": KEY} if environment is None else environment
    return read_options(given, catalogue=CONTRACTS, environment=environment)


def _live(environment: dict[str, str] | None = None, **given: Any) -> Any:
    return _read(environment, **{**NAMED, **given}).live


def test_service_is_tested_with_care_unless_asked_otherwise() -> None:
    options = _read(**NAMED)
    assert options.endpoint == TEST
    assert [e.contract.name for e in options.expectations] == ["after-2025-02-24"]
    assert (options.fuzz, options.seed, options.replay) == (0, None, None)
    live = options.live
    assert live is not None
    assert (live.budget, live.rate, live.timeout) == (200, 2.0, 10.0)
    assert (live.simulate, live.messages, live.values) == (False, (), None)


def test_service_on_this_machine_costs_nothing() -> None:
    options = _read(**{**NAMED, "endpoint": HERE + "/"})
    assert options.endpoint == HERE
    assert (options.fuzz, options.seed is None) == (50, False)
    live = options.live
    assert live is not None
    assert (live.budget, live.rate) == (None, None)


def test_every_option_of_a_service_is_read(tmp_path: Path) -> None:
    live = _live(
        foreign_campaign="campaign_2",
        message=["message_1", "message_2"],
        provision="simulator",
        values='{"name": "Test"}',
        budget="7",
        rate="0.5",
        timeout="2.5",
        proxy="http://proxy.example:8080",
    )
    assert (live.campaign, live.foreign_campaign) == ("campaign_1", "campaign_2")
    assert live.messages == ("message_1", "message_2")
    assert (live.simulate, live.values) == (True, {"name": "Test"})
    assert (live.budget, live.rate, live.timeout) == (7, 0.5, 2.5)
    assert live.proxy == "http://proxy.example:8080"


def test_key_and_values_are_in_no_repr() -> None:
    shown = repr(_read(**NAMED, values='{"name": "Tan Ah Kow"}'))
    assert KEY not in shown
    assert "Tan Ah Kow" not in shown


def test_environment_names_the_campaign_and_the_messages() -> None:
    environment = {
        "POSTMAN_API_KEY": f" {KEY}\n",
        "RETRY_CONTRACT_ENDPOINT": TEST,
        "RETRY_CONTRACT_CAMPAIGN": "campaign_1",
        "RETRY_CONTRACT_MESSAGES": " message_1, ,message_2 ",
    }
    live = _read(environment).live
    assert live is not None
    assert (live.key, live.campaign) == (KEY, "campaign_1")
    assert live.messages == ("message_1", "message_2")
    other = _read(environment, campaign="campaign_2", message=["message_3"]).live
    assert other is not None
    assert (other.campaign, other.messages) == ("campaign_2", ("message_3",))


def test_contract_that_is_served_is_for_the_run_to_find_out() -> None:
    assert _read(**NAMED, contract="served").expectations == ()


def test_one_case_that_is_replayed_is_all_that_is_generated() -> None:
    options = _read(**{**NAMED, "endpoint": HERE}, replay='{"sequence": []}', fuzz="9")
    assert (options.replay, options.fuzz, options.seed) == ({"sequence": []}, 0, None)


def test_command_that_repeats_a_run_holds_no_secret_and_each_option_as_it_was_given() -> None:
    values = {"name": "Tan Ah Kow", "date": "2025-02-24", "word": "contract"}
    given = {**NAMED, "message": ["message_1", KEY], "values": json.dumps(values)}
    options = _read(**given, on="2025-02-24", ignore=["key-required"])
    command = replay_command(options, "after-2025-02-24", '{"request": "2025-02-24"}')
    assert shlex.split(command) == [
        *("retry-contract", "verify", "--endpoint", TEST, "--on", "2025-02-24"),
        *("--campaign", "campaign_1", "--message", "message_1", "--message", "[masked]"),
        *("--ignore", "key-required"),
        *("--values", json.dumps(dict.fromkeys(values, "[masked]"))),
        *("--replay", '{"request": "2025-02-24"}'),
    ]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"contract": "all"}, "--contract all is for the mock: a service serves one at a time"),
        (
            {"contract": "served", "on": "2025-02-24"},
            "--on goes with --contract auto, not with --contract served",
        ),
        ({"campaign": None}, "no campaign: give --campaign, or set RETRY_CONTRACT_CAMPAIGN"),
        ({"campaign": ""}, "no campaign: give --campaign, or set RETRY_CONTRACT_CAMPAIGN"),
        ({"campaign": "a/b"}, "--campaign a/b: is no id; copy it from a response"),
        ({"foreign_campaign": ".."}, "--foreign-campaign ..: is no id"),
        ({"message": ["message_1", "a?b"]}, "--message a?b: is no id"),
        ({"provision": "yes"}, "--provision yes: give none or simulator"),
        (
            {"provision": "simulator", "endpoint": "https://api.example/api/v2"},
            "--provision simulator: the simulator numbers exist in the test environment only",
        ),
        ({"rate": "0"}, "--rate 0: give a number above 0"),
        ({"timeout": "0"}, "--timeout 0: give a number above 0"),
        ({"budget": "-1"}, "--budget -1: give a whole number from 1 to 999999999"),
        ({"budget": "0"}, "--budget 0: give a whole number from 1 to 999999999"),
        ({"ca_file": "/no/such.pem"}, "--ca-file /no/such.pem: there is no such file"),
        ({"proxy": "proxy:x"}, "--proxy: give the URL of an HTTP proxy"),
        (
            {"endpoint": HERE, "proxy": "http://proxy.example:1"},
            "--proxy: the endpoint is on this machine",
        ),
        ({"endpoint": "https://postman.gov.sg/api/v2"}, "this is production, and its owner"),
    ],
)
def test_options_of_a_service_that_cannot_be_used_say_what_to_do(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as refused:
        _live(**given)
    assert message in str(refused.value)
    assert KEY not in str(refused.value)


def test_file_without_a_certificate_is_refused_before_any_request(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("no certificate", encoding="utf-8")
    with pytest.raises(UsageError, match=r"--ca-file .*ca\.pem: no CA certificates in PEM"):
        _live(ca_file=str(file))
    assert _live(endpoint=HERE, ca_file=str(file)).ca_file == str(file)


def test_production_is_tested_only_where_it_is_asked_for() -> None:
    production = "https://postman.gov.sg/api/v2"
    assert _live(endpoint=production, allow_production=True).url == production


@pytest.mark.parametrize(
    "name",
    [
        *("campaign", "message", "foreign-campaign", "provision", "values", "budget", "rate"),
        *("timeout", "proxy", "ca-file", "allow-production"),
    ],
)
def test_option_of_a_service_is_not_taken_by_the_mock(name: str) -> None:
    with pytest.raises(UsageError, match=f"^--{name} goes with --endpoint URL, not with the mock$"):
        _read(None, **{name: True})


def test_served_contract_is_not_for_the_mock() -> None:
    with pytest.raises(UsageError, match="--contract served goes with --endpoint URL"):
        _read(contract="served")


def test_environment_of_a_service_does_not_keep_the_mock_from_running() -> None:
    environment = {"RETRY_CONTRACT_CAMPAIGN": "campaign_1", "RETRY_CONTRACT_MESSAGES": "a,b"}
    assert _read(environment).live is None
