"""Sessions of a user's own tests that use the fixtures and the marker."""

from __future__ import annotations

import itertools
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.sessions import PLUGIN, Asked, Session, side_by_side

from retry_contract.contract.catalogue import catalogue

pytestmark = pytest.mark.slow

BEFORE, AFTER = "before-2025-02-24", "after-2025-02-24"
OWN = """
    import asyncio

    import aiohttp
    import httpx
    import httpx2
    import pytest
    import requests
    from freezegun import freeze_time
    from retry_contract import identify

    before = pytest.mark.retry_contract("before")


    def call(service, message=None):
        campaign = f"{service.base_url}/campaigns/{service.campaign}"
        return {
            "url": f"{campaign}/messages/{message or service.messages['failure']}/retry",
            "headers": {"authorization": f"Bearer {service.key}"},
        }


    def keeps(service, payload):
        return identify(payload) == (service.contract,)


    @pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
    def test_mock(retry_mock, library):
        assert keeps(retry_mock, library.post(**call(retry_mock)).raise_for_status().json())


    @pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
    def test_mock_async(retry_mock, library):
        async def retry():
            async with library.AsyncClient() as client:
                return (await client.post(**call(retry_mock))).json()

        assert keeps(retry_mock, asyncio.run(retry()))


    def test_requests(retry_sandbox):
        assert keeps(retry_sandbox, requests.post(**call(retry_sandbox), timeout=5).json())


    def test_aiohttp(retry_sandbox):
        async def retry():
            async with aiohttp.ClientSession() as session:
                async with session.post(**call(retry_sandbox)) as response:
                    return await response.json()

        assert keeps(retry_sandbox, asyncio.run(retry()))


    @freeze_time("2061-07-28")
    def test_frozen(retry_sandbox):
        assert keeps(retry_sandbox, requests.post(**call(retry_sandbox), timeout=5).json())


    @before
    def test_cutover(retry_sandbox):
        assert "creatorId" not in requests.post(**call(retry_sandbox), timeout=5).json()
        retry_sandbox.pass_cutover()
        message = retry_sandbox.new_message()
        assert "creatorId" in requests.post(**call(retry_sandbox, message), timeout=5).json()


    @pytest.mark.retry_contract("after-2025-02-24", "after")
    def test_fault(retry_mock):
        retry_mock.switch_faults("creator-id-missing")
        assert "creatorId" not in httpx.post(**call(retry_mock)).json()
        assert [received.status for received in retry_mock.requests] == [201]


    @pytest.mark.retry_contract("after")
    class TestMarked:
        def test_of_the_class(self, retry_mock):
            assert retry_mock.contract == "after-2025-02-24"

        @before
        def test_of_its_own(self, retry_mock):
            assert retry_mock.contract == "before-2025-02-24"


    def test_outside(retry_mock):
        for library in (httpx, httpx2):
            with pytest.raises(AssertionError):
                library.get("http://127.0.0.1:9/")


    def test_payload(retry_payload):
        assert len(identify(retry_payload)) == 1
        retry_payload.clear()


    @pytest.mark.retry_contract("after", rare=True)
    def test_rare_payload(retry_payload):
        assert identify(retry_payload) == ("after-2025-02-24",)


    @before
    def test_payload_and_service(retry_payload, retry_mock):
        assert keeps(retry_mock, retry_payload)


    def test_of_something_else():
        assert True
"""
HTTPX2 = """
    import sys

    import pytest

    pytestmark = pytest.mark.retry_contract("after")
    ELSEWHERE = "https://elsewhere.invalid/"


    def both(service, httpx2_mock):
        import httpx2

        httpx2_mock.get(ELSEWHERE).respond(418)
        with httpx2.Client(headers={"authorization": f"Bearer {service.key}"}) as client:
            campaign = f"{service.base_url}/campaigns/{service.campaign}"
            message = service.messages["failure"]
            retried = client.post(f"{campaign}/messages/{message}/retry")
            with pytest.raises(AssertionError, match="not mocked|is outside"):
                client.get(ELSEWHERE + "more")
            return retried.status_code, client.get(ELSEWHERE).status_code


    def test_session_without_the_mock_does_not_import_it():
        assert not {"httpx2", "httpcore2"} & set(sys.modules)


    def test_import_after_the_fixture(retry_mock):
        import httpx2

        assert httpx2.get(retry_mock.base_url + "/").status_code == 404


    def test_after_the_users_mock(httpx2_mock, retry_mock):
        assert both(retry_mock, httpx2_mock) == (201, 418)


    def test_before_the_users_mock(retry_mock, httpx2_mock):
        assert both(retry_mock, httpx2_mock) == (201, 418)


    def test_users_mock_alone(httpx2_mock):
        import httpx2

        httpx2_mock.get(ELSEWHERE).respond(418)
        assert httpx2.get(ELSEWHERE).status_code == 418


    def test_left_as_it_was():
        import httpx2

        with pytest.raises(httpx2.ConnectError):
            httpx2.get("http://127.0.0.1:1/", trust_env=False)
"""
ODD = """
    import unittest

    import pytest


    class TestOfUnittest(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def _service(self, retry_mock):
            self.contract = retry_mock.contract

        @pytest.mark.retry_contract("before")
        def test_marked(self):
            assert self.contract == "before-2025-02-24"

        def test_unmarked(self):
            pass

        @pytest.mark.retry_contract("later")
        def test_unknown(self):
            pass


    @pytest.mark.retry_contract("after")
    def test_payload_by_name(request):
        request.getfixturevalue("retry_payload")


    @pytest.mark.retry_contract("after")
    def test_service_by_name(request):
        assert request.getfixturevalue("retry_sandbox").contract == "after-2025-02-24"
"""
UNKNOWN = """
    import pytest


    @pytest.mark.retry_contract("after", "later")
    def test_retry(retry_mock):
        pass


    @pytest.mark.retry_contract()
    def test_payload(retry_payload):
        pass


    def test_of_something_else():
        assert True
"""
WITHOUT_EXTRA = """
    import sys

    sys.modules["httptools"] = None
"""
EACH = ("test_requests", "test_aiohttp", "test_frozen", "test_outside")
EACH_LIBRARY = ("test_mock", "test_mock_async")
ONCE = {
    "test_cutover": BEFORE,
    "test_fault": AFTER,
    "test_of_the_class": AFTER,
    "test_of_its_own": BEFORE,
}


