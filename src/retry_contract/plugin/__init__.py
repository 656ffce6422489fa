"""The pytest plugin: options, the scenarios of the contract tests, and fixtures for other tests.

Fixtures and hooks import what they need themselves, since pytest loads this in every session.
"""

import pickle
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

import retry_contract.endpoint.clock  # noqa: F401  # before a test stops time

if TYPE_CHECKING:
    from retry_contract.plugin.cases import Case
    from retry_contract.plugin.scenarios import Scenario
    from retry_contract.plugin.services import RetryService

_RUN, _CASE, _PAYLOAD = "_contract_run", "_retry_case", "retry_payload"
_USAGE_ERROR = pytest.StashKey[pytest.UsageError]()
_FROM_WORKER = "retry_contract_usage_error"
_PREFIX = "--contract-"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the options of `verify`, with `--contract-` before their names."""
    from retry_contract.verification.option_table import OPTIONS

    group = parser.getgroup("retry-contract", "contract tests of the retry endpoint")
    for option in OPTIONS:
        group.addoption(option.pytest_name, **option.keywords)
    config = pluginmanager.get_plugin("pytestconfig")
    meant = _meant_options(config.invocation_params.args if config else ())
    if meant:
        parser.extra_info["did you mean"] = " and ".join(meant)  # shown if pytest refuses the words


def _meant_options(words: Iterable[str]) -> list[str]:
    """Return the options that were probably meant by words that begin as options of this do."""
    from retry_contract.verification.option_table import OPTIONS

    known = {option.pytest_name.removeprefix(_PREFIX) for option in OPTIONS}
    given = [word.removeprefix(_PREFIX) for word in map(str, words) if word.startswith(_PREFIX)]
    mistyped = [name for word in given if (name := word.partition("=")[0]) not in known]
    if not mistyped:
        return []
    from retry_contract.choices import closest_name

    meant = dict.fromkeys(closest_name(name, known) for name in mistyped)
    return [_PREFIX + name for name in meant if name]


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare `pytest_retry_contract_state`."""
    from retry_contract.plugin import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and check the options if any was given."""
    config.addinivalue_line(
        "markers",
        "retry_contract(name, ..., fail_after=seconds, rare=True): the contracts, before or after, "
        "that retry_mock, retry_sandbox and retry_payload take, without a name each in turn; when "
        "a message to a simulator number fails; and whether retry_payload has rare forms",
    )
    from retry_contract.verification.option_table import OPTIONS

    if any(getattr(config.option, option.destination, None) is not None for option in OPTIONS):
        from retry_contract.plugin.session import session_of

        session_of(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once for each contract, or each example, that it takes."""
    try:
        if _RUN in metafunc.fixturenames:
            from retry_contract.plugin.cases import named_contracts
            from retry_contract.plugin.session import session_of

            runs = session_of(metafunc.config).verification.names
            chosen = named_contracts(metafunc.definition) or runs
            runs = [run for run in runs if run in chosen]
            metafunc.parametrize(_RUN, runs, ids=runs)
        if _CASE in metafunc.fixturenames:
            from retry_contract.plugin.cases import cases_of

            cases = cases_of(metafunc.definition, payloads=_PAYLOAD in metafunc.fixturenames)
            metafunc.parametrize(_CASE, cases, ids=str, indirect=True)
    except pytest.UsageError as error:
        # Raised after collection: here it would be one collection error a file.
        metafunc.config.stash.setdefault(_USAGE_ERROR, error)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """End the session as a usage error if its tests cannot be run as asked."""
    for item in items:  # `-k message-id-kept` selects as `-k message_id_kept` does
        if _RUN in getattr(item, "fixturenames", ()):
            item.extra_keyword_matches.add(item.name.partition("[")[0].replace("_", "-"))
    error = config.stash.get(_USAGE_ERROR, None)
    if error is None:
        return
    if not hasattr(config, "workeroutput"):
        raise error
    # xdist loses a usage error of a worker, so the controller raises it.
    config.workeroutput[_FROM_WORKER] = str(error)
    items.clear()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add the findings of one of xdist's workers, or raise its usage error."""
    from retry_contract.plugin.session import FINDINGS, session_of

    output = getattr(node, "workeroutput", {})
    if _FROM_WORKER in output:
        raise pytest.UsageError(output[_FROM_WORKER])
    if FINDINGS in output:
        session_of(node.config).findings.add(pickle.loads(output[FINDINGS]))


def _scenario_fixture(name: str, about: str) -> Any:
    def scenario(request: pytest.FixtureRequest, _contract_run: str) -> "Scenario":
        from retry_contract.plugin.scenarios import Scenario
        from retry_contract.plugin.session import session_of

        return Scenario(session_of(request.config), _contract_run, name)

    scenario.__doc__ = about
    return pytest.fixture(name=name)(scenario)


SCENARIOS = {
    "accepted_retry": "Retries that are accepted: alone, in a batch of each permitted status, and "
    "of messages that were created before the cutover, by another user, or with odd values.",
    "unknown_message": "Retries of a message that does not exist, or not in this campaign.",
    "unfailed_message": "Retries of a message in each status that is not failure.",
    "second_retry": "The retry of a message that has just been retried.",
    "concurrent_retries": "Retries of one message, several at once.",
    "spent_attempts": "Retries of one message, up to the documented number of attempts.",
    "missing_key": "A retry without a key.",
    "wrong_key": "Retries with a wrong key, and with one that is not sent as Bearer.",
    "revoked_key": "A retry with a key that was revoked.",
    "malformed_id": "Retries of ids that no message can have.",
    "foreign_campaign": "A retry in a campaign that the key is not for.",
    "refused_retry": "Every retry that must be refused.",
    "batch_retry": "Retries in a batch of each status.",
    "wrong_method": "Other methods than POST at the path of the retry.",
    "every_response": "Every request of the run, once all scenarios were observed.",
    "cutover": "Retries that are accepted, before a cutover and at its instant.",
    "whole_run": "Every request of the run, those of generated cases too.",
    "generated_requests": "Generated requests for a retry.",
    "generated_sequences": "Generated sequences of sends, failures, retries and retrievals.",
}
"""The fixtures that observe a scenario, by name, with what each observes."""

globals().update({f"_{name}": _scenario_fixture(name, about) for name, about in SCENARIOS.items()})


@pytest.fixture
def _retry_case(request: pytest.FixtureRequest) -> "Case":
    from retry_contract.plugin.cases import case_of

    return case_of(request)


@pytest.fixture
def retry_mock(_retry_case: "Case") -> "Iterator[RetryService]":
    """The documented service behind respx, for code that uses httpx or httpx2.

    While the test runs, a request of either to anything else fails, and reaches no network.
    """
    from retry_contract.plugin.services import mock

    with mock(_retry_case.contract, _retry_case.fail_after) as service:
        yield service


@pytest.fixture
def retry_sandbox(_retry_case: "Case") -> "Iterator[RetryService]":
    """The documented service over real HTTP on loopback, for any client: the extra `sandbox`."""
    from retry_contract.plugin.services import sandbox

    with sandbox(_retry_case.contract, _retry_case.fail_after) as service:
        yield service


@pytest.fixture
def retry_payload(_retry_case: "Case") -> dict[str, Any]:
    """The payload of an accepted retry; the test runs once for each example of the contract.

    The examples are those whose form a public page shows; with the marker's `rare`, all valid ones.
    """
    from retry_contract.plugin.cases import payload_of

    return payload_of(_retry_case)
