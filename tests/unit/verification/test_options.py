"""The options of a run: what is expected, and what is said of options that cannot be used."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from retry_contract.contract.catalogue import catalogue
from retry_contract.contract.expectation import Expectation, expectations
from retry_contract.outcome import UsageError
from retry_contract.verification.option_table import OPTIONS
from retry_contract.verification.options import Options, read_options

CONTRACTS = catalogue()
NAMES = ["before-2025-02-24", "after-2025-02-24"]
KNOWN_RULES = frozenset({"message-id-kept", "key-required"})


def _read(environment: dict[str, str] | None = None, **given: Any) -> Options:
    return read_options(given, catalogue=CONTRACTS, environment=environment or {})


def _expected(contract: str | None = None, on: str | None = None) -> list[str]:
    found = expectations(CONTRACTS, contract, on, default="all", every="all")
    return [expectation.contract.name for expectation in found]


def test_nothing_given_is_the_mock_and_every_contract() -> None:
    options = _read()
    assert options.endpoint == "mock"
    assert [e.contract.name for e in options.expectations] == NAMES
    assert (options.ignored, options.strict, options.report) == (frozenset(), False, None)


def test_given_options_are_read(tmp_path: Path) -> None:
    options = _read(
        endpoint="mock",
        contract="after",
        ignore=["key-required", "message-id-kept", "key-required"],
        strict=True,
        report=str(tmp_path / "deep" / "report"),
    )
    assert options.ignored == {"key-required", "message-id-kept"}
    assert options.strict
    assert options.report == tmp_path / "deep" / "report"
    assert options.report.is_dir()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"endpoint": ""}, "the endpoint is empty: set RETRY_CONTRACT_ENDPOINT to the base URL"),
        ({"endpoint": " \t"}, "the endpoint is empty: set RETRY_CONTRACT_ENDPOINT to the base URL"),
        ({"endpoint": "MOCK"}, "--endpoint MOCK: give mock, or a base URL"),
        ({"endpoint": "https://test.postman.gov.sg/api/v2"}, "no API key: put it into the env"),
        ({"ignore": ["no-such-rule"]}, "--ignore no-such-rule: no such rule; see: retry-contract"),
        ({"ignore": ["key-required", ""]}, "--ignore : no such rule"),
        ({"contract": "new"}, "--contract new: no such contract; use one of before, after, auto"),
        ({"contract": "BEFORE"}, r"--contract BEFORE: no such contract; did you mean before\?"),
        ({"contract": "served-"}, r"--contract served-: no such contract; use one of before"),
        ({"ignore": ["message_id_kpt"]}, r"no such rule; did you mean message-id-kept\?"),
        ({"contract": ""}, r"--contract \(empty\): no such contract"),
        ({"contract": "any"}, "--contract any: no such contract"),
        ({"contract": "before", "on": "2025-02-24"}, "--on goes with --contract auto, not with"),
        ({"contract": "all", "on": "2025-02-24"}, "--on goes with --contract auto, not with"),
        ({"contract": "later", "on": "2025-02-24"}, "--on goes with --contract auto, not with"),
        ({"on": "2025-02-30"}, "--on: '2025-02-30' is not a possible date"),
        ({"on": "2025-02-24T00:00:00"}, "--on: .* has no offset; write .*\\+08:00"),
        ({"on": "tomorrow"}, "--on: 'tomorrow' is neither a date nor an instant"),
        ({"on": ""}, "--on: '' is neither a date nor an instant"),
        ({"report": ""}, "--report: the folder's name is empty"),
        ({"report": " "}, "--report: the folder's name is empty"),
    ],
)
def test_options_that_cannot_be_used_say_what_to_do(
    given: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message) as raised:
        _read(**given)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("place", ["file", "file/under"])
def test_report_folder_that_cannot_be_made(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(
        UsageError, match=r"--report .*: (is a file; give a folder|Not a directory)"
    ):
        _read(report=str(tmp_path / place))


def test_report_folder_may_be_there_already(tmp_path: Path) -> None:
    assert _read(report=str(tmp_path)).report == tmp_path


def test_endpoint_is_read_from_the_environment_unless_given() -> None:
    environment = {"RETRY_CONTRACT_ENDPOINT": ""}
    with pytest.raises(UsageError, match="set RETRY_CONTRACT_ENDPOINT"):
        _read(environment)
    assert _read(environment, endpoint="mock").endpoint == "mock"
    assert _read({"RETRY_CONTRACT_ENDPOINT": "mock"}).endpoint == "mock"


def test_environment_of_the_process_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETRY_CONTRACT_ENDPOINT", "")
    with pytest.raises(UsageError, match="the endpoint is empty"):
        read_options({}, catalogue=CONTRACTS)


@pytest.mark.parametrize(
    ("contract", "names"),
    [
        (None, NAMES),
        ("all", NAMES),
        ("before", NAMES[:1]),
        ("after", NAMES[1:]),
        ("before-2025-02-24", NAMES[:1]),
        ("after-2025-02-24", NAMES[1:]),
    ],
)
def test_contract_by_name_or_alias(contract: str | None, names: list[str]) -> None:
    assert _expected(contract) == names


@pytest.mark.parametrize("contract", [None, "auto"])
@pytest.mark.parametrize(
    ("instant", "name"),
    [
        ("2025-02-23T23:59:59+08:00", NAMES[0]),
        ("2025-02-24T00:00:00+08:00", NAMES[1]),
        ("2025-02-23T15:59:59Z", NAMES[0]),
        ("2025-02-23T16:00:00Z", NAMES[1]),
        ("2025-02-23T15:59:59.999999Z", NAMES[0]),
        ("2025-02-23", NAMES[0]),
        ("2025-02-24", NAMES[1]),
    ],
)
def test_instant_alone_means_the_contract_in_force(
    contract: str | None, instant: str, name: str
) -> None:
    assert _expected(contract, instant) == [name]


def test_instants_of_both_offsets_expect_the_same() -> None:
    def found(on: str) -> Expectation:
        (expectation,) = expectations(CONTRACTS, None, on, default="all")
        return expectation

    assert found("2025-02-23T23:59:59+08:00") == found("2025-02-23T15:59:59Z")
    assert found("2025-02-24") == found("2025-02-23T16:00:00Z")
    assert found("2025-02-24").instant == datetime(2025, 2, 23, 16, tzinfo=UTC)
    assert found("2025-02-24").tolerated == (CONTRACTS["before"],)


def test_auto_without_an_instant_is_now() -> None:
    earliest = datetime.now(UTC)
    (expectation,) = expectations(CONTRACTS, "auto", None, default="all")
    assert expectation.instant is not None
    assert earliest <= expectation.instant <= datetime.now(UTC)
    assert expectation.contract is CONTRACTS["after"]


def test_default_of_another_command_is_taken_and_named() -> None:
    assert len(expectations(CONTRACTS, "any", None, default="auto", every="any")) == 2
    assert len(expectations(CONTRACTS, None, "2025-02-24", default="auto", every="any")) == 1
    assert len(expectations(CONTRACTS, None, None, default="auto", every="any")) == 1
    with pytest.raises(UsageError, match="use one of before, after, auto, any"):
        expectations(CONTRACTS, "all", None, default="auto", every="any")
    with pytest.raises(UsageError, match="use one of before, after, auto, served"):
        expectations(CONTRACTS, "all", None, default="auto")


def test_option_names_for_pytest() -> None:
    assert [option.pytest_name for option in OPTIONS][:3] == [
        "--contract-endpoint",
        "--contract-version",
        "--contract-on",
    ]
    assert len({option.destination for option in OPTIONS}) == len(OPTIONS)