def _asked(folder: Path) -> dict[str, Asked]:
    for name, text in {"own": OWN, "httpx2": HTTPX2, "odd": ODD, "unknown": UNKNOWN}.items():
        path = folder / name / f"test_{name}.py"
        path.parent.mkdir()
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    strict = (*PLUGIN, "--strict-markers", "-W", "error")
    empty = {"RETRY_CONTRACT_ENDPOINT": ""}
    return {
        "own": Asked(strict, cwd=folder / "own", variables=empty),
        "own, two workers": Asked((*strict, "-n", "2"), cwd=folder / "own"),
        "httpx2": Asked((*strict, "-p", "pytest_httpx2"), cwd=folder / "httpx2"),
        "odd": Asked(strict, cwd=folder / "odd"),
        "unknown": Asked(strict, cwd=folder / "unknown"),
        "unknown, two workers": Asked((*strict, "-n", "2"), cwd=folder / "unknown"),
        "no extra": Asked(
            (*strict, "-k", "test_requests or test_mock"),
            plugin=WITHOUT_EXTRA,
            cwd=folder / "own",
        ),
        "listed": Asked((*PLUGIN, "--markers"), cwd=folder / "own"),
    }


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Session]]:
    """The sessions that the tests look at, by name."""
    asked = _asked(tmp_path_factory.mktemp("own"))
    with side_by_side(asked, lambda: tmp_path_factory.mktemp("session")) as found:
        yield found


def _expected() -> set[str]:
    examples = {
        c.name: [p.stem for p in c.examples("valid").values()] for c in catalogue().values()
    }
    shown = [Path(file).stem for file in catalogue()["after"].pages()]
    return {
        "test_of_something_else",
        *(f"{test}[{contract}]" for test in EACH for contract in (BEFORE, AFTER)),
        *(
            f"{test}[{contract}-{library}]"
            for test, contract, library in itertools.product(
                EACH_LIBRARY, (BEFORE, AFTER), ("httpx", "httpx2")
            )
        ),
        *(f"{test}[{contract}]" for test, contract in ONCE.items()),
        *(f"test_payload[{c}-{name}]" for c in examples for name in shown),
        *(f"test_payload_and_service[{BEFORE}-{name}]" for name in shown),
        *(f"test_rare_payload[{AFTER}-{name}]" for name in examples[AFTER]),
    }


@pytest.mark.parametrize("name", ["own", "own, two workers"])
def test_own_tests_run_once_for_each_contract_or_example(
    session: Callable[[str], Session], name: str
) -> None:
    done = session(name)
    assert done.exit_code == 0, done.output
    assert done.verdicts == dict.fromkeys(_expected(), "passed")
    assert "test_payload[after-2025-02-24-the-page]" in done.verdicts
    assert " retry-contract ===" not in done.output


def test_httpx2_is_answered_next_to_a_mock_of_the_users(
    session: Callable[[str], Session],
) -> None:
    done = session("httpx2")
    assert done.exit_code == 0, done.output
    assert done.counts == {"passed": HTTPX2.count("def test_")}


@pytest.mark.parametrize("name", ["unknown", "unknown, two workers"])
def test_unknown_contract_is_a_usage_error_of_one_line(
    session: Callable[[str], Session], name: str
) -> None:
    done = session(name)
    assert done.exit_code == 4, done.output
    assert done.verdicts == {}
    assert done.errors.strip() == (
        "ERROR: retry-contract: test_unknown.py::test_retry: the marker retry_contract: "
        "later: no such contract; did you mean after?"
    )


def test_sandbox_without_its_extra_fails_in_one_line(session: Callable[[str], Session]) -> None:
    done = session("no extra")
    assert done.named("error") == {f"test_requests[{name}]" for name in (BEFORE, AFTER)}
    assert len(done.named("passed")) == 8
    line = (
        "retry_sandbox: the sandbox needs httptools: "
        "install retry-contract with its extra `sandbox`"
    )
    assert re.search(rf"^_+ ERROR at setup of .*\n{line}\n_+ ERROR", done.output, re.MULTILINE)
    assert "Traceback" not in done.output


def test_test_that_cannot_run_twice_names_its_contract(session: Callable[[str], Session]) -> None:
    done = session("odd")
    assert done.named("passed") == {"test_marked", "test_service_by_name"}
    for said in (
        "test_unmarked: this test cannot be run once for each contract: name one, write @pytest.m",
        "test_unknown: the marker retry_contract: later: no such contract; did you mean after?",
        "this test cannot be run once for each example, as no method of a TestCase can: let a fun",
    ):
        assert said in done.output
    assert "During handling" not in done.output


def test_marker_is_listed(session: Callable[[str], Session]) -> None:
    assert (
        "@pytest.mark.retry_contract(name, ..., fail_after=seconds, rare=True): the"
        in session("listed").output
    )
